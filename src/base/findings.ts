/**
 * A finding is a fault found in data: it is collected and reported, not thrown. This file holds the shape and
 * the closed list of codes; `docs/errors.md` explains each and a test compares.
 */

/** `error` fails the command (exit code 3); `warning` is said and the command goes on. */
export type Severity = 'error' | 'warning';

export const FINDING_CODES = {
  // what a scan of a lake finds
  SOURCE_SYMLINK: 'warning',
  SOURCE_SPECIAL_FILE: 'warning',
  SOURCE_NAME_NOT_UTF8: 'error',
  SOURCE_NAME_NOT_PORTABLE: 'warning',
  SOURCE_NAME_TWINS: 'warning',
  SOURCE_PATH_TOO_LONG: 'error',
  SOURCE_UNREADABLE: 'error',
  SOURCE_CHANGED: 'error',
  // what a look into a file finds
  PARQUET_INCOMPLETE: 'warning',
  GZIP_BROKEN: 'warning',
  // what verification finds
  MANIFEST_INVALID: 'error',
  MANIFEST_INCONSISTENT: 'error',
  FILES_INDEX_DAMAGED: 'error',
  CHECKSUM_FILE_WRONG: 'error',
  BUNDLE_MISSING: 'error',
  BUNDLE_ORPHANED: 'warning',
  BUNDLE_SIZE_WRONG: 'error',
  BUNDLE_HASH_WRONG: 'error',
  BLOCK_HASH_WRONG: 'error',
  SEEK_TABLE_INVALID: 'error',
  FRAME_INVALID: 'error',
  TAR_INVALID: 'error',
  BAG_INVALID: 'error',
  EMBEDDED_MANIFEST_WRONG: 'error',
  FILE_MISSING: 'error',
  FILE_UNEXPECTED: 'error',
  FILE_HASH_WRONG: 'error',
  FILE_FACTS_WRONG: 'error',
  // what moving exports between archives finds
  HEALED: 'warning',
  EXPORT_DIFFERS: 'error',
  TRANSFER_FAILED: 'error',
  SOURCE_KEPT: 'warning',
  // what fingerprints and drills find beside their own outcome
  FINGERPRINT_FAILED: 'error',
  EVIDENCE_NOT_STORED: 'warning',
  EVIDENCE_BROKEN: 'error',
  NOTIFY_FAILED: 'warning',
} as const satisfies Record<string, Severity>;

export type FindingCode = keyof typeof FINDING_CODES;

export interface FindingPlace {
  readonly exportId?: string;
  /** Partition path or lake folder. */
  readonly partition?: string;
  /** Bundle object name. */
  readonly bundle?: string;
  /** Number of a block of stored bytes, from 0. */
  readonly block?: number;
  /** Number of a zstd frame in the bundle, from 0. */
  readonly frame?: number;
  /** Byte offset in the stored bytes. */
  readonly storedOffset?: number;
  /** Byte offset in the tar stream. */
  readonly tarOffset?: number;
  /** Lake path of a file, or tar entry name where no lake path is known. */
  readonly path?: string;
}

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** One sentence: what is wrong. */
  readonly message: string;
  readonly where: FindingPlace;
  readonly expected?: string;
  readonly found?: string;
  /** What to do next; a command where there is one. */
  readonly repair?: string;
}

/** Makes a finding; the severity is the code's own, unless a policy says otherwise. */
export function finding(
  code: FindingCode,
  message: string,
  where: FindingPlace,
  more: { readonly expected?: string; readonly found?: string; readonly repair?: string; severity?: Severity } = {},
): Finding {
  return { code, severity: FINDING_CODES[code], message, where, ...more };
}
