/**
 * The outside of a Zstandard frame (RFC 8878, section 3.1) as a state machine: where it ends, what it asks of a
 * decoder and how much it can yield. It answers for the frame and block headers; what is inside a compressed block
 * only the decoder knows. Callers use `zstd-frame.ts`.
 */
import { LakepackError } from '../base/errors.js';
import { KIB } from '../base/limits.js';

export const ZSTD_MAGIC = 0xfd2fb528;
/** RFC 8878 3.1.2: the lowest of the 16 magic numbers of skippable frames. */
export const SKIPPABLE_MAGIC = 0x184d2a50;
/** RFC 8878 3.1.1.2.3: no block stores or yields more, whatever the window. */
export const BLOCK_MAX_BYTES = 128 * KIB;
export const BLOCK_HEADER_BYTES = 3;

const MAGIC_BYTES = 4;
const CHECKSUM_BYTES = 4;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
/** Window, dictionary id and content size at their widest. */
const MAX_FIELDS_BYTES = 1 + 4 + 8;

export interface FrameFacts {
  readonly kind: 'zstd' | 'skippable';
  /** The whole frame: header, blocks and checksum. */
  readonly storedBytes: number;
  /** Magic number and frame header: the first block, or the user data, starts here. */
  readonly headerBytes: number;
  /** Memory that a decoder must keep; 0 for a skippable frame. */
  readonly windowBytes: number;
  /** What the header says that the frame yields, where it says so. */
  readonly contentBytes?: number;
  /** Sum over the blocks: exact for raw and RLE, min(window, 128 KiB) for a compressed one. */
  readonly maxContentBytes: number;
  /** Absent when there is none, and when it is 0, which means the same (RFC 8878 3.1.1.1.3). */
  readonly dictionaryId?: number;
  readonly hasChecksum: boolean;
  /** True when no block is compressed: `maxContentBytes` is exact. */
  readonly allRaw: boolean;
}

export type BlockType = 'raw' | 'rle' | 'compressed';

export interface BlockHeader {
  readonly last: boolean;
  readonly type: BlockType;
  /** Bytes behind the block header. */
  readonly storedBytes: number;
  /** What the block yields: exact for raw and RLE, an upper bound for a compressed block. */
  readonly maxContentBytes: number;
}

/**
 * Reads the three bytes at `offset` (RFC 8878 3.1.1.2). Throws ZSTD_INVALID for the reserved type and for a size
 * above `blockMaxBytes`.
 */
export function readBlockHeader(bytes: Buffer, offset: number, blockMaxBytes: number, where: string): BlockHeader {
  const word = bytes.readUIntLE(offset, BLOCK_HEADER_BYTES);
  const size = word >>> 3;
  const type = (['raw', 'rle', 'compressed'] as const)[(word >>> 1) & 3];
  if (type === undefined) throw invalid(where, 'wrong block type: expected 0 to 2, got 3');
  if (size > blockMaxBytes) throw invalid(where, `block too large: expected at most ${blockMaxBytes}, got ${size}`);
  return {
    last: (word & 1) === 1,
    type,
    storedBytes: type === 'rle' ? 1 : size,
    maxContentBytes: type === 'compressed' ? blockMaxBytes : size,
  };
}

type Step = 'magic' | 'descriptor' | 'fields' | 'skippable' | 'block' | 'done';

/**
 * Walks one frame and may stop at any byte of it. Only headers are copied, so a frame costs time in proportion to
 * its blocks and chunks, and 13 bytes of memory.
 */
export class FrameWalker {
  readonly #where: string;
  readonly #piece = Buffer.alloc(MAX_FIELDS_BYTES);
  #have = 0;
  #need = MAGIC_BYTES;
  /** Content to pass over before the next piece. */
  #skip = 0;
  #seen = 0;
  #step: Step = 'magic';
  #facts: FrameFacts | undefined;

  #kind: FrameFacts['kind'] = 'zstd';
  #descriptor = 0;
  #headerBytes = 0;
  #windowBytes = 0;
  #contentBytes: number | undefined;
  #dictionaryId: number | undefined;
  #maxContentBytes = 0;
  #allRaw = true;

  /** `where` opens the messages: the archive, and the place in it where that is known. */
  constructor(where: string) {
    this.#where = where;
  }

  /** Set once the last byte of the frame has been pushed. */
  get facts(): FrameFacts | undefined {
    return this.#facts;
  }

  /** The size of the frame so far: the bytes seen, and the rest of the content that was announced. */
  get knownBytes(): number {
    return this.#seen + this.#skip;
  }

  /** Takes the bytes from `offset` to the end of the frame at most; returns the offset behind them. Throws ZSTD_INVALID. */
  push(bytes: Buffer, offset: number): number {
    let at = offset;
    while (this.#facts === undefined) {
      const skipped = Math.min(this.#skip, bytes.length - at);
      const copied = skipped < this.#skip ? 0 : this.#copyPiece(bytes, at + skipped);
      this.#skip -= skipped;
      this.#seen += skipped + copied;
      at += skipped + copied;
      if (this.#skip > 0 || this.#have < this.#need) break;
      this.#have = 0;
      this.#need = this.#advance();
    }
    return at;
  }

  #copyPiece(bytes: Buffer, at: number): number {
    const copied = bytes.copy(this.#piece, this.#have, at, Math.min(bytes.length, at + this.#need - this.#have));
    this.#have += copied;
    return copied;
  }

  /** Reads the piece that is complete; returns how many bytes the next one has. */
  #advance(): number {
    switch (this.#step) {
      case 'magic':
        return this.#readMagic();
      case 'descriptor':
        return this.#readDescriptor();
      case 'fields':
        return this.#readFields();
      case 'skippable':
        return this.#readSkippableSize();
      case 'block':
        return this.#readBlock();
      case 'done':
        return this.#finish();
    }
  }

  #readMagic(): number {
    const magic = this.#piece.readUInt32LE(0);
    if (magic === ZSTD_MAGIC) return this.#next('descriptor', 1);
    if ((magic & 0xfffffff0) === SKIPPABLE_MAGIC) return this.#next('skippable', 4);
    const found = magic.toString(16).padStart(8, '0');
    throw invalid(this.#where, `wrong magic number: expected fd2fb528 or 184d2a5?, got ${found}`);
  }

  /** RFC 8878 3.1.2. */
  #readSkippableSize(): number {
    this.#kind = 'skippable';
    this.#headerBytes = this.#seen;
    this.#skip = this.#piece.readUInt32LE(0);
    return this.#next('done', 0);
  }

  /** RFC 8878 3.1.1.1.1. */
  #readDescriptor(): number {
    this.#descriptor = this.#piece.readUInt8(0);
    if ((this.#descriptor & 0x08) !== 0) throw invalid(this.#where, 'reserved bit set: expected 0, got 1');
    const { window, dictionary, content } = this.#fieldSizes();
    return this.#next('fields', window + dictionary + content);
  }

  #fieldSizes(): { readonly window: number; readonly dictionary: number; readonly content: number } {
    const singleSegment = (this.#descriptor & 0x20) !== 0;
    const content = CONTENT_SIZE_BYTES[this.#descriptor >>> 6] ?? 0;
    return {
      window: singleSegment ? 0 : 1,
      dictionary: DICTIONARY_ID_BYTES[this.#descriptor & 3] ?? 0,
      content: content === 0 && singleSegment ? 1 : content,
    };
  }

  /** RFC 8878 3.1.1.1.2 to 3.1.1.1.4. */
  #readFields(): number {
    const { window, dictionary, content } = this.#fieldSizes();
    this.#headerBytes = this.#seen;
    const dictionaryId = dictionary === 0 ? 0 : this.#piece.readUIntLE(window, dictionary);
    this.#dictionaryId = dictionaryId === 0 ? undefined : dictionaryId;
    this.#contentBytes = content === 0 ? undefined : this.#readContentSize(window + dictionary, content);
    this.#windowBytes = window === 0 ? (this.#contentBytes ?? 0) : windowBytesOf(this.#piece.readUInt8(0));
    return this.#next('block', BLOCK_HEADER_BYTES);
  }

  #readContentSize(at: number, size: number): number {
    if (size < 8) return this.#piece.readUIntLE(at, size) + (size === 2 ? 256 : 0);
    const value = this.#piece.readBigUInt64LE(at);
    if (value <= Number.MAX_SAFE_INTEGER) return Number(value);
    throw invalid(this.#where, `content size out of range: expected at most 2^53 - 1, got ${value.toString()}`);
  }

  #readBlock(): number {
    const block = readBlockHeader(this.#piece, 0, Math.min(this.#windowBytes, BLOCK_MAX_BYTES), this.#where);
    this.#maxContentBytes += block.maxContentBytes;
    this.#allRaw &&= block.type !== 'compressed';
    this.#skip = block.storedBytes;
    if (!block.last) return this.#next('block', BLOCK_HEADER_BYTES);
    this.#skip += this.#hasChecksum() ? CHECKSUM_BYTES : 0;
    return this.#next('done', 0);
  }

  #hasChecksum(): boolean {
    return (this.#descriptor & 0x04) !== 0;
  }

  #next(step: Step, need: number): number {
    this.#step = step;
    return need;
  }

  #finish(): number {
    const declared = this.#contentBytes;
    const most = this.#maxContentBytes;
    if (declared !== undefined && (declared > most || (this.#allRaw && declared !== most))) {
      throw invalid(this.#where, `content size is not what the blocks hold: expected ${declared}, got ${most}`);
    }
    this.#facts = {
      kind: this.#kind,
      storedBytes: this.#seen,
      headerBytes: this.#headerBytes,
      windowBytes: this.#windowBytes,
      ...(declared === undefined ? {} : { contentBytes: declared }),
      maxContentBytes: most,
      ...(this.#dictionaryId === undefined ? {} : { dictionaryId: this.#dictionaryId }),
      hasChecksum: this.#hasChecksum(),
      allRaw: this.#allRaw,
    };
    return 0;
  }
}

/** RFC 8878 3.1.1.1.2: exponent in the upper five bits, eighths in the lower three; 1 KiB to 3.75 TiB. */
function windowBytesOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

function invalid(where: string, what: string): LakepackError {
  return new LakepackError('ZSTD_INVALID', `${where}: ${what}`);
}
