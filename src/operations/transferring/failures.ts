/** Which errors end a transfer, and which are the fault of one export, to be reported while the others go on. */
import type { ExportRef } from '../../archive/layout.js';
import { isLakepackError, type LakepackError, tellsDamage } from '../../base/errors.js';
import { finding, type Finding } from '../../base/findings.js';

/** Said of one export or one object. Everything else would meet the next export as well. */
export function isOfOneExport(error: unknown): error is LakepackError {
  return tellsDamage(error) || OF_ONE_OBJECT.some((code) => isLakepackError(error, code));
}

const OF_ONE_OBJECT = ['OBJECT_EXISTS', 'PATH_UNSAFE', 'TARGET_CONFLICT'] as const;

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
