/**
 * Writes tar entry headers (format 4.1): ustar, with PAX records where ustar has no room, and deterministic to the
 * byte. Bodies are the caller's: header, bytes, `paddingBytes` of zeros; `END_OF_ARCHIVE` last. Why this is not
 * `tar-stream`: docs/decisions/0001-tar-headers.md.
 */
import { LakepackError } from '../base/errors.js';
import { showPath } from '../base/paths.js';
import { encodePaxRecords } from './pax.js';
import {
  encodeTarBlock,
  NAME_BYTES,
  OCTAL_FIELD_LIMIT,
  PREFIX_BYTES,
  TAR_BLOCK_BYTES,
  writePlainTarBlock,
} from './tar-block.js';

export { TAR_BLOCK_BYTES } from './tar-block.js';

/** Two blocks of zeros (POSIX.1-2001 pax, "ustar Interchange Format"). */
export const END_OF_ARCHIVE: Buffer = Buffer.alloc(2 * TAR_BLOCK_BYTES);

export interface TarEntryHeader {
  /** Relative, `/`-separated, without a slash at the end, also for a directory. */
  readonly path: string;
  readonly type: 'file' | 'directory';
  /** 0 for a directory. */
  readonly bytes: number;
  /** Whole seconds since 1970-01-01T00:00:00Z; may be negative. */
  readonly mtime: number;
  /** Mode 0755 instead of 0644; a directory always has 0755. */
  readonly executable: boolean;
}

/** Zero bytes after a body of `bytes`, up to the next 512. */
export function paddingBytes(bytes: number): number {
  return (TAR_BLOCK_BYTES - (bytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
}

/**
 * All header blocks of one entry: for most a single one. Throws TAR_INVALID for what tar cannot say: an empty path,
 * NUL, a lone surrogate, a slash at the end, a directory with bytes, a number that is not a safe integer.
 */
export function encodeEntryHeader(entry: TarEntryHeader): Buffer {
  assertEncodable(entry);
  const path = Buffer.from(entry.type === 'directory' ? `${entry.path}/` : entry.path);
  const place = splitPath(path);
  const main = encodeTarBlock({
    ...(place ?? { name: shortenedName(path), prefix: Buffer.alloc(0) }),
    typeflag: entry.type === 'directory' ? '5' : '0',
    mode: entry.type === 'directory' || entry.executable ? 0o755 : 0o644,
    bytes: entry.bytes,
    mtime: entry.mtime,
  });
  const records = paxRecords(entry, path, place !== undefined);
  if (records.length === 0) return main;
  return Buffer.concat([...paxHeader(entry.path, encodePaxRecords(records)), main]);
}

/** How many bytes `encodeEntryHeader` makes of the entry; for most this needs no header to be made. */
export function entryHeaderBytes(entry: TarEntryHeader): number {
  return plainPlace(entry) === undefined ? encodeEntryHeader(entry).length : TAR_BLOCK_BYTES;
}

/** Writes what `encodeEntryHeader` makes of the entry, and returns its length. Throws as that does. */
export function writeEntryHeader(entry: TarEntryHeader, target: Buffer, at: number): number {
  const place = plainPlace(entry);
  if (place === undefined) return encodeEntryHeader(entry).copy(target, at);
  const { type, bytes, mtime, executable } = entry;
  const isFolder = type === 'directory';
  const mode = isFolder || executable ? 0o755 : 0o644;
  writePlainTarBlock({ ...place, typeflag: isFolder ? '5' : '0', mode, bytes, mtime }, target, at);
  return TAR_BLOCK_BYTES;
}

/** Name and prefix of an entry that one plain block can tell; undefined also where it is not worth finding out. */
function plainPlace({ path, type, bytes, mtime }: TarEntryHeader): { name: string; prefix: string } | undefined {
  if (!isPlainNumber(bytes) || !isPlainNumber(mtime) || !isPlainPath(path)) return undefined;
  if (type === 'directory' && bytes > 0) return undefined;
  const name = type === 'directory' ? `${path}/` : path;
  if (name.length <= NAME_BYTES) return { name, prefix: '' };
  const slash = name.indexOf('/', name.length - NAME_BYTES - 1);
  if (slash < 1 || slash > PREFIX_BYTES || slash === name.length - 1) return undefined;
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) };
}

/** ASCII, and nothing that a header cannot say. */
function isPlainPath(path: string): boolean {
  return path !== '' && !path.endsWith('/') && !path.includes('\0') && Buffer.byteLength(path) === path.length;
}

function isPlainNumber(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < OCTAL_FIELD_LIMIT;
}

function assertEncodable(entry: TarEntryHeader): void {
  const fault = entryFault(entry);
  if (fault !== undefined) throw new LakepackError('TAR_INVALID', `tar entry ${showPath(entry.path)}: ${fault}`);
}

function entryFault({ path, type, bytes, mtime }: TarEntryHeader): string | undefined {
  if (path === '' || path.endsWith('/')) return 'bad path: expected a name at the end, got none';
  if (path.includes('\0') || !path.isWellFormed()) return 'bad path: expected Unicode without NUL';
  if (!Number.isSafeInteger(bytes) || bytes < 0) return `bad size: expected an integer from 0, got ${bytes}`;
  if (!Number.isSafeInteger(mtime)) return `bad mtime: expected whole seconds, got ${mtime}`;
  return type === 'directory' && bytes > 0 ? `bad size: expected 0 for a directory, got ${bytes}` : undefined;
}

/** Name and prefix with the longest name that fits; undefined where no slash is in the right place. */
function splitPath(path: Buffer): { readonly name: Buffer; readonly prefix: Buffer } | undefined {
  if (path.length <= NAME_BYTES) return { name: path, prefix: Buffer.alloc(0) };
  const slash = path.indexOf('/', path.length - NAME_BYTES - 1);
  if (slash < 1 || slash > PREFIX_BYTES || slash === path.length - 1) return undefined;
  return { name: path.subarray(slash + 1), prefix: path.subarray(0, slash) };
}

/** What a reader without extensions sees: whole characters, and never a slash at the end, which says "directory". */
function shortenedName(path: Buffer): Buffer {
  let end = NAME_BYTES;
  while (((path[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  while (path[end - 1] === 0x2f) end -= 1;
  return path.subarray(0, end);
}

type PaxRecord = Parameters<typeof encodePaxRecords>[0][number];

function paxRecords({ bytes, mtime }: TarEntryHeader, path: Buffer, fits: boolean): readonly PaxRecord[] {
  const records: PaxRecord[] = [];
  // UTF-8 stands in the block as it is: bsdtar would compose a decomposed name that it reads from a record (0001).
  if (!fits) records.push(['path', path.toString()]);
  if (bytes >= OCTAL_FIELD_LIMIT) records.push(['size', String(bytes)]);
  if (mtime < 0 || mtime >= OCTAL_FIELD_LIMIT) records.push(['mtime', String(mtime)]);
  return records;
}

function paxHeader(path: string, body: Buffer): readonly Buffer[] {
  const header = encodeTarBlock({
    name: Buffer.from(paxHeaderName(path)),
    prefix: Buffer.alloc(0),
    typeflag: 'x',
    mode: 0o644,
    bytes: body.length,
    mtime: 0,
  });
  return [header, body, Buffer.alloc(paddingBytes(body.length))];
}

/** Seen only by tools that know no PAX. */
function paxHeaderName(path: string): string {
  const base = path.slice(path.lastIndexOf('/') + 1);
  return `PaxHeaders/${base.slice(0, 80).replace(/[^\x20-\x7e]/g, '_')}`;
}
