/** How safe an archive is said to be, over small archives with a clock that stands. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { listExports } from './list-exports.js';
import { writeEvidence } from '../../src/drill/evidence.js';
import { status } from '../../src/drill/status.js';
import { transfer } from '../../src/operations/transfer.js';
import { codeOf, packInto, placeWith, type Place, write } from '../operations/lakes.js';
import { drilledExport, drillRecord } from './drill-records.js';

const DAY_MS = 86_400_000;
const NOW = new Date('2026-12-01T03:15:00Z');
const APPS = 'silver/apps/dt=2025-10-11';
const OTHER = 'silver/apps/dt=2025-10-12';

let place: Place;
let second: string;

/** Four partitions; one of them was proven ten days ago, and one before it was packed anew. */
beforeAll(async () => {
  place = placeWith();
  await packInto(place);
  const before = await listExports(place.archive);
  second = path.join(path.dirname(place.archive), 'second');
  await transfer({ from: place.archive, to: second, select: { exports: [APPS] }, stateDir: place.stateDir });
  const exports = before.filter(({ path: name }) => name === APPS || name === OTHER);
  const { previous: _previous, ...record } = drillRecord({
    exports: exports.map((ref) => drilledExport(ref.path, { exportId: ref.exportId })),
  });
  await writeEvidence(place.archive, record);
  write(place.lake, `${OTHER}/part-1.csv`, 'id\n3\n');
  await packInto(place);
});

describe('status', () => {
  test('tells for each partition the last export, its proof and its copies', async () => {
    const report = await status({ archives: [place.archive, second], now: NOW });
    expect(report.partitions.map((row) => row.path)).toEqual([
      'bronze/apps/2025/10/11/run-a',
      APPS,
      OTHER,
      'silver/apps/dt=2025-10-13',
    ]);
    const rows = new Map(report.partitions.map((row) => [row.path, row]));
    expect(rows.get(APPS)).toMatchObject({
      copies: 2,
      lastProven: { ageMs: 10 * DAY_MS, archive: 's3://lake-backups/prod' },
    });
    expect(rows.get(OTHER)).toMatchObject({ copies: 1, olderProven: { at: '2026-11-21T03:15:00.000Z' } });
    expect(rows.get(OTHER)?.lastProven).toBeUndefined();
    expect(report.partitions.every((row) => row.ok === undefined)).toBe(true);
    expect(report).toMatchObject({ ok: true, totals: { partitions: 4, proven: 1, neverProven: 3, tooOld: 0 } });
  });

  test.each([
    [10 * DAY_MS, true],
    [10 * DAY_MS - 1, false],
  ])('with %d ms a proof of ten days ago is ok: %s; what was never proven is not', async (maxAgeMs, ok) => {
    const report = await status({ archives: [place.archive], maxAgeMs, now: NOW });
    expect(report.partitions.map((row) => row.ok)).toEqual([false, ok, false, false]);
    expect(report.ok).toBe(false);
    expect(report.totals.tooOld).toBe(ok ? 0 : 1);
  });

  test('all is ok when every newest export was proven in time', async () => {
    const only = await status({ archives: [second], evidence: place.archive, maxAgeMs: 30 * DAY_MS, now: NOW });
    expect(only.partitions.map((row) => [row.path, row.ok])).toEqual([[APPS, true]]);
    expect(only.ok).toBe(true);
  });

  test('a partition of the lake without any export is not ok', async () => {
    write(place.lake, 'silver/new/dt=2025-10-14/a.csv', 'id\n1\n');
    const report = await status({ archives: [place.archive], lake: place.lake, now: NOW });
    const row = report.partitions.find(({ path: name }) => name.startsWith('silver/new'));
    expect(row).toEqual({ path: 'silver/new/dt=2025-10-14', copies: 0, lake: 'never', ok: false });
    expect(report).toMatchObject({ ok: false, totals: { neverExported: 1 } });
    fs.rmSync(path.join(place.lake, 'silver/new'), { recursive: true });
  });

  test('an archive that is not there is an error, not a missing copy', async () => {
    expect(await codeOf(status({ archives: [place.archive, '/no/such/archive'] }))).toBe('NOT_FOUND');
    expect(await codeOf(status({ archives: [] }))).toBe('USAGE');
  });
});
