import { expect, it } from 'vitest';
import { SlabPool } from '../../src/base/slabs.js';

it('lends at most as many as there may be, and the next to who waits longest', async () => {
  const pool = new SlabPool(64, 2);
  const [first, second] = [await pool.take(), await pool.take()];
  expect(first.memory).not.toBe(second.memory);
  expect(first.bytes.length).toBe(64);
  const got: string[] = [];
  const third = pool.take().then((slab) => (got.push('third'), slab));
  const fourth = pool.take().then((slab) => (got.push('fourth'), slab));
  await new Promise((resolve) => setImmediate(resolve));
  expect(got).toEqual([]);
  pool.give(second);
  expect(await third).toBe(second);
  pool.give(first);
  expect(await fourth).toBe(first);
  expect(got).toEqual(['third', 'fourth']);
});
