import { expect, test } from 'vitest';
import type { ByteSource } from '../../src/bundle/byte-source.js';
import { addRange, readAhead, type StoredRange } from '../../src/operations/read-ahead.js';

const DATA = Buffer.from(Array.from({ length: 1_000 }, (_, index) => index % 251));

function source(reads: string[], fail?: (offset: number) => Error | undefined): ByteSource & { closed: boolean } {
  return {
    name: 'x',
    bytes: DATA.length,
    closed: false,
    read: async (offset, length) => {
      reads.push(`${offset}+${length}`);
      const error = fail?.(offset);
      if (error !== undefined) throw error;
      return Buffer.from(DATA.subarray(offset, offset + length));
    },
    stream: async function* (offset, length) {
      yield DATA.subarray(offset, offset + length);
    },
    async close() {
      this.closed = true;
    },
  };
}

const ALL: StoredRange[] = [{ offset: 0, length: 1_000 }];

test('neighbouring reads share requests, and every byte is read once', async () => {
  const reads: string[] = [];
  const ahead = readAhead(source(reads), { ranges: ALL, requestBytes: 100, aheadBytes: 300 });
  const pieces: Buffer[] = [];
  for (let at = 0; at < 1_000; at += 30) pieces.push(await ahead.read(at, Math.min(30, 1_000 - at)));
  expect(Buffer.concat(pieces)).toEqual(DATA);
  expect(reads).toEqual(Array.from({ length: 10 }, (_, index) => `${index * 100}+100`));
});

test('only so much is read ahead', async () => {
  const reads: string[] = [];
  const ahead = readAhead(source(reads), { ranges: ALL, requestBytes: 100, aheadBytes: 300 });
  await ahead.read(0, 10);
  expect(reads).toHaveLength(3);
  await ahead.read(150, 10);
  expect(reads).toHaveLength(4);
});

test('a read longer than what may be ahead gets all it asks for', async () => {
  const ahead = readAhead(source([]), { ranges: ALL, requestBytes: 10, aheadBytes: 20 });
  expect(await ahead.read(5, 600)).toEqual(DATA.subarray(5, 605));
});

test('the end is read first, and again at last, without a second request', async () => {
  const reads: string[] = [];
  const ahead = readAhead(source(reads), { ranges: ALL, requestBytes: 400, aheadBytes: 400 });
  await ahead.read(991, 9);
  await ahead.read(950, 50);
  for (let at = 0; at < 950; at += 50) await ahead.read(at, 50);
  expect(await ahead.read(950, 50)).toEqual(DATA.subarray(950));
  expect(reads).toEqual(['800+200', '0+400', '400+400']);
});

test('what was not planned, or was passed, is read when it is asked for', async () => {
  const reads: string[] = [];
  const plan = { ranges: [{ offset: 100, length: 50 }, ...[{ offset: 300, length: 50 }]], requestBytes: 100 };
  const ahead = readAhead(source(reads), { ...plan, aheadBytes: 100 });
  expect(await ahead.read(0, 10)).toEqual(DATA.subarray(0, 10));
  expect(await ahead.read(140, 20)).toEqual(DATA.subarray(140, 160));
  expect(await ahead.read(100, 50)).toEqual(DATA.subarray(100, 150));
  expect(await ahead.read(310, 10)).toEqual(DATA.subarray(310, 320));
  expect(await ahead.read(110, 10)).toEqual(DATA.subarray(110, 120));
  expect(reads).toEqual(['0+10', '140+20', '100+50', '300+50', '110+10']);
});

test('a failed request fails the reads that need it, and close waits for what is under way', async () => {
  const inner = source([], (offset) => (offset === 200 ? new Error('gone') : undefined));
  const ahead = readAhead(inner, { ranges: ALL, requestBytes: 100, aheadBytes: 500 });
  expect(await ahead.read(0, 10)).toEqual(DATA.subarray(0, 10));
  await expect(ahead.read(190, 20)).rejects.toThrow('gone');
  await ahead.close();
  expect(inner.closed).toBe(true);
});

test('ranges with little between them become one', () => {
  const ranges: StoredRange[] = [];
  for (const offset of [0, 10, 10, 100_000, 1_000_000]) addRange(ranges, { offset, length: 20 });
  expect(ranges).toEqual([
    { offset: 0, length: 100_020 },
    { offset: 1_000_000, length: 20 },
  ]);
});
