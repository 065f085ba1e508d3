/**
 * Restores the wanted entries of one export into the staging folder, straight from the index: it reads the frames that
 * hold them and gives each to a thread, which decodes it, compares each file with its SHA-256 and writes it. A file
 * in several frames goes to one thread, frame by frame.
 */
import path from 'node:path';
import type { Archive } from '../../archive/archive.js';
import { throwIfAborted } from '../../base/errors.js';
import type { Lane } from '../../base/job-runner.js';
import { MIB } from '../../base/limits.js';
import type { ProgressListener } from '../../base/progress.js';
import type { Slab, SlabPool } from '../../base/slabs.js';
import type { ByteSource } from '../../bundle/byte-source.js';
import type { FrameIndex, FramePlace } from '../../bundle/frame-index.js';
import { outsideFrames, readSeekTable } from '../../bundle/frame-reader.js';
import type { FrameRunner } from '../../bundle/frame-runner.js';
import type { FileRow, RestorePlace } from '../../bundle/restore-frame-file.js';
import type { RestoredFolders, StoredFrame } from '../../bundle/restore-frame.js';
import { readAhead } from '../read-ahead.js';
import { readBatch, rowsOf, withRows, type FileBatch } from './restore-batch.js';
import type { RestoreJob } from './restore-plan.js';
import type { Staging } from './staging.js';
import { UnderWay } from './under-way.js';

export interface RestoreSettings {
  readonly archive: Archive;
  readonly staging: Staging;
  /** True when the staging folder may hold files of an interrupted run. */
  readonly resuming: boolean;
  readonly runner: FrameRunner;
  /** Each holds a stored frame: their number bounds what is under way. */
  readonly slabs: SlabPool;
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
    await restorer.run();
  } finally {
    await restorer.close();
  }
  return restorer.resumed;
}

interface OpenBundle {
  readonly number: number;
  readonly source: ByteSource;
  readonly index: FrameIndex;
}

/** A stored frame on its way into memory that is lent. */
interface LoadingFrame {
  readonly slab: Slab;
  readonly frame: Promise<StoredFrame>;
}

/** Files that are open on a thread have a number there, also when several restores of a process run in one. */
let lastFileId = 0;

class ExportRestorer {
  resumed = 0;
  readonly #settings: RestoreSettings;
  readonly #job: RestoreJob;
  readonly #underWay = new UnderWay();
  #isListWrong = false;
  #open: OpenBundle | undefined;

  constructor(settings: RestoreSettings, job: RestoreJob) {
    this.#settings = settings;
    this.#job = job;
  }

  async run(): Promise<void> {
    const failure = await this.#beginAll().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    const ended = this.#underWay.end();
    // A list that proves wrong is the reason why files were not what it said. Otherwise what was begun first is what
    // would have failed first, one after the other.
    if (this.#isListWrong) await ended.catch(() => undefined);
    else await ended;
    if (failure !== undefined) throw failure.error;
  }

  async #beginAll(): Promise<void> {
    for await (const line of this.#lines()) {
      throwIfAborted(this.#settings.signal);
      // The list is read on: it may say at its end why.
      if (this.#underWay.hasFailed) continue;
      const batch = readBatch(line);
      if (batch.type === 'folder') this.#settings.staging.makeDirectory(batch.path, batch.mtime);
      else await this.#restoreBatch(batch);
    }
  }

  async *#lines(): AsyncGenerator<string> {
    try {
      yield* this.#job.batches;
    } catch (error) {
      this.#isListWrong = true;
      throw error;
    }
  }

  async #restoreBatch(batch: FileBatch): Promise<void> {
    const rest = this.#settings.resuming ? await this.#withoutStaged(batch) : batch;
    if (rest.files === 0) return;
    const bundle = await this.#bundle(rest.bundle);
    for (const group of frameOf(bundle.index, rest) === undefined ? groupsOf(bundle.index, rest) : [rest]) {
      const place = frameOf(bundle.index, group);
      if (place === undefined && group.bytes > 0) await this.#restoreLarge(bundle, group);
      else await this.#restoreFrame(bundle, group, place);
    }
  }

  /** Takes over what an interrupted run has left right; gives what is still to be done. */
  async #withoutStaged(batch: FileBatch): Promise<FileBatch> {
    const { runner, staging } = this.#settings;
    const kept = new Set(await runner.run('keepFiles', { root: staging.folder, rows: batch.rows }));
    if (kept.size === 0) return batch;
    const all = rowsOf(batch);
    const isKept = (_: FileRow, at: number): boolean => kept.has(at);
    const rows = all.filter(isKept);
    this.resumed += rows.length;
    this.#finish(withRows(batch, rows), { folders: rows.map(([lakePath]) => path.posix.dirname(lakePath)) });
    return withRows(
      batch,
      all.filter((row, at) => !isKept(row, at)),
    );
  }

  /** @param place undefined where no file of the batch has any bytes. */
  async #restoreFrame({ source }: OpenBundle, batch: FileBatch, place: FramePlace | undefined): Promise<void> {
    const { runner } = this.#settings;
    const run = async (frame?: StoredFrame): Promise<void> => {
      this.#finish(batch, await runner.run('restoreFrame', { ...this.#place, frame, rows: batch.rows }));
    };
    if (place !== undefined) {
      const { slab, frame } = await this.#load(source, place);
      // Meanwhile the next batch is planned, and its frame is read.
      this.#underWay.begin(frame.then(run).finally(() => this.#settings.slabs.give(slab)));
      return;
    }
    const work = run();
    this.#underWay.begin(work);
    // Nothing is lent for it that would bound how many there are.
    await Promise.allSettled([work]);
  }

  /** A file in several frames: its pieces go to one thread, in order. */
  async #restoreLarge({ source, index }: OpenBundle, batch: FileBatch): Promise<void> {
    const { runner, signal, slabs } = this.#settings;
    const id = (lastFileId += 1);
    const lane: Lane = {};
    try {
      for (const row of rowsOf(batch)) {
        for (const piece of piecesOf(row, index, source.name)) {
          throwIfAborted(signal);
          if (this.#underWay.hasFailed) return;
          const loaded = await this.#load(source, piece.place);
          const counts = { ...batch, files: piece.isLast ? 1 : 0, bytes: piece.part.to - piece.part.from };
          const frame = await this.#held(loaded);
          const job = runner.run('restorePiece', { ...this.#place, id, row, frame, ...piece.part }, lane);
          this.#underWay.begin(job.then((done) => this.#finish(counts, done)).finally(() => slabs.give(loaded.slab)));
        }
      }
    } finally {
      // Of a file that has all its pieces the thread knows nothing more.
      this.#underWay.begin(runner.run('abandonFile', { id }, lane));
    }
  }

  get #place(): RestorePlace {
    return { root: this.#settings.staging.folder, isResumed: this.#settings.resuming };
  }

  /** Resolves once there is memory for the frame; it may still be on its way into it. */
  async #load(source: ByteSource, place: FramePlace): Promise<LoadingFrame> {
    const { slabs, aheadBytes } = this.#settings;
    // From afar it is read first: who waits for a network holds nothing that others wait for.
    const early = aheadBytes === undefined ? undefined : await source.read(place.storedOffset, place.storedBytes);
    const slab = await slabs.take();
    const read = async (): Promise<StoredFrame> => {
      const bytes = early ?? (await source.read(place.storedOffset, place.storedBytes, slab.bytes));
      if (bytes.buffer !== slab.bytes.buffer) bytes.copy(slab.bytes);
      const stored = { memory: slab.memory, offset: 0, length: place.storedBytes };
      return { stored, place, bundle: source.name };
    };
    return { slab, frame: read() };
  }

  /** Waits for the frame; gives its memory back where it cannot be read. */
  async #held({ slab, frame }: LoadingFrame): Promise<StoredFrame> {
    try {
      return await frame;
    } catch (error) {
      this.#settings.slabs.give(slab);
      throw error;
    }
  }

  #finish(batch: FileBatch, { folders }: RestoredFolders): void {
    const { staging, onProgress } = this.#settings;
    staging.addFolders(folders);
    if (staging.remembersFiles && batch.files > 0) for (const [lakePath] of rowsOf(batch)) staging.addFile(lakePath);
    onProgress({ type: 'advance', files: batch.files, bytes: batch.bytes });
  }

  async #bundle(number: number): Promise<OpenBundle> {
    if (this.#open?.number === number) return this.#open;
    await this.close();
    const { archive, signal } = this.#settings;
    const { ref, manifest } = this.#job;
    const stored = await archive.bundleReader(ref, manifest, number, signal);
    const index = await readSeekTable(stored, manifest.bundles[number - 1]?.seekTable);
    this.#open = { number, index, source: this.#readAhead(stored, number) };
    return this.#open;
  }

  #readAhead(source: ByteSource, number: number): ByteSource {
    const { aheadBytes } = this.#settings;
    if (aheadBytes === undefined) return source;
    const ranges = this.#job.ranges.get(number) ?? [];
    return readAhead(source, { ranges, aheadBytes, requestBytes: Math.min(REQUEST_BYTES, aheadBytes) });
  }

  /** Frames that were read are in memory of ours: a source can be closed while they are worked on. */
  async close(): Promise<void> {
    await this.#open?.source.close();
    this.#open = undefined;
  }
}

/** The frame that holds all payloads of the batch; undefined where there is none. */
function frameOf(index: FrameIndex, { start, end }: Pick<FileBatch, 'start' | 'end'>): FramePlace | undefined {
  if (start === end) return undefined;
  const place = index.at(start);
  return place !== undefined && end <= place.tarOffset + place.tarBytes ? place : undefined;
}

/** Splits a batch so that the files of a group lie in one frame; a file that lies in several is a group by itself. */
function* groupsOf(index: FrameIndex, batch: FileBatch): Generator<FileBatch> {
  let group: FileRow[] = [];
  let place: FramePlace | undefined;
  for (const row of rowsOf(batch)) {
    const [, offset, bytes] = row;
    const own = bytes === 0 ? place : frameOf(index, { start: offset, end: offset + bytes });
    if (group.length > 0 && (own === undefined || own !== place)) {
      yield withRows(batch, group);
      group = [];
    }
    group.push(row);
    place = own;
  }
  if (group.length > 0) yield withRows(batch, group);
}

interface Piece {
  readonly place: FramePlace;
  /** Of the content of the frame. */
  readonly part: { readonly from: number; readonly to: number };
  readonly isLast: boolean;
}

/** What each frame holds of a file. Throws BUNDLE_INVALID where the frames do not hold all of it. */
function* piecesOf([, offset, bytes]: FileRow, index: FrameIndex, name: string): Generator<Piece> {
  const end = offset + bytes;
  for (let at = offset; at < end;) {
    const place = index.at(at);
    if (place === undefined || index.at(end - 1) === undefined) throw outsideFrames(name, offset, bytes);
    const to = Math.min(place.tarBytes, end - place.tarOffset);
    yield { place, part: { from: at - place.tarOffset, to }, isLast: place.tarOffset + to === end };
    at = place.tarOffset + to;
  }
}
