/**
 * Turns errors of the operating system into LakepackErrors. It answers for which code a failed file system call
 * gets; what to do about it is the caller's.
 */
import { type ErrorCode, type ErrorDetails, interrupted, LakepackError, systemErrorCode } from './errors.js';

interface Meaning {
  readonly code: ErrorCode;
  readonly says: string;
  readonly retryable?: boolean;
  readonly hint?: string;
}

const NOT_FOUND: Meaning = { code: 'NOT_FOUND', says: 'there is no such file or folder' };
const DENIED: Meaning = {
  code: 'PERMISSION_DENIED',
  says: 'the system does not permit this',
  hint: 'check who owns the file and its folders, and their modes',
};
const READ_ONLY: Meaning = { code: 'PERMISSION_DENIED', says: 'the file system is mounted read-only' };
const FULL: Meaning = {
  code: 'DISK_FULL',
  says: 'no space is left on the disk',
  hint: 'free some space and run the same command again',
};
const QUOTA: Meaning = {
  code: 'DISK_FULL',
  says: 'the disk quota is used up',
  hint: 'free some space and run the same command again',
};
const FAULTY: Meaning = { code: 'REMOTE_UNAVAILABLE', says: 'the disk reported an error', retryable: true };
const BUSY: Meaning = { code: 'REMOTE_UNAVAILABLE', says: 'the file is in use', retryable: true };
const GONE: Meaning = { code: 'REMOTE_UNAVAILABLE', says: 'the disk cannot be reached', retryable: true };
const TOO_MANY_OPEN: Meaning = {
  code: 'REMOTE_UNAVAILABLE',
  says: 'too many files are open',
  retryable: true,
  hint: 'lower the concurrency, or raise the limit (ulimit -n)',
};

const MEANINGS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['ENOENT', NOT_FOUND],
  ['ENOTDIR', NOT_FOUND],
  ['EACCES', DENIED],
  ['EPERM', DENIED],
  ['EROFS', READ_ONLY],
  ['ENOSPC', FULL],
  ['EDQUOT', QUOTA],
  ['EEXIST', { code: 'OBJECT_EXISTS', says: 'exists already' }],
  ['EISDIR', { code: 'TARGET_CONFLICT', says: 'is a folder' }],
  ['ENOTEMPTY', { code: 'TARGET_NOT_EMPTY', says: 'the folder is not empty' }],
  ['EFBIG', { code: 'LIMIT_EXCEEDED', says: 'the file is larger than this file system can hold' }],
  ['ENAMETOOLONG', { code: 'LIMIT_EXCEEDED', says: 'the name is longer than this file system can hold' }],
  ['ELOOP', { code: 'NOT_FOUND', says: 'the links in the path lead in a circle' }],
  ['EIO', FAULTY],
  ['EBUSY', BUSY],
  ['ETXTBSY', BUSY],
  ['EAGAIN', BUSY],
  ['EMFILE', TOO_MANY_OPEN],
  ['ENFILE', TOO_MANY_OPEN],
  ['ESTALE', GONE],
  ['ENODEV', GONE],
  ['ENXIO', GONE],
  ['ENOTCONN', GONE],
  ['ETIMEDOUT', GONE],
  ['EHOSTDOWN', GONE],
  ['EHOSTUNREACH', GONE],
]);

/**
 * The LakepackError for a failed system call. `subject` is what it was about: a key or a path, as a reader may see
 * it. A LakepackError comes back as it is, an abort as INTERRUPTED; what is no system error at all is INTERNAL.
 */
export function fromSystemError(error: unknown, subject: string): LakepackError {
  if (error instanceof LakepackError) return error;
  if (error instanceof Error && error.name === 'AbortError') return interrupted(error);
  const name = systemErrorCode(error);
  const meaning = name === undefined ? undefined : (MEANINGS.get(name) ?? unknownMeaning(error));
  if (name === undefined || meaning === undefined) {
    return new LakepackError('INTERNAL', `${subject}: ${messageOf(error)}`, { cause: error });
  }
  return new LakepackError(meaning.code, `${subject}: ${meaning.says} (${name})`, detailsOf(meaning, error));
}

/** A code of the system that we have no words for; Node's own `ERR_…` codes are faults in the program. */
function unknownMeaning(error: unknown): Meaning | undefined {
  const isSystemError = error instanceof Error && 'errno' in error;
  return isSystemError ? { code: 'REMOTE_UNAVAILABLE', says: 'the system refused' } : undefined;
}

function detailsOf(meaning: Meaning, cause: unknown): ErrorDetails {
  return {
    cause,
    ...(meaning.hint === undefined ? {} : { hint: meaning.hint }),
    ...(meaning.retryable === undefined ? {} : { retryable: meaning.retryable }),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Runs one step on the file system; what it throws becomes a LakepackError about `subject`. */
export async function onDisk<T>(subject: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw fromSystemError(error, subject);
  }
}

/** The result of `step`, or undefined when nothing is at that path, also behind its links. Other errors pass. */
export async function unlessAbsent<T>(step: () => Promise<T>): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    const name = systemErrorCode(error);
    if (name === 'ENOENT' || name === 'ENOTDIR' || name === 'ELOOP') return undefined;
    throw error;
  }
}

/** What a file system that cannot sync a folder answers; it then has no separate folder to lose. */
const NO_FOLDER_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** True for the answer of a file system to a sync of a folder that says it has no such thing. */
export function cannotSyncFolders(error: unknown): boolean {
  return NO_FOLDER_SYNC.has(systemErrorCode(error) ?? '');
}
