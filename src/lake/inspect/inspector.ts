/**
 * Looks into a file while it is packed: its format, its rows, and whether it is half-written or broken. The bytes are
 * never changed and never kept; what a look finds is a fact for the manifest or a finding, never an error.
 */
import { finding, type Finding } from '../../base/findings.js';
import { showPath } from '../../base/paths.js';
import type { FileContent } from '../../schema/export-manifest.js';
import { checkGzip, checkWholeGzip, glanceAtGzip, isGzipMagic, type GzipCheck, type ReadAt } from './gzip.js';
import { isParquetMagic, lookAtParquet } from './parquet.js';
import { countCsvRecords, countJsonLines, type RowCounter } from './row-counter.js';

/** `full` sees every byte: rows of text, gzip checksums. `quick` reads a few bytes at both ends: no rows of text. */
export type InspectMode = 'full' | 'quick';

export interface Inspection {
  /** Absent where nothing is known of the file but its bytes. */
  readonly content?: FileContent;
  readonly findings: readonly Finding[];
}

export interface Inspector {
  /** Takes the file's bytes, in order, in chunks of any size; must be awaited. In `quick` mode not needed. */
  update(chunk: Buffer): void | Promise<void>;
  /** Call once, after the last chunk. Throws only what `readAt` throws. */
  finish(readAt: ReadAt): Promise<Inspection>;
  /** Gives up: for a file that changed or could not be read. Not needed after `finish`. */
  dispose(): void;
}

/** `path` is a lake path: its name tells the format, its content may tell more. `bytes` is the size of the file. */
export function openInspector(path: string, bytes: number, mode: InspectMode): Inspector {
  const named = formatOfName(path);
  return mode === 'quick' ? new QuickInspector(path, bytes, named) : new FullInspector(path, bytes, named);
}

/**
 * The same look at a file that is at hand. Most need not be waited for.
 * @param data is not kept, and not read any more once the answer is there.
 */
export function inspectWhole(path: string, data: Buffer, mode: InspectMode): Inspection | Promise<Inspection> {
  const named = formatOfName(path);
  const conclusion = new Conclusion(path, named);
  const head = data.subarray(0, HEAD_BYTES);
  if (isParquet(named, head))
    return conclusion.ofParquet(data.length, async (at, length) => data.subarray(at, at + length));
  if (mode === 'quick') return inspectInParts(new QuickInspector(path, data.length, named), data);
  const counter = counterOf(named);
  if (!isGzip(named, head)) {
    counter?.update(data);
    return conclusion.ofPlain(counter?.rows());
  }
  const fault = checkWholeGzip(data, counter);
  if (fault instanceof Promise) return fault.then((found) => conclusion.ofGzip(found, counter?.rows()));
  return conclusion.ofGzip(fault, counter?.rows());
}

async function inspectInParts(inspector: Inspector, data: Buffer): Promise<Inspection> {
  await inspector.update(data);
  return await inspector.finish(async (at, length) => data.subarray(at, at + length));
}

interface NamedFormat {
  readonly format: FileContent['format'] | undefined;
  readonly compression: FileContent['compression'];
}

const FORMATS: Readonly<Record<string, FileContent['format']>> = {
  parquet: 'parquet',
  json: 'json',
  geojson: 'json',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  csv: 'csv',
  tsv: 'csv',
};

function formatOfName(path: string): NamedFormat {
  const parts = path
    .slice(path.lastIndexOf('/') + 1)
    .toLowerCase()
    .split('.')
    .slice(1);
  const last = parts.at(-1);
  const compression = last === 'gz' ? 'gzip' : last === 'zst' ? 'zstd' : undefined;
  const extension = (compression === undefined ? last : parts.at(-2)) ?? '';
  return { format: Object.hasOwn(FORMATS, extension) ? FORMATS[extension] : undefined, compression };
}

/** A gzip that is broken, a Parquet that is: what both inspectors come to. */
class Conclusion {
  readonly #path: string;
  readonly #named: NamedFormat;

  constructor(path: string, named: NamedFormat) {
    this.#path = path;
    this.#named = named;
  }

  async ofParquet(bytes: number, readAt: ReadAt): Promise<Inspection> {
    const { content, fault } = await lookAtParquet(bytes, readAt);
    return { content, findings: this.#findings('PARQUET_INCOMPLETE', fault) };
  }

  ofGzip(fault: string | undefined, rows: number | undefined): Inspection {
    const content: FileContent = {
      format: this.#named.format ?? 'other',
      compression: 'gzip',
      // The rows of a broken file are those before the break: not the file's.
      ...(rows === undefined || fault !== undefined ? {} : { rows }),
      ...(fault === undefined ? {} : { damaged: true }),
    };
    return { content, findings: this.#findings('GZIP_BROKEN', fault) };
  }

  ofPlain(rows: number | undefined): Inspection {
    const { format, compression } = this.#named;
    if (format === undefined && compression === undefined) return { findings: [] };
    const content: FileContent = {
      format: format ?? 'other',
      ...(compression === undefined ? {} : { compression }),
      ...(rows === undefined ? {} : { rows }),
    };
    return { content, findings: [] };
  }

  #findings(code: 'PARQUET_INCOMPLETE' | 'GZIP_BROKEN', fault: string | undefined): readonly Finding[] {
    if (fault === undefined) return [];
    const message = `${showPath(this.#path)} ${fault}`;
    return [
      finding(code, message, { path: this.#path }, { repair: 'make it anew at its source; it is packed as it is' }),
    ];
  }
}

class QuickInspector implements Inspector {
  readonly #bytes: number;
  readonly #named: NamedFormat;
  readonly #conclusion: Conclusion;

  constructor(path: string, bytes: number, named: NamedFormat) {
    this.#bytes = bytes;
    this.#named = named;
    this.#conclusion = new Conclusion(path, named);
  }

  update(): void {
    // A quick look reads what it needs at the end.
  }

  async finish(readAt: ReadAt): Promise<Inspection> {
    const head = await readAt(0, Math.min(HEAD_BYTES, this.#bytes));
    if (isParquet(this.#named, head)) return this.#conclusion.ofParquet(this.#bytes, readAt);
    if (!isGzip(this.#named, head)) return this.#conclusion.ofPlain(undefined);
    return this.#conclusion.ofGzip(await glanceAtGzip(this.#bytes, readAt), undefined);
  }

  dispose(): void {
    // It holds nothing.
  }
}

/** Enough to tell a format by its magic. */
const HEAD_BYTES = 4;

function isParquet(named: NamedFormat, head: Buffer): boolean {
  return (
    named.compression === undefined &&
    (named.format === 'parquet' || (named.format === undefined && isParquetMagic(head)))
  );
}

function isGzip(named: NamedFormat, head: Buffer): boolean {
  return named.compression === 'gzip' || (named.compression === undefined && isGzipMagic(head));
}

class FullInspector implements Inspector {
  readonly #bytes: number;
  readonly #named: NamedFormat;
  readonly #conclusion: Conclusion;
  readonly #counter: RowCounter | undefined;
  #head: Buffer = Buffer.alloc(0);
  #gzip: GzipCheck | undefined;

  constructor(path: string, bytes: number, named: NamedFormat) {
    this.#bytes = bytes;
    this.#named = named;
    this.#conclusion = new Conclusion(path, named);
    this.#counter = counterOf(named);
  }

  update(chunk: Buffer): void | Promise<void> {
    if (this.#head.length === HEAD_BYTES) return this.#pass(chunk);
    const data = Buffer.concat([this.#head, chunk]);
    this.#head = data.subarray(0, HEAD_BYTES);
    return this.#head.length === HEAD_BYTES ? this.#begin(data) : undefined;
  }

  async finish(readAt: ReadAt): Promise<Inspection> {
    if (this.#head.length < HEAD_BYTES) await this.#begin(this.#head);
    if (isParquet(this.#named, this.#head)) return this.#conclusion.ofParquet(this.#bytes, readAt);
    const fault = await this.#gzip?.finish(readAt);
    const rows = this.#counter?.rows();
    return this.#gzip === undefined ? this.#conclusion.ofPlain(rows) : this.#conclusion.ofGzip(fault, rows);
  }

  dispose(): void {
    this.#gzip?.dispose();
  }

  #begin(data: Buffer): void | Promise<void> {
    if (isGzip(this.#named, data)) this.#gzip = checkGzip(this.#bytes, this.#counter);
    return this.#pass(data);
  }

  #pass(chunk: Buffer): void | Promise<void> {
    if (this.#gzip !== undefined) return this.#gzip.update(chunk);
    this.#counter?.update(chunk);
  }
}

function counterOf({ format, compression }: NamedFormat): RowCounter | undefined {
  if (compression === 'zstd') return undefined;
  if (format === 'jsonl') return countJsonLines();
  return format === 'csv' ? countCsvRecords() : undefined;
}
