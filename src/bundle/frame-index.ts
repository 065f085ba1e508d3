/** Where each frame of a bundle stands, in the tar and in the stored bytes. Built while writing or from a seek table. */
import type { FileEntry } from '../schema/export-manifest.js';

export interface FramePlace {
  readonly index: number;
  readonly tarOffset: number;
  readonly tarBytes: number;
  readonly storedOffset: number;
  readonly storedBytes: number;
}

export class FrameIndex {
  readonly #frames: FramePlace[] = [];
  #tarBytes = 0;
  #storedBytes = 0;

  get length(): number {
    return this.#frames.length;
  }

  get tarBytes(): number {
    return this.#tarBytes;
  }

  get storedBytes(): number {
    return this.#storedBytes;
  }

  get frames(): readonly FramePlace[] {
    return this.#frames;
  }

  add(tarBytes: number, storedBytes: number): FramePlace {
    const place = {
      index: this.#frames.length,
      tarOffset: this.#tarBytes,
      tarBytes,
      storedOffset: this.#storedBytes,
      storedBytes,
    };
    this.#frames.push(place);
    this.#tarBytes += tarBytes;
    this.#storedBytes += storedBytes;
    return place;
  }

  /** The frame that holds this offset of the tar, or undefined past the end. */
  at(tarOffset: number): FramePlace | undefined {
    let low = 0;
    let high = this.#frames.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#frames[middle]?.tarOffset ?? 0) <= tarOffset) low = middle;
      else high = middle - 1;
    }
    const frame = this.#frames[low];
    return frame !== undefined && tarOffset < frame.tarOffset + frame.tarBytes ? frame : undefined;
  }

  /** The one range of stored bytes that holds a payload (format 5.4); undefined when a frame of it is not known yet. */
  rangeOf(tarOffset: number, bytes: number): FileEntry['stored'] | undefined {
    const first = this.at(bytes === 0 ? tarOffset - 1 : tarOffset);
    const last = bytes === 0 ? first : this.at(tarOffset + bytes - 1);
    if (first === undefined || last === undefined) return undefined;
    return {
      offset: first.storedOffset,
      length: last.storedOffset + last.storedBytes - first.storedOffset,
      skip: tarOffset - first.tarOffset,
    };
  }
}
