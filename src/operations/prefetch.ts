/**
 * Does the same with many things in their order, some of them ahead of the one that is asked for. Nothing it began runs
 * on after it has ended, however it ended.
 */
import { throwIfAborted } from '../base/errors.js';
import { sharedSignal } from '../base/shared-signal.js';

export interface PrefetchOptions {
  /** How many are under way, or done and not taken yet, at once. At least 1, which is one after the other. */
  readonly ahead: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Yields each item with what was made of it, in the order of the items. Throws what the work of the first failed item
 * throws, when its turn comes, and INTERRUPTED.
 * @param work gets a signal that also fires when nobody asks for more.
 */
export async function* prefetch<T, R>(
  items: Iterable<T>,
  { ahead, signal }: PrefetchOptions,
  work: (item: T, signal: AbortSignal) => Promise<R>,
): AsyncGenerator<readonly [T, R]> {
  const stop = new AbortController();
  const both = sharedSignal(signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]));
  const begun: { readonly item: T; readonly result: Promise<R> }[] = [];
  const rest = items[Symbol.iterator]();
  function beginMore(): void {
    while (begun.length < Math.max(1, ahead)) {
      const next = rest.next();
      if (next.done === true) return;
      const result = work(next.value, both);
      // It throws where it is awaited; one whose turn never comes must not end the process.
      result.catch(() => undefined);
      begun.push({ item: next.value, result });
    }
  }
  try {
    for (;;) {
      throwIfAborted(signal);
      beginMore();
      const first = begun[0];
      if (first === undefined) return;
      const value = await first.result;
      begun.shift();
      yield [first.item, value];
    }
  } finally {
    stop.abort();
    await Promise.allSettled(begun.map(({ result }) => result));
  }
}
