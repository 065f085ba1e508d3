/** Checks exports of an archive, or lone bundle files, and reports every finding. */
import { showPlace } from '../archive/archive.js';
import type { VerifyOptions, VerifiedExport, VerifyReport } from './verifying/contract.js';

export type { VerifyDepth, VerifyOptions, VerifiedExport, VerifyReport } from './verifying/contract.js';

/** @throws USAGE, SELECTOR_INVALID, SELECTOR_AMBIGUOUS, NOT_FOUND, REMOTE_UNAVAILABLE, PERMISSION_DENIED, INTERRUPTED. */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const started = performance.now();
  const { runVerify, settingsOfVerify } = await import('./verifying/verify-session.js');
  const settings = settingsOfVerify(options);
  const exports = await runVerify(settings);
  const sum = (pick: (one: VerifiedExport) => number): number => exports.reduce((total, one) => total + pick(one), 0);
  return {
    ...(options.archive !== undefined && { archive: showPlace(options.archive) }),
    depth: settings.depth,
    sample: settings.sample,
    ...(settings.sample < 1 && { sampleSeed: settings.sampleSeed }),
    exports,
    ok: exports.every((one) => one.ok),
    totals: {
      exports: exports.length,
      damaged: exports.filter((one) => !one.ok).length,
      findings: sum((one) => one.findings.length),
      files: sum((one) => one.files),
      storedBytesRead: sum((one) => one.storedBytesRead),
      contentBytesRead: sum((one) => one.contentBytesRead),
    },
    elapsedMs: Math.round(performance.now() - started),
  };
}
