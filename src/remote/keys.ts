/**
 * What every remote checks before it touches its store: keys, prefixes and ranges. It answers for all of them
 * refusing the same things with the same codes.
 */
import { LakepackError } from '../base/errors.js';
import { assertLakePath } from '../base/paths.js';
import type { ByteRange } from './remote.js';

export interface PrefixParts {
  /** The folder to look in: a lake path, or `''` for the top. */
  readonly folder: string;
  /** What names in that folder must begin with; `''` for all. */
  readonly partial: string;
}

/** Splits a key prefix at its last `/`. @throws PATH_UNSAFE when no safe key could begin with it. */
export function splitPrefix(prefix: string, url: string): PrefixParts {
  const cut = prefix.lastIndexOf('/');
  const folder = cut < 0 ? '' : prefix.slice(0, cut);
  const partial = prefix.slice(cut + 1);
  if (cut >= 0) assertLakePath(folder, url);
  // The rest of a name may be `.` or `..`, the beginning of `.hidden`: a letter more makes it a name.
  if (partial !== '') assertLakePath(`${prefix}x`, url);
  return { folder, partial };
}

/** The range, or the whole object when none is given. @throws LIMIT_EXCEEDED when it is not inside the object. */
export function rangeWithin(range: ByteRange | undefined, bytes: number, key: string): ByteRange {
  if (range === undefined) return { offset: 0, length: bytes };
  const { offset, length } = range;
  const isWhole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (isWhole && offset + length <= bytes) return range;
  throw new LakepackError(
    'LIMIT_EXCEEDED',
    `${key}: the range is not inside the object: expected at most ${bytes} bytes, got ${length} from ${offset}`,
    { hint: 'the object is not the one the manifest describes: verify the archive' },
  );
}

/** @throws LIMIT_EXCEEDED when an object of `bytes` bytes may not be read whole. */
export function assertReadable(key: string, bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw new LakepackError(
    'LIMIT_EXCEEDED',
    `${key}: the object is too large: expected at most ${maxBytes} bytes, got ${bytes}`,
  );
}

export function objectExists(key: string, cause?: unknown): LakepackError {
  return new LakepackError('OBJECT_EXISTS', `${key}: the object exists already`, { cause, retryable: false });
}

export function objectAbsent(key: string, cause?: unknown): LakepackError {
  return new LakepackError('NOT_FOUND', `${key}: there is no such object`, { cause });
}
