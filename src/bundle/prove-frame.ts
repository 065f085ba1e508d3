/**
 * A job: does one frame of a bundle hold, byte for byte, what its manifest says? Headers are made again and compared,
 * contents are hashed, padding is zeros. It only ever says yes or no; what is wrong, and where, is for `check.ts`.
 */
import { createHash, hash, type Hash } from 'node:crypto';
import { tellsDamage } from '../base/errors.js';
import { paddingBytes, writeEntryHeader } from '../codec/tar.js';
import type { FramePlace } from './frame-index.js';
import { decodeFrame } from './frame-reader.js';
import { DecodedGarbage } from './prove-garbage.js';

/** Entries of the tar in their order, in a form that costs little to send to a thread. */
export interface ExpectedEntries {
  /** Names in the tar, less the folder of the bag, one behind the other with a NUL between. */
  readonly names: string;
  /** SHA-256 of the files, 64 digits each. */
  readonly digests: string;
  /** {@link FACTS_EACH} numbers an entry: bytes, mtime, kind, length of its header. */
  readonly facts: Float64Array;
}

export const FACTS_EACH = 4;
export const FILE = 0;
export const EXECUTABLE = 1;
export const DIRECTORY = 2;

export interface ExpectedFrame {
  readonly place: FramePlace;
  /** Bytes at its beginning that are given back instead of being compared. */
  readonly headBytes: number;
  /** Number of the file, in this process, that goes on from the frame before. */
  readonly carried: number | undefined;
  /** The entries whose headers stand in this frame. */
  readonly entries: ExpectedEntries;
  /** Number of the file that goes on in the next frame: the last entry, or the carried one. */
  readonly carries: number | undefined;
  /** Zeros behind all of that. */
  readonly zeroBytes: number;
}

export interface ProveFrameInput {
  readonly frame: ExpectedFrame;
  /** The stored frame, from its first byte. */
  readonly memory: SharedArrayBuffer;
  /** Folder of the bag. */
  readonly bag: string;
}

export interface FrameProof {
  /** True only where everything is as expected. */
  readonly isSound: boolean;
  /** The first `headBytes`; undefined where the frame is not sound. */
  readonly head: Uint8Array | undefined;
}

/** A file between two of its frames. */
interface CarriedFile {
  readonly hash: Hash;
  readonly sha256: string;
  bodyLeft: number;
  paddingLeft: number;
}

interface FrameEnd extends FrameProof {
  readonly carried: CarriedFile | undefined;
}

const UNSOUND: FrameEnd = { isSound: false, head: undefined, carried: undefined };
const ZEROS = Buffer.alloc(64 * 1024);
/** Each header is made in it and compared at once: more than the longest path takes. */
const HEADER = Buffer.alloc(16 * 1024);

/** The job. Frames that share a file must be given to one thread, in order: the hash of the file stays in it. */
export function createProveFrame(): (input: ProveFrameInput) => Promise<FrameProof> {
  const files = new Map<number, Promise<CarriedFile | undefined>>();
  const garbage = new DecodedGarbage();
  return async (input) => {
    const { carried, carries } = input.frame;
    const before = carried === undefined ? undefined : files.get(carried);
    if (carried !== undefined) files.delete(carried);
    const end = prove(input, before);
    // Registered before anything is waited for: the job of the next frame may begin at once.
    if (carries !== undefined)
      files.set(
        carries,
        end.then(
          ({ carried: file }) => file,
          () => undefined,
        ),
      );
    const { isSound, head } = await end;
    garbage.add(input.frame.place.tarBytes);
    return { isSound, head };
  };
}

async function prove(input: ProveFrameInput, before: Promise<CarriedFile | undefined> | undefined): Promise<FrameEnd> {
  const content = await contentOf(input);
  const file = await before;
  if (content === undefined || (input.frame.carried !== undefined && file === undefined)) return UNSOUND;
  return new ContentProof(content, input).run(file);
}

async function contentOf({ memory, frame: { place } }: ProveFrameInput): Promise<Buffer | undefined> {
  try {
    return await decodeFrame(Buffer.from(memory, 0, place.storedBytes), place, 'bundle');
  } catch (error) {
    if (!tellsDamage(error)) throw error;
    return undefined;
  }
}

class ContentProof {
  readonly #content: Buffer;
  readonly #frame: ExpectedFrame;
  readonly #bag: string;
  #at = 0;
  #carried: CarriedFile | undefined;

  constructor(content: Buffer, { frame, bag }: ProveFrameInput) {
    this.#content = content;
    this.#frame = frame;
    this.#bag = bag;
  }

  run(file: CarriedFile | undefined): FrameEnd {
    const { headBytes, carries } = this.#frame;
    if (headBytes > this.#content.length) return UNSOUND;
    const head = Uint8Array.prototype.slice.call(this.#content, 0, headBytes);
    this.#at = headBytes;
    const isSound = (file === undefined || this.#goOn(file)) && this.#entries() && this.#end();
    if (!isSound || (this.#carried === undefined) !== (carries === undefined)) return UNSOUND;
    return { isSound, head, carried: this.#carried };
  }

  #entries(): boolean {
    const { names, digests, facts } = this.#frame.entries;
    const count = facts.length / FACTS_EACH;
    const all = count === 0 ? [] : names.split('\0');
    if (all.length !== count) return false;
    let digestAt = 0;
    for (let entry = 0; entry < count; entry += 1) {
      // Whatever follows a file that goes on in the next frame cannot stand in this one.
      if (this.#carried !== undefined) return false;
      const [at, name] = [entry * FACTS_EACH, all[entry] ?? ''];
      const bytes = facts[at] ?? 0;
      const kind = facts[at + 2];
      const type = kind === DIRECTORY ? 'directory' : 'file';
      const path = `${this.#bag}/${name}`;
      const mtime = facts[at + 1] ?? 0;
      const expected = { path, type, bytes, mtime, executable: kind === EXECUTABLE } as const;
      const header = HEADER.subarray(0, writeEntryHeader(expected, HEADER, 0));
      if (header.length !== facts[at + 3] || !this.#equals(header)) return false;
      if (type === 'directory') continue;
      const digest = digests.slice(digestAt, digestAt + 64);
      digestAt += 64;
      if (!this.#file(bytes, digest)) return false;
    }
    return true;
  }

  #file(bytes: number, sha256: string): boolean {
    const padding = paddingBytes(bytes);
    const end = this.#at + bytes;
    if (end + padding > this.#content.length) {
      return this.#goOn({ hash: createHash('sha256'), sha256, bodyLeft: bytes, paddingLeft: padding });
    }
    if (hash('sha256', this.#content.subarray(this.#at, end), 'hex') !== sha256) return false;
    this.#at = end;
    return this.#zeros(padding);
  }

  /** Takes what this frame has of a file of several frames. */
  #goOn(file: CarriedFile): boolean {
    const body = Math.min(file.bodyLeft, this.#content.length - this.#at);
    file.hash.update(this.#content.subarray(this.#at, this.#at + body));
    file.bodyLeft -= body;
    this.#at += body;
    const padding = file.bodyLeft > 0 ? 0 : Math.min(file.paddingLeft, this.#content.length - this.#at);
    file.paddingLeft -= padding;
    if (!this.#zeros(padding)) return false;
    if (file.bodyLeft === 0 && file.paddingLeft === 0) return file.hash.digest('hex') === file.sha256;
    this.#carried = file;
    return true;
  }

  #end(): boolean {
    return this.#zeros(this.#frame.zeroBytes) && this.#at === this.#content.length;
  }

  #equals(expected: Buffer): boolean {
    const end = this.#at + expected.length;
    if (end > this.#content.length || this.#content.compare(expected, 0, expected.length, this.#at, end) !== 0)
      return false;
    this.#at = end;
    return true;
  }

  #zeros(length: number): boolean {
    const end = this.#at + length;
    if (end > this.#content.length) return false;
    for (; this.#at < end; this.#at = Math.min(end, this.#at + ZEROS.length)) {
      const part = Math.min(end - this.#at, ZEROS.length);
      if (this.#content.compare(ZEROS, 0, part, this.#at, this.#at + part) !== 0) return false;
    }
    return true;
  }
}

export const proveFrame = createProveFrame();
