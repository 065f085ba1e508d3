/**
 * The 512-byte tar header block (POSIX.1-2001 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"):
 * where its fields stand, how numbers are written in them, and its checksum. It knows no entries and no extensions.
 */
import { isUtf8 } from 'node:buffer';
import { LakepackError } from '../base/errors.js';
import { showPath } from '../base/paths.js';

export const TAR_BLOCK_BYTES = 512;
export const NAME_BYTES = 100;
export const PREFIX_BYTES = 155;
/** Eleven octal digits: the first value that needs a PAX record (8 GiB as a size, the year 2242 as a time). */
export const OCTAL_FIELD_LIMIT = 8 ** 11;

/**
 * What the header says. Names are bytes up to the first NUL: GNU tar cuts them at 100 bytes inside a character where
 * an extension header has the whole, so only a name that counts may be decoded.
 */
export interface TarBlock {
  /** Prefix and name joined, as ustar says; the name alone in GNU and v7 headers. */
  readonly name: Buffer;
  readonly linkname: Buffer;
  /** One character; '0' where an old header has NUL. */
  readonly typeflag: string;
  readonly mode: number;
  readonly bytes: number;
  /** Whole seconds since 1970-01-01T00:00:00Z. */
  readonly mtime: number;
}

export interface TarBlockFields {
  readonly name: Buffer;
  readonly prefix: Buffer;
  readonly typeflag: string;
  readonly mode: number;
  readonly bytes: number;
  readonly mtime: number;
}

const CHECKSUM_AT = 148;
const CHECKSUM_FIELD_BYTES = 8;
const TYPEFLAG_AT = 156;
const LINKNAME_AT = 157;
const MAGIC_AT = 257;
const PREFIX_AT = 345;
const NEGATIVE = 0xff;
const POSITIVE = 0x80;

/** uid, gid, names and device numbers are always the same: owner 0, and none. */
const TEMPLATE = makeTemplate();

function makeTemplate(): Buffer {
  const block = Buffer.alloc(TAR_BLOCK_BYTES);
  for (const at of [108, 116, 329, 337]) block.write('0000000', at, 'latin1');
  block.fill(' ', CHECKSUM_AT, CHECKSUM_AT + CHECKSUM_FIELD_BYTES);
  block.write('ustar\x0000', MAGIC_AT, 'latin1');
  return block;
}

/** A ustar header of owner 0. Numbers beyond eleven octal digits stand in base-256, as GNU tar and libarchive do. */
export function encodeTarBlock(fields: TarBlockFields): Buffer {
  const block = Buffer.from(TEMPLATE);
  fields.name.copy(block, 0, 0, NAME_BYTES);
  fields.prefix.copy(block, PREFIX_AT, 0, PREFIX_BYTES);
  block.write(fields.mode.toString(8).padStart(7, '0'), 100, 'latin1');
  writeNumber(block, 124, fields.bytes);
  writeNumber(block, 136, fields.mtime);
  block.write(fields.typeflag, TYPEFLAG_AT, 'latin1');
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, CHECKSUM_AT, 'latin1');
  return block;
}

/** Sum of the template with its checksum field as spaces, as the checksum counts them. */
const TEMPLATE_SUM = TEMPLATE.reduce((sum, byte) => sum + byte, 0);

/** What a plain header says: everything in it is ASCII, and every number fits eleven octal digits. */
export interface PlainTarBlockFields {
  readonly name: string;
  readonly prefix: string;
  readonly typeflag: '0' | '5';
  readonly mode: number;
  readonly bytes: number;
  readonly mtime: number;
}

/** Writes the header that `encodeTarBlock` makes of the same fields, without a string or buffer of its own. */
export function writePlainTarBlock(fields: PlainTarBlockFields, target: Buffer, at: number): void {
  TEMPLATE.copy(target, at);
  const sum =
    TEMPLATE_SUM +
    writeAscii(target, at, fields.name) +
    writeAscii(target, at + PREFIX_AT, fields.prefix) +
    writeAscii(target, at + TYPEFLAG_AT, fields.typeflag) +
    writeOctal(target, at + 100, 7, fields.mode) +
    writeOctal(target, at + 124, 11, fields.bytes) +
    writeOctal(target, at + 136, 11, fields.mtime);
  writeOctal(target, at + CHECKSUM_AT, 6, sum);
  target[at + CHECKSUM_AT + 6] = 0;
}

/** Returns what it adds to the checksum: in the template these bytes are zero. */
function writeAscii(target: Buffer, at: number, text: string): number {
  let sum = 0;
  for (let n = 0; n < text.length; n += 1) {
    const byte = text.charCodeAt(n);
    target[at + n] = byte;
    sum += byte;
  }
  return sum;
}

const DIGIT_ZERO = 0x30;

/** As above. Digits are taken by division: sizes go beyond what shifts can hold. */
function writeOctal(target: Buffer, at: number, digits: number, value: number): number {
  let sum = 0;
  let rest = value;
  for (let n = digits - 1; n >= 0; n -= 1) {
    const next = Math.floor(rest / 8);
    const digit = DIGIT_ZERO + rest - next * 8;
    target[at + n] = digit;
    sum += digit;
    rest = next;
  }
  return sum;
}

function writeNumber(block: Buffer, at: number, value: number): void {
  if (value >= 0 && value < OCTAL_FIELD_LIMIT) {
    block.write(value.toString(8).padStart(11, '0'), at, 'latin1');
    return;
  }
  block.fill(value < 0 ? NEGATIVE : 0, at, at + 4);
  block.writeUInt8(value < 0 ? NEGATIVE : POSITIVE, at);
  block.writeBigInt64BE(BigInt(value), at + 4);
}

/** The sum of all bytes, the checksum field counted as spaces (POSIX: unsigned). */
function checksum(block: Buffer): number {
  let sum = CHECKSUM_FIELD_BYTES * 0x20;
  for (let at = 0; at < CHECKSUM_AT; at += 1) sum += block[at] ?? 0;
  for (let at = CHECKSUM_AT + CHECKSUM_FIELD_BYTES; at < TAR_BLOCK_BYTES; at += 1) sum += block[at] ?? 0;
  return sum;
}

/** True for a block that can only be a ustar or GNU header: its magic and its checksum are right. Never throws. */
export function looksLikeHeader(block: Buffer): boolean {
  if (block.toString('latin1', MAGIC_AT, MAGIC_AT + 5) !== 'ustar') return false;
  return readOctal(block, CHECKSUM_AT, CHECKSUM_FIELD_BYTES) === checksum(block);
}

/** Reads a header block. Throws TAR_INVALID for a wrong checksum and a malformed number. */
export function decodeTarBlock(block: Buffer, where: string): TarBlock {
  const expected = readNumber(block, CHECKSUM_AT, CHECKSUM_FIELD_BYTES, 'checksum', where);
  const found = checksum(block);
  if (expected !== found) throw invalid(where, `wrong header checksum: expected ${expected ?? 'digits'}, got ${found}`);
  const typeflag = block.toString('latin1', TYPEFLAG_AT, LINKNAME_AT);
  const bytes = readNumber(block, 124, 12, 'size', where);
  if (bytes === undefined || bytes < 0) {
    throw invalid(where, `bad size: expected a number from 0, got ${bytes ?? 'blanks'}`);
  }
  return {
    name: readName(block),
    linkname: readText(block, LINKNAME_AT, NAME_BYTES),
    typeflag: typeflag === '\0' ? '0' : typeflag,
    mode: (readNumber(block, 100, 8, 'mode', where) ?? 0) & 0o7777,
    bytes,
    mtime: readNumber(block, 136, 12, 'mtime', where) ?? 0,
  };
}

function readName(block: Buffer): Buffer {
  const name = readText(block, 0, NAME_BYTES);
  // GNU headers end their magic in a space and keep times where ustar has the prefix; v7 headers have neither.
  if (block.toString('latin1', MAGIC_AT, MAGIC_AT + 6) !== 'ustar\0') return name;
  const prefix = readText(block, PREFIX_AT, PREFIX_BYTES);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

function readText(block: Buffer, at: number, size: number): Buffer {
  const field = block.subarray(at, at + size);
  const end = field.indexOf(0);
  return end === -1 ? field : field.subarray(0, end);
}

/** Text that must be UTF-8. Throws TAR_INVALID: a replacement character would be another name. */
export function decodeUtf8(bytes: Buffer, field: string, where: string): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw invalid(where, `the ${field} is not UTF-8: expected UTF-8, got bytes ${bytes.subarray(0, 32).toString('hex')}`);
}

/**
 * A number in octal, or in base-256 when the first bit is set (GNU tar manual, "Extensions to the tar format");
 * undefined for a blank field. Throws TAR_INVALID for anything else and beyond 2^53 - 1.
 */
function readNumber(block: Buffer, at: number, size: number, field: string, where: string): number | undefined {
  const value = (block[at] ?? 0) >= POSITIVE ? readBase256(block.subarray(at, at + size)) : readOctal(block, at, size);
  if (value === undefined || Number.isSafeInteger(value)) return value;
  const raw = showPath(block.toString('latin1', at, at + size));
  throw invalid(where, `bad ${field}: expected octal digits or base-256 up to 2^53 - 1, got ${raw}`);
}

/** Undefined for a blank field, NaN for what is no octal number. */
function readOctal(block: Buffer, at: number, size: number): number | undefined {
  const digits = /^ *([0-7]*)[ \0]*$/.exec(block.toString('latin1', at, at + size))?.[1];
  return digits === '' ? undefined : Number.parseInt(digits ?? '', 8);
}

/** Two's complement, most significant byte first; the very first bit is the mark and not a part of the number. */
function readBase256(field: Buffer): number {
  return Number(BigInt.asIntN(field.length * 8 - 1, BigInt(`0x${field.toString('hex')}`)));
}

function invalid(where: string, what: string): LakepackError {
  return new LakepackError('TAR_INVALID', `${where}: ${what}`);
}
