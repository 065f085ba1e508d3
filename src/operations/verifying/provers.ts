/** The threads and buffers that all proofs of one verify share. They come when there is enough to do for them. */
import { MIB } from '../../base/limits.js';
import type { SlabPool } from '../../base/slabs.js';
import { openFrameRunner, openFrameSlabs, type FrameRunner } from '../../bundle/frame-runner.js';

/** Starting threads takes longer than decoding and hashing so much on the one there is. */
const WORTH_THREADS_BYTES = 16 * MIB;
/** Frames for each thread: one it works on, one that is read or waits. */
const SLABS_EACH = 2;

export class Provers {
  readonly slabs: SlabPool;
  readonly #threads: number;
  #bytes = 0;
  #inline: FrameRunner | undefined;
  #threaded: FrameRunner | undefined;

  /** @param threads as many as may compute at once. */
  constructor(threads: number) {
    this.#threads = threads;
    this.slabs = openFrameSlabs(SLABS_EACH * Math.max(2, threads));
  }

  /** What to prove an export of so many payload bytes with. */
  forWork(bytes: number): { readonly runner: FrameRunner; readonly slabs: SlabPool } {
    this.#bytes += bytes;
    return { runner: this.#runner(), slabs: this.slabs };
  }

  #runner(): FrameRunner {
    if (this.#bytes < WORTH_THREADS_BYTES || this.#threads < 2) {
      return (this.#inline ??= openFrameRunner(0, 'prove'));
    }
    // The calling thread hashes all stored bytes and parses entries: it is one of those that compute.
    return (this.#threaded ??= openFrameRunner(this.#threads - 1, 'prove'));
  }

  async close(): Promise<void> {
    await this.#threaded?.close();
    await this.#inline?.close();
  }
}
