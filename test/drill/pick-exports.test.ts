/** Which exports a drill takes, from a listing alone. */
import { expect, test } from 'vitest';
import type { ExportRef } from '../../src/archive/layout.js';
import { manifestKey, parseManifestKey } from '../../src/archive/layout.js';
import { fitBytes, pickExports, pickText } from '../../src/drill/pick-exports.js';

function ref(path: string, time: string): ExportRef {
  return parseManifestKey(manifestKey(path, `${time}-00000000`))!;
}

const REFS = [
  ref('bronze/logs/_files', '20260101T000000Z'),
  ref('silver/apps/dt=1', '20260103T000000Z'),
  ref('silver/apps/dt=2', '20260103T000000Z'),
  ref('silver/users/dt=1', '20260102T000000Z'),
];
const none = new Map<string, { at: string; path: string }>();
const paths = (refs: readonly ExportRef[]): string[] => refs.map((one) => one.path);

test('quick takes the newest of each dataset, within a second the last of its paths', () => {
  expect(paths(pickExports(REFS, { how: 'quick' }, none, 1))).toEqual([
    'bronze/logs/_files',
    'silver/apps/dt=2',
    'silver/users/dt=1',
  ]);
});

test('random takes its share, at least one, and the same for a seed', () => {
  const pick = (share: number, seed: number): string[] =>
    paths(pickExports(REFS, { how: 'random', share }, none, seed));
  expect(pick(0.5, 7)).toHaveLength(2);
  expect(pick(0.001, 7)).toHaveLength(1);
  expect(pick(0.5, 7)).toEqual(pick(0.5, 7));
  expect(new Set(Array.from({ length: 40 }, (_, seed) => pick(0.25, seed)[0])).size).toBe(4);
});

test('oldest-unproven takes what was never proven first, then by the age of the proof', () => {
  const [logs, , apps2, users] = REFS as [ExportRef, ExportRef, ExportRef, ExportRef];
  const proven = new Map([[logs.exportId, { at: '2026-02-02T00:00:00Z', path: logs.path }]]);
  proven.set(users.exportId, { at: '2026-02-01T00:00:00Z', path: users.path });
  // The proof of another path under the same id is none of this one.
  proven.set(apps2.exportId, { at: '2026-01-09T00:00:00Z', path: apps2.path });
  expect(paths(pickExports(REFS, { how: 'oldest-unproven' }, proven, 1))).toEqual([
    'silver/apps/dt=1',
    'silver/apps/dt=2',
    'silver/users/dt=1',
    'bronze/logs/_files',
  ]);
});

test('a budget leaves out what does not fit, and takes smaller ones after it', () => {
  const sizes = [5, 9, 4, 1].map((storedBytes) => ({ storedBytes }));
  expect(fitBytes(sizes, 10).map((one) => one.storedBytes)).toEqual([5, 4, 1]);
  expect(fitBytes(sizes, 0)).toEqual([]);
});

test('a pick is told in words', () => {
  expect(pickText({ how: 'random', share: 0.05, select: { asOf: '2026-01-01', layers: ['silver', 'gold'] } })).toBe(
    'random 5 %, asOf 2026-01-01, layers silver gold',
  );
});
