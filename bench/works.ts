/** The lists a benchmark is made of. A new work, tool or data set is one entry here (data sets: data-sets.ts). */
import type { Contender, WorkName } from './contender.js';
import { BORG, RESTIC } from './contenders/backup-tools.js';
import { LAKEPACK, LAKEPACK_QUICK } from './contenders/lakepack.js';
import { SAME_WORK, TAR_ZSTD } from './contenders/stock.js';

export interface Work {
  readonly name: WorkName;
  readonly title: string;
}

export const WORKS: readonly Work[] = [
  { name: 'pack', title: 'Pack the whole lake' },
  { name: 'verify', title: 'Verify all contents' },
  { name: 'unpack', title: 'Restore into an empty folder' },
];

/** What all ratios refer to: how much of another tool's time it takes. It always takes part. */
export const SUBJECT: Contender = LAKEPACK;

export const CONTENDERS: readonly Contender[] = [SUBJECT, LAKEPACK_QUICK, TAR_ZSTD, SAME_WORK, RESTIC, BORG];
