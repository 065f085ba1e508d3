/**
 * The parts of one object that are under way: a few at once, begun in order. The first failure stops the others, and
 * nothing runs on after `drain` or `fail`.
 */
import { sharedSignal } from '../base/shared-signal.js';

export class PartWindow {
  readonly signal: AbortSignal;
  readonly #atOnce: number;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(atOnce: number, signal: AbortSignal | undefined) {
    this.#atOnce = Math.max(1, atOnce);
    const { signal: stop } = this.#stop;
    this.signal = sharedSignal(signal === undefined ? stop : AbortSignal.any([signal, stop]));
  }

  /** Begins some work when there is room. Resolves when it has begun; throws when earlier work has failed. */
  async begin(work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#atOnce) await Promise.race(this.#running);
    this.#throwFailure();
    const running: Promise<void> = work()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves when all is done; throws the first failure. */
  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.race(this.#running);
    this.#throwFailure();
  }

  /** Stops and settles what is under way; resolves with the failure that came first. */
  async fail(error: unknown): Promise<unknown> {
    this.#failed(error);
    await Promise.all(this.#running);
    return this.#failure?.error ?? error;
  }

  /** What is stopped because something failed says INTERRUPTED: the reason came first. */
  #failed(error: unknown): void {
    this.#failure ??= { error };
    this.#stop.abort(error);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
