import { expect, test } from 'vitest';
import type { Healed } from '../../../src/archive/contract.js';
import { healedReport } from '../../../src/operations/unpacking/healed.js';

const EXPORT_ID = '20251011T080000Z-0a1b2c3d';
const BUNDLE = `exports/silver/a/dt=1/${EXPORT_ID}/${EXPORT_ID}-00001.tar.zst`;
const MANIFEST = `manifests/silver/a/dt=1/${EXPORT_ID}.export.json`;

function healed(key: string, block: number | undefined, by = 'b'): Healed {
  return { key, ...(block !== undefined && { block }), from: 'a', by, reason: 'it is gone' };
}

test('each block and object is a finding with its place', () => {
  const { findings } = healedReport([healed(BUNDLE, 3), healed(MANIFEST, undefined), healed('manifests/', undefined)]);
  expect(findings.map(({ where }) => where)).toEqual([
    { exportId: EXPORT_ID, partition: 'silver/a/dt=1', bundle: `${EXPORT_ID}-00001.tar.zst`, block: 3 },
    { exportId: EXPORT_ID, partition: 'silver/a/dt=1' },
    {},
  ]);
  expect(findings.every((one) => one.code === 'HEALED' && one.severity === 'warning')).toBe(true);
});

test('they are summed by the archive that had them', () => {
  const all = [healed(BUNDLE, 0), healed(BUNDLE, 1), healed(MANIFEST, undefined), healed(BUNDLE, 2, 'c')];
  expect(healedReport(all).healed).toEqual([
    { from: 'a', by: 'b', blocks: 2, objects: 1 },
    { from: 'a', by: 'c', blocks: 1, objects: 0 },
  ]);
});

test('of very many the rest is counted', () => {
  const { findings, healed: sums } = healedReport(Array.from({ length: 2_500 }, (_, block) => healed(BUNDLE, block)));
  expect(findings).toHaveLength(1_001);
  expect(findings.at(-1)?.message).toContain('1500');
  expect(sums).toEqual([{ from: 'a', by: 'b', blocks: 2_500, objects: 0 }]);
});

test('nothing healed is nothing said', () => {
  expect(healedReport([])).toEqual({ findings: [], healed: [] });
});
