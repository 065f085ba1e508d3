/**
 * What a drill works with besides the operations: the clock, the disk, the stores, and what is expected of tables.
 * One record of functions, so that tests can have a full disk, a store that is down, or another day.
 */
import { stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { unlessAbsent } from '../base/system-errors.js';
import { checkTable } from '../stores/check-table.js';
import type { OpenStore } from '../stores/contract.js';
import { openLakeTables } from '../stores/duckdb-source.js';
import { openStore } from '../stores/open.js';
import type { StepClock } from './drill-steps.js';

export interface DrillTools extends StepClock {
  /** Bytes that may still be written to the disk of a folder, which need not be there yet. */
  readonly freeBytes: (folder: string) => Promise<number>;
  readonly openTables: typeof openLakeTables;
  readonly openStore: OpenStore;
  readonly checkTable: typeof checkTable;
}

export const REAL_TOOLS: DrillTools = {
  now: () => new Date(),
  clockMs: () => performance.now(),
  freeBytes,
  openTables: openLakeTables,
  openStore,
  checkTable,
};

async function freeBytes(folder: string): Promise<number> {
  let existing = path.resolve(folder);
  while ((await unlessAbsent(() => stat(existing))) === undefined) existing = path.dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  return bavail * bsize;
}
