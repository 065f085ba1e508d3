/**
 * Stores one large object: small ones in one call, others in parts that are the blocks of its manifest, several at
 * once, so that a killed run goes on with the parts that are there. What is stored is proven by `prove.ts`.
 */
import { sha256Of } from '../base/sha256.js';
import type { ByteBudget } from '../base/byte-budget.js';
import { LakepackError, mayPass, throwIfAborted } from '../base/errors.js';
import { KIB } from '../base/limits.js';
import type { Remote } from '../remote/remote.js';
import type { BundleFacts } from '../schema/export-manifest.js';
import { openPartUpload, type PartUpload } from './part-upload.js';
import { PartWindow } from './part-window.js';
import type { UploadJournal } from './upload-journal.js';

export interface StoreContext {
  readonly remote: Remote;
  readonly journal: UploadJournal;
  readonly signal: AbortSignal | undefined;
  /** Lends the bytes of every part that is held. Default: no bound but the store's parts at once. */
  readonly memory?: ByteBudget;
  /** Told of bytes of the object that are in the store, also those an earlier run sent. */
  readonly onBytes?: (bytes: number) => void;
}

/** An object whose blocks are known before it is sent. */
export interface BlockObject {
  readonly bytes: number;
  readonly blocks: BundleFacts['blocks'];
  /**
   * A block by its number, from 0. Asked for a few at once; what it gives is compared with the block's SHA-256.
   * @param into lent for it; what comes back may be another buffer.
   */
  read(block: number, signal: AbortSignal, into?: Buffer): Promise<Buffer>;
}

/** An object that becomes known as it is made: a `BundleWriter` is one. */
export interface StreamedObject {
  readonly blockBytes: number;
  /** SHA-256 of the blocks that are complete so far. Once `stored()` has ended: of all. */
  readonly finishedBlocks: readonly string[];
  /** What it cannot exceed, where that is known: less memory is asked for. */
  readonly maxBytes?: number;
  stored(): AsyncGenerator<Buffer>;
}

export interface StoredObject {
  /** Bytes sent by this run. */
  readonly sentBytes: number;
  /** Bytes of parts that an earlier run had sent. */
  readonly resumedBytes: number;
}

/**
 * Throws OBJECT_EXISTS when the key is taken, HASH_MISMATCH when `read` gives something else than the block. A failure
 * that another run may get past (INTERRUPTED, REMOTE_UNAVAILABLE …) leaves it what was sent; others abort.
 */
export async function storeBlocks(context: StoreContext, key: string, object: BlockObject): Promise<StoredObject> {
  const { remote } = context;
  const { size, sha256 } = object.blocks;
  const job = new StoreJob(context, key, size);
  if (remote.parts === undefined) return await job.putStream(verifiedBlocks(key, object, job.signal));
  if (object.bytes <= job.partBytes && sha256.length <= 1) return await putOneBlock(context, key, object, job);
  return await job.run(async () => {
    for (let number = 1; (number - 1) * job.partBytes < object.bytes; number += 1) {
      const first = (number - 1) * job.blocksPerPart;
      const blocks = sha256.slice(first, first + job.blocksPerPart).map((_, index) => first + index);
      const bytes = Math.min(job.partBytes, object.bytes - first * size);
      const known = blocks.length === 1 ? sha256[first] : undefined;
      await job.part(number, bytes, known, async (into) => await readBlocks(key, object, blocks, job.signal, into));
    }
    return undefined;
  });
}

/** As `storeBlocks`, for an object that is made while it is sent. Holds at most the parts in flight and one more. */
export async function storeStream(context: StoreContext, key: string, object: StreamedObject): Promise<StoredObject> {
  const job = new StoreJob(context, key, object.blockBytes);
  if (context.remote.parts === undefined) return await job.putStream(object.stored());
  const filler = new PartFiller(context, job, object);
  try {
    return await job.run(async () => {
      for await (const chunk of object.stored()) await filler.add(chunk);
      return await filler.end();
    });
  } finally {
    filler.dispose();
  }
}

/** One object on its way: the upload, the parts under way, and what becomes of them when something fails. */
class StoreJob {
  readonly blocksPerPart: number;
  readonly partBytes: number;
  readonly #context: StoreContext;
  readonly #key: string;
  readonly #window: PartWindow;
  /** Buffers of parts that were sent: making new ones keeps the garbage collector busy. */
  readonly #spare: Buffer[] = [];
  #opening: Promise<PartUpload> | undefined;
  #sentBytes = 0;
  #resumedBytes = 0;

  constructor(context: StoreContext, key: string, blockBytes: number) {
    const { parts } = context.remote;
    this.#context = context;
    this.#key = key;
    this.blocksPerPart = Math.max(1, Math.ceil((parts?.minPartBytes ?? 1) / blockBytes));
    this.partBytes = this.blocksPerPart * blockBytes;
    this.#window = new PartWindow(parts?.partsAtOnce ?? 1, context.signal);
  }

  /** Fires when the caller's does, and when a part has failed. */
  get signal(): AbortSignal {
    return this.#window.signal;
  }

  /** Sends what `parts` says, then makes the object of it. @param parts may resolve with what was stored otherwise. */
  async run(parts: () => Promise<StoredObject | undefined>): Promise<StoredObject> {
    try {
      const stored = await parts();
      await this.#window.drain();
      if (stored !== undefined) return stored;
      throwIfAborted(this.#context.signal);
      await (await this.#upload()).complete();
    } catch (error) {
      const failure = await this.#window.fail(error);
      await this.#giveUp(failure);
      throw failure;
    }
    return this.#stored();
  }

  /**
   * Sends a part, when there is room for it, unless the store has it. Resolves when it is under way.
   * @param sha256 where it is known before it is read. @param read called once, if at all.
   */
  async part(
    number: number,
    bytes: number,
    sha256: string | undefined,
    read: (into: Buffer) => Promise<Buffer>,
  ): Promise<void> {
    const upload = await this.#upload();
    if (sha256 !== undefined && upload.has(number, sha256, bytes)) {
      this.#resume(bytes);
      return;
    }
    await this.#window.begin(async () => {
      const giveBack = await this.#context.memory?.take(bytes, this.signal);
      try {
        const lent = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.partBytes);
        const body = await read(lent);
        const found = sha256 ?? sha256Of(body);
        if (upload.has(number, found, body.length)) this.#resume(bytes);
        else await this.#send(upload, number, body, found);
        // After a failure a request that was given up might still hold it. A buffer of somebody else's is his.
        if (body.buffer === lent.buffer) this.#spare.push(lent);
      } finally {
        giveBack?.();
      }
    });
  }

  /** Sends a part that is in memory already, and was paid for. */
  async filledPart(number: number, body: Buffer, sha256: string, done: () => void): Promise<void> {
    const upload = await this.#upload();
    if (upload.has(number, sha256, body.length)) {
      this.#resume(body.length);
      done();
      return;
    }
    await this.#window.begin(async () => {
      try {
        await this.#send(upload, number, body, sha256);
      } finally {
        done();
      }
    });
  }

  async putWhole(body: Buffer, sha256: string): Promise<StoredObject> {
    await this.#context.remote.put(this.#key, body, { signal: this.signal, sha256 });
    return this.#whole(body.length);
  }

  async putStream(body: AsyncIterable<Buffer>): Promise<StoredObject> {
    return this.#whole(await this.#context.remote.put(this.#key, body, { signal: this.signal }));
  }

  #whole(bytes: number): StoredObject {
    this.#context.onBytes?.(bytes);
    return { sentBytes: bytes, resumedBytes: 0 };
  }

  #upload(): Promise<PartUpload> {
    const { remote, journal } = this.#context;
    const { partBytes, signal } = this;
    this.#opening ??= openPartUpload({ remote, key: this.#key, journal, partBytes, signal });
    return this.#opening;
  }

  async #send(upload: PartUpload, number: number, body: Buffer, sha256: string): Promise<void> {
    await upload.send(number, (number - 1) * this.partBytes, body, sha256);
    this.#sentBytes += body.length;
    this.#context.onBytes?.(body.length);
  }

  #resume(bytes: number): void {
    this.#resumedBytes += bytes;
    this.#context.onBytes?.(bytes);
  }

  #stored(): StoredObject {
    return { sentBytes: this.#sentBytes, resumedBytes: this.#resumedBytes };
  }

  async #giveUp(failure: unknown): Promise<void> {
    // One that could not be opened has nothing to give up, and that is the failure.
    const upload = await this.#opening?.catch(() => undefined);
    // The same bytes are sent again by another run: what is there is left to it.
    if (mayPass(failure)) await upload?.leave();
    else await upload?.abort();
  }
}

interface FilledPart {
  readonly buffer: Buffer;
  /** Of the memory that was lent. */
  readonly giveBack: () => void;
}

/** Most objects are small: a buffer of a whole part for each would be many pages for nothing. */
const FIRST_BUFFER_BYTES = 256 * KIB;

/** Gathers a stream into parts. What ends within the first part is stored in one call. */
class PartFiller {
  readonly #context: StoreContext;
  readonly #job: StoreJob;
  readonly #object: StreamedObject;
  /** Buffers of parts that were sent: their pages are there already. */
  readonly #spare: Buffer[] = [];
  #part: FilledPart | undefined;
  #filled = 0;
  #number = 1;

  constructor(context: StoreContext, job: StoreJob, object: StreamedObject) {
    this.#context = context;
    this.#job = job;
    this.#object = object;
  }

  async add(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      if (this.#filled === this.#job.partBytes) await this.#dispatch();
      if (this.#filled === this.#part?.buffer.length) this.#part = this.#grown(this.#part);
      const { buffer } = (this.#part ??= await this.#begin());
      const copied = chunk.copy(buffer, this.#filled, at);
      this.#filled += copied;
      at += copied;
    }
  }

  /** Undefined where parts were sent: they are still under way. */
  async end(): Promise<StoredObject | undefined> {
    if (this.#number === 1) return await this.#job.putWhole(this.#body(), this.#sha256(this.#body()));
    await this.#dispatch();
    return undefined;
  }

  dispose(): void {
    this.#part?.giveBack();
    this.#part = undefined;
  }

  async #begin(): Promise<FilledPart> {
    const { partBytes, signal } = this.#job;
    const before = (this.#number - 1) * partBytes;
    const bytes = Math.min(partBytes, Math.max(1, (this.#object.maxBytes ?? Infinity) - before));
    const giveBack = (await this.#context.memory?.take(bytes, signal)) ?? (() => undefined);
    const size = this.#number === 1 ? Math.min(bytes, FIRST_BUFFER_BYTES) : partBytes;
    return { buffer: this.#spare.pop() ?? Buffer.allocUnsafeSlow(size), giveBack };
  }

  async #dispatch(): Promise<void> {
    const part = this.#part;
    if (part === undefined) return;
    const body = this.#body();
    const sha256 = this.#sha256(body);
    const number = this.#number;
    this.#part = undefined;
    this.#filled = 0;
    this.#number += 1;
    await this.#job.filledPart(number, body, sha256, () => {
      part.giveBack();
      if (part.buffer.length === this.#job.partBytes) this.#spare.push(part.buffer);
    });
  }

  /** Up to the size of a part, also when it is larger than was promised. */
  #grown({ buffer, giveBack }: FilledPart): FilledPart {
    const grown = Buffer.allocUnsafeSlow(Math.min(2 * buffer.length, this.#job.partBytes));
    buffer.copy(grown);
    return { buffer: grown, giveBack };
  }

  #body(): Buffer {
    return this.#part?.buffer.subarray(0, this.#filled) ?? Buffer.alloc(0);
  }

  #sha256(body: Buffer): string {
    const isBlock = this.#job.blocksPerPart === 1;
    const known = isBlock ? this.#object.finishedBlocks[this.#number - 1] : undefined;
    return known ?? sha256Of(body);
  }
}

async function putOneBlock(
  { memory }: StoreContext,
  key: string,
  object: BlockObject,
  job: StoreJob,
): Promise<StoredObject> {
  const giveBack = await memory?.take(object.bytes, job.signal);
  try {
    const [sha256] = object.blocks.sha256;
    if (sha256 === undefined) return await job.putStream(verifiedBlocks(key, object, job.signal));
    return await job.putWhole(await readBlock(key, object, 0, job.signal), sha256);
  } finally {
    giveBack?.();
  }
}

async function* verifiedBlocks(key: string, object: BlockObject, signal: AbortSignal): AsyncGenerator<Buffer> {
  for (const block of object.blocks.sha256.keys()) yield await readBlock(key, object, block, signal);
}

async function readBlocks(
  key: string,
  object: BlockObject,
  blocks: readonly number[],
  signal: AbortSignal,
  into: Buffer,
): Promise<Buffer> {
  const read: Buffer[] = [];
  const lent = blocks.length === 1 ? into : undefined;
  for (const block of blocks) read.push(await readBlock(key, object, block, signal, lent));
  const [only] = read;
  return read.length === 1 && only !== undefined ? only : Buffer.concat(read);
}

async function readBlock(
  key: string,
  object: BlockObject,
  block: number,
  signal: AbortSignal,
  into?: Buffer,
): Promise<Buffer> {
  const bytes = await object.read(block, signal, into);
  const expected = object.blocks.sha256[block];
  const found = sha256Of(bytes);
  if (found === expected) return bytes;
  throw new LakepackError('HASH_MISMATCH', `${key} block ${block}: expected SHA-256 ${expected}, got ${found}`, {
    hint: 'the copy it is taken from is damaged there: nothing of it is sent; take another',
  });
}
