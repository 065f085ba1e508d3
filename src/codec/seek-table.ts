/**
 * The seek table of the Zstandard seekable format, version 0.1.0 (facebook/zstd,
 * contrib/seekable_format/zstd_seekable_compression_format.md): a skippable frame at the end that names the stored
 * and the content size of every frame before it. Pure; whether the sizes are true is for the reader of the frames.
 */
import { LakepackError } from '../base/errors.js';

/** Number of frames, descriptor and magic number: the last bytes of the file. */
export const SEEK_TABLE_FOOTER_BYTES = 9;
/** 8 TiB in frames of 4 MiB; the largest S3 object, 5 TiB, needs 1,310,720. */
export const MAX_SEEK_TABLE_FRAMES = 2 ** 21;

const SKIPPABLE_MAGIC = 0x184d2a5e;
const SEEKABLE_MAGIC = 0x8f92eab1;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 8;
const CHECKSUM_BYTES = 4;
const CHECKSUM_FLAG = 0x80;
const RESERVED_BITS = 0x7c;
const MAX_ENTRY_VALUE = 2 ** 32 - 1;
/** The smallest frame there is: a skippable one without user data (RFC 8878 3.1.2). */
const MIN_FRAME_BYTES = 8;

export interface SeekTableEntry {
  readonly storedBytes: number;
  /** 0 for a skippable frame. */
  readonly contentBytes: number;
}

/**
 * The whole skippable frame, without checksums of its own: every byte is in a manifest's SHA-256. Throws
 * LIMIT_EXCEEDED for more than 2^21 frames, or a frame that the four-byte fields cannot hold.
 */
export function encodeSeekTable(frames: readonly SeekTableEntry[]): Buffer {
  if (frames.length > MAX_SEEK_TABLE_FRAMES) throw tooMuch('frames', MAX_SEEK_TABLE_FRAMES, frames.length);
  const table = Buffer.alloc(HEADER_BYTES + frames.length * ENTRY_BYTES + SEEK_TABLE_FOOTER_BYTES);
  let at = table.writeUInt32LE(SKIPPABLE_MAGIC, 0);
  at = table.writeUInt32LE(table.length - HEADER_BYTES, at);
  for (const { storedBytes, contentBytes } of frames) {
    const larger = Math.max(storedBytes, contentBytes);
    if (larger > MAX_ENTRY_VALUE) throw tooMuch('bytes in one frame', MAX_ENTRY_VALUE, larger);
    at = table.writeUInt32LE(storedBytes, at);
    at = table.writeUInt32LE(contentBytes, at);
  }
  at = table.writeUInt32LE(frames.length, at);
  at = table.writeUInt8(0, at);
  table.writeUInt32LE(SEEKABLE_MAGIC, at);
  return table;
}

export interface SeekTableSize {
  readonly frames: number;
  /** The whole skippable frame with its 8-byte header: what to read from the end of the file. */
  readonly bytes: number;
}

/**
 * What the last nine bytes of a file say about the table before them. Throws SEEK_TABLE_INVALID when they are no
 * footer, set a reserved bit, or name more than 2^21 frames.
 */
export function seekTableSizeFromFooter(last9: Buffer): SeekTableSize {
  const { frames, entryBytes } = readFooter(last9);
  return { frames, bytes: HEADER_BYTES + frames * entryBytes + SEEK_TABLE_FOOTER_BYTES };
}

/**
 * The entries of a whole skippable frame, in stream order; checksums are passed over. Throws SEEK_TABLE_INVALID for
 * a wrong magic number, a reserved bit, a size that does not fit the number of frames, or a frame of fewer bytes
 * than any frame has.
 */
export function decodeSeekTable(bytes: Buffer): readonly SeekTableEntry[] {
  if (bytes.length < HEADER_BYTES + SEEK_TABLE_FOOTER_BYTES) {
    throw invalid('too short', `at least ${HEADER_BYTES + SEEK_TABLE_FOOTER_BYTES} bytes`, bytes.length);
  }
  const { frames, entryBytes } = readFooter(bytes.subarray(bytes.length - SEEK_TABLE_FOOTER_BYTES));
  checkHeader(bytes, HEADER_BYTES + frames * entryBytes + SEEK_TABLE_FOOTER_BYTES);
  return Array.from({ length: frames }, (_, frame) => readEntry(bytes, frame, HEADER_BYTES + frame * entryBytes));
}

function readFooter(footer: Buffer): { readonly frames: number; readonly entryBytes: number } {
  if (footer.length !== SEEK_TABLE_FOOTER_BYTES) {
    throw invalid('wrong footer size', SEEK_TABLE_FOOTER_BYTES, footer.length);
  }
  const magic = footer.readUInt32LE(5);
  if (magic !== SEEKABLE_MAGIC) throw invalid('wrong magic number at the end', hex(SEEKABLE_MAGIC), hex(magic));
  const descriptor = footer.readUInt8(4);
  if ((descriptor & RESERVED_BITS) !== 0) throw invalid('reserved bits set', 0, descriptor & RESERVED_BITS);
  const frames = footer.readUInt32LE(0);
  if (frames > MAX_SEEK_TABLE_FRAMES) throw invalid('too many frames', `at most ${MAX_SEEK_TABLE_FRAMES}`, frames);
  const hasChecksums = (descriptor & CHECKSUM_FLAG) !== 0;
  return { frames, entryBytes: ENTRY_BYTES + (hasChecksums ? CHECKSUM_BYTES : 0) };
}

function checkHeader(bytes: Buffer, expectedBytes: number): void {
  const magic = bytes.readUInt32LE(0);
  if (magic !== SKIPPABLE_MAGIC) throw invalid('wrong magic number', hex(SKIPPABLE_MAGIC), hex(magic));
  const declared = bytes.readUInt32LE(4) + HEADER_BYTES;
  if (declared !== expectedBytes) throw invalid('frame size does not fit the frames', expectedBytes, declared);
  if (bytes.length !== expectedBytes) throw invalid('wrong size', expectedBytes, bytes.length);
}

function readEntry(bytes: Buffer, frame: number, at: number): SeekTableEntry {
  const storedBytes = bytes.readUInt32LE(at);
  if (storedBytes < MIN_FRAME_BYTES) {
    throw invalid(`frame ${frame} is too small`, `at least ${MIN_FRAME_BYTES} bytes`, storedBytes);
  }
  return { storedBytes, contentBytes: bytes.readUInt32LE(at + 4) };
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function invalid(what: string, expected: string | number, found: string | number): LakepackError {
  return new LakepackError('SEEK_TABLE_INVALID', `seek table: ${what}: expected ${expected}, got ${found}`);
}

function tooMuch(what: string, most: number, found: number): LakepackError {
  return new LakepackError('LIMIT_EXCEEDED', `seek table: too many ${what}: expected at most ${most}, got ${found}`);
}
