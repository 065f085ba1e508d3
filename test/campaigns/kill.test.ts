/** Short forms of scripts/campaigns/kill-pack.ts and kill-unpack.ts: the real program, killed at seeded moments. */
import { beforeAll, describe, expect, test } from 'vitest';
import { killPack, type KillOptions } from '../../scripts/campaigns/kill-pack.js';
import { killUnpack } from '../../scripts/campaigns/kill-unpack.js';
import { smallLake } from './small-lake.js';

// Windows has no process groups and no signals to send to them.
describe.skipIf(process.platform === 'win32')('killed at any moment', () => {
  let options: Omit<KillOptions, 'rounds' | 'signal'>;
  beforeAll(() => void (options = { seed: 20251011, scale: 1, lake: smallLake() }));

  test('a pack shows no half export, and the same command finishes', async () => {
    expect(await killPack({ ...options, rounds: 3, signal: 'SIGKILL' })).toMatchObject({ rounds: 3, faults: [] });
  });

  test('an unpack shows no half restore, and the same command finishes', async () => {
    expect(await killUnpack({ ...options, rounds: 3, signal: 'SIGKILL' })).toMatchObject({ rounds: 3, faults: [] });
  });

  test('by Ctrl-C, everything is clean, and the same command finishes', async () => {
    expect(await killPack({ ...options, rounds: 1, signal: 'SIGINT' })).toMatchObject({ faults: [] });
    expect(await killUnpack({ ...options, rounds: 1, signal: 'SIGINT' })).toMatchObject({ faults: [] });
  });
});
