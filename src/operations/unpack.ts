/** Restores exports, lone bundles or foreign tar archives into a folder, every byte compared before its final name. */
import type { UnpackOptions, UnpackedExport, UnpackReport } from './unpacking/contract.js';

export type { HealedSum, UnpackOptions, UnpackedExport, UnpackReport } from './unpacking/contract.js';

/**
 * @throws USAGE, SELECTOR_INVALID, SELECTOR_AMBIGUOUS, NOT_FOUND, TARGET_NOT_EMPTY, TARGET_CONFLICT, DISK_FULL,
 * HASH_MISMATCH, PATH_UNSAFE, TAR_INVALID, ZSTD_INVALID, BUNDLE_INVALID, LIMIT_EXCEEDED, INTERRUPTED.
 */
export async function unpack(options: UnpackOptions): Promise<UnpackReport> {
  const started = performance.now();
  const { runUnpack, settingsOfUnpack } = await import('./unpacking/unpack-session.js');
  const result = await runUnpack(settingsOfUnpack(options));
  const sum = (pick: (one: UnpackedExport) => number): number =>
    result.exports.reduce((total, one) => total + pick(one), 0);
  return {
    into: options.into,
    dryRun: options.dryRun ?? false,
    exports: result.exports,
    findings: result.findings,
    healed: result.healed,
    totals: {
      exports: result.exports.length,
      files: sum((one) => one.files),
      bytes: sum((one) => one.bytes),
      kept: sum((one) => one.kept),
      replaced: sum((one) => one.replaced),
      resumed: result.resumed,
    },
    elapsedMs: Math.round(performance.now() - started),
  };
}
