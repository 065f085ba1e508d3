import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.js';

/**
 * Test files that need a process of their own, because the process is what they look at: what is loaded in it, how
 * much memory it takes, modules that are exchanged for others. All others run one after another in a few processes:
 * to load the sources anew for each file takes as long as a fifth of all tests.
 */
const ALONE = [
  'test/campaigns/*.test.ts',
  'test/archive/files-index.test.ts',
  'test/base/line-spool*.test.ts',
  'test/codec/zstd.test.ts',
  'test/hostile/foreign-limits.test.ts',
  'test/lake/inspect/parquet.test.ts',
  'test/operations/unpacking/space.test.ts',
  'test/remote/file.test.ts',
  'test/schema/validator.test.ts',
  'test/servers/secrets.test.ts',
];

/** What both groups have in common. The options of the run itself are vitest's own, and stand once below. */
const shared = {
  setupFiles: 'test/setup.ts',
  testTimeout: 30_000,
  hookTimeout: 60_000,
  pool: 'forks' as const,
};

export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    // The default leaves a core for the watcher that nobody runs; most of a test's time is spent waiting for a child or a disk.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    reporters: ['default'],
    projects: [
      { test: { ...shared, name: 'alone', include: ALONE } },
      { test: { ...shared, name: 'together', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false } },
    ],
  },
});
