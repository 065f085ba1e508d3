/** Results of drills, status and rebuilds with every field filled, for the tests of the command line. */
import type {
  DrillHistory,
  DrillReport,
  RebuildReport,
  ScheduleSnippets,
  StatusReport,
  WriteRecipeReport,
} from '../../src/index.js';
import type { Library } from '../../src/cli/main.js';
import { reportFilesIn } from '../../src/drill/write-reports.js';
import { drillRecord, DRILL_ID } from '../drill/drill-records.js';

const DAY_MS = 86_400_000;
const EXPORT_ID = '20251011T080000Z-0a1b2c3d';

/** What a drill needs beside itself, and that writes nothing. */
export const DRILL_LIBRARY: Partial<Library> = {
  reportFilesIn,
  writeDrillReports: async (_report, { html, junit, prometheus, json }) =>
    [html, junit, prometheus, json].filter((file) => file !== undefined),
};

export function drillReport(change: Partial<DrillReport> = {}): DrillReport {
  const record = drillRecord({ kept: { scratch: '/tmp/x', stores: ['lakepack_drill_1'] } });
  return { record, evidenceKey: `drills/2026/${DRILL_ID}.drill.json`, evidenceIn: 'a', findings: [], ...change };
}

export function drillHistory(change: Partial<DrillHistory> = {}): DrillHistory {
  const row = {
    ...{ drillId: DRILL_ID, key: `drills/2026/${DRILL_ID}.drill.json`, startedAt: '2026-11-21T03:15:00Z' },
    ...{ elapsedMs: 209_400, archive: 'a', exports: 3, proven: 2, exportsLeft: 1, stores: ['duckdb'] },
    ...{
      rtoMs: 153_300,
      rpoMs: DAY_MS,
      bytes: 13_212_057,
      sha256: 'ab'.repeat(32),
      previous: '20261120T031500Z-77aa00ff',
    },
  };
  const older = { ...row, drillId: '20261120T031500Z-77aa00ff', startedAt: '2026-11-20T03:15:00Z' };
  return {
    archive: 'a',
    drills: [
      { ...older, outcome: 'fail', reasons: ['ROWS_DIFFER'] },
      { ...row, outcome: 'pass', reasons: [] },
    ],
    forks: [{ previous: '20261119T031500Z-77aa00ff', drills: [older.drillId, row.drillId] }],
    findings: [],
    ...change,
  };
}

export function statusReport(change: Partial<StatusReport> = {}): StatusReport {
  const lastExport = { exportId: EXPORT_ID, createdAt: '2025-10-11T08:00:00Z', ageMs: 50 * DAY_MS };
  const lastProven = { at: '2025-11-01T03:15:00Z', ageMs: 29 * DAY_MS, drillId: DRILL_ID, archive: 'a' };
  return {
    archives: ['a', 'b'],
    maxAgeMs: 30 * DAY_MS,
    partitions: [
      { path: 'silver/good', lastExport, lastProven, copies: 2, lake: 'current', ok: true },
      { path: 'silver/late', lastExport, lastProven: { ...lastProven, ageMs: 31 * DAY_MS }, copies: 1, ok: false },
      {
        path: 'silver/bad',
        lastExport,
        olderProven: { at: '2025-01-01T00:00:00Z', exportId: 'x' },
        copies: 1,
        ok: false,
      },
      { path: 'silver/new', copies: 0, lake: 'never', ok: false },
    ],
    totals: { partitions: 4, proven: 2, neverProven: 1, tooOld: 1, neverExported: 1 },
    ok: false,
    ...change,
  };
}

export function rebuildReport(): RebuildReport {
  return {
    ...{ store: 'postgres', engine: 'postgres', into: 'reporting', elapsedMs: 61_000 },
    tables: [
      { name: 'vulns', rows: 245_891, compared: 'manifest' },
      { name: 'covid', rows: 12, compared: 'files' },
    ],
    steps: [
      { name: 'restore', elapsedMs: 20_000 },
      { name: 'build', elapsedMs: 41_000 },
    ],
  };
}

export function recipeReport(change: Partial<WriteRecipeReport> = {}): WriteRecipeReport {
  return {
    lake: 'my lake',
    file: 'my lake/lakepack.recipe.json',
    recipe: {
      recipeVersion: 1,
      tables: { vulns: { from: ['silver/vulns/**'], columns: { id: 'VARCHAR', score: 'DOUBLE' }, keys: ['id'] } },
      stores: { duckdb: { engine: 'duckdb' } },
    },
    notes: ['covid: no key was found'],
    elapsedMs: 900,
    ...change,
  };
}

export function snippets(): ScheduleSnippets {
  return {
    cron: '15 3 * * * lakepack\n',
    systemd: { service: '[Service]\n', timer: '[Timer]\n' },
    githubActions: 'on:\n',
  };
}
