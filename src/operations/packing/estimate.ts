/**
 * Estimates the stored size of an export from samples of its files, for a dry run. Small files share frames and what
 * they have in common, so they are sampled together, as the tar they would make; large ones each by itself.
 */
import { open } from 'node:fs/promises';
import path from 'node:path';
import { systemErrorCode, throwIfAborted } from '../../base/errors.js';
import { KIB, MIB } from '../../base/limits.js';
import { encodeFrame } from '../../bundle/frame-encoder.js';
import { encodeEntryHeader, paddingBytes } from '../../codec/tar.js';
import type { ExportSelection, SourceEntry } from '../../lake/contract.js';
import { wholeSeconds } from '../../lake/entry-list.js';

export interface EstimateOptions {
  readonly lake: string;
  readonly level: number;
  readonly bundleSizeBytes: number;
  readonly signal: AbortSignal;
}

/** Files up to this size go into the common sample, whole. */
const SMALL_BYTES = 64 * KIB;
const SMALL_FILES = 256;
const POOL_BYTES = 1 * MIB;
const LARGE_FILES = 24;
const LARGE_SAMPLE_BYTES = 256 * KIB;
/** A sample is not worth more than this level's time; the levels above gain some percent. */
const MAX_SAMPLE_LEVEL = 9;
/** Tag files of a bundle, and its seek table, compressed. */
const BUNDLE_BYTES = 2_000;
/** What the tag files say of one file, compressed: its SHA-256 is half of it. */
const TAG_BYTES_PER_FILE = 60;
/** What the header of a large file stores as. */
const HEADER_BYTES = 100;

/** Bytes. A file that cannot be read counts whole: a plan does not fail for it. */
export async function estimateStoredBytes(options: EstimateOptions, { entries }: ExportSelection): Promise<number> {
  const sampler = new Sampler(options, entries.files);
  for await (const entry of entries) {
    throwIfAborted(options.signal);
    if (entry.type === 'file') await sampler.look(entry);
  }
  const bundles = Math.max(1, Math.ceil(entries.bytes / options.bundleSizeBytes));
  return Math.round((await sampler.storedBytes()) + entries.files * TAG_BYTES_PER_FILE + bundles * BUNDLE_BYTES);
}

class Sampler {
  readonly #options: EstimateOptions;
  readonly #stride: { readonly small: number; readonly large: number };
  readonly #pool: Buffer[] = [];
  readonly #small = { tarBytes: 0, pooledBytes: 0 };
  readonly #large = { files: 0, bytes: 0, sampled: 0, sampledBytes: 0, sampledStored: 0 };
  #index = 0;

  constructor(options: EstimateOptions, files: number) {
    this.#options = options;
    const every = (count: number): number => Math.max(1, Math.floor(files / count));
    this.#stride = { small: every(SMALL_FILES), large: every(LARGE_FILES) };
  }

  async look(entry: SourceEntry): Promise<void> {
    this.#index += 1;
    if (entry.bytes <= SMALL_BYTES) await this.#lookAtSmall(entry);
    else await this.#lookAtLarge(entry);
  }

  async #lookAtSmall(entry: SourceEntry): Promise<void> {
    const header = headerOf(entry);
    const tarBytes = header.length + entry.bytes + paddingBytes(entry.bytes);
    this.#small.tarBytes += tarBytes;
    if (this.#index % this.#stride.small !== 0 || this.#small.pooledBytes + tarBytes > POOL_BYTES) return;
    const content = await this.#read(entry, 0, entry.bytes);
    if (content === undefined) return;
    this.#pool.push(header, content, Buffer.alloc(tarBytes - header.length - content.length));
    this.#small.pooledBytes += tarBytes;
  }

  async #lookAtLarge(entry: SourceEntry): Promise<void> {
    this.#large.files += 1;
    this.#large.bytes += entry.bytes;
    // The first few in any case: there may be no more among many small ones.
    if (this.#large.files > 4 && this.#index % this.#stride.large !== 0) return;
    const length = Math.min(LARGE_SAMPLE_BYTES, entry.bytes);
    const sample = await this.#read(entry, Math.floor((entry.bytes - length) / 2), length);
    if (sample === undefined || sample.length === 0) return;
    const ratio = (await this.#stored(sample)) / sample.length;
    this.#large.sampledBytes += entry.bytes;
    this.#large.sampledStored += entry.bytes * ratio;
  }

  async storedBytes(): Promise<number> {
    const pool = Buffer.concat(this.#pool);
    const smallRatio = pool.length === 0 ? 1 : (await this.#stored(pool)) / pool.length;
    const { sampledBytes, sampledStored, bytes, files } = this.#large;
    const largeRatio = sampledBytes === 0 ? 1 : sampledStored / sampledBytes;
    return this.#small.tarBytes * smallRatio + bytes * largeRatio + files * HEADER_BYTES;
  }

  async #stored(sample: Buffer): Promise<number> {
    return (await encodeFrame(sample, Math.min(this.#options.level, MAX_SAMPLE_LEVEL))).length;
  }

  async #read(entry: SourceEntry, offset: number, length: number): Promise<Buffer | undefined> {
    try {
      const handle = await open(path.join(this.#options.lake, entry.path), 'r');
      try {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return undefined;
    }
  }
}

function headerOf({ path: lakePath, bytes, mtimeNs, executable }: SourceEntry): Buffer {
  return encodeEntryHeader({ path: `data/${lakePath}`, type: 'file', bytes, mtime: wholeSeconds(mtimeNs), executable });
}
