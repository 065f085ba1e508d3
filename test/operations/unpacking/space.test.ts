/** The look at the free space before anything is written. The disk is a fake: none is filled. */
import fs from 'node:fs';
import { beforeEach, expect, test, vi } from 'vitest';
import { unpack } from '../../../src/index.js';
import { codeOf, packInto, placeWith, type Place } from '../lakes.js';

const disk = vi.hoisted(() => ({ freeBytes: Number.POSITIVE_INFINITY }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<object>();
  return { ...real, statfs: async () => ({ bavail: disk.freeBytes, bsize: 1 }) };
});

let place: Place;
beforeEach(async () => {
  disk.freeBytes = Number.POSITIVE_INFINITY;
  place = placeWith({ 'silver/a/x.txt': 'x'.repeat(1_000) });
  await packInto(place);
});

test.each([false, true])('too little is refused before anything is written (dry run: %s)', async (dryRun) => {
  disk.freeBytes = 999;
  await expect(unpack({ from: place.archive, into: place.into, dryRun })).rejects.toMatchObject({
    code: 'DISK_FULL',
    message: expect.stringContaining('1000'),
  });
  expect(fs.existsSync(place.into)).toBe(false);
});

test('just enough is enough, and what is there already needs none', async () => {
  disk.freeBytes = 1_000;
  await unpack({ from: place.archive, into: place.into });
  disk.freeBytes = 0;
  expect(await codeOf(unpack({ from: place.archive, into: place.into }))).toBe('no error');
});
