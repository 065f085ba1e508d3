/**
 * A list of text lines that is written once and read many times, in memory while it is small and in a scratch file
 * beyond that: what keeps memory flat when an export has ten million files.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, createReadStream, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

const DEFAULT_MEMORY_BYTES = 8 * 1024 * 1024;
const WRITE_BYTES = 1024 * 1024;

export interface LineSpoolOptions {
  /** Folder for the scratch file; made when first needed. */
  readonly scratchDir: string;
  /** Lines are kept in memory up to this many bytes of text. Default 8 MiB. */
  readonly memoryBytes?: number;
}

/** Lines must not contain a line feed. Not safe for concurrent appends and reads: append all, then read. */
export class LineSpool implements AsyncIterable<string> {
  readonly #options: Required<LineSpoolOptions>;
  #lines: string[] = [];
  #memory = 0;
  #file: { readonly path: string; readonly fd: number } | undefined;
  #count = 0;
  #bytes = 0;

  constructor(options: LineSpoolOptions) {
    this.#options = { memoryBytes: DEFAULT_MEMORY_BYTES, ...options };
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of all lines as UTF-8, each with its line feed. */
  get bytes(): number {
    return this.#bytes;
  }

  append(line: string): void {
    const bytes = Buffer.byteLength(line) + 1;
    this.#lines.push(line);
    this.#count += 1;
    this.#bytes += bytes;
    this.#memory += bytes;
    const limit = this.#file === undefined ? this.#options.memoryBytes : WRITE_BYTES;
    if (this.#memory > limit) this.#spill();
  }

  #spill(): void {
    this.#file ??= this.#create();
    writeWhole(this.#file.fd, Buffer.from(`${this.#lines.join('\n')}\n`));
    this.#lines = [];
    this.#memory = 0;
  }

  #create(): { path: string; fd: number } {
    mkdirSync(this.#options.scratchDir, { recursive: true });
    const file = path.join(this.#options.scratchDir, `spool-${randomBytes(8).toString('hex')}`);
    return { path: file, fd: openSync(file, 'wx') };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    if (this.#file !== undefined) yield* fileLines(this.#file.path);
    yield* this.#lines;
  }

  /** Removes the scratch file. The spool must not be used afterwards. */
  dispose(): void {
    this.#lines = [];
    if (this.#file === undefined) return;
    closeSync(this.#file.fd);
    rmSync(this.#file.path, { force: true });
    this.#file = undefined;
  }
}

/** A disk that is nearly full takes a part and says nothing; only the next write fails. */
function writeWhole(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at);
}

async function* fileLines(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: WRITE_BYTES })) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}
