/**
 * Writes one bundle as a stream (format, section 4): tag files, payload, tag files; tar; frames; seek table. It holds
 * a few frames at a time and never the bundle. What it wrote, and where each file stands, it tells at the end.
 */
import { sha256Of } from '../base/sha256.js';
import { createHash } from 'node:crypto';
import { LineSpool } from '../base/line-spool.js';
import { encodeSeekTable } from '../codec/seek-table.js';
import { encodeEntryHeader, END_OF_ARCHIVE, paddingBytes, TAR_BLOCK_BYTES } from '../codec/tar.js';
import { serializeEmbeddedManifest, serializeFileEntry } from '../schema/serialize-manifest.js';
import {
  FORMAT_VERSION,
  type BundleFacts,
  type EmbeddedFileEntry,
  type EmbeddedManifest,
  type ExportSource,
  type FileContent,
  type FileEntry,
  type Provenance,
  type ToolFacts,
} from '../schema/export-manifest.js';
import * as bag from './bag.js';
import { BlockHasher } from './block-hasher.js';
import { FrameCutter } from './frame-cutter.js';
import { encodeFrame } from './frame-encoder.js';
import { FrameIndex } from './frame-index.js';
import { restoreText } from './restore-text.js';

const PADDING = Buffer.alloc(TAR_BLOCK_BYTES);

/** One file or empty directory that goes into a bundle. */
export interface PayloadSource {
  /** Lake path. */
  readonly path: string;
  readonly type: 'file' | 'directory';
  readonly bytes: number;
  /** Whole seconds. */
  readonly mtime: number;
  readonly executable: boolean;
  /** Yields exactly `bytes` bytes, or throws. */
  read(): AsyncIterable<Buffer>;
  /** Asked for after the last byte was read. */
  inspect(): Promise<FileContent | undefined>;
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
  /** Frames compressed at once. */
  readonly concurrency: number;
  readonly scratchDir: string;
  /** Called for every entry, in tar order, once its place is known. */
  readonly onEntry: (entry: FileEntry) => void;
}

interface PendingEntry {
  readonly entry: EmbeddedFileEntry;
  readonly offset: number;
}

export class BundleWriter {
  readonly #spec: BundleSpec;
  readonly #payload: AsyncIterable<PayloadSource>;
  readonly #bag: string;
  readonly #cutter = new FrameCutter();
  readonly #index = new FrameIndex();
  readonly #hasher: BlockHasher;
  readonly #embedded: LineSpool;
  readonly #tagLines: string[] = [];
  readonly #totals = { files: 0, directories: 0, bytes: 0, rows: undefined as number | undefined };
  #manifestBytes = 0;
  #sumsBytes = 0;
  #pending: PendingEntry[] = [];
  #facts: BundleFacts | undefined;

  constructor(spec: BundleSpec, payload: AsyncIterable<PayloadSource>) {
    this.#spec = spec;
    this.#payload = payload;
    this.#bag = bag.bagName(spec.source.path, spec.number);
    this.#hasher = new BlockHasher(spec.blockBytes);
    this.#embedded = new LineSpool({ scratchDir: spec.scratchDir });
  }

  /** What was written. Throws unless `stored()` has been read to its end. */
  get facts(): BundleFacts {
    if (this.#facts === undefined) throw new Error(`${this.#spec.name}: the bundle is not finished`);
    return this.#facts;
  }

  get blockBytes(): number {
    return this.#spec.blockBytes;
  }

  /** SHA-256 of the blocks that were yielded whole so far; once `stored()` has ended, of all. */
  get finishedBlocks(): readonly string[] {
    return this.#hasher.blocks;
  }

  /** The stored bytes of the bundle. Read it once, to its end. */
  async *stored(): AsyncGenerator<Buffer> {
    try {
      for await (const { content, stored } of this.#encoded()) {
        this.#index.add(content, stored.length);
        this.#settleEntries();
        this.#hasher.update(stored);
        yield stored;
      }
      const table = this.#finish();
      yield table;
    } finally {
      this.#embedded.dispose();
    }
  }

  /** Encodes frames ahead of the reader, in order, a bounded number at once. */
  async *#encoded(): AsyncGenerator<{ content: number; stored: Buffer }> {
    const queue: Promise<{ content: number; stored: Buffer }>[] = [];
    try {
      for await (const frame of this.#frames()) {
        const job = this.#encode(frame);
        // A job that fails while an earlier one is waited for must not count as unhandled; it throws at its turn.
        job.catch(() => undefined);
        queue.push(job);
        const next = queue.length >= this.#spec.concurrency ? queue.shift() : undefined;
        if (next !== undefined) yield await next;
      }
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield await next;
    } finally {
      await Promise.allSettled(queue);
    }
  }

  async #encode(frame: Buffer): Promise<{ content: number; stored: Buffer }> {
    const stored = await encodeFrame(frame, this.#spec.tool.level);
    const content = frame.length;
    this.#cutter.recycle(frame);
    return { content, stored };
  }

  async *#frames(): AsyncGenerator<Buffer> {
    const { hasOddNames: hasSha256sums, hasFiles, source } = this.#spec;
    yield* this.#tagFile(bag.BAGIT_TXT, bag.BAGIT_TXT_CONTENT);
    const text = restoreText({ bag: this.#bag, partitionPath: source.path, hasSha256sums, hasFiles });
    yield* this.#tagFile(bag.RESTORE_MD, text);
    for await (const source of this.#payload) yield* this.#payloadEntry(source);
    yield* this.#tagFiles();
    yield* this.#cutter.add(END_OF_ARCHIVE);
    const last = this.#cutter.finish();
    if (last !== undefined) yield last;
  }

  async *#payloadEntry(source: PayloadSource): AsyncGenerator<Buffer> {
    const { path, type, bytes, mtime, executable } = source;
    yield* this.#header({ path: `${bag.PAYLOAD_FOLDER}${path}`, type, bytes, mtime, executable });
    const offset = this.#cutter.tarBytes;
    const common = { path, mtime, ...(executable && type === 'file' ? { executable: true as const } : {}) };
    if (type === 'directory') {
      this.#addEntry({ ...common, type, bytes: 0 }, offset);
      return;
    }
    const hash = createHash('sha256');
    for await (const chunk of source.read()) {
      hash.update(chunk);
      yield* this.#cutter.add(chunk);
    }
    yield* this.#cutter.add(PADDING.subarray(0, paddingBytes(bytes)));
    const content = await source.inspect();
    this.#addEntry({ ...common, bytes, sha256: hash.digest('hex'), ...(content && { content }) }, offset);
  }

  #addEntry(entry: EmbeddedFileEntry, offset: number): void {
    this.#embedded.append(serializeFileEntry(entry));
    this.#pending.push({ entry, offset });
    if (entry.sha256 === undefined) {
      this.#totals.directories += 1;
      return;
    }
    this.#totals.files += 1;
    this.#totals.bytes += entry.bytes;
    if (entry.content?.rows !== undefined) this.#totals.rows = (this.#totals.rows ?? 0) + entry.content.rows;
    this.#manifestBytes += lineBytes(bag.manifestLine(entry.sha256, bag.PAYLOAD_FOLDER + entry.path));
    this.#sumsBytes += lineBytes(bag.sha256sumLine(entry.sha256, bag.PAYLOAD_FOLDER + entry.path));
  }

  async *#tagFiles(): AsyncGenerator<Buffer> {
    const { source, provenance, number, newestMtime } = this.#spec;
    const { files: payloadFiles, bytes: payloadBytes } = this.#totals;
    const info = { source, provenance, bundleNumber: number, payloadBytes, payloadFiles, newestMtime };
    yield* this.#tagFile(bag.BAG_INFO, bag.bagInfo(info));
    yield* this.#tagLinesFile(bag.PAYLOAD_MANIFEST, this.#manifestBytes, bag.manifestLine);
    yield* this.#tagFile(bag.EMBEDDED_EXPORT, serializeEmbeddedManifest(this.#embeddedManifest()));
    yield* this.#tagStream(bag.EMBEDDED_FILES, this.#embedded.bytes, this.#embedded);
    if (this.#spec.hasOddNames) {
      yield* this.#tagLinesFile(bag.EMBEDDED_SHA256SUMS, this.#sumsBytes, bag.sha256sumLine);
    }
    yield* this.#untaggedFile(bag.TAG_MANIFEST, this.#tagLines.map((line) => `${line}\n`).join(''));
  }

  #embeddedManifest(): EmbeddedManifest {
    const { tool, source, provenance, number } = this.#spec;
    const { by, path, layer, dataset, keys, runId } = source;
    const { rows, ...totals } = this.#totals;
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
      totals: { ...totals, ...(rows !== undefined && { rows }) },
    };
  }

  /** A checksum file over the payload, made again from the spool, so that no list of it stands in memory. */
  #tagLinesFile(name: string, bytes: number, toLine: (sha256: string, path: string) => string): AsyncGenerator<Buffer> {
    const spool = this.#embedded;
    async function* lines(): AsyncGenerator<string> {
      for await (const line of spool) {
        const entry = JSON.parse(line) as EmbeddedFileEntry;
        if (entry.sha256 !== undefined) yield toLine(entry.sha256, bag.PAYLOAD_FOLDER + entry.path);
      }
    }
    return this.#tagStream(name, bytes, lines());
  }

  async *#tagFile(name: string, text: string | Buffer): AsyncGenerator<Buffer> {
    const content = Buffer.from(text);
    this.#tagLines.push(bag.manifestLine(sha256Of(content), name));
    yield* this.#untaggedFile(name, content);
  }

  async *#untaggedFile(name: string, text: string | Buffer): AsyncGenerator<Buffer> {
    const content = Buffer.from(text);
    yield* this.#tagHeader(name, content.length);
    yield* this.#cutter.add(content);
    yield* this.#cutter.add(PADDING.subarray(0, paddingBytes(content.length)));
  }

  async *#tagStream(name: string, bytes: number, lines: AsyncIterable<string>): AsyncGenerator<Buffer> {
    yield* this.#tagHeader(name, bytes);
    const hash = createHash('sha256');
    for await (const chunk of joinLines(lines)) {
      hash.update(chunk);
      yield* this.#cutter.add(chunk);
    }
    yield* this.#cutter.add(PADDING.subarray(0, paddingBytes(bytes)));
    this.#tagLines.push(bag.manifestLine(hash.digest('hex'), name));
  }

  #tagHeader(path: string, bytes: number): Generator<Buffer> {
    const mtime = Math.max(0, this.#spec.newestMtime);
    return this.#header({ path, type: 'file', bytes, mtime, executable: false });
  }

  *#header(entry: Parameters<typeof encodeEntryHeader>[0]): Generator<Buffer> {
    const header = encodeEntryHeader({ ...entry, path: `${this.#bag}/${entry.path}` });
    const cut = this.#cutter.beginEntry(header.length + entry.bytes + paddingBytes(entry.bytes));
    if (cut !== undefined) yield cut;
    yield* this.#cutter.add(header);
  }

  /** Tells the entries whose last frame has been stored. */
  #settleEntries(): void {
    let settled = 0;
    for (const { entry, offset } of this.#pending) {
      const stored = this.#index.rangeOf(offset, entry.bytes);
      if (stored === undefined) break;
      this.#spec.onEntry({ ...entry, bundle: this.#spec.number, offset, stored });
      settled += 1;
    }
    if (settled > 0) this.#pending = this.#pending.slice(settled);
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

function lineBytes(line: string): number {
  return Buffer.byteLength(line) + 1;
}

const JOIN_BYTES = 256 * 1024;

/** Lines, each with its line feed, in chunks worth copying. */
async function* joinLines(lines: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let text = '';
  for await (const line of lines) {
    text += `${line}\n`;
    if (text.length < JOIN_BYTES) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}
