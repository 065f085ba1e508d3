/** Runs many small tasks, a few at a time, and settles them all before it fails. */

/** After the first failure no further task begins; those under way are waited for, then the failure is thrown. */
export async function forEachBounded<T>(
  items: Iterable<T>,
  limit: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const failures: unknown[] = [];
  async function work(): Promise<void> {
    for (let item = queue.next(); item.done !== true && failures.length === 0; item = queue.next()) {
      await task(item.value).catch((error: unknown) => failures.push(error));
    }
  }
  await Promise.all(Array.from({ length: limit }, work));
  if (failures.length > 0) throw failures[0];
}
