/**
 * A list of text lines that is written once and read many times, in memory while it is small and in a scratch file
 * beyond that: what keeps memory flat when an export has ten million files.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, createReadStream, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

const DEFAULT_MEMORY_BYTES = 4 * 1024 * 1024;
const WRITE_BYTES = 1024 * 1024;
const SPILL_CHARS = 256 * 1024;
/** Lines that are read at once are objects at once. */
const READ_BYTES = 128 * 1024;

export interface LineSpoolOptions {
  /** Folder for the scratch file; made when first needed. */
  readonly scratchDir: string;
  /** Lines are kept in memory up to this many bytes of text. Default 4 MiB. */
  readonly memoryBytes?: number;
}

/** Lines must not contain a line feed. Not safe for concurrent appends and reads: append all, then read. */
export class LineSpool implements AsyncIterable<string> {
  readonly #options: Required<LineSpoolOptions>;
  /** One line or several each, without the last line feed. */
  #texts: string[] = [];
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
    this.#add(line, 1);
  }

  /** @param text `count` lines, each with its line feed. */
  appendLines(text: string, count: number): void {
    if (count > 0) this.#add(text.slice(0, -1), count);
  }

  /** Adds all lines of another, which is empty then. */
  async take(other: LineSpool): Promise<void> {
    if (this.#count === 0) {
      this.#exchange(other);
      return;
    }
    for await (const lines of other.batches()) this.#add(lines.join('\n'), lines.length);
    other.dispose();
  }

  #exchange(other: LineSpool): void {
    [this.#texts, other.#texts] = [other.#texts, this.#texts];
    [this.#file, other.#file] = [other.#file, this.#file];
    [this.#memory, other.#memory] = [other.#memory, this.#memory];
    [this.#bytes, other.#bytes] = [other.#bytes, this.#bytes];
    [this.#count, other.#count] = [other.#count, this.#count];
  }

  #add(text: string, count: number): void {
    const bytes = Buffer.byteLength(text) + 1;
    this.#texts.push(text);
    this.#count += count;
    this.#bytes += bytes;
    this.#memory += bytes;
    const limit = this.#file === undefined ? this.#options.memoryBytes : WRITE_BYTES;
    if (this.#memory > limit) this.#spill();
  }

  #spill(): void {
    const { fd } = (this.#file ??= this.#create());
    let from = 0;
    let chars = 0;
    this.#texts.forEach((text, at) => {
      chars += text.length;
      // Joined and encoded as a whole they would take three times their memory for a moment.
      if (chars < SPILL_CHARS && at < this.#texts.length - 1) return;
      writeWhole(fd, Buffer.from(`${this.#texts.slice(from, at + 1).join('\n')}\n`));
      from = at + 1;
      chars = 0;
    });
    this.#texts = [];
    this.#memory = 0;
  }

  #create(): { path: string; fd: number } {
    mkdirSync(this.#options.scratchDir, { recursive: true });
    const file = path.join(this.#options.scratchDir, `spool-${randomBytes(8).toString('hex')}`);
    return { path: file, fd: openSync(file, 'wx') };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    for await (const lines of this.batches()) yield* lines;
  }

  /** The same lines, some at a time: a promise for each may cost more than what is done with it. */
  async *batches(): AsyncGenerator<readonly string[]> {
    if (this.#file !== undefined) yield* fileLines(this.#file.path);
    for (const text of this.#texts) yield text.split('\n');
  }

  /** The same bytes as all lines with their line feeds, in pieces of any size. */
  async *chunks(): AsyncGenerator<Buffer> {
    if (this.#file !== undefined) yield* createReadStream(this.#file.path, { highWaterMark: WRITE_BYTES });
    for (const text of this.#texts) yield Buffer.from(`${text}\n`);
  }

  /** Removes the scratch file. The spool must not be used afterwards. */
  dispose(): void {
    this.#texts = [];
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

async function* fileLines(file: string): AsyncGenerator<readonly string[]> {
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: READ_BYTES })) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() ?? '';
    yield lines;
  }
  if (rest !== '') yield [rest];
}
