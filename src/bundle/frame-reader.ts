/**
 * Reads and decodes the frames of a bundle by number, some ahead of the reader. It answers for frames (format 4.2 and
 * 4.3): one zstd frame in each place of the seek table, window and content within bounds. Tar is not its business.
 */
import { LakepackError } from '../base/errors.js';
import { FRAME_MAX_TAR_BYTES, MIB } from '../base/limits.js';
import { decodeSeekTable, SEEK_TABLE_FOOTER_BYTES, seekTableSizeFromFooter } from '../codec/seek-table.js';
import { decompressFrame } from '../codec/zstd.js';
import { walkFrame } from '../codec/zstd-frame.js';
import type { ByteSource } from './byte-source.js';
import { FrameIndex, type FramePlace } from './frame-index.js';

/** A raw frame of 4 MiB has 3 bytes for each block and a header; nothing stored is larger. */
export const FRAME_MAX_STORED_BYTES = FRAME_MAX_TAR_BYTES + 64 * 1024;
const MAX_SEEK_TABLE_BYTES = 64 * MIB;

/** Where a manifest says that the seek table stands. */
export interface SeekTablePlace {
  readonly offset: number;
  readonly bytes: number;
}

/**
 * The seek table at the end of a bundle (format 4.7). Throws SEEK_TABLE_INVALID when there is none, when it is
 * malformed, or when it does not fit the size of the bundle.
 * @param place where it is expected: then it is read in one go with its footer, which decides all the same.
 */
export async function readSeekTable(source: ByteSource, place?: SeekTablePlace): Promise<FrameIndex> {
  if (source.bytes < SEEK_TABLE_FOOTER_BYTES) throw noTable(source, `${source.bytes} bytes in all`);
  const tail = await source.read(source.bytes - tailBytes(source, place), tailBytes(source, place));
  const { bytes } = seekTableSizeFromFooter(tail.subarray(tail.length - SEEK_TABLE_FOOTER_BYTES));
  if (bytes > source.bytes || bytes > MAX_SEEK_TABLE_BYTES) throw noTable(source, `a table of ${bytes} bytes`);
  const table =
    bytes <= tail.length ? tail.subarray(tail.length - bytes) : await source.read(source.bytes - bytes, bytes);
  const frames = decodeSeekTable(table);
  const index = new FrameIndex();
  for (const { contentBytes, storedBytes } of frames) {
    if (contentBytes > FRAME_MAX_TAR_BYTES || storedBytes > FRAME_MAX_STORED_BYTES || storedBytes === 0) {
      throw noTable(source, `frame ${index.length} of ${contentBytes} bytes in ${storedBytes}`);
    }
    index.add(contentBytes, storedBytes);
  }
  if (index.storedBytes + bytes !== source.bytes) {
    throw noTable(source, `frames of ${index.storedBytes} bytes and a table of ${bytes} in ${source.bytes} bytes`);
  }
  return index;
}

/** What is read at first: the table where it is expected, if that fits the bundle, else its footer. */
function tailBytes(source: ByteSource, place: SeekTablePlace | undefined): number {
  if (place === undefined || place.offset + place.bytes !== source.bytes) return SEEK_TABLE_FOOTER_BYTES;
  if (place.offset < 0 || place.bytes > MAX_SEEK_TABLE_BYTES) return SEEK_TABLE_FOOTER_BYTES;
  return Math.max(SEEK_TABLE_FOOTER_BYTES, place.bytes);
}

function noTable(source: ByteSource, found: string): LakepackError {
  return new LakepackError('SEEK_TABLE_INVALID', `${source.name}: no usable seek table at its end: got ${found}`, {
    hint: 'the bundle is damaged or not whole: take another copy. Its data may still be read with zstd -dc and tar',
  });
}

/** Decodes what stands in one place of the seek table. Throws ZSTD_INVALID or LIMIT_EXCEEDED. */
export async function decodeFrame(stored: Buffer, place: FramePlace, name: string): Promise<Buffer> {
  const facts = walkFrame(stored);
  if (facts?.kind !== 'zstd' || facts.storedBytes !== stored.length) {
    throw badFrame(
      place,
      name,
      `one zstd frame of ${stored.length} bytes`,
      facts === undefined ? 'a part of one' : facts.kind,
    );
  }
  const content = await decompressFrame(stored, FRAME_MAX_TAR_BYTES);
  if (content.length !== place.tarBytes) {
    throw badFrame(place, name, `${place.tarBytes} bytes of content`, String(content.length));
  }
  return content;
}

function badFrame(place: FramePlace, name: string, expected: string, found: string): LakepackError {
  return new LakepackError('ZSTD_INVALID', `${name} frame ${place.index}: expected ${expected}, got ${found}`, {
    hint: 'the bundle is damaged: take another copy',
  });
}

export interface FrameReaderOptions {
  /** Frames decoded at once, ahead of the one asked for. */
  readonly concurrency: number;
}

/** Frames by number, each decoded once while the reader moves forward. */
export class FrameReader {
  readonly index: FrameIndex;
  readonly #source: ByteSource;
  readonly #options: FrameReaderOptions;
  readonly #jobs = new Map<number, Promise<Buffer>>();

  constructor(source: ByteSource, index: FrameIndex, options: FrameReaderOptions) {
    this.#source = source;
    this.index = index;
    this.#options = options;
  }

  /**
   * The content of a frame. Frames before it are let go; up to `last` some are begun ahead.
   * @param last number of the last frame that will surely be asked for.
   */
  async frame(number: number, last: number): Promise<Buffer> {
    for (const passed of [...this.#jobs.keys()].filter((key) => key < number)) this.#jobs.delete(passed);
    const end = Math.min(last, number + this.#options.concurrency - 1);
    for (let ahead = number; ahead <= end; ahead += 1) void this.#begin(ahead);
    return await this.#begin(number);
  }

  #begin(number: number): Promise<Buffer> {
    const begun = this.#jobs.get(number);
    if (begun !== undefined) return begun;
    const job = this.#decode(number);
    // It throws where it is awaited; a job that is never asked for must not end the process.
    job.catch(() => undefined);
    this.#jobs.set(number, job);
    return job;
  }

  async #decode(number: number): Promise<Buffer> {
    const place = this.index.frames[number];
    if (place === undefined) {
      throw new LakepackError('BUNDLE_INVALID', `${this.#source.name}: there is no frame ${number}`);
    }
    return await decodeFrame(await this.#source.read(place.storedOffset, place.storedBytes), place, this.#source.name);
  }

  /** Resolves when nothing it began runs on. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#jobs.values());
    this.#jobs.clear();
  }

  /** The bytes of the tar from `offset`, `length` of them. @param lastFrame see `frame`; default: only what is needed. */
  async *bytes(offset: number, length: number, lastFrame?: number): AsyncGenerator<Buffer> {
    let at = offset;
    const end = offset + length;
    while (at < end) {
      const place = this.index.at(at);
      const last = this.index.at(end - 1);
      if (place === undefined || last === undefined) throw outsideFrames(this.#source.name, offset, length);
      const content = await this.frame(place.index, Math.max(last.index, lastFrame ?? 0));
      const start = at - place.tarOffset;
      const piece = content.subarray(start, Math.min(content.length, end - place.tarOffset));
      yield piece;
      at += piece.length;
    }
  }
}

/** What a manifest names in the tar, and no frame holds. */
export function outsideFrames(name: string, offset: number, length: number): LakepackError {
  return new LakepackError(
    'BUNDLE_INVALID',
    `${name}: bytes ${offset} to ${offset + length} of the tar are not in any frame`,
    { hint: 'the manifest and the bundle do not belong together: verify the export' },
  );
}
