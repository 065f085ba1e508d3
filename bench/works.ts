/** The lists a benchmark is made of. A new work, tool or data set is one entry here (data sets: data-sets.ts). */
import type { Contender, WorkName } from './contender.js';
import { BORG, RESTIC } from './contenders/backup-tools.js';
import { LAKEPACK, LAKEPACK_QUICK } from './contenders/lakepack.js';
import { NODE, PZSTD, SAME_WORK, SHELL_LOOP, TAR_ZSTD } from './contenders/stock.js';
import { AWS, RCLONE, RCLONE_WIDE } from './contenders/transfer-tools.js';

export interface Work {
  readonly name: WorkName;
  readonly title: string;
  /** What must be there before the clock runs, besides the lake: packed stores, and an S3 server that holds ours. */
  readonly needs?: 'stores' | 'server';
}

export const WORKS: readonly Work[] = [
  { name: 'pack', title: 'Pack the whole lake' },
  { name: 'pack-partitions', title: 'Pack every partition on its own' },
  { name: 'verify', title: 'Verify all contents', needs: 'stores' },
  { name: 'unpack', title: 'Restore into an empty folder', needs: 'stores' },
  { name: 'push', title: 'Push an archive into an S3 store', needs: 'server' },
  { name: 'pull', title: 'Pull an archive from an S3 store', needs: 'server' },
  { name: 'help', title: 'Start-up: `--help`' },
  { name: 'version', title: 'Start-up: `--version`' },
];

/** What all ratios refer to: how much of another tool's time it takes. It always takes part. */
export const SUBJECT: Contender = LAKEPACK;

export const CONTENDERS: readonly Contender[] = [
  SUBJECT,
  LAKEPACK_QUICK,
  ...[TAR_ZSTD, SAME_WORK, PZSTD, SHELL_LOOP],
  ...[RESTIC, BORG],
  ...[RCLONE, RCLONE_WIDE, AWS],
  NODE,
];
