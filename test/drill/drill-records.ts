/** Records of drills, with every field filled, for the tests of evidence and reports. */
import type { DrilledExport, DrilledTable, DrillRecord, DrillStep } from '../../src/schema/drill-record.js';

const SHA = 'ab'.repeat(32);
export const DRILL_ID = '20261121T031500Z-5f0c2a9e';

export function drillStep(
  name: DrillStep['name'],
  at: number,
  seconds: number,
  more: Partial<DrillStep> = {},
): DrillStep {
  const startedAt = new Date(Date.UTC(2026, 10, 21, 3, 15, at)).toISOString();
  return { name, outcome: 'pass', startedAt, elapsedMs: seconds * 1_000, ...more };
}

export function drilledExport(path: string, change: Partial<DrilledExport> = {}): DrilledExport {
  return {
    ...{ path, exportId: '20261120T220000Z-0a1b2c3d', createdAt: '2026-11-20T22:00:00Z', contentDigest: SHA },
    ...{ files: 120, bytes: 4_404_019, storedBytes: 1_153_434, proven: true },
    ...change,
  };
}

export function drilledTable(name: string, change: Partial<DrilledTable> = {}): DrilledTable {
  return {
    ...{ name, outcome: 'pass', rows: 245_891, expectedFrom: 'manifest' },
    levels: { L0: 'equal', L1: 'equal', L2: 'equal', L3: 'equal' },
    ...{ differences: [], differencesOmitted: 0 },
    ...change,
  };
}

/** A drill of three exports into two stores that went well. */
export function drillRecord(change: Partial<DrillRecord> = {}): DrillRecord {
  const exports = ['gold/embeddings/model=minilm', 'silver/covid/dt=2026-11-20', 'silver/vulns/dt=2026-11-20'];
  return {
    drillVersion: 1,
    drillId: DRILL_ID,
    startedAt: '2026-11-21T03:15:00.000Z',
    finishedAt: '2026-11-21T03:18:29.400Z',
    elapsedMs: 209_400,
    tool: { name: 'lakepack', version: '0.1.0', node: 'v20.19.0' },
    archive: 's3://lake-backups/prod',
    plan: { name: 'nightly', pick: 'latest', seed: 7 },
    recipe: { sha256: 'cd'.repeat(32), from: 'packed' },
    outcome: 'pass',
    reasons: [],
    steps: [
      drillStep('pick', 0, 0.9),
      drillStep('pull', 1, 41.2, { bytes: 3_460_302 }),
      drillStep('verify', 42, 6.4, { bytes: 3_460_302 }),
      drillStep('unpack', 49, 12.1, { files: 360, bytes: 13_212_057 }),
      drillStep('rebuild', 61, 38.7, { store: 'tables', rows: 491_782 }),
      drillStep('compare', 100, 22.5, { store: 'tables', rows: 491_782 }),
      drillStep('rebuild', 122, 54.9, { store: 'vectors', rows: 44_130 }),
      drillStep('compare', 177, 29.8, { store: 'vectors', rows: 44_130 }),
      drillStep('assert', 207, 0.2, { store: 'tables' }),
      drillStep('tear-down', 207, 1.4),
    ],
    exports: exports.map((path) => drilledExport(path)),
    exportsLeft: 0,
    stores: [
      {
        ...{ name: 'tables', engine: 'postgres', outcome: 'pass' },
        tables: [
          drilledTable('vulns'),
          drilledTable('covid', {
            expectedFrom: 'files',
            expectedFromFilesBecause: 'an export was packed without fingerprints',
          }),
        ],
      },
      {
        ...{ name: 'vectors', engine: 'lancedb', outcome: 'pass' },
        tables: [
          drilledTable('embeddings', {
            rows: 44_130,
            levels: { L0: 'equal', L1: 'equal', L2: 'equal', L3: 'equal', L4: 'equal' },
            recallAt10: 0.998,
          }),
        ],
      },
    ],
    assertions: [
      {
        ...{ name: 'no vulnerability without a score', store: 'tables', outcome: 'pass', expected: '0', found: '0' },
        sql: 'SELECT count(*) FROM vulns WHERE score IS NULL',
      },
    ],
    rtoMs: 153_300,
    rpoMs: 18_900_000,
    totals: { exports: 3, files: 360, bytes: 13_212_057, storedBytes: 3_460_302, rows: 535_912 },
    previous: { drillId: '20261120T031500Z-77aa00ff', sha256: 'ef'.repeat(32) },
    ...change,
  };
}

/** One cell of one table differs, and an assertion does not hold. */
export function failedRecord(change: Partial<DrillRecord> = {}): DrillRecord {
  const good = drillRecord();
  const [tables, vectors] = good.stores;
  const differences: DrilledTable['differences'] = [
    {
      ...{
        level: 'L2',
        reason: 'VALUES_DIFFER',
        table: 'vulns',
        column: 'score',
        key: 'cve_id=CVE-2024-1, dt=2026-11-20',
      },
      ...{ expected: '9.8', found: '8.9' },
    },
    {
      level: 'L0',
      reason: 'ROWS_DIFFER',
      table: 'vulns',
      key: 'cve_id=CVE-2024-2',
      expected: 'a row',
      found: 'no row',
    },
  ];
  const vulns = drilledTable('vulns', {
    ...{ outcome: 'fail', rows: 245_890, differences, differencesOmitted: 12 },
    levels: { L0: 'differs', L1: 'differs', L2: 'differs', L3: 'equal' },
  });
  return {
    ...good,
    outcome: 'fail',
    reasons: [
      {
        ...{ code: 'ROWS_DIFFER', step: 'compare', where: 'vulns in tables' },
        message: 'vulns in tables: one row is missing: expected 245,891 rows, got 245,890',
        hint: 'look at the kept store, and at the export that holds cve_id=CVE-2024-2',
      },
      { code: 'ASSERTION_FAILED', step: 'assert', message: 'no vulnerability without a score: expected 0, got 3' },
    ],
    steps: good.steps.map((step) =>
      step.name === 'compare' && step.store === 'tables' ? { ...step, outcome: 'fail' } : step,
    ),
    exports: good.exports.map((one) => (one.path.startsWith('silver/vulns') ? { ...one, proven: false } : one)),
    stores: [{ ...tables!, outcome: 'fail', tables: [vulns, ...tables!.tables.slice(1)] }, vectors!],
    assertions: good.assertions.map((one) => ({ ...one, outcome: 'fail', found: '3' })),
    kept: { scratch: '/var/tmp/lakepack-drill-20261121T031500Z-5f0c2a9e', stores: ['lakepack_drill_5f0c2a9e'] },
    ...change,
  };
}

/** Nobody could look: a store was not reachable. */
export function inconclusiveRecord(change: Partial<DrillRecord> = {}): DrillRecord {
  const good = drillRecord();
  return {
    ...good,
    outcome: 'inconclusive',
    reasons: [
      {
        ...{
          code: 'ARCHIVE_UNREACHABLE',
          step: 'pull',
          message: 's3://lake-backups/prod: cannot be reached: timed out',
        },
        hint: 'try again later; nothing was said about the archive',
      },
    ],
    steps: [
      ...good.steps.slice(0, 1),
      drillStep('pull', 1, 120, { outcome: 'inconclusive', bytes: 0 }),
      ...good.steps.slice(2, 8).map((step): DrillStep => ({ ...step, outcome: 'skipped', elapsedMs: 0 })),
      drillStep('tear-down', 122, 0.3),
    ],
    exports: good.exports.map((one) => ({ ...one, proven: false })),
    exportsLeft: 7,
    stores: [],
    assertions: [],
    rtoMs: 120_000,
    totals: { exports: 3, files: 0, bytes: 0, storedBytes: 0, rows: 0 },
    ...change,
  };
}
