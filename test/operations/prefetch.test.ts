import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { prefetch } from '../../src/operations/prefetch.js';
import { codeOf } from './lakes.js';

const NUMBERS = Array.from({ length: 20 }, (_, index) => index);

async function all<T, R>(results: AsyncIterable<readonly [T, R]>): Promise<(readonly [T, R])[]> {
  const found: (readonly [T, R])[] = [];
  for await (const one of results) found.push(one);
  return found;
}

test('results come in the order of the items, whichever is done first', async () => {
  const results = await all(
    prefetch(NUMBERS, { ahead: 7, signal: undefined }, async (item) => {
      await wait((item * 7) % 5);
      return item * 2;
    }),
  );
  expect(results).toEqual(NUMBERS.map((item) => [item, item * 2]));
});

test('never more are begun than may be ahead', async () => {
  for (const ahead of [0, 1, 4]) {
    let taken = 0;
    let begun = 0;
    let most = 0;
    const results = prefetch(NUMBERS, { ahead, signal: undefined }, async () => {
      begun += 1;
      most = Math.max(most, begun - taken);
      await wait(0);
    });
    for await (const _ of results) taken += 1;
    expect([taken, most]).toEqual([20, Math.max(1, ahead)]);
  }
});

test('the failure of an item comes in its turn, and what was begun has ended by then', async () => {
  let running = 0;
  const seen: number[] = [];
  const results = prefetch(NUMBERS, { ahead: 5, signal: undefined }, async (item, signal) => {
    running += 1;
    try {
      await wait(item === 3 ? 0 : 5);
      if (item === 3) throw new Error('three');
      expect(signal).toBeInstanceOf(AbortSignal);
    } finally {
      running -= 1;
    }
  });
  const run = async (): Promise<void> => {
    for await (const [item] of results) seen.push(item);
  };
  await expect(run()).rejects.toThrow('three');
  expect([seen, running]).toEqual([[0, 1, 2], 0]);
});

test('who stops early waits for what was begun, which is told to stop', async () => {
  let running = 0;
  const results = prefetch(NUMBERS, { ahead: 3, signal: undefined }, async (item, signal) => {
    running += 1;
    if (item > 0) await wait(60_000, undefined, { signal }).catch(() => undefined);
    running -= 1;
  });
  for await (const [item] of results) if (item === 0) break;
  expect(running).toBe(0);
});

test('an abort ends it as an interruption', async () => {
  const stop = new AbortController();
  const results = prefetch(NUMBERS, { ahead: 2, signal: stop.signal }, async (item) => {
    if (item === 4) stop.abort();
  });
  expect(await codeOf(all(results))).toBe('INTERRUPTED');
});
