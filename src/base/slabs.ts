/**
 * Shared buffers of one size that are used again and again: what frames travel in between threads. Who wants one while
 * all are lent waits for it, in turn: that is the backpressure of everything that is made of frames.
 */

export interface Slab {
  /** Starts at 0 of its shared memory, which a message to another thread carries without a copy. */
  readonly bytes: Buffer;
  readonly memory: SharedArrayBuffer;
}

export class SlabPool {
  readonly #slabBytes: number;
  readonly #most: number;
  readonly #idle: Slab[] = [];
  readonly #waiting: ((slab: Slab) => void)[] = [];
  #made = 0;

  /**
   * @param slabBytes size of each.
   * @param most how many there may be; memory is taken when a slab is first needed.
   */
  constructor(slabBytes: number, most: number) {
    this.#slabBytes = slabBytes;
    this.#most = most;
  }

  /** Resolves with one that nobody else has. */
  async take(): Promise<Slab> {
    const slab = this.#idle.pop() ?? this.#make();
    if (slab !== undefined) return slab;
    return await new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** False where `take` would have to wait. */
  get hasIdle(): boolean {
    return this.#idle.length > 0 || this.#made < this.#most;
  }

  /** Gives one back; once for each `take`, when no thread reads or writes it any more. */
  give(slab: Slab): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(slab);
    else next(slab);
  }

  #make(): Slab | undefined {
    if (this.#made === this.#most) return undefined;
    this.#made += 1;
    const memory = new SharedArrayBuffer(this.#slabBytes);
    return { memory, bytes: Buffer.from(memory) };
  }
}
