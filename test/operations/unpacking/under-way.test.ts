import { expect, test } from 'vitest';
import { UnderWay } from '../../../src/operations/unpacking/under-way.js';

function later(error?: string): { work: Promise<void>; end: () => void } {
  let end = (): void => undefined;
  const work = new Promise<void>((resolve, reject) => {
    end = () => (error === undefined ? resolve() : reject(new Error(error)));
  });
  return { work, end };
}

test('waits for all of it, also what is begun meanwhile', async () => {
  const underWay = new UnderWay();
  const [first, second] = [later(), later()];
  underWay.begin(first.work);
  let hasEnded = false;
  const end = underWay.end().then(() => (hasEnded = true));
  underWay.begin(second.work);
  first.end();
  await first.work;
  await Promise.resolve();
  expect(hasEnded).toBe(false);
  second.end();
  await end;
  expect(hasEnded).toBe(true);
});

test('the failure of what was begun first counts, whichever failed first; nobody needs to ask', async () => {
  const underWay = new UnderWay();
  const all = [later(), later('second'), later('third')];
  for (const { work } of all) underWay.begin(work);
  expect(underWay.hasFailed).toBe(false);
  all[2]!.end();
  await new Promise((resolve) => setImmediate(resolve));
  expect(underWay.hasFailed).toBe(true);
  all[1]!.end();
  all[0]!.end();
  await expect(underWay.end()).rejects.toThrow('second');
});

test('nothing at all has ended', async () => {
  await new UnderWay().end();
});
