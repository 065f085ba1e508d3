/** The bound on bytes in flight: what runs at once, in which order, and what an abort does. */
import { expect, test } from 'vitest';
import { ByteBudget } from '../../src/base/byte-budget.js';
import { isLakepackError } from '../../src/base/errors.js';

/** Lets everything that can go on now do so. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('work begins only while its bytes fit, and in the order it came', async () => {
  const budget = new ByteBudget(10);
  const begun: string[] = [];
  const take = async (name: string, bytes: number): Promise<() => void> => {
    const release = await budget.take(bytes, undefined);
    begun.push(name);
    return release;
  };
  const first = take('a', 6);
  const second = take('b', 5);
  const third = take('c', 1);
  await settle();
  // c would fit, but b came before it: nobody is passed by.
  expect(begun).toEqual(['a']);
  (await first)();
  await settle();
  expect(begun).toEqual(['a', 'b', 'c']);
  (await second)();
  (await third)();
  expect(budget.used).toBe(0);
});

test('what is larger than the budget runs alone, and not never', async () => {
  const budget = new ByteBudget(10);
  const release = await budget.take(3, undefined);
  let ran = false;
  const large = budget.run(1_000, undefined, async () => void (ran = true));
  await settle();
  expect(ran).toBe(false);
  release();
  await large;
  expect(ran).toBe(true);
});

test('giving back twice counts once', async () => {
  const budget = new ByteBudget(4);
  const release = await budget.take(2, undefined);
  await budget.take(2, undefined);
  release();
  release();
  expect(budget.used).toBe(2);
});

test('work that fails gives back what it had', async () => {
  const budget = new ByteBudget(4);
  await expect(budget.run(4, undefined, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(budget.used).toBe(0);
});

test('an abort ends the waiting of one, and lets those behind it go on', async () => {
  const budget = new ByteBudget(10);
  const release = await budget.take(6, undefined);
  const controller = new AbortController();
  const stopped = budget.take(10, controller.signal).catch((error: unknown) => error);
  const behind = budget.take(4, undefined);
  controller.abort();
  expect(isLakepackError(await stopped, 'INTERRUPTED')).toBe(true);
  (await behind)();
  release();
  expect(budget.used).toBe(0);
  const late = await budget.take(1, AbortSignal.abort()).catch((error: unknown) => error);
  expect(isLakepackError(late, 'INTERRUPTED')).toBe(true);
});
