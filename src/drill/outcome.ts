/**
 * What an error or a finding means to a drill: which reason it is, and so whether the archive failed or nobody could
 * look. Pure. What is not known here is INTERNAL and inconclusive: a drill never passes on what it did not understand.
 */
import { isLakepackError, type ErrorCode } from '../base/errors.js';
import type { Finding } from '../base/findings.js';
import {
  DRILL_REASONS,
  type DrillOutcome,
  type DrillReason,
  type DrillReasonCode,
  type DrillStepName,
} from '../schema/drill-record.js';

/** Fail beats inconclusive, and both beat pass. */
export function outcomeOf(reasons: Iterable<{ readonly code: DrillReasonCode }>): DrillOutcome {
  return worstOf(Array.from(reasons, ({ code }) => DRILL_REASONS[code]));
}

export function worstOf(outcomes: readonly DrillOutcome[]): DrillOutcome {
  if (outcomes.includes('fail')) return 'fail';
  return outcomes.includes('inconclusive') ? 'inconclusive' : 'pass';
}

/** The reason that an error is, in the step in which it was thrown. */
export function reasonOfError(error: unknown, step: DrillStepName, where?: string): DrillReason {
  const message = error instanceof Error ? error.message : String(error);
  const hint = isLakepackError(error) ? error.hint : undefined;
  return {
    code: codeOfError(error, step),
    step,
    message: oneLine(message),
    ...(where !== undefined && { where }),
    ...(hint !== undefined && { hint: oneLine(hint) }),
  };
}

function codeOfError(error: unknown, step: DrillStepName): DrillReasonCode {
  if (!isLakepackError(error)) return 'INTERNAL';
  if (error.code === 'CREDENTIALS_INVALID') return isExpired(error) ? 'CREDENTIALS_EXPIRED' : 'CREDENTIALS_REFUSED';
  return codeOfErrorCode(error.code, step);
}

/** As of an error with that code. A refused key is no expired one here. */
export function codeOfErrorCode(code: ErrorCode, step: DrillStepName): DrillReasonCode {
  const ofStep = STORE_STEPS.has(step) ? OF_STORES : step === 'unpack' ? OF_RESTORING : OF_ARCHIVES;
  return ofStep[code] ?? EVERYWHERE[code] ?? 'INTERNAL';
}

const STORE_STEPS: ReadonlySet<DrillStepName> = new Set<DrillStepName>(['rebuild', 'compare', 'assert']);

type Meanings = Readonly<Partial<Record<ErrorCode, DrillReasonCode>>>;

const EVERYWHERE: Meanings = {
  DISK_FULL: 'DISK_FULL',
  INTERRUPTED: 'INTERRUPTED',
  CREDENTIALS_INVALID: 'CREDENTIALS_REFUSED',
  PERMISSION_DENIED: 'ACCESS_DENIED',
  REMOTE_UNAVAILABLE: 'ARCHIVE_UNREACHABLE',
  REMOTE_MISCONFIGURED: 'ARCHIVE_UNREACHABLE',
  ARCHIVE_UNSUPPORTED: 'ARCHIVE_UNREACHABLE',
  MANIFEST_INVALID: 'MANIFEST_DAMAGED',
  MANIFEST_VERSION: 'MANIFEST_DAMAGED',
  RECIPE_INVALID: 'RECIPE_INVALID',
  // Also when its store is to be removed at the end.
  STORE_UNAVAILABLE: 'STORE_UNREACHABLE',
};

const OF_ARCHIVES: Meanings = {
  BUNDLE_INVALID: 'BUNDLE_DAMAGED',
  HASH_MISMATCH: 'BUNDLE_DAMAGED',
  TAR_INVALID: 'BUNDLE_DAMAGED',
  ZSTD_INVALID: 'BUNDLE_DAMAGED',
  SEEK_TABLE_INVALID: 'BUNDLE_DAMAGED',
  LIMIT_EXCEEDED: 'BUNDLE_DAMAGED',
  PATH_UNSAFE: 'BUNDLE_DAMAGED',
  // Of the place as a whole; an object that is missing is told by a finding, or said where it was looked for.
  NOT_FOUND: 'ARCHIVE_UNREACHABLE',
};

/** What was verified a moment ago, and does not come back as it was. */
const OF_RESTORING: Meanings = {
  BUNDLE_INVALID: 'RESTORED_DIFFERS',
  HASH_MISMATCH: 'RESTORED_DIFFERS',
  TAR_INVALID: 'RESTORED_DIFFERS',
  ZSTD_INVALID: 'RESTORED_DIFFERS',
  SEEK_TABLE_INVALID: 'RESTORED_DIFFERS',
  LIMIT_EXCEEDED: 'RESTORED_DIFFERS',
  PATH_UNSAFE: 'RESTORED_DIFFERS',
  NOT_FOUND: 'RESTORED_DIFFERS',
  TARGET_CONFLICT: 'RESTORED_DIFFERS',
};

const OF_STORES: Meanings = {
  KEYS_NOT_UNIQUE: 'KEYS_NOT_UNIQUE',
  STORE_REFUSED: 'STORE_REFUSED',
  STORE_NOT_INSTALLED: 'STORE_NOT_INSTALLED',
  // Settings of the store that cannot be: nobody could look into it.
  USAGE: 'STORE_UNREACHABLE',
  CREDENTIALS_INVALID: 'STORE_UNREACHABLE',
  PERMISSION_DENIED: 'STORE_UNREACHABLE',
  // The bytes are those that were packed, and yet no table can be made of them as the recipe says.
  SOURCE_UNREADABLE: 'RECIPE_INVALID',
  SELECTOR_INVALID: 'RECIPE_INVALID',
};

/** By the names that stores give: `InvalidToken` is refused, not known to have expired. */
const EXPIRED = /ExpiredToken|RequestExpired|TokenRefreshRequired/;

function isExpired(error: Error): boolean {
  const { cause } = error;
  const ofCause = cause instanceof Error ? `${cause.name} ${cause.message}` : '';
  return EXPIRED.test(`${error.message} ${ofCause}`);
}

/**
 * The reason that a finding of verify or of transfer is; undefined for one that is no fault of the archive, such as a
 * checksum file that is named twice (a warning).
 */
export function reasonOfFinding(finding: Finding, step: DrillStepName): DrillReason | undefined {
  if (finding.severity !== 'error') return undefined;
  const { exportId, partition, path } = finding.where;
  const where = bundleOf(finding) ?? (exportId === undefined ? path : [partition, exportId].filter(Boolean).join('/'));
  return {
    code: codeOfFinding(finding, step),
    step,
    message: oneLine(finding.message),
    ...(where !== undefined && { where }),
    ...(finding.repair !== undefined && { hint: oneLine(finding.repair) }),
  };
}

/** What a manifest is compared with is told of the export, and names the bundle in its words. */
function bundleOf({ where, message }: Finding): string | undefined {
  return where.bundle ?? /^(?:\S*\/)?([^/\s]+\.tar\.zst):/.exec(message)?.[1];
}

function codeOfFinding(finding: Finding, step: DrillStepName): DrillReasonCode {
  switch (finding.code) {
    case 'BUNDLE_MISSING':
      return 'BUNDLE_MISSING';
    case 'BUNDLE_SIZE_WRONG':
      return Number(finding.found) > Number(finding.expected) ? 'BUNDLE_DAMAGED' : 'BUNDLE_TRUNCATED';
    case 'MANIFEST_INVALID':
    case 'MANIFEST_INCONSISTENT':
    case 'FILES_INDEX_DAMAGED':
    case 'CHECKSUM_FILE_WRONG':
      return 'MANIFEST_DAMAGED';
    case 'EXPORT_DIFFERS':
    case 'TRANSFER_FAILED':
      return codeOfFailure(finding.message, step);
    default:
      return 'BUNDLE_DAMAGED';
  }
}

/** A transfer puts the code of its cause at the end of what it says. */
function codeOfFailure(message: string, step: DrillStepName): DrillReasonCode {
  const code = /\(([A-Z_]+)\)$/.exec(message)?.[1];
  if (code === 'NOT_FOUND') return message.startsWith('manifests/') ? 'MANIFEST_MISSING' : 'BUNDLE_MISSING';
  return code === undefined ? 'BUNDLE_DAMAGED' : codeOfErrorCode(code as ErrorCode, step);
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' · ');
}
