/** Lays the entries of a bundle into the frames that must hold them. Pure; what is in the frames is for the job. */
import { paddingBytes, TAR_BLOCK_BYTES } from '../codec/tar.js';
import type { FrameIndex, FramePlace } from './frame-index.js';
import { DIRECTORY, type ExpectedFrame } from './prove-frame.js';

export interface PlannedEntry {
  /** In the tar, less the folder of the bag. */
  readonly name: string;
  /** Empty for a directory. */
  readonly sha256: string;
  readonly bytes: number;
  readonly mtime: number;
  /** FILE, EXECUTABLE or DIRECTORY of `prove-frame.ts`. */
  readonly kind: number;
  /** Blocks before its contents. The job compares it with the header it makes. */
  readonly headerBytes: number;
}

/** Files that lie in several frames, of all bundles of this process: threads keep them apart by it. */
let carriedFiles = 0;

/** Add an entry, take what frames it has filled, and so on; `finish` behind the last. */
export class ExpectedFrames {
  readonly #frames: readonly FramePlace[];
  readonly #tarBytes: number;
  #frame = 0;
  #at = 0;
  #headBytes = 0;
  #names: string[] = [];
  #digests: string[] = [];
  #facts: number[] = [];
  /** The file that reaches into the frame from the one before, and the one that reaches beyond it. */
  #carried: number | undefined;
  #carries: number | undefined;
  #zerosFrom: number | undefined;

  constructor(index: FrameIndex) {
    this.#frames = index.frames;
    this.#tarBytes = index.tarBytes;
  }

  /** Where the next entry begins in the tar. */
  get at(): number {
    return this.#at;
  }

  /** Leaves out what stands before the first entry. False where it is not in the first frame. */
  skipHead(bytes: number): boolean {
    const first = this.#frames[0];
    if (first === undefined || !(bytes > 0 && bytes <= first.tarBytes)) return false;
    this.#at = bytes;
    this.#headBytes = bytes;
    return true;
  }

  /** False where no frame can hold it: its header would lie in two, or it ends behind the last. */
  add({ name, sha256, bytes, mtime, kind, headerBytes }: PlannedEntry): boolean {
    const frame = this.#frames[this.#frame];
    const bodyAt = this.#at + headerBytes;
    const end = bodyAt + bytes + paddingBytes(bytes);
    if (frame === undefined || !(headerBytes >= TAR_BLOCK_BYTES) || !(end <= this.#tarBytes)) return false;
    const frameEnd = frame.tarOffset + frame.tarBytes;
    if (bodyAt > frameEnd) return false;
    this.#names.push(name);
    if (kind !== DIRECTORY) this.#digests.push(sha256);
    this.#facts.push(bytes, mtime, kind, headerBytes);
    if (end > frameEnd) this.#carries = carriedFiles += 1;
    this.#at = end;
    return true;
  }

  /** Says that so many zeros follow. False unless they are all that is left. */
  finish(zeroBytes: number): boolean {
    this.#zerosFrom = this.#at;
    this.#carries = undefined;
    this.#at += zeroBytes;
    return this.#at === this.#tarBytes;
  }

  /** The next frame of which all is known; undefined where more entries may lie in it, or there is none. */
  takeFull(): ExpectedFrame | undefined {
    const place = this.#frames[this.#frame];
    if (place === undefined) return undefined;
    const end = place.tarOffset + place.tarBytes;
    if (this.#at < end) return undefined;
    const zerosFrom = this.#zerosFrom ?? end;
    if (this.#at === end) this.#carries = undefined;
    const full = {
      place,
      headBytes: this.#headBytes,
      carried: this.#carried,
      entries: {
        names: this.#names.join('\0'),
        digests: this.#digests.join(''),
        facts: Float64Array.from(this.#facts),
      },
      carries: this.#carries,
      zeroBytes: end - Math.min(end, Math.max(zerosFrom, place.tarOffset)),
    };
    this.#next();
    return full;
  }

  #next(): void {
    this.#frame += 1;
    this.#headBytes = 0;
    this.#names = [];
    this.#digests = [];
    this.#facts = [];
    this.#carried = this.#carries;
  }
}
