/**
 * Zstandard frames from the outside (RFC 8878, section 3.1): walk one, make and open one of raw blocks, cut one short,
 * split a stream of them. Pure, and without a decoder; `zstd.ts` has that.
 */
import { LakepackError } from '../base/errors.js';
import { KIB, ZSTD_MAX_WINDOW_BYTES } from '../base/limits.js';
import { BLOCK_HEADER_BYTES, BLOCK_MAX_BYTES, FrameWalker, readBlockHeader, ZSTD_MAGIC } from './zstd-walk.js';
import type { FrameFacts } from './zstd-walk.js';

export type { FrameFacts } from './zstd-walk.js';

const SINGLE_SEGMENT = 0x20;

/**
 * Walks one frame from `offset`; undefined when `bytes` end before the frame does. Throws ZSTD_INVALID for what no
 * valid frame has: a wrong magic number, a reserved bit or block type, a block above min(window, 128 KiB), a content
 * size that the blocks cannot hold (RFC 8878 3.1.1, 3.1.2).
 */
export function walkFrame(bytes: Buffer, offset = 0): FrameFacts | undefined {
  const walker = new FrameWalker('zstd frame');
  walker.push(bytes, Math.min(offset, bytes.length));
  return walker.facts;
}

/**
 * One frame of raw blocks around `data`: single segment with content size, no checksum, 3 bytes for each 128 KiB
 * (RFC 8878 3.1.1.2.2). Any decoder reads it. Throws LIMIT_EXCEEDED above 8 MiB, the largest window of format 4.3:
 * a single segment is its own window.
 */
export function rawFrame(data: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(rawFrameBytes(data.length));
  writeRawFrame(data, frame);
  return frame;
}

/**
 * Writes that frame to the beginning of `target`, which must have room for it, and returns its length.
 * @param data may be the end of `target`: no block is written over bytes that a later one takes.
 */
export function writeRawFrame(data: Buffer, target: Buffer): number {
  if (data.length > ZSTD_MAX_WINDOW_BYTES) {
    const most = ZSTD_MAX_WINDOW_BYTES;
    throw new LakepackError('LIMIT_EXCEEDED', `raw frame: too much data: expected at most ${most}, got ${data.length}`);
  }
  const blocks = Math.max(1, Math.ceil(data.length / BLOCK_MAX_BYTES));
  let at = rawFrameHeader(data.length).copy(target);
  for (let block = 0; block < blocks; block += 1) {
    const content = data.subarray(block * BLOCK_MAX_BYTES, (block + 1) * BLOCK_MAX_BYTES);
    at = target.writeUIntLE((content.length << 3) | (block === blocks - 1 ? 1 : 0), at, BLOCK_HEADER_BYTES);
    at += content.copy(target, at);
  }
  return at;
}

/** The length of a raw frame around so many bytes. */
export function rawFrameBytes(contentBytes: number): number {
  const blocks = Math.max(1, Math.ceil(contentBytes / BLOCK_MAX_BYTES));
  return rawFrameHeader(contentBytes).length + blocks * BLOCK_HEADER_BYTES + contentBytes;
}

/** RFC 8878 3.1.1.1.4: the content size in the fewest bytes; two bytes count from 256. */
function rawFrameHeader(contentBytes: number): Buffer {
  const header = Buffer.alloc(9);
  header.writeUInt32LE(ZSTD_MAGIC, 0);
  const [flag, size, base] = contentBytes < 256 ? [0, 1, 0] : contentBytes < 65_792 ? [1, 2, 256] : [2, 4, 0];
  header.writeUInt8((flag << 6) | SINGLE_SEGMENT, 4);
  return header.subarray(0, header.writeUIntLE(contentBytes - base, 5, size));
}

/** The content of a frame whose facts say `allRaw`, by copying. The caller has walked the frame and set the limit. */
export function unpackRawFrame(frame: Buffer, facts: FrameFacts): Buffer {
  const content = Buffer.allocUnsafe(facts.maxContentBytes);
  let filled = 0;
  for (const block of blocksOf(frame, facts, facts.headerBytes)) {
    if (block.type === 'raw') frame.copy(content, filled, block.contentAt, block.endsAt);
    else content.fill(frame.readUInt8(block.contentAt), filled, filled + block.maxContentBytes);
    filled += block.maxContentBytes;
  }
  return content;
}

export interface FrameCut {
  /** A frame of the first blocks, without content size or checksum; `frame` itself when all blocks fit. */
  readonly frame: Buffer;
  /** Where the first block that was left out starts. */
  readonly endsAt: number;
  readonly whole: boolean;
}

/**
 * Cuts a walked frame behind the blocks from `from` on that yield at most `maxMoreBytes` together, and behind one
 * block at least. What is left decodes to the beginning of the content.
 */
export function cutFrame(frame: Buffer, facts: FrameFacts, from: number, maxMoreBytes: number): FrameCut {
  let more = 0;
  let last = from;
  let endsAt = from;
  for (const block of blocksOf(frame, facts, from)) {
    more += block.maxContentBytes;
    if (more > maxMoreBytes && endsAt > from) {
      return { frame: shortFrame(frame, facts, last, endsAt), endsAt, whole: false };
    }
    last = block.startsAt;
    endsAt = block.endsAt;
  }
  return { frame, endsAt, whole: true };
}

function shortFrame(frame: Buffer, facts: FrameFacts, last: number, endsAt: number): Buffer {
  const header = Buffer.alloc(6);
  header.writeUInt32LE(ZSTD_MAGIC, 0);
  header.writeUInt8(windowDescriptor(facts.windowBytes), 5);
  const short = Buffer.concat([header, frame.subarray(facts.headerBytes, endsAt)]);
  const lastAt = header.length + last - facts.headerBytes;
  short.writeUInt8(short.readUInt8(lastAt) | 1, lastAt);
  return short;
}

/** The smallest power of two that holds the window (RFC 8878 3.1.1.1.2). */
function windowDescriptor(windowBytes: number): number {
  return Math.max(0, Math.ceil(Math.log2(Math.max(windowBytes, KIB))) - 10) << 3;
}

interface PlacedBlock {
  readonly type: 'raw' | 'rle' | 'compressed';
  readonly maxContentBytes: number;
  readonly startsAt: number;
  readonly contentAt: number;
  readonly endsAt: number;
}

function* blocksOf(frame: Buffer, facts: FrameFacts, from: number): Generator<PlacedBlock> {
  const blockMaxBytes = Math.min(facts.windowBytes, BLOCK_MAX_BYTES);
  for (let startsAt = from; ;) {
    const { type, last, storedBytes, maxContentBytes } = readBlockHeader(frame, startsAt, blockMaxBytes, 'zstd frame');
    const contentAt = startsAt + BLOCK_HEADER_BYTES;
    const endsAt = contentAt + storedBytes;
    yield { type, maxContentBytes, startsAt, contentAt, endsAt };
    if (last) return;
    startsAt = endsAt;
  }
}

export interface SplitLimits {
  /** A frame that stores more is refused with LIMIT_EXCEEDED; memory stays below twice this, and a chunk. */
  readonly maxFrameStoredBytes: number;
  /** Opens the messages: the name of the archive. */
  readonly subject: string;
}

export interface SplitFrame {
  readonly facts: FrameFacts;
  /** The whole frame. It may share memory with the chunk it came in. */
  readonly bytes: Buffer;
  /** Of the first byte of the frame, in the stream. */
  readonly offset: number;
}

/**
 * Splits a stream into its frames, skippable ones too, in order; in linear time, however the stream is chopped.
 * Throws ZSTD_INVALID for an empty stream, a frame that is cut off, and bytes that are no frame (RFC 8878 3.1);
 * LIMIT_EXCEEDED as soon as a frame is known to be too large.
 */
export async function* splitFrames(chunks: AsyncIterable<Buffer>, limits: SplitLimits): AsyncGenerator<SplitFrame> {
  let frame = new PartialFrame(0, limits);
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      at = frame.push(chunk, at);
      const whole = frame.whole;
      if (whole === undefined) break;
      yield whole;
      frame = new PartialFrame(whole.offset + whole.facts.storedBytes, limits);
    }
  }
  frame.end();
}

/** The frame that the splitter is in: its walk, and the bytes it has so far. */
class PartialFrame {
  whole: SplitFrame | undefined;
  readonly #offset: number;
  readonly #limits: SplitLimits;
  readonly #walker: FrameWalker;
  /** Grows by doubling, so that one-byte chunks neither cost an object each nor quadratic copying. */
  #store = Buffer.alloc(0);
  #stored = 0;

  constructor(offset: number, limits: SplitLimits) {
    this.#offset = offset;
    this.#limits = limits;
    this.#walker = new FrameWalker(`${limits.subject}: frame at byte ${offset}`);
  }

  push(chunk: Buffer, from: number): number {
    const to = this.#walker.push(chunk, from);
    this.#checkLimit();
    const facts = this.#walker.facts;
    const bytes = facts !== undefined && this.#stored === 0 ? chunk.subarray(from, to) : this.#append(chunk, from, to);
    if (facts !== undefined) this.whole = { facts, bytes, offset: this.#offset };
    return to;
  }

  #append(chunk: Buffer, from: number, to: number): Buffer {
    const stored = this.#stored + to - from;
    if (stored > this.#store.length) {
      const grown = Buffer.allocUnsafe(
        Math.max(stored, Math.min(2 * this.#store.length, this.#limits.maxFrameStoredBytes)),
      );
      this.#store.copy(grown, 0, 0, this.#stored);
      this.#store = grown;
    }
    chunk.copy(this.#store, this.#stored, from, to);
    this.#stored = stored;
    return this.#store.subarray(0, stored);
  }

  #checkLimit(): void {
    const most = this.#limits.maxFrameStoredBytes;
    const found = this.#walker.knownBytes;
    if (found <= most) return;
    const where = `${this.#limits.subject}: frame at byte ${this.#offset}`;
    throw new LakepackError(
      'LIMIT_EXCEEDED',
      `${where}: frame too large: expected at most ${most} bytes, got ${found}`,
    );
  }

  end(): void {
    const found = this.#walker.knownBytes;
    if (found === 0 && this.#offset > 0) return;
    const what = this.#offset === 0 && found === 0 ? 'the stream is empty' : 'the frame is cut off';
    throw new LakepackError(
      'ZSTD_INVALID',
      `${this.#limits.subject}: ${what}: expected a whole frame at byte ${this.#offset}`,
    );
  }
}
