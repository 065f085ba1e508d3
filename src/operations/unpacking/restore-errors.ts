/** The errors of a restore, so that each is worded in one place. */
import type { ExportRef } from '../../archive/layout.js';
import { LakepackError } from '../../base/errors.js';
import type { Finding } from '../../base/findings.js';
import { showPath } from '../../base/paths.js';
import type { ManifestFault } from '../../schema/manifest-fault.js';

export function manifestError(ref: ExportRef, faults: readonly ManifestFault[]): LakepackError {
  const [first] = faults;
  return new LakepackError(
    'MANIFEST_INVALID',
    `${ref.manifestKey}: the file entries are not sound: ${first?.path ?? ''} ${first?.message ?? ''}`,
    { hint: `lakepack verify ${ref.exportId} --depth manifest lists all that is wrong` },
  );
}

export function conflictError(into: string, paths: readonly string[], count: number, replace: boolean): LakepackError {
  const more = count > paths.length ? ` and ${count - paths.length} more` : '';
  return new LakepackError(
    'TARGET_CONFLICT',
    `${into}: ${count} ${count === 1 ? 'file is' : 'files are'} there and different: ${paths.map(showPath).join(', ')}${more}`,
    {
      hint: replace
        ? 'nothing was written: what stands there is a link or a folder, which is never replaced; move it away'
        : 'nothing was written; add --replace to overwrite them, or restore into another folder',
    },
  );
}

/** Bundles by themselves have no manifest that says which of them is newer. */
export function ambiguousBundles(name: string, lakePath: string): LakepackError {
  return new LakepackError(
    'TARGET_CONFLICT',
    `${name}: ${showPath(lakePath)}: another of the bundles holds this file with other content`,
    { hint: 'nothing was written; restore them one after the other, the one that counts last with --replace' },
  );
}

/** A bundle by itself is restored whole or not at all. */
export function damagedBundle(name: string, first: Finding, count: number): LakepackError {
  const more = count > 1 ? ` (and ${count - 1} more findings)` : '';
  return new LakepackError(codeOf(first), `${name}: ${first.message}${more}`, {
    hint: `nothing was restored; lakepack verify ${showPath(name)} lists all findings`,
  });
}

function codeOf(
  first: Finding,
): 'HASH_MISMATCH' | 'TAR_INVALID' | 'ZSTD_INVALID' | 'SEEK_TABLE_INVALID' | 'BUNDLE_INVALID' {
  if (first.code === 'FILE_HASH_WRONG') return 'HASH_MISMATCH';
  if (first.code === 'TAR_INVALID') return 'TAR_INVALID';
  if (first.code === 'FRAME_INVALID') return 'ZSTD_INVALID';
  if (first.code === 'SEEK_TABLE_INVALID') return 'SEEK_TABLE_INVALID';
  return 'BUNDLE_INVALID';
}
