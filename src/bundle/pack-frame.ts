/**
 * The job that makes one frame of a bundle from its plan: reads the files, hashes them, looks into them, puts headers
 * and contents where they belong, compresses. What it tells of the files is text, ready for the lists they stand in,
 * so that the thread which writes the bundle does next to nothing for each file.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Finding } from '../base/findings.js';
import { LakepackError } from '../base/errors.js';
import { sha256Of } from '../base/sha256.js';
import { paddingBytes, writeEntryHeader } from '../codec/tar.js';
import type { SourceEntry } from '../lake/contract.js';
import { wholeSeconds } from '../lake/entry-list.js';
import type { Inspection, InspectMode, Inspector } from '../lake/inspect/inspector.js';
import { sha256SumLine } from '../schema/content-digest.js';
import { serializeEntryParts } from '../schema/serialize-manifest.js';
import * as bag from './bag.js';
import { encodeFrameInto, levelForLists } from './frame-encoder.js';
import { isEntryPiece, isPartOfFile, type EntryPiece, type FramePlan } from './frame-plan.js';

/** What of a bundle all its frames share. */
export interface FrameContext {
  readonly lake: string;
  /** Folder of the bag. */
  readonly bag: string;
  /** Number of the bundle, from 1. */
  readonly bundle: number;
  /** zstd level. */
  readonly level: number;
  readonly inspect: InspectMode;
  readonly hasOddNames: boolean;
}

export interface PackFrameInput {
  readonly context: FrameContext;
  readonly plan: FramePlan;
  /** Where the content of the frame is put together, and the stored frame goes; has room for a raw one. */
  readonly memory: SharedArrayBuffer;
  /** False: its content goes there as it is. */
  readonly encode: boolean;
  /** Of the file that lies in several frames, if one of them is in this: the same number for all its frames. */
  readonly largeFile: number | undefined;
}

/** The entries that end in a frame, in order. Each text has a line an entry, each with its line feed. */
export interface EndedEntries {
  readonly count: number;
  readonly files: number;
  readonly bytes: number;
  /** Undefined where no file says. */
  readonly rows: number | undefined;
  /** For `lakepack/files.jsonl`. */
  readonly embedded: string;
  /** For the manifest: {@link STORED_OFFSET} and {@link STORED_LENGTH} stand for what is known once the frame is stored. */
  readonly placed: string;
  /** True where the first of them begins in an earlier frame. */
  readonly isFirstLarge: boolean;
  /** For `manifest-sha256.txt`. */
  readonly bagLines: string;
  /** For `lakepack/sha256sums.txt`; empty where there is none. */
  readonly sumLines: string;
  /** For the content digest. */
  readonly digestLines: string;
  readonly findings: readonly Finding[];
}

export interface PackedFrame {
  /** Length of what was written to the memory. */
  readonly storedBytes: number;
  readonly ended: EndedEntries;
}

/** JSON text has no control characters of its own. */
export const STORED_OFFSET = '\u0001';
export const STORED_LENGTH = '\u0002';

/** A file that is open: `read` fills all of `into`, `close` throws when it is not the file the scan saw any more. */
export interface OpenSource {
  read(into: Buffer, offset: number): void;
  close(): void;
  /** Closes without a look. Idempotent, also after `close`. */
  dispose(): void;
}

/** Where the bytes of a lake come from. */
export interface PayloadSource {
  /** Fills `into` with all of a file. Throws as an open one does. */
  readWhole(lake: string, entry: SourceEntry, into: Buffer): void;
  open(lake: string, entry: SourceEntry): OpenSource;
  /** For a file that comes in parts. */
  inspector(entry: SourceEntry, mode: InspectMode): Inspector;
  /** For one that is at hand. */
  inspect(entry: SourceEntry, content: Buffer, mode: InspectMode): Inspection | Promise<Inspection>;
}

interface LargeFile {
  readonly source: OpenSource;
  readonly hash: Hash;
  readonly inspector: Inspector;
}

export interface PackJobs {
  readonly packFrame: (input: PackFrameInput) => Promise<PackedFrame>;
  /** Gives up a large file between two of its frames. */
  readonly dropLargeFile: (largeFile: number) => void;
}

/** Jobs that read from `payload`. They keep large files open from their first frame to their last. */
export function createPackJobs(payload: PayloadSource): PackJobs {
  const largeFiles = new Map<number, LargeFile>();
  const turns = new Map<number, Promise<unknown>>();

  /** The frames of one large file are filled one after the other, also where a look into it has to be waited for. */
  async function inTurn<T>(largeFile: number | undefined, fill: () => Promise<T>): Promise<T> {
    if (largeFile === undefined) return await fill();
    const turn = (turns.get(largeFile) ?? Promise.resolve()).then(fill);
    const settled = turn.catch(() => undefined);
    turns.set(largeFile, settled);
    void settled.then(() => turns.get(largeFile) === settled && turns.delete(largeFile));
    return await turn;
  }

  return {
    async packFrame(input) {
      const { plan, memory, encode, largeFile, context } = input;
      const slab = Buffer.from(memory);
      // At the end: a raw frame, whose blocks begin with three bytes more each, then never runs into what it takes.
      const content = slab.subarray(slab.length - plan.tarBytes);
      const ended = await inTurn(largeFile, () => new FrameFiller(payload, largeFiles, input, content).fill());
      const level = plan.hasPayload ? context.level : levelForLists(context.level);
      return { storedBytes: encode ? await encodeFrameInto(content, level, slab) : content.copy(slab), ended };
    },
    dropLargeFile(largeFile) {
      dispose(largeFiles.get(largeFile));
      largeFiles.delete(largeFile);
    },
  };
}

function dispose(file: LargeFile | undefined): void {
  file?.source.dispose();
  file?.inspector.dispose();
}

async function readRange(source: OpenSource, offset: number, length: number): Promise<Buffer> {
  const range = Buffer.allocUnsafe(length);
  source.read(range, offset);
  return range;
}

class FrameFiller {
  readonly #payload: PayloadSource;
  readonly #largeFiles: Map<number, LargeFile>;
  readonly #input: PackFrameInput;
  readonly #content: Buffer;
  #at = 0;
  #files = 0;
  #bytes = 0;
  #rows: number | undefined;
  #count = 0;
  #isFirstLarge = false;
  #embedded = '';
  #placed = '';
  #bagLines = '';
  #sumLines = '';
  #digestLines = '';
  readonly #findings: Finding[] = [];

  constructor(payload: PayloadSource, largeFiles: Map<number, LargeFile>, input: PackFrameInput, content: Buffer) {
    this.#payload = payload;
    this.#largeFiles = largeFiles;
    this.#input = input;
    this.#content = content;
  }

  async fill(): Promise<EndedEntries> {
    for (const piece of this.#input.plan.pieces) {
      if (isEntryPiece(piece)) {
        const added = this.#addEntry(piece);
        // A small file seldom needs to be waited for.
        if (added !== undefined) await added;
      } else {
        this.#content.set(piece.bytes, this.#at);
        this.#at += piece.bytes.length;
      }
    }
    return {
      count: this.#count,
      files: this.#files,
      bytes: this.#bytes,
      rows: this.#rows,
      embedded: this.#embedded,
      placed: this.#placed,
      isFirstLarge: this.#isFirstLarge,
      bagLines: this.#bagLines,
      sumLines: this.#sumLines,
      digestLines: this.#digestLines,
      findings: this.#findings,
    };
  }

  #addEntry(piece: EntryPiece): Promise<void> | undefined {
    const { entry, headerBytes, from, to } = piece;
    if (headerBytes > 0) this.#addHeader(entry, headerBytes);
    if (entry.type === 'directory') {
      this.#end(piece, undefined, { findings: [] });
      return undefined;
    }
    const bytes = this.#content.subarray(this.#at, this.#at + to - from);
    this.#at += bytes.length;
    if (to === entry.bytes) this.#pad(paddingBytes(entry.bytes));
    return isPartOfFile(piece) ? this.#addPart(piece, bytes) : this.#addWhole(piece, bytes);
  }

  #addHeader(entry: SourceEntry, headerBytes: number): void {
    const { path, type, bytes, mtimeNs, executable } = entry;
    const mtime = wholeSeconds(mtimeNs);
    const place = `${this.#input.context.bag}/${bag.PAYLOAD_FOLDER}${path}`;
    const written = writeEntryHeader({ path: place, type, bytes, mtime, executable }, this.#content, this.#at);
    if (written !== headerBytes) {
      throw new LakepackError('INTERNAL', `${path}: its header: expected ${headerBytes} bytes, got ${written}`);
    }
    this.#at += headerBytes;
  }

  #pad(bytes: number): void {
    this.#content.fill(0, this.#at, this.#at + bytes);
    this.#at += bytes;
  }

  #addWhole(piece: EntryPiece, bytes: Buffer): Promise<void> | undefined {
    const { entry } = piece;
    this.#payload.readWhole(this.#input.context.lake, entry, bytes);
    const sha256 = sha256Of(bytes);
    const seen = this.#payload.inspect(entry, bytes, this.#input.context.inspect);
    if (!(seen instanceof Promise)) {
      this.#end(piece, sha256, seen);
      return undefined;
    }
    return seen.then((inspection) => this.#end(piece, sha256, inspection));
  }

  async #addPart(piece: EntryPiece, bytes: Buffer): Promise<void> {
    const { entry, from, to } = piece;
    const file = from === 0 ? this.#openLarge(entry) : this.#largeFile(entry);
    try {
      file.source.read(bytes, from);
      file.hash.update(bytes);
      await file.inspector.update(bytes);
      if (to < entry.bytes) return;
      const inspection = await file.inspector.finish((offset, length) => readRange(file.source, offset, length));
      file.source.close();
      this.#isFirstLarge = true;
      this.#end(piece, file.hash.digest('hex'), inspection);
    } catch (error) {
      file.inspector.dispose();
      file.source.dispose();
      throw error;
    }
    this.#largeFiles.delete(this.#input.largeFile ?? 0);
  }

  #openLarge(entry: SourceEntry): LargeFile {
    const { context, largeFile } = this.#input;
    const file = {
      source: this.#payload.open(context.lake, entry),
      hash: createHash('sha256'),
      inspector: this.#payload.inspector(entry, context.inspect),
    };
    if (largeFile !== undefined) this.#largeFiles.set(largeFile, file);
    return file;
  }

  #largeFile({ path }: SourceEntry): LargeFile {
    const file = this.#largeFiles.get(this.#input.largeFile ?? 0);
    if (file !== undefined) return file;
    throw new LakepackError('INTERNAL', `${path}: expected the frame with its beginning before this one, got none`);
  }

  #end({ entry, offset, skip }: EntryPiece, sha256: string | undefined, { content, findings }: Inspection): void {
    const { path, bytes, mtimeNs, executable } = entry;
    const { bundle, hasOddNames } = this.#input.context;
    const facts =
      sha256 === undefined ? ({ path, type: 'directory', bytes: 0 } as const) : ({ path, bytes, sha256 } as const);
    const mode = executable && sha256 !== undefined ? { executable: true as const } : {};
    const { head, tail } = serializeEntryParts({ ...facts, mtime: wholeSeconds(mtimeNs), ...mode }, content);
    this.#embedded += `${head}${tail}\n`;
    this.#placed += `${head},"bundle":${bundle},"offset":${offset},"stored":{"offset":${STORED_OFFSET},"length":${STORED_LENGTH},"skip":${skip}}${tail}\n`;
    this.#count += 1;
    if (sha256 === undefined) return;
    this.#files += 1;
    this.#bytes += bytes;
    if (content?.rows !== undefined) this.#rows = (this.#rows ?? 0) + content.rows;
    const bagPath = bag.PAYLOAD_FOLDER + path;
    this.#bagLines += `${bag.manifestLine(sha256, bagPath)}\n`;
    if (hasOddNames) this.#sumLines += `${bag.sha256sumLine(sha256, bagPath)}\n`;
    this.#digestLines += sha256SumLine(path, sha256);
    this.#findings.push(...findings);
  }
}
