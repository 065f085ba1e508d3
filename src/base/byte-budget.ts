/**
 * A bound on something that is shared by much work at once: bytes held in memory, or turns. First come, first served,
 * so that one who asks for much is not passed by for ever by those who ask for little.
 */
import { interrupted } from './errors.js';

interface Waiter {
  readonly amount: number;
  readonly begin: () => void;
}

export class ByteBudget {
  readonly #capacity: number;
  readonly #queue: Waiter[] = [];
  #used = 0;

  /** @param capacity bytes, or turns where every work asks for 1. */
  constructor(capacity: number) {
    this.#capacity = Math.max(1, capacity);
  }

  /** What is lent out now. */
  get used(): number {
    return this.#used;
  }

  /**
   * Runs the work when so much is free; what is more than the whole budget counts as the whole, and runs alone. Throws
   * INTERRUPTED while it waits, and what the work throws. Work that asks again from within can wait for itself.
   */
  async run<T>(amount: number, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const release = await this.take(amount, signal);
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** As `run`, for work that ends elsewhere. Resolves with the function that gives it back; called again it does nothing. */
  async take(amount: number, signal: AbortSignal | undefined): Promise<() => void> {
    const asked = Math.min(Math.max(0, amount), this.#capacity);
    if (signal?.aborted === true) throw interrupted(signal.reason);
    if (this.#queue.length > 0 || !this.#fits(asked)) await this.#wait(asked, signal);
    else this.#used += asked;
    let isLent = true;
    return () => {
      if (isLent) this.#giveBack(asked);
      isLent = false;
    };
  }

  #fits(amount: number): boolean {
    return this.#used + amount <= this.#capacity;
  }

  #wait(amount: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        // It may have been the one in front that was too large for what is free.
        this.#beginNext();
        reject(interrupted(signal?.reason));
      };
      const begin = (): void => {
        signal?.removeEventListener('abort', stop);
        resolve();
      };
      const waiter: Waiter = { amount, begin };
      this.#queue.push(waiter);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  #giveBack(amount: number): void {
    this.#used -= amount;
    this.#beginNext();
  }

  #beginNext(): void {
    for (let next = this.#queue[0]; next !== undefined && this.#fits(next.amount); next = this.#queue[0]) {
      this.#queue.shift();
      this.#used += next.amount;
      next.begin();
    }
  }
}
