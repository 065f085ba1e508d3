/**
 * The door for every path that comes from outside: manifests, tar entries, selectors, directory listings. It
 * answers for "is this a lake path" and "where is it on this disk"; it touches no file system.
 */
import path from 'node:path';
import { LakepackError } from './errors.js';
import { MAX_NAME_BYTES, MAX_PATH_BYTES } from './limits.js';

/** Most lake paths: ASCII without backslash, colon or control characters, and no segment that means something else. */
const PLAIN_PATH = /^(?!\.{1,2}(?:\/|$))[ -.0-9;-[\]-~]+(?:\/(?!\.{1,2}(?:\/|$))[ -.0-9;-[\]-~]+)*$/;

/**
 * Why a string is not a lake path, or undefined when it is one: relative, `/`-separated, NFC or not, no empty, `.`
 * or `..` segment, no NUL, no backslash-as-separator trick that leaves the folder on Windows, no drive, in bounds.
 */
export function lakePathFault(lakePath: string): string | undefined {
  if (lakePath.length <= MAX_NAME_BYTES && PLAIN_PATH.test(lakePath)) return undefined;
  if (lakePath === '') return 'is empty';
  if (lakePath.includes('\0')) return 'contains a NUL byte';
  if (lakePath.startsWith('/')) return 'is absolute';
  if (/^[A-Za-z]:([/\\]|$)/.test(lakePath) || /^[A-Za-z]:\.\./.test(lakePath)) return 'names a Windows drive';
  if (lakePath.startsWith('\\\\')) return 'is a UNC path';
  if (!lakePath.isWellFormed()) return 'is not valid Unicode';
  if (Buffer.byteLength(lakePath) > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`;
  return lakePath
    .split('/')
    .map(segmentFault)
    .find((fault) => fault !== undefined);
}

function segmentFault(segment: string): string | undefined {
  if (segment === '') return 'has an empty segment';
  if (segment === '.' || segment === '..') return `has a "${segment}" segment`;
  if (segment.split('\\').includes('..')) return 'has a ".." segment behind a backslash';
  if (Buffer.byteLength(segment) > MAX_NAME_BYTES) return `has a name longer than ${MAX_NAME_BYTES} bytes`;
  return undefined;
}

/** Throws PATH_UNSAFE unless `lakePath` is a lake path. `subject` says where it was found. */
export function assertLakePath(lakePath: string, subject: string): void {
  const fault = lakePathFault(lakePath);
  if (fault === undefined) return;
  throw new LakepackError('PATH_UNSAFE', `${subject}: the path ${JSON.stringify(lakePath)} ${fault}`, {
    hint: 'do not restore this archive before you know who made it',
  });
}

/** Where a lake path is below `root` on this disk. Throws PATH_UNSAFE. */
export function toDiskPath(root: string, lakePath: string): string {
  assertLakePath(lakePath, root);
  return path.join(root, ...lakePath.split('/'));
}

/** Orders paths by their UTF-8 bytes, the only order of format version 1 (format 2.3). */
export function comparePathBytes(a: string, b: string): number {
  if (a === b) return 0;
  // UTF-16 code units order like UTF-8 bytes unless a surrogate pair meets a unit at or above U+E000.
  return isPlain(a) && isPlain(b) ? (a < b ? -1 : 1) : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function isPlain(text: string): boolean {
  return !/[\ud800-\uffff]/.test(text);
}

/** Shows a path in a message: control characters, bidirectional overrides and quotes cannot act on a terminal. */
export function showPath(lakePath: string): string {
  const odd = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069"\\]/u;
  if (!odd.test(lakePath)) return lakePath;
  return JSON.stringify(lakePath).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
