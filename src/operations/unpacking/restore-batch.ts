/**
 * Wanted entries of an export as batches, one a line of text: the files of one range of stored bytes together, so that
 * a line can go to a thread as it is, unparsed; a folder by itself. Pure.
 */
import type { FileRow } from '../../bundle/restore-frame-file.js';
import type { FileEntry } from '../../schema/export-manifest.js';

export interface FolderBatch {
  readonly type: 'folder';
  readonly path: string;
  readonly mtime: number;
}

export interface FileBatch {
  readonly type: 'files';
  /** Number of the bundle, from 1. */
  readonly bundle: number;
  /** Of the tar: all payloads of the batch lie between. Both 0 where there are none. */
  readonly start: number;
  readonly end: number;
  readonly files: number;
  /** Of all payloads. */
  readonly bytes: number;
  /** JSON of {@link FileRow}s, sorted by path. */
  readonly rows: string;
}

/** A frame of 4 MiB holds at most 8,192 entries; a line should stay short also where their paths are long. */
const MAX_FILES = 8_192;
const MAX_PATH_CHARS = 2 * 1024 * 1024;

/** Gathers entries, which come in tar order. */
export class BatchWriter {
  readonly #write: (line: string) => void;
  #first: FileEntry | undefined;
  #rows: FileRow[] = [];
  #start = 0;
  #end = 0;
  #bytes = 0;
  #pathChars = 0;

  /** @param write takes each line, without a line feed in it. */
  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  add(entry: FileEntry): void {
    if (entry.type === 'directory') {
      this.end();
      this.#write(`folder ${JSON.stringify([entry.path, entry.mtime])}`);
      return;
    }
    if (!this.#belongs(entry)) this.end();
    this.#first ??= entry;
    const { path, offset, bytes, sha256 = '', mtime, executable = false } = entry;
    this.#rows.push([path, offset, bytes, sha256, mtime, executable ? 1 : 0]);
    this.#pathChars += path.length;
    if (bytes === 0) return;
    if (this.#bytes === 0) this.#start = offset;
    this.#end = offset + bytes;
    this.#bytes += bytes;
  }

  #belongs({ bundle, stored }: FileEntry): boolean {
    const first = this.#first;
    return (
      first !== undefined &&
      first.bundle === bundle &&
      first.stored.offset === stored.offset &&
      first.stored.length === stored.length &&
      this.#rows.length < MAX_FILES &&
      this.#pathChars < MAX_PATH_CHARS
    );
  }

  /** Writes what is gathered. Called once more at the end of all. */
  end(): void {
    if (this.#first === undefined) return;
    const { bundle } = this.#first;
    const head = [bundle, this.#start, this.#end, this.#rows.length, this.#bytes].join(' ');
    this.#write(`files ${head} ${JSON.stringify(this.#rows)}`);
    this.#first = undefined;
    this.#rows = [];
    this.#start = this.#end = this.#bytes = this.#pathChars = 0;
  }
}

const HEAD = /^files (\d+) (\d+) (\d+) (\d+) (\d+) /;

/** @param line as {@link BatchWriter} wrote it. */
export function readBatch(line: string): FolderBatch | FileBatch {
  const head = HEAD.exec(line);
  if (head === null) {
    const [path, mtime] = JSON.parse(line.slice('folder '.length)) as [string, number];
    return { type: 'folder', path, mtime };
  }
  const [bundle = 0, start = 0, end = 0, files = 0, bytes = 0] = head.slice(1).map(Number);
  return { type: 'files', bundle, start, end, files, bytes, rows: line.slice(head[0].length) };
}

export function rowsOf({ rows }: FileBatch): readonly FileRow[] {
  return JSON.parse(rows) as FileRow[];
}

/** The batch of some of its files. */
export function withRows(batch: FileBatch, rows: readonly FileRow[]): FileBatch {
  const filled = rows.filter(([, , bytes]) => bytes > 0);
  const last = filled.at(-1);
  return {
    ...batch,
    start: filled[0]?.[1] ?? 0,
    end: last === undefined ? 0 : last[1] + last[2],
    files: rows.length,
    bytes: filled.reduce((sum, [, , bytes]) => sum + bytes, 0),
    rows: JSON.stringify(rows),
  };
}
