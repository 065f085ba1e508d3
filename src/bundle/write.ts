/**
 * Writes one bundle as a stream (format, section 4): tag files, payload, tag files; tar; frames; seek table. It plans
 * the frames and never touches the payload: that is `pack-frame.ts`, on threads. It holds a few frames at a time and
 * never the bundle.
 */
import { createHash } from 'node:crypto';
import type { Finding } from '../base/findings.js';
import { LineSpool } from '../base/line-spool.js';
import { sha256Of } from '../base/sha256.js';
import { encodeSeekTable } from '../codec/seek-table.js';
import {
  encodeEntryHeader,
  END_OF_ARCHIVE,
  entryHeaderBytes,
  paddingBytes,
  TAR_BLOCK_BYTES,
  type TarEntryHeader,
} from '../codec/tar.js';
import type { SourceEntry } from '../lake/contract.js';
import { wholeSeconds } from '../lake/entry-list.js';
import type { InspectMode } from '../lake/inspect/inspector.js';
import { serializeEmbeddedManifest } from '../schema/serialize-manifest.js';
import {
  FORMAT_VERSION,
  type BundleFacts,
  type EmbeddedManifest,
  type ExportSource,
  type Provenance,
  type ToolFacts,
} from '../schema/export-manifest.js';
import * as bag from './bag.js';
import { BlockHasher } from './block-hasher.js';
import { FrameIndex } from './frame-index.js';
import { FrameLine, type FinishedFrame, type FrameWorks } from './frame-line.js';
import { FramePlanner, isEntryPiece, isPartOfFile, type FramePlan } from './frame-plan.js';
import { STORED_LENGTH, STORED_OFFSET, type EndedEntries } from './pack-frame.js';
import { restoreText } from './restore-text.js';

const PADDING = Buffer.alloc(TAR_BLOCK_BYTES);

/** Entries whose place in the bundle is known, in tar order. */
export interface PlacedEntries {
  readonly count: number;
  /** The entries as a manifest has them, one a line, each with its line feed. */
  readonly lines: string;
  /** Of the files, what a content digest is made of. */
  readonly digestLines: string;
  /** What a look into the files found. */
  readonly findings: readonly Finding[];
}

export interface BundleSpec {
  /** Object name of the bundle. */
  readonly name: string;
  /** From 1. */
  readonly number: number;
  readonly source: ExportSource;
  readonly provenance: Provenance;
  readonly tool: ToolFacts;
  /** Whole seconds; the newest mtime of the export. It is the mtime of the tag files. */
  readonly newestMtime: number;
  /** True where a lake path of this bundle contains a percent sign, CR or LF. */
  readonly hasOddNames: boolean;
  /** False where it holds empty folders alone. */
  readonly hasFiles: boolean;
  /** Size of the blocks that are hashed. */
  readonly blockBytes: number;
  /** Folder of the lake. */
  readonly lake: string;
  readonly inspect: InspectMode;
  readonly works: FrameWorks;
  /** Frames under way at once, at least 1. */
  readonly concurrency: number;
  readonly scratchDir: string;
  /** Called in tar order, as soon as it is known where entries stand. */
  readonly onEntries: (entries: PlacedEntries) => void;
  /** Called for every frame that was made, with the files that end in it and the payload bytes it holds. */
  readonly onFrame: (files: number, payloadBytes: number) => void;
}

/** What is in a bundle. */
export interface BundleTotals {
  readonly files: number;
  readonly directories: number;
  readonly bytes: number;
  /** Absent where no file says. */
  readonly rows?: number;
}

export class BundleWriter {
  readonly #spec: BundleSpec;
  readonly #payload: AsyncIterable<SourceEntry>;
  readonly #bag: string;
  readonly #planner = new FramePlanner();
  readonly #line: FrameLine;
  readonly #index = new FrameIndex();
  readonly #hasher: BlockHasher;
  readonly #embedded: LineSpool;
  readonly #bagLines: LineSpool;
  readonly #sumLines: LineSpool;
  readonly #tagLines: string[] = [];
  readonly #totals = { files: 0, directories: 0, bytes: 0, rows: undefined as number | undefined };
  /** Counted, but in a frame that is not stored yet. */
  #unplaced: EndedEntries | undefined;
  /** Where the first frame of the last large file is stored. */
  #largeOffset = 0;
  #facts: BundleFacts | undefined;

  /** @param payload sorted by path bytes. */
  constructor(spec: BundleSpec, payload: AsyncIterable<SourceEntry>) {
    this.#spec = spec;
    this.#payload = payload;
    this.#bag = bag.bagName(spec.source.path, spec.number);
    this.#hasher = new BlockHasher(spec.blockBytes);
    const { works, lake, number: bundle, tool, inspect, hasOddNames, concurrency, scratchDir } = spec;
    const context = { lake, bag: this.#bag, bundle, level: tool.level, inspect, hasOddNames };
    this.#line = new FrameLine(works, context, concurrency);
    this.#embedded = new LineSpool({ scratchDir });
    this.#bagLines = new LineSpool({ scratchDir });
    this.#sumLines = new LineSpool({ scratchDir });
  }

  /** What was written. Throws unless `stored()` has been read to its end. */
  get facts(): BundleFacts {
    if (this.#facts === undefined) throw new Error(`${this.#spec.name}: the bundle is not finished`);
    return this.#facts;
  }

  /** What is in it; counted to the end once `stored()` has been read to its end. */
  get totals(): BundleTotals {
    const { rows, ...totals } = this.#totals;
    return { ...totals, ...(rows !== undefined && { rows }) };
  }

  get blockBytes(): number {
    return this.#spec.blockBytes;
  }

  /** SHA-256 of the blocks that were yielded whole so far; once `stored()` has ended, of all. */
  get finishedBlocks(): readonly string[] {
    return this.#hasher.blocks;
  }

  /** The stored bytes of the bundle, in chunks that are good until the next is asked for. Read it once, to its end. */
  async *stored(): AsyncGenerator<Buffer> {
    try {
      yield* this.#frames(this.#payloadPlans());
      await this.#fillLast();
      yield* this.#frames(this.#tagPlans());
      yield this.#finish();
    } finally {
      await this.#line.close();
      for (const spool of [this.#embedded, this.#bagLines, this.#sumLines]) spool.dispose();
    }
  }

  async *#frames(plans: AsyncIterable<FramePlan>): AsyncGenerator<Buffer> {
    for await (const plan of plans) {
      for await (const frame of this.#line.add(plan)) yield this.#settle(frame);
    }
    for await (const frame of this.#line.rest()) yield this.#settle(frame);
  }

  /** The frame in which the payload ends goes on with the tag files, which tell of all files, those in it too. */
  async #fillLast(): Promise<void> {
    const open = this.#planner.open;
    if (open === undefined) return;
    const { content, ended } = await this.#line.fill(open);
    this.#planner.exchange(content);
    this.#count(open, ended);
    this.#unplaced = ended;
  }

  #settle({ plan, stored, ended }: FinishedFrame): Buffer {
    const { storedOffset, storedBytes } = this.#index.add(plan.tarBytes, stored.length);
    this.#hasher.update(stored);
    this.#count(plan, ended);
    this.#place(this.#unplaced ?? ended, storedOffset, storedOffset + storedBytes);
    this.#unplaced = undefined;
    const [first] = plan.pieces;
    if (first !== undefined && isEntryPiece(first) && isPartOfFile(first) && first.from === 0) {
      this.#largeOffset = storedOffset;
    }
    return stored;
  }

  #count({ pieces }: FramePlan, { count, files, bytes, rows, embedded, bagLines, sumLines }: EndedEntries): void {
    this.#totals.files += files;
    this.#totals.directories += count - files;
    this.#totals.bytes += bytes;
    if (rows !== undefined) this.#totals.rows = (this.#totals.rows ?? 0) + rows;
    this.#embedded.appendLines(embedded, count);
    this.#bagLines.appendLines(bagLines, files);
    if (sumLines !== '') this.#sumLines.appendLines(sumLines, files);
    const payloadBytes = pieces.reduce((sum, piece) => sum + (isEntryPiece(piece) ? piece.to - piece.from : 0), 0);
    if (payloadBytes > 0 || files > 0) this.#spec.onFrame(files, payloadBytes);
  }

  /** Tells entries that end in a frame which is stored from `start` to `end`. */
  #place({ count, placed, isFirstLarge, digestLines, findings }: EndedEntries, start: number, end: number): void {
    if (count === 0) return;
    const firstEnds = isFirstLarge ? placed.indexOf('\n') + 1 : 0;
    const lines =
      placedText(placed.slice(0, firstEnds), this.#largeOffset, end) + placedText(placed.slice(firstEnds), start, end);
    this.#spec.onEntries({ count, lines, digestLines, findings });
  }

  async *#payloadPlans(): AsyncGenerator<FramePlan> {
    const { hasOddNames: hasSha256sums, hasFiles, source } = this.#spec;
    yield* this.#tagFile(bag.BAGIT_TXT, bag.BAGIT_TXT_CONTENT);
    const text = restoreText({ bag: this.#bag, partitionPath: source.path, hasSha256sums, hasFiles });
    yield* this.#tagFile(bag.RESTORE_MD, text);
    for await (const entry of this.#payload) {
      const { path, type, bytes, mtimeNs, executable } = entry;
      const mtime = wholeSeconds(mtimeNs);
      const place = `${this.#bag}/${bag.PAYLOAD_FOLDER}${path}`;
      yield* this.#planner.addEntry(entry, entryHeaderBytes({ path: place, type, bytes, mtime, executable }));
    }
  }

  async *#tagPlans(): AsyncGenerator<FramePlan> {
    const { source, provenance, number, newestMtime, hasOddNames } = this.#spec;
    const { files: payloadFiles, bytes: payloadBytes } = this.#totals;
    const info = { source, provenance, bundleNumber: number, payloadBytes, payloadFiles, newestMtime };
    yield* this.#tagFile(bag.BAG_INFO, bag.bagInfo(info));
    yield* this.#tagList(bag.PAYLOAD_MANIFEST, this.#bagLines);
    yield* this.#tagFile(bag.EMBEDDED_EXPORT, serializeEmbeddedManifest(this.#embeddedManifest()));
    yield* this.#tagList(bag.EMBEDDED_FILES, this.#embedded);
    if (hasOddNames) yield* this.#tagList(bag.EMBEDDED_SHA256SUMS, this.#sumLines);
    yield* this.#untaggedFile(bag.TAG_MANIFEST, this.#tagLines.map((line) => `${line}\n`).join(''));
    yield* this.#planner.addBytes(END_OF_ARCHIVE);
    const last = this.#planner.finish();
    if (last !== undefined) yield last;
  }

  #embeddedManifest(): EmbeddedManifest {
    const { tool, source, provenance, number } = this.#spec;
    const { by, path, layer, dataset, keys, runId } = source;
    return {
      formatVersion: FORMAT_VERSION,
      tool: { name: tool.name, zstdVersion: tool.zstdVersion, level: tool.level },
      source: {
        by,
        path,
        ...(layer !== undefined && { layer }),
        ...(dataset !== undefined && { dataset }),
        ...(keys !== undefined && { keys }),
        ...(runId !== undefined && { runId }),
      },
      provenance,
      bundle: number,
      totals: this.totals,
    };
  }

  *#tagFile(name: string, text: string | Buffer): Generator<FramePlan> {
    const content = Buffer.from(text);
    this.#tagLines.push(bag.manifestLine(sha256Of(content), name));
    yield* this.#untaggedFile(name, content);
  }

  *#untaggedFile(name: string, text: string | Buffer): Generator<FramePlan> {
    const content = Buffer.from(text);
    yield* this.#tagHeader(name, content.length);
    yield* this.#planner.addBytes(content);
    yield* this.#planner.addBytes(PADDING.subarray(0, paddingBytes(content.length)));
  }

  async *#tagList(name: string, list: LineSpool): AsyncGenerator<FramePlan> {
    yield* this.#tagHeader(name, list.bytes);
    const hash = createHash('sha256');
    for await (const chunk of list.chunks()) {
      hash.update(chunk);
      yield* this.#planner.addBytes(chunk);
    }
    yield* this.#planner.addBytes(PADDING.subarray(0, paddingBytes(list.bytes)));
    this.#tagLines.push(bag.manifestLine(hash.digest('hex'), name));
  }

  *#tagHeader(name: string, bytes: number): Generator<FramePlan> {
    const mtime = Math.max(0, this.#spec.newestMtime);
    const entry: TarEntryHeader = { path: `${this.#bag}/${name}`, type: 'file', bytes, mtime, executable: false };
    const header = encodeEntryHeader(entry);
    yield* this.#planner.beginEntry(header.length + bytes + paddingBytes(bytes));
    yield* this.#planner.addBytes(header);
  }

  #finish(): Buffer {
    const frames = this.#index.frames.map(({ tarBytes, storedBytes }) => ({ contentBytes: tarBytes, storedBytes }));
    const table = encodeSeekTable(frames);
    const offset = this.#hasher.bytes;
    this.#hasher.update(table);
    const { bytes, sha256, blocks } = this.#hasher.finish();
    this.#facts = {
      name: this.#spec.name,
      storedBytes: bytes,
      sha256,
      blocks: { size: this.#spec.blockBytes, sha256: blocks },
      tarBytes: this.#index.tarBytes,
      frames: frames.length,
      seekTable: { offset, bytes: table.length },
      payload: { files: this.#totals.files, bytes: this.#totals.bytes },
    };
    return table;
  }
}

/** Lines of entries with the place of their frames (format 5.4). */
function placedText(lines: string, start: number, end: number): string {
  return lines.replaceAll(STORED_OFFSET, String(start)).replaceAll(STORED_LENGTH, String(end - start));
}
