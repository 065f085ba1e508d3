/** Maps many items, some at a time, and lets nothing run on after it has returned (STYLE 19). */
import pMap from 'p-map';
import { sharedSignal } from '../base/shared-signal.js';

/** After the first failure no further item begins; those under way are waited for, then that failure is thrown. */
export async function mapSettled<T, R>(
  items: Iterable<T>,
  concurrency: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const failures: unknown[] = [];
  const results = await pMap(
    items,
    async (item) => {
      if (failures.length > 0) return undefined;
      try {
        return { value: await work(item) };
      } catch (error) {
        failures.push(error);
        return undefined;
      }
    },
    { concurrency: Math.max(1, concurrency) },
  );
  if (failures.length > 0) throw failures[0];
  return results.flatMap((result) => (result === undefined ? [] : [result.value]));
}

/** As `mapSettled`, for work that can be stopped: after the first failure what is under way is aborted too. */
export async function mapOrStop<T, R>(
  items: Iterable<T>,
  { concurrency, signal }: { readonly concurrency: number; readonly signal: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const stop = new AbortController();
  const both = sharedSignal(AbortSignal.any([signal, stop.signal]));
  return await mapSettled(items, concurrency, async (item) => {
    try {
      return await work(item, both);
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  });
}
