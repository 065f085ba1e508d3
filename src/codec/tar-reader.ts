/**
 * Reads a tar stream (POSIX.1-2001 pax; ustar, v7 and GNU headers) as a strict push parser without a stream of its
 * own: what two tar programs could read in two ways is refused. Names are not judged here (`base/paths.ts`), nor are
 * duplicates.
 */
import { isLakepackError, LakepackError } from '../base/errors.js';
import { decodeTarBlock, looksLikeHeader, TAR_BLOCK_BYTES } from './tar-block.js';
import { makeEntry } from './tar-entry.js';
import type { TarEntry } from './tar-entry.js';
import { extensionKind, globalTime, MAX_EXTENSION_BYTES, withExtension } from './tar-extensions.js';
import type { ExtensionKind, TarExtensions } from './tar-extensions.js';
import { paddingBytes } from './tar.js';

export type { TarEntry } from './tar-entry.js';

export type TarEvent =
  | { readonly type: 'entry'; readonly entry: TarEntry }
  /** A part of the body; shares memory with the chunk that was pushed. */
  | { readonly type: 'data'; readonly bytes: Buffer }
  /** The body and its padding have been read. */
  | { readonly type: 'entry-end' };

export interface TarReaderOptions {
  /** Opens the messages: the bundle. */
  readonly subject: string;
  /** True refuses padding that is not zero (format 4.1); archives made elsewhere may carry such. */
  readonly strictPadding: boolean;
  /** Start in the middle, after damage; absent to start at the beginning. */
  readonly resume?: TarResume;
}

/**
 * Where to go on after a part of the stream was lost. From `tarOffset`, blocks are passed over until a ustar or GNU
 * header with a right checksum, or its extension headers, makes an entry whose whole name starts with `namePrefix`.
 * A tar inside a payload is aligned to the same 512 bytes: only the prefix tells its headers from ours, so give the
 * folder of the bag. What was passed over is not reported; `entry.headerOffset` tells where reading goes on. When the
 * lost part ends between the extension headers of an entry and its block, that entry is found under the shortened name
 * of the block: compare its offset with the manifest before saying that a file is new.
 */
export interface TarResume {
  /** Offset in the tar stream of the first byte that will be pushed; any number. */
  readonly tarOffset: number;
  readonly namePrefix: string;
}

type Phase = 'header' | 'extension' | 'body' | 'padding' | 'tail';

const ZEROS = Buffer.alloc(64 * 1024);

/**
 * Push chunks of any size, use up each generator, then call `end`. After an error the reader is of no further use.
 * A lone zero block at the end is refused like none: a cut there could not be told from the end.
 */
export class TarReader {
  readonly #options: TarReaderOptions;
  /** Of the next byte, in the tar stream. */
  #offset: number;
  #phase: Phase = 'header';
  /** Bytes to pass over up to the first block boundary, when resuming. */
  #unaligned: number;
  #searching: boolean;
  readonly #block = Buffer.alloc(TAR_BLOCK_BYTES);
  #blockFilled = 0;
  #zeroBlocks = 0;
  /** Bytes of the body, the extension or the padding still to come. */
  #left = 0;
  #paddingAfter = 0;
  #entryOpen = false;
  #extensionKind: ExtensionKind = 'pax';
  #extensionOffset = 0;
  #extensionBody = Buffer.alloc(0);
  #extensions: TarExtensions = {};
  #globalMtime: number | undefined;

  /** Starts at the beginning of an archive, or where `options.resume` says. */
  constructor(options: TarReaderOptions) {
    this.#options = options;
    this.#offset = options.resume?.tarOffset ?? 0;
    this.#unaligned = paddingBytes(this.#offset);
    this.#searching = options.resume !== undefined;
  }

  /** True while a resumed reader has not found an entry yet. */
  get searching(): boolean {
    return this.#searching;
  }

  /**
   * Takes the next bytes and yields what they complete. Throws TAR_INVALID for what is malformed or ambiguous,
   * LIMIT_EXCEEDED for an extension header above 1 MiB.
   */
  *push(chunk: Buffer): Generator<TarEvent, void, undefined> {
    const skipped = Math.min(this.#unaligned, chunk.length);
    this.#unaligned -= skipped;
    this.#offset += skipped;
    for (let at = skipped; at < chunk.length;) {
      const taken = this.#take(chunk.subarray(at));
      at += taken.length;
      this.#offset += taken.length;
      yield* this.#advance(taken);
    }
  }

  /**
   * Says that no more bytes come. Throws TAR_INVALID when the archive is not complete: inside an entry, or without two
   * blocks of zeros. A resumed reader that is still searching has nothing to be complete.
   */
  end(): void {
    if (this.#phase === 'tail' || this.#searching) return;
    if (this.#phase === 'header' && this.#blockFilled === 0) {
      throw this.#invalid(`no end of archive: expected 2 blocks of zeros, got ${this.#zeroBlocks}`);
    }
    throw this.#invalid('the archive is cut off: expected more bytes');
  }

  /** The part of `rest` that belongs to the present phase. */
  #take(rest: Buffer): Buffer {
    if (this.#phase === 'tail') return rest;
    return rest.subarray(0, this.#phase === 'header' ? TAR_BLOCK_BYTES - this.#blockFilled : this.#left);
  }

  *#advance(taken: Buffer): Generator<TarEvent, void, undefined> {
    switch (this.#phase) {
      case 'header':
        yield* this.#fillBlock(taken);
        return;
      case 'extension':
        this.#fillExtension(taken);
        return;
      case 'body':
        yield { type: 'data', bytes: taken };
        this.#left -= taken.length;
        if (this.#left === 0) yield* this.#startPadding();
        return;
      case 'padding':
        yield* this.#readPadding(taken);
        return;
      case 'tail':
        if (!isZero(taken)) throw this.#invalid('bytes behind the end of archive: expected zeros', taken.length);
    }
  }

  *#fillBlock(taken: Buffer): Generator<TarEvent, void, undefined> {
    if (taken.length < TAR_BLOCK_BYTES) this.#blockFilled += taken.copy(this.#block, this.#blockFilled);
    if (taken.length < TAR_BLOCK_BYTES && this.#blockFilled < TAR_BLOCK_BYTES) return;
    this.#blockFilled = 0;
    yield* this.#readBlock(taken.length < TAR_BLOCK_BYTES ? this.#block : taken);
  }

  *#readBlock(block: Buffer): Generator<TarEvent, void, undefined> {
    const entry = this.#searching ? this.#searchBlock(block) : this.#entryOf(block);
    if (entry === undefined) return;
    this.#extensions = {};
    this.#entryOpen = true;
    yield { type: 'entry', entry };
    this.#left = entry.bytes;
    this.#paddingAfter = paddingBytes(entry.bytes);
    if (entry.bytes > 0) this.#phase = 'body';
    else yield* this.#startPadding();
  }

  /** The entry that the block opens; undefined where it opens an extension, or belongs to the end of the archive. */
  #entryOf(block: Buffer): TarEntry | undefined {
    if (isZero(block)) {
      this.#readZeroBlock();
      return undefined;
    }
    if (this.#zeroBlocks > 0) {
      throw this.#invalid('a block behind a lone block of zeros: expected a second one', TAR_BLOCK_BYTES);
    }
    const offset = this.#offset - TAR_BLOCK_BYTES;
    const where = this.#where(offset);
    const header = decodeTarBlock(block, where);
    const kind = extensionKind(header.typeflag);
    if (kind === undefined) {
      return makeEntry(header, this.#extensions, this.#globalMtime, { offset, dataOffset: this.#offset, where });
    }
    this.#openExtension(kind, header.bytes, offset);
    return undefined;
  }

  #readZeroBlock(): void {
    if (this.#extensions.offset !== undefined) throw this.#dangling(this.#extensions.offset);
    this.#zeroBlocks += 1;
    if (this.#zeroBlocks === 2) this.#phase = 'tail';
  }

  /** As `#entryOf`, but what is no entry under the prefix is passed over. */
  #searchBlock(block: Buffer): TarEntry | undefined {
    // A wrong guess costs at most the body of one extension: the blocks behind it are looked at again.
    const entry = looksLikeHeader(block) ? this.#tolerant(() => this.#entryOf(block)) : undefined;
    if (entry?.name.startsWith(this.#options.resume?.namePrefix ?? '') === true) {
      this.#searching = false;
      return entry;
    }
    if (this.#phase === 'header') this.#extensions = {};
    return undefined;
  }

  #tolerant<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      // Inside a lost body any bytes may look like a header: a fault there says nothing about the archive.
      if (!this.#searching || !isLakepackError(error)) throw error;
      this.#extensions = {};
      return undefined;
    }
  }

  #openExtension(kind: ExtensionKind, bytes: number, offset: number): void {
    if (bytes > MAX_EXTENSION_BYTES) {
      const what = `extension header too large: expected at most ${MAX_EXTENSION_BYTES} bytes, got ${bytes}`;
      throw new LakepackError('LIMIT_EXCEEDED', `${this.#where(offset)}: ${what}`);
    }
    this.#extensionOffset = offset;
    // A global header belongs to no entry, so it may also be the last.
    if (kind !== 'pax-global') this.#extensions = { ...this.#extensions, offset: this.#extensions.offset ?? offset };
    this.#extensionKind = kind;
    this.#extensionBody = Buffer.allocUnsafe(bytes);
    this.#left = bytes;
    this.#paddingAfter = paddingBytes(bytes);
    this.#phase = 'extension';
    if (bytes === 0) this.#fillExtension(Buffer.alloc(0));
  }

  #fillExtension(taken: Buffer): void {
    taken.copy(this.#extensionBody, this.#extensionBody.length - this.#left);
    this.#left -= taken.length;
    if (this.#left > 0) return;
    this.#left = this.#paddingAfter;
    this.#phase = this.#left > 0 ? 'padding' : 'header';
    this.#tolerant(() => this.#closeExtension(this.#extensionBody));
  }

  #closeExtension(body: Buffer): void {
    const where = this.#where(this.#extensionOffset);
    if (this.#extensionKind !== 'pax-global') {
      this.#extensions = withExtension(this.#extensions, this.#extensionKind, body, where);
      return;
    }
    const mtime = globalTime(body, where);
    if (!this.#searching) this.#globalMtime = mtime ?? this.#globalMtime;
  }

  *#startPadding(): Generator<TarEvent, void, undefined> {
    this.#left = this.#paddingAfter;
    this.#phase = 'padding';
    if (this.#left === 0) yield* this.#readPadding(Buffer.alloc(0));
  }

  *#readPadding(taken: Buffer): Generator<TarEvent, void, undefined> {
    if (this.#options.strictPadding && !this.#searching && !isZero(taken)) {
      throw this.#invalid('padding is not zero: expected zeros', taken.length);
    }
    this.#left -= taken.length;
    if (this.#left > 0) return;
    this.#phase = 'header';
    if (!this.#entryOpen) return;
    this.#entryOpen = false;
    yield { type: 'entry-end' };
  }

  #dangling(offset: number): LakepackError {
    const what = 'an extension header with no entry behind it: expected an entry';
    return new LakepackError('TAR_INVALID', `${this.#where(offset)}: ${what}`);
  }

  /** A fault at the next byte, or in the `taken` bytes before it. */
  #invalid(what: string, taken = 0): LakepackError {
    return new LakepackError('TAR_INVALID', `${this.#where(this.#offset - taken)}: ${what}`);
  }

  #where(offset: number): string {
    return `${this.#options.subject}: tar byte ${offset}`;
  }
}

function isZero(bytes: Buffer): boolean {
  if (bytes.length > 0 && bytes[0] !== 0) return false;
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length);
    if (part.compare(ZEROS, 0, part.length) !== 0) return false;
  }
  return true;
}
