/**
 * The door to zstd: the only file that imports the library. It answers for a frame decoding to what it should within
 * the memory it may use. The library has no output limit and accepts some damaged frames
 * (docs/decisions/0002-zstd-golden.md), so content is proven by SHA-256, never by decoding alone.
 */
import { compress, decompress } from '@mongodb-js/zstd';
import { LakepackError } from '../base/errors.js';
import { MIB, ZSTD_MAX_WINDOW_BYTES } from '../base/limits.js';
import { cutFrame, unpackRawFrame, walkFrame } from './zstd-frame.js';
import type { FrameFacts } from './zstd-frame.js';

/** The zstd inside `@mongodb-js/zstd` 1.2.0: the same input and level give the same bytes for one version. */
export const ZSTD_VERSION = '1.5.2';
export const MIN_LEVEL = 1;
export const MAX_LEVEL = 19;

/** What a frame may ask of us. */
export interface DecodeLimits {
  /** The library takes 128 MiB at most, whatever stands here. */
  readonly maxWindowBytes: number;
}

/** format 4.3. Archives made elsewhere may need a larger window. */
export const FORMAT_DECODE_LIMITS: DecodeLimits = { maxWindowBytes: ZSTD_MAX_WINDOW_BYTES };

/**
 * How far the decoder may be led beyond `maxContentBytes`: the bound of a block is 128 KiB, also where it yields 100
 * bytes, and from level 16 on zstd splits blocks until the bounds of 4 MiB add up to 20 (decision 0003).
 */
const DECODE_SLACK_BYTES = 32 * MIB;
/** Beginnings of one frame that are decoded before it is refused; real frames need none. */
const MAX_CUTS = 16;

/**
 * One standard frame (RFC 8878): with its content size, without a checksum, window at most 8 MiB. `level` is 1 to 19,
 * else USAGE. Runs on the libuv pool.
 */
export async function compressFrame(data: Buffer, level: number): Promise<Buffer> {
  const bare = await compressBare(data, level);
  const frame = Buffer.allocUnsafe(bare.length + CONTENT_SIZE_BYTES);
  return frame.subarray(0, writeSized(bare, data.length, frame));
}

/**
 * Writes that frame to the beginning of `target` and resolves with its length; with undefined, and nothing written,
 * where it would not be smaller than `data`.
 * @param data must not change before this resolves.
 */
export async function compressFrameInto(data: Buffer, level: number, target: Buffer): Promise<number | undefined> {
  const bare = await compressBare(data, level);
  const bytes = bare.length + (isBare(bare) ? CONTENT_SIZE_BYTES : 0);
  return bytes < data.length ? writeSized(bare, data.length, target) : undefined;
}

async function compressBare(data: Buffer, level: number): Promise<Buffer> {
  if (Number.isInteger(level) && level >= MIN_LEVEL && level <= MAX_LEVEL) return await compress(data, level);
  throw new LakepackError('USAGE', `level: out of range: expected ${MIN_LEVEL} to ${MAX_LEVEL}, got ${level}`);
}

/** Frame_Header_Descriptor: a content size of four bytes (RFC 8878 3.1.1.1.1). */
const CONTENT_SIZE_4_BYTES = 0x80;
const CONTENT_SIZE_BYTES = 4;
const FRAME_HEADER_BYTES = 6;

/** The library's header is magic number, descriptor 0 and window; any other would be another library's. */
function isBare(frame: Buffer): boolean {
  return frame[4] === 0;
}

/**
 * The library leaves the content size out of the header; with it `zstd -l` can tell the size, and a decoder knows how
 * much to allocate.
 */
function writeSized(frame: Buffer, contentBytes: number, target: Buffer): number {
  if (!isBare(frame)) return frame.copy(target);
  frame.copy(target, 0, 0, FRAME_HEADER_BYTES);
  target[4] = CONTENT_SIZE_4_BYTES;
  const at = target.writeUInt32LE(contentBytes, FRAME_HEADER_BYTES);
  return at + frame.copy(target, at, FRAME_HEADER_BYTES);
}

/**
 * The content of exactly one frame; a skippable one is empty. Never holds more than `maxContentBytes` + 32 MiB of
 * output. Throws LIMIT_EXCEEDED when the frame yields more than `maxContentBytes` (before decoding where the headers
 * show it) or asks for a larger window; ZSTD_INVALID when it is cut off, damaged, followed by more bytes, needs a
 * dictionary, or yields another size or checksum than it says (RFC 8878 3.1.1).
 */
export async function decompressFrame(
  frame: Buffer,
  maxContentBytes: number,
  limits: DecodeLimits = FORMAT_DECODE_LIMITS,
): Promise<Buffer> {
  const facts = admitFrame(frame, maxContentBytes, limits);
  if (facts.kind === 'skippable') return Buffer.alloc(0);
  if (facts.allRaw && !facts.hasChecksum) return unpackRawFrame(frame, facts);
  const content = await decodeWithin(frame, facts, maxContentBytes);
  const expected = facts.contentBytes ?? content.length;
  if (content.length === expected) return content;
  throw invalid(`wrong content size: expected ${expected} bytes, got ${content.length}`);
}

function admitFrame(frame: Buffer, maxContentBytes: number, limits: DecodeLimits): FrameFacts {
  const facts = walkFrame(frame);
  if (facts === undefined) throw invalid(`the frame is cut off: expected more than ${frame.length} bytes`);
  if (facts.storedBytes !== frame.length) {
    throw invalid(`bytes behind the frame: expected ${facts.storedBytes}, got ${frame.length}`);
  }
  if (facts.dictionaryId !== undefined) {
    throw invalid(`needs a dictionary: expected none, got ${facts.dictionaryId}`);
  }
  if (facts.windowBytes > limits.maxWindowBytes) {
    throw exceeded('window too large', limits.maxWindowBytes, facts.windowBytes);
  }
  const surelyBytes = facts.allRaw ? facts.maxContentBytes : (facts.contentBytes ?? 0);
  if (surelyBytes > maxContentBytes) throw exceeded('too much content', maxContentBytes, surelyBytes);
  return facts;
}

/**
 * Decodes the frame once its bounds fit. While they do not, decodes a beginning of it whose bounds do: that shows
 * what those blocks really yield, and leaves the rest of the room to the next ones.
 */
async function decodeWithin(frame: Buffer, facts: FrameFacts, maxContentBytes: number): Promise<Buffer> {
  let from = facts.headerBytes;
  let proven = 0;
  for (let cuts = 0; cuts <= MAX_CUTS; cuts += 1) {
    const cut = cutFrame(frame, facts, from, maxContentBytes + DECODE_SLACK_BYTES - proven);
    const content = await decode(cut.frame);
    if (content.length > maxContentBytes) throw exceeded('too much content', maxContentBytes, content.length);
    if (cut.whole) return content;
    from = cut.endsAt;
    proven = content.length;
  }
  throw exceeded('too many small blocks', maxContentBytes + DECODE_SLACK_BYTES, facts.maxContentBytes);
}

async function decode(frame: Buffer): Promise<Buffer> {
  try {
    return await decompress(frame);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LakepackError('ZSTD_INVALID', `zstd frame: damaged: expected content, got "${reason}"`, { cause });
  }
}

function invalid(what: string): LakepackError {
  return new LakepackError('ZSTD_INVALID', `zstd frame: ${what}`);
}

function exceeded(what: string, most: number, found: number): LakepackError {
  return new LakepackError('LIMIT_EXCEEDED', `zstd frame: ${what}: expected at most ${most} bytes, got ${found}`);
}
