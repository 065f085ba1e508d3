/** Reads the stored frames of a bundle into slabs, in order and some ahead of who takes them. */
import { LakepackError } from '../base/errors.js';
import type { Slab, SlabPool } from '../base/slabs.js';
import type { ByteSource } from './byte-source.js';
import type { FrameIndex, FramePlace } from './frame-index.js';

/** Frames that are read before the one at hand is taken. */
const FRAMES_AHEAD = 2;

export class FrameReads {
  readonly frames: readonly FramePlace[];
  readonly #source: ByteSource;
  readonly #slabs: SlabPool;
  readonly #begun = new Map<number, Promise<Slab>>();
  #next = 0;

  constructor(source: ByteSource, index: FrameIndex, slabs: SlabPool) {
    this.#source = source;
    this.frames = index.frames;
    this.#slabs = slabs;
    this.#begin(FRAMES_AHEAD - 1);
  }

  /** The slab with a frame; each is asked for once, in order. The caller gives it back. */
  async take(frame: number): Promise<Slab> {
    this.#begin(frame + FRAMES_AHEAD);
    const slab = this.#begun.get(frame);
    if (slab === undefined) throw new LakepackError('INTERNAL', `${this.#source.name}: frame ${frame} was not begun`);
    this.#begun.delete(frame);
    return await slab;
  }

  #begin(last: number): void {
    for (; this.#next <= Math.min(last, this.frames.length - 1); this.#next += 1) {
      const place = this.frames[this.#next];
      if (place === undefined) return;
      const read = this.#read(place);
      // It throws where it is taken; one that is never taken must not end the process.
      read.catch(() => undefined);
      this.#begun.set(this.#next, read);
    }
  }

  async #read({ storedOffset, storedBytes }: FramePlace): Promise<Slab> {
    const slab = await this.#slabs.take();
    try {
      const bytes = await this.#source.read(storedOffset, storedBytes, slab.bytes.subarray(0, storedBytes));
      if (bytes.buffer !== slab.memory) bytes.copy(slab.bytes);
      return slab;
    } catch (error) {
      this.#slabs.give(slab);
      throw error;
    }
  }

  /** Resolves when nothing is read any more, and every slab that was not taken is given back. */
  async close(): Promise<void> {
    this.#next = this.frames.length;
    const ends = await Promise.allSettled(this.#begun.values());
    for (const end of ends) if (end.status === 'fulfilled') this.#slabs.give(end.value);
    this.#begun.clear();
  }
}
