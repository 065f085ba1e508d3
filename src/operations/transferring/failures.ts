/** Which errors end a transfer, and which are the fault of one export, to be reported while the others go on. */
import type { ExportRef } from '../../archive/layout.js';
import { LakepackError, type ErrorCode } from '../../base/errors.js';
import { finding, type Finding } from '../../base/findings.js';

/** Said of one export or one object. Everything else would meet the next export as well. */
const OF_ONE_EXPORT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'NOT_FOUND',
  'OBJECT_EXISTS',
  'PATH_UNSAFE',
  'TARGET_CONFLICT',
  'MANIFEST_INVALID',
  'MANIFEST_VERSION',
  'BUNDLE_INVALID',
  'TAR_INVALID',
  'ZSTD_INVALID',
  'SEEK_TABLE_INVALID',
  'HASH_MISMATCH',
  'LIMIT_EXCEEDED',
]);

export function isOfOneExport(error: unknown): error is LakepackError {
  return error instanceof LakepackError && OF_ONE_EXPORT.has(error.code);
}

/** The finding of an export that was not transferred. The code of its cause is in the message. */
export function failureFinding({ exportId, path }: ExportRef, error: LakepackError): Finding {
  const where = { exportId, partition: path };
  const repair = error.hint === undefined ? {} : { repair: error.hint };
  if (error.code === 'OBJECT_EXISTS') return finding('EXPORT_DIFFERS', error.message, where, repair);
  return finding('TRANSFER_FAILED', `${error.message} (${error.code})`, where, repair);
}

export function differsFinding(ref: ExportRef, expected: string, found: string): Finding {
  return finding(
    'EXPORT_DIFFERS',
    `${ref.manifestKey}: both archives have an export of this id, with different manifests; neither was touched`,
    { exportId: ref.exportId, partition: ref.path },
    { expected, found, repair: 'lakepack verify both archives; keep the one that is sound' },
  );
}
