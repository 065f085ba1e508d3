/** Copies exports from archive to archive, proven before they are visible. Push, pull and migrate are transfers. */
import { showPlace } from '../archive/archive.js';
import type { TransferOptions, TransferReport, TransferredExport } from './transferring/contract.js';

export type {
  CutOver,
  ExportNames,
  TransferOptions,
  TransferReport,
  TransferredExport,
} from './transferring/contract.js';

/**
 * What fails one export is its finding, and the others go on.
 * @throws USAGE, SELECTOR_INVALID, SELECTOR_AMBIGUOUS, NOT_FOUND, REMOTE_UNAVAILABLE, REMOTE_MISCONFIGURED,
 * CREDENTIALS_INVALID, PERMISSION_DENIED, DISK_FULL, INTERRUPTED: the same call goes on where it was.
 */
export async function transfer(options: TransferOptions): Promise<TransferReport> {
  const started = performance.now();
  const { settingsOfTransfer } = await import('./transferring/transfer-settings.js');
  const { runTransfer } = await import('./transferring/transfer-session.js');
  const { objectsOf } = await import('./transferring/transfer-plan.js');
  const settings = settingsOfTransfer(options);
  const { from, to, exports, findings, plan, cutOver } = await runTransfer(settings);
  const count = (status: TransferredExport['status']): number => exports.filter((one) => one.status === status).length;
  const counted = exports.filter(({ status }) => status === (settings.dryRun ? 'planned' : 'transferred'));
  const sum = (of: (one: TransferredExport) => number): number => counted.reduce((total, one) => total + of(one), 0);
  const objects = new Map(plan.exports.map((one) => [`${one.ref.path}/${one.ref.exportId}`, objectsOf(one)]));
  return {
    from,
    to: to ?? showPlace(options.to),
    dryRun: settings.dryRun,
    exports,
    findings,
    totals: {
      transferred: count('transferred'),
      present: count('present'),
      failed: count('failed'),
      planned: count('planned'),
      objects: sum((one) => objects.get(`${one.path}/${one.exportId}`) ?? 0),
      bytes: sum((one) => one.bytes),
      sentBytes: sum((one) => one.sentBytes),
      resumedBytes: sum((one) => one.resumedBytes),
      requests: settings.dryRun ? plan.requests : { write: 0, read: 0 },
      sourceDeleted: exports.filter((one) => one.sourceDeleted).length,
    },
    ...(cutOver !== undefined && { cutOver }),
    elapsedMs: Math.round(performance.now() - started),
  };
}
