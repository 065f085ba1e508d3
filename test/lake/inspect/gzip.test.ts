/** Sound and broken gzip, in full and at a glance. */
import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codesOf, inspect } from './look.js';

const LINES = Buffer.from('{"a":1}\n'.repeat(50));
const SMALL = zlib.gzipSync(LINES);
/** Over the 64 KiB that are decompressed in one call. */
const LARGE = zlib.gzipSync(Buffer.concat([randomBytes(150_000), LINES]));
/** Small, and 20 MiB when decompressed. */
const BOMB = zlib.gzipSync(Buffer.alloc(20 << 20, '{}\n'));

describe.each([
  ['small', SMALL],
  ['large', LARGE],
  ['much larger inside', BOMB],
])('gzip that is %s', (_, whole) => {
  test('and sound is so', async () => {
    expect(codesOf(await inspect('x.json.gz', whole))).toEqual([]);
    expect(codesOf(await inspect('x.json.gz', whole, { chunkBytes: 997 }))).toEqual([]);
    expect(codesOf(await inspect('x.json.gz', whole, { mode: 'quick' }))).toEqual([]);
  });

  test('and of two members, or padded with zeros, is sound', async () => {
    expect(codesOf(await inspect('x.gz', Buffer.concat([whole, whole])))).toEqual([]);
    expect(codesOf(await inspect('x.gz', Buffer.concat([whole, Buffer.alloc(512)])))).toEqual([]);
  });

  test.each<[string, Buffer]>([
    ['cut in the middle', whole.subarray(0, whole.length >> 1)],
    ['cut before its last byte', whole.subarray(0, -1)],
    ['followed by other data', Buffer.concat([whole, Buffer.from('other')])],
    ['followed by zeros and other data', Buffer.concat([whole, Buffer.alloc(9), Buffer.from('x')])],
    ['wrong in its checksum', changed(whole, whole.length - 6)],
    ['wrong in its length', changed(whole, whole.length - 2)],
    ['wrong in its data', changed(whole, whole.length >> 1)],
  ])('and %s is broken', async (__, broken) => {
    const inspection = await inspect('dir/x.jsonl.gz', broken, { chunkBytes: 4_099 });
    expect(codesOf(inspection)).toEqual(['GZIP_BROKEN']);
    expect(inspection.content).toEqual({ format: 'jsonl', compression: 'gzip', damaged: true });
    expect(inspection.findings[0]).toMatchObject({ severity: 'warning', where: { path: 'dir/x.jsonl.gz' } });
  });
});

test('a .gz file that is empty, or something else, is broken', async () => {
  for (const data of [Buffer.alloc(0), Buffer.from('hi'), Buffer.from('x'.repeat(99))]) {
    expect(codesOf(await inspect('x.json.gz', data))).toEqual(['GZIP_BROKEN']);
    expect(codesOf(await inspect('x.json.gz', data, { mode: 'quick' }))).toEqual(['GZIP_BROKEN']);
  }
});

test('a glance sees a cut file by its last bytes', async () => {
  const cut = SMALL.subarray(0, -7);
  expect(codesOf(await inspect('x.gz', cut, { mode: 'quick' }))).toEqual(['GZIP_BROKEN']);
});

test('gzip is known by its first bytes where the name does not say', async () => {
  expect((await inspect('x.jsonl', SMALL)).content).toEqual({ format: 'jsonl', compression: 'gzip', rows: 50 });
  expect((await inspect('x.jsonl', SMALL, { chunkBytes: 1 })).content).toEqual({
    format: 'jsonl',
    compression: 'gzip',
    rows: 50,
  });
  expect((await inspect('x', SMALL)).content).toEqual({ format: 'other', compression: 'gzip' });
});

test('every change of a byte that changes what is inside is found, and none is an error', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: SMALL.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      fc.integer({ min: 1, max: 40 }),
      async (at, mask, chunkBytes) => {
        const broken = changed(SMALL, at, mask);
        // Behind the end of the last deflate block its last byte has bits that mean nothing.
        if (at === SMALL.length - 9) return;
        // Time, extra flags and system of the header (bytes 4–9) are free, as is the text flag.
        const isFree = (at >= 4 && at <= 9) || (at === 3 && mask === 1);
        // The lines repeat: a match may lead to another of them, and nothing inside is another.
        if (!isFree && holdsTheSame(broken)) return;
        expect(codesOf(await inspect('x.gz', broken, { chunkBytes }))).toEqual(isFree ? [] : ['GZIP_BROKEN']);
      },
    ),
    { numRuns: 400, examples: [[23, 18, 1]] },
  );
});

function holdsTheSame(gzip: Buffer): boolean {
  try {
    return zlib.gunzipSync(gzip).equals(LINES);
  } catch {
    return false; // Broken.
  }
}

test('an inspector may be given up at any time', async () => {
  const { openInspector } = await import('../../../src/lake/inspect/inspector.js');
  const inspector = openInspector('x.gz', LARGE.length, 'full');
  await inspector.update(LARGE.subarray(0, 70_000));
  inspector.dispose();
  await inspector.update(LARGE.subarray(70_000, 80_000));
});

function changed(data: Buffer, at: number, mask = 1): Buffer {
  const copy = Buffer.from(data);
  copy.writeUInt8(copy.readUInt8(at) ^ mask, at);
  return copy;
}
