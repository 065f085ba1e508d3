/**
 * Restores the wanted entries of one export into the staging folder, straight from the index: only the frames that
 * hold them are read, and each file is compared with its SHA-256 before it counts.
 */
import { sha256Of } from '../../base/sha256.js';
import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import type { Archive } from '../../archive/archive.js';
import { throwIfAborted } from '../../base/errors.js';
import { MIB } from '../../base/limits.js';
import { toDiskPath } from '../../base/paths.js';
import type { ProgressListener } from '../../base/progress.js';
import { unlessAbsent } from '../../base/system-errors.js';
import type { ByteSource } from '../../bundle/byte-source.js';
import type { FrameIndex } from '../../bundle/frame-index.js';
import { FrameReader, readSeekTable } from '../../bundle/frame-reader.js';
import type { FileEntry } from '../../schema/export-manifest.js';
import { readAhead } from '../read-ahead.js';
import { wrongBytes } from './restore-errors.js';
import type { RestoreJob } from './restore-plan.js';
import type { StagedFile, Staging } from './staging.js';
import { sha256OfFile } from './target.js';

/** Files up to this size are checked in memory and written in one go. */
const SMALL_BYTES = 1024 * 1024;

export interface RestoreSettings {
  readonly archive: Archive;
  readonly staging: Staging;
  /** True when the staging folder may hold files of an interrupted run. */
  readonly resuming: boolean;
  readonly concurrency: number;
  /** Stored bytes of one bundle that are read, and held, ahead; undefined where a read costs no round trip. */
  readonly aheadBytes: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
}

/** What one request reads at most: fewer round trips, and no long wait for the first frame. */
const REQUEST_BYTES = 8 * MIB;

/** Resolves with the number of files taken over from an interrupted run. Throws HASH_MISMATCH, ZSTD_INVALID … */
export async function restoreExport(settings: RestoreSettings, job: RestoreJob): Promise<number> {
  const restorer = new ExportRestorer(settings, job);
  try {
    return await restorer.run();
  } finally {
    await restorer.close();
  }
}

interface OpenBundle {
  readonly number: number;
  readonly source: ByteSource;
  readonly frames: FrameReader;
  /** The last that will surely be asked for, where everything is; undefined where only some of it is wanted. */
  readonly lastFrame: number | undefined;
}

class ExportRestorer {
  readonly #settings: RestoreSettings;
  readonly #job: RestoreJob;
  #open: OpenBundle | undefined;
  #resumed = 0;

  constructor(settings: RestoreSettings, job: RestoreJob) {
    this.#settings = settings;
    this.#job = job;
  }

  async run(): Promise<number> {
    const { staging, signal, resuming, onProgress } = this.#settings;
    for await (const line of this.#job.wanted) {
      throwIfAborted(signal);
      const entry = JSON.parse(line) as FileEntry;
      if (entry.type === 'directory') {
        staging.makeDirectory(entry.path, entry.mtime);
        continue;
      }
      if (resuming && (await this.#isStaged(entry))) {
        await staging.keep(stagedFile(entry));
        this.#resumed += 1;
      } else {
        await this.#restore(entry);
      }
      onProgress({ type: 'advance', files: 1, bytes: entry.bytes });
    }
    return this.#resumed;
  }

  async #isStaged(entry: FileEntry): Promise<boolean> {
    const disk = toDiskPath(this.#settings.staging.folder, entry.path);
    const stats = await unlessAbsent(() => lstat(disk));
    if (stats?.isFile() !== true || stats.size !== entry.bytes) return false;
    return (await sha256OfFile(disk)) === entry.sha256;
  }

  async #restore(entry: FileEntry): Promise<void> {
    const { frames, source, lastFrame } = await this.#bundle(entry.bundle);
    const bytes = frames.bytes(entry.offset, entry.bytes, lastFrame);
    if (entry.bytes <= SMALL_BYTES) await this.#restoreSmall(entry, bytes, source.name);
    else await this.#restoreLarge(entry, bytes, source.name);
  }

  async #restoreSmall(entry: FileEntry, bytes: AsyncIterable<Buffer>, bundle: string): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of bytes) pieces.push(piece);
    const content = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
    const digest = sha256Of(content);
    if (digest !== entry.sha256) throw wrongBytes(bundle, entry.path, entry.sha256 ?? '', digest);
    this.#settings.staging.writeSmall(stagedFile(entry), content);
  }

  async #restoreLarge(entry: FileEntry, bytes: AsyncIterable<Buffer>, bundle: string): Promise<void> {
    const hash = createHash('sha256');
    const write = await this.#settings.staging.openFile(stagedFile(entry));
    try {
      for await (const piece of bytes) {
        throwIfAborted(this.#settings.signal);
        hash.update(piece);
        await write.data(piece);
      }
      const digest = hash.digest('hex');
      if (digest !== entry.sha256) throw wrongBytes(bundle, entry.path, entry.sha256 ?? '', digest);
    } catch (error) {
      await write.abort();
      throw error;
    }
    await write.end();
  }

  async #bundle(number: number): Promise<OpenBundle> {
    if (this.#open?.number === number) return this.#open;
    await this.close();
    const { archive, concurrency, signal } = this.#settings;
    const { ref, manifest } = this.#job;
    const stored = await archive.bundleReader(ref, manifest, number, signal);
    const index = await readSeekTable(stored, manifest.bundles[number - 1]?.seekTable);
    const source = this.#readAhead(stored, number);
    const frames = new FrameReader(source, index, { concurrency });
    this.#open = { number, source, frames, lastFrame: this.#lastFrame(index, number) };
    return this.#open;
  }

  /** Behind it come the tag files of the bag, which no restore reads. */
  #lastFrame(index: FrameIndex, number: number): number | undefined {
    const { wanted, manifest, ranges } = this.#job;
    if (wanted.count !== manifest.totals.files + manifest.totals.directories) return undefined;
    const last = ranges.get(number)?.at(-1);
    return last && index.frames.findLastIndex((frame) => frame.storedOffset < last.offset + last.length);
  }

  #readAhead(source: ByteSource, number: number): ByteSource {
    const { aheadBytes } = this.#settings;
    if (aheadBytes === undefined) return source;
    const ranges = this.#job.ranges.get(number) ?? [];
    return readAhead(source, { ranges, aheadBytes, requestBytes: Math.min(REQUEST_BYTES, aheadBytes) });
  }

  async close(): Promise<void> {
    await this.#open?.frames.settle();
    await this.#open?.source.close();
    this.#open = undefined;
  }
}

function stagedFile(entry: FileEntry): StagedFile {
  return { path: entry.path, mtime: entry.mtime, executable: entry.executable ?? false };
}
