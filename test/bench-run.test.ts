/** A whole benchmark on very little data: that everything in it fits together, not how fast anything is. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Results } from '../bench/results.js';
import { hasProgram } from './servers/programs.js';

const project = path.resolve(import.meta.dirname, '..');
const PROGRAMS = ['bash', 'tar', 'zstd', 'sha256sum', 'find', 'xargs', 'sort', 'sync', 'diff'];
const isReady = existsSync(path.join(project, 'dist/bin.js')) && PROGRAMS.every(hasProgram);

const TOOLS = ['tar | zstd', 'same work by hand', 'shell loop', 'node -e 0'];
const DATA = ['tiny', 'partitions', 'none'];
const WORKS = ['pack', 'pack-partitions', 'verify', 'unpack', 'help'];

describe.skipIf(!isReady)('a small benchmark (needs npm run build and GNU tools)', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'lakepack-bench-test-'));
  let report = '';
  let text = '';
  let results: Results;

  beforeAll(() => {
    const choices = [
      ...TOOLS.flatMap((name) => ['--tool', name]),
      ...DATA.flatMap((name) => ['--data', name]),
      ...WORKS.flatMap((name) => ['--work', name]),
    ];
    const places = ['--scratch', folder, '--results', path.join(folder, 'results')];
    const words = ['--scale', '0.001', '--rounds', '1', '--local', ...places, ...choices];
    report = execFileSync(process.execPath, ['--import', 'tsx', 'bench/run.ts', ...words], {
      cwd: project,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [file = ''] = readdirSync(path.join(folder, 'results'));
    text = readFileSync(path.join(folder, 'results', file), 'utf8');
    results = JSON.parse(text) as Results;
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('measures every tool in every work that it can do', () => {
    const matches = results.series.map(({ dataSet, work, contender }) => `${work} ${dataSet}: ${contender}`);
    expect(matches.toSorted()).toEqual(
      [
        ...['pack tiny: lakepack', 'pack tiny: tar | zstd', 'pack tiny: same work by hand'],
        ...['verify tiny: lakepack', 'verify tiny: same work by hand'],
        ...['unpack tiny: lakepack', 'unpack tiny: tar | zstd', 'unpack tiny: same work by hand'],
        ...['pack-partitions partitions: lakepack', 'pack-partitions partitions: shell loop'],
        ...['help none: lakepack', 'help none: node -e 0'],
      ].toSorted(),
    );
    for (const { samples } of results.series) {
      expect(samples).toHaveLength(1);
      expect(samples[0]!.wallSeconds).toBeGreaterThan(0);
    }
  });

  test('weighs what was packed', () => {
    const packed = results.series.filter(({ work }) => work.startsWith('pack'));
    for (const { samples } of packed) expect(samples[0]!.storedBytes).toBeGreaterThan(0);
  });

  test('judges the bounds and says that they do not count', () => {
    expect(report).toContain('### Bounds');
    expect(report).toContain('no verdict here counts');
  });

  test('leaves nothing in the scratch folder, and no path of the machine in the results', () => {
    expect(readdirSync(folder)).toEqual(['results']);
    expect(text).not.toContain(folder);
    expect(text).not.toContain(project);
  });
});
