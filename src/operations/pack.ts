/** Packs what a lake holds into exports of an archive. */
import { showPlace } from '../archive/archive.js';
import type { PackOptions, PackedExport, PackReport } from './packing/contract.js';

export type { PackedCopy, PackOptions, PackedExport, PackReport } from './packing/contract.js';

/**
 * @throws USAGE, CONFIG_INVALID, SELECTOR_INVALID, NOT_FOUND, LAKE_UNREADABLE, REMOTE_UNAVAILABLE, PERMISSION_DENIED,
 * CREDENTIALS_INVALID, DISK_FULL, INTERRUPTED. What fails one export is a finding of that export.
 */
export async function pack(options: PackOptions): Promise<PackReport> {
  const started = performance.now();
  // Each verb loads what it is made of when it is called: nobody waits for the others.
  const { settingsOfPack } = await import('./packing/pack-settings.js');
  const { runPackWithCopies } = await import('./packing/pack-copies.js');
  const settings = await settingsOfPack(options);
  const { archive, exports, findings, earlier } = await runPackWithCopies(settings);
  const made = exports.filter(({ status }) => status === 'packed' || status === 'planned');
  const count = (status: PackedExport['status']): number => exports.filter((one) => one.status === status).length;
  return {
    lake: options.lake,
    archive,
    copiedTo: settings.copyTo.map(showPlace),
    dryRun: settings.dryRun,
    exports,
    findings,
    totals: {
      packed: count('packed'),
      unchanged: count('unchanged'),
      failed: count('failed'),
      planned: count('planned'),
      files: made.reduce((sum, one) => sum + one.files, 0),
      bytes: made.reduce((sum, one) => sum + one.bytes, 0),
      storedBytes: made.reduce((sum, one) => sum + one.storedBytes, 0),
      removedFiles: exports.reduce((sum, one) => sum + (one.removed?.files ?? 0), earlier.files),
      removedBytes: exports.reduce((sum, one) => sum + (one.removed?.bytes ?? 0), earlier.bytes),
    },
    elapsedMs: Math.round(performance.now() - started),
  };
}
