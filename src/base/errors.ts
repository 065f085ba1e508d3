/**
 * The one error type of lakepack and the closed list of its codes. It answers for what a caller can catch and
 * test; the words a person reads on a terminal, and the exit code, are made from it in `cli/`.
 */

/** Every code an operation may throw. `docs/errors.md` has a row for each; a test compares the two. */
export const ERROR_CODES = [
  'USAGE',
  'CONFIG_INVALID',
  'SELECTOR_INVALID',
  'SELECTOR_AMBIGUOUS',
  'NOT_FOUND',
  'LAKE_UNREADABLE',
  'PATH_UNSAFE',
  'SOURCE_CHANGED',
  'SOURCE_UNREADABLE',
  'SOURCE_REFUSED',
  'ARCHIVE_UNSUPPORTED',
  'OBJECT_EXISTS',
  'REMOTE_UNAVAILABLE',
  'REMOTE_MISCONFIGURED',
  'CREDENTIALS_INVALID',
  'PERMISSION_DENIED',
  'DISK_FULL',
  'MANIFEST_INVALID',
  'MANIFEST_VERSION',
  'BUNDLE_INVALID',
  'TAR_INVALID',
  'ZSTD_INVALID',
  'SEEK_TABLE_INVALID',
  'HASH_MISMATCH',
  'LIMIT_EXCEEDED',
  'TARGET_NOT_EMPTY',
  'TARGET_CONFLICT',
  'RECIPE_INVALID',
  'PLAN_INVALID',
  'KEYS_NOT_UNIQUE',
  'STORE_UNAVAILABLE',
  'STORE_NOT_INSTALLED',
  'STORE_REFUSED',
  'INTERRUPTED',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorDetails {
  /** What the reader can do next: a command or a setting. */
  readonly hint?: string;
  /** The error this one was made from. */
  readonly cause?: unknown;
  /** True when the same call may succeed later without a change. Absent where it is not known. */
  readonly retryable?: boolean;
}

/**
 * An error for a reader. `message` has the form `subject: what is wrong: expected x, got y`, lower case, no full
 * stop; the next step is in `hint`, the original in `cause`.
 */
export class LakepackError extends Error {
  override readonly name = 'LakepackError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryable: boolean | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.retryable = details.retryable;
  }
}

export function isLakepackError(error: unknown, code?: ErrorCode): error is LakepackError {
  return error instanceof LakepackError && (code === undefined || error.code === code);
}

/** What is read is not there, or is not what it must be: another copy may be sound. */
const DAMAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'NOT_FOUND',
  'MANIFEST_INVALID',
  'MANIFEST_VERSION',
  'BUNDLE_INVALID',
  'TAR_INVALID',
  'ZSTD_INVALID',
  'SEEK_TABLE_INVALID',
  'HASH_MISMATCH',
  'LIMIT_EXCEEDED',
]);

/** Of a store as a whole: it cannot be reached, or does not let in. */
const STORE_TROUBLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'REMOTE_UNAVAILABLE',
  'REMOTE_MISCONFIGURED',
  'CREDENTIALS_INVALID',
  'PERMISSION_DENIED',
]);

/** Something was looked at and found missing or damaged; every other error says that nobody could look. */
export function tellsDamage(error: unknown): error is LakepackError {
  return isLakepackError(error) && DAMAGE.has(error.code);
}

export function tellsStoreTrouble(error: unknown): error is LakepackError {
  return isLakepackError(error) && STORE_TROUBLE.has(error.code);
}

/** The same command may get past it later: what it has done so far is worth keeping. */
export function mayPass(error: unknown): boolean {
  return tellsStoreTrouble(error) || isLakepackError(error, 'INTERRUPTED') || isLakepackError(error, 'DISK_FULL');
}

/** Turns an abort into the one error that says so. Throws INTERRUPTED when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw interrupted(signal.reason);
}

export function interrupted(cause?: unknown): LakepackError {
  return new LakepackError('INTERRUPTED', 'the operation was interrupted', {
    cause,
    hint: 'run the same command again: it goes on where it was',
  });
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC` …), or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
