/**
 * Plans the frames of a bundle before a byte of its files is read (format 4.2): at most 4 MiB of tar each; cut early at
 * an entry boundary once 1 MiB is in; a large entry starts its own. Sizes are known from the scan, so where everything
 * stands is too, and frames can be made in any order, anywhere.
 */
import { FRAME_CUT_TAR_BYTES, FRAME_MAX_TAR_BYTES } from '../base/limits.js';
import { paddingBytes } from '../codec/tar.js';
import type { SourceEntry } from '../lake/contract.js';

/** Bytes that are at hand. */
export interface BytesPiece {
  readonly bytes: Uint8Array;
}

/** A payload entry, or the part of a large one that one frame holds. Padding follows the last byte. */
export interface EntryPiece {
  readonly entry: SourceEntry;
  /** Of the header in front of it; 0 where that stands in an earlier frame. */
  readonly headerBytes: number;
  /** The bytes of the file from `from` to `to`. */
  readonly from: number;
  readonly to: number;
  /** Of the first byte of the file, in the tar. */
  readonly offset: number;
  /** Of the first byte of the file, in the frame that holds it (format 5.4). */
  readonly skip: number;
}

export type FramePiece = BytesPiece | EntryPiece;

export interface FramePlan {
  readonly tarOffset: number;
  readonly tarBytes: number;
  /** False where it holds tag files alone. */
  readonly hasPayload: boolean;
  readonly pieces: readonly FramePiece[];
}

export function isEntryPiece(piece: FramePiece): piece is EntryPiece {
  return 'entry' in piece;
}

/** True for a part of a file that other frames have parts of too. */
export function isPartOfFile({ entry, from, to }: EntryPiece): boolean {
  return from > 0 || to < entry.bytes;
}

export class FramePlanner {
  #pieces: FramePiece[] = [];
  #hasPayload = false;
  #filled = 0;
  #tarBytes = 0;

  /** Bytes of tar so far. */
  get tarBytes(): number {
    return this.#tarBytes;
  }

  /** Adds a payload entry; yields the frames that it ends or fills. @param headerBytes a multiple of 512. */
  *addEntry(entry: SourceEntry, headerBytes: number): Generator<FramePlan> {
    yield* this.beginEntry(headerBytes + entry.bytes + paddingBytes(entry.bytes));
    const offset = this.#tarBytes + headerBytes;
    const skip = this.#filled + headerBytes;
    // An entry that does not fit starts a frame of its own, so no header lies across two.
    let header = headerBytes;
    for (let from = 0; ;) {
      const to = Math.min(entry.bytes, from + FRAME_MAX_TAR_BYTES - this.#filled - header);
      const padding = to === entry.bytes ? paddingBytes(entry.bytes) : 0;
      this.#hasPayload = true;
      this.#add({ entry, headerBytes: header, from, to, offset, skip }, header + to - from + padding);
      if (this.#filled === FRAME_MAX_TAR_BYTES) yield this.#take();
      if (to === entry.bytes) return;
      header = 0;
      from = to;
    }
  }

  /** Says that an entry of `bytes` (headers and padded payload) begins; yields the frame that ends before it. */
  *beginEntry(bytes: number): Generator<FramePlan> {
    if (this.#filled > 0 && (this.#filled >= FRAME_CUT_TAR_BYTES || bytes >= FRAME_CUT_TAR_BYTES)) yield this.#take();
  }

  /** Adds bytes of the tar; yields each frame they fill. */
  *addBytes(bytes: Uint8Array): Generator<FramePlan> {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + FRAME_MAX_TAR_BYTES - this.#filled);
      this.#add({ bytes: part }, part.length);
      at += part.length;
      if (this.#filled === FRAME_MAX_TAR_BYTES) yield this.#take();
    }
  }

  /** The frame that is being filled, without ending it: what is added next goes on in it, in place of these pieces. */
  exchange(bytes: Uint8Array): void {
    this.#pieces = [{ bytes }];
  }

  /** The frame that is being filled, as it stands; undefined when it is empty. */
  get open(): FramePlan | undefined {
    return this.#filled === 0 ? undefined : this.#plan();
  }

  /** The frame that is being filled, ended; undefined when it is empty. */
  finish(): FramePlan | undefined {
    return this.#filled === 0 ? undefined : this.#take();
  }

  #add(piece: FramePiece, bytes: number): void {
    this.#pieces.push(piece);
    this.#filled += bytes;
    this.#tarBytes += bytes;
  }

  #take(): FramePlan {
    const plan = this.#plan();
    this.#pieces = [];
    this.#hasPayload = false;
    this.#filled = 0;
    return plan;
  }

  #plan(): FramePlan {
    const tarOffset = this.#tarBytes - this.#filled;
    return { tarOffset, tarBytes: this.#filled, hasPayload: this.#hasPayload, pieces: this.#pieces };
  }
}
