/** Packs what a lake holds into exports of an archive. */
import { runPack } from './packing/pack-session.js';
import { settingsOfPack } from './packing/pack-settings.js';
import type { PackOptions, PackedExport, PackReport } from './packing/contract.js';

export type { PackOptions, PackedExport, PackReport } from './packing/contract.js';

/**
 * @throws USAGE, CONFIG_INVALID, SELECTOR_INVALID, NOT_FOUND, LAKE_UNREADABLE, REMOTE_UNAVAILABLE, PERMISSION_DENIED,
 * DISK_FULL, INTERRUPTED. What fails one export is a finding of that export.
 */
export async function pack(options: PackOptions): Promise<PackReport> {
  const started = performance.now();
  const settings = await settingsOfPack(options);
  const { archive, exports, findings } = await runPack(settings);
  const made = exports.filter(({ status }) => status === 'packed' || status === 'planned');
  const count = (status: PackedExport['status']): number => exports.filter((one) => one.status === status).length;
  return {
    lake: options.lake,
    archive,
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
    },
    elapsedMs: Math.round(performance.now() - started),
  };
}
