/** The small parts of the frame layer by themselves: cutting, encoding, finding and reading frames, hashing blocks. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/limits.js';
import { BlockHasher, blockBytesFor } from '../../src/bundle/block-hasher.js';
import { openFileSource } from '../../src/bundle/byte-source.js';
import { FrameCutter } from '../../src/bundle/frame-cutter.js';
import { encodeFrame, sampleRatio } from '../../src/bundle/frame-encoder.js';
import { FrameIndex } from '../../src/bundle/frame-index.js';
import { FrameReader, readSeekTable } from '../../src/bundle/frame-reader.js';
import { decompressFrame } from '../../src/codec/zstd.js';
import { walkFrame } from '../../src/codec/zstd-frame.js';
import { chop } from '../codec/chunks.js';
import { tarOf } from './forge.js';
import { build, collect, randomBytes, sha256Of, sourceOf, textBytes } from './kit.js';

const MIB = 1024 * 1024;

describe('FrameCutter', () => {
  const entries = fc.array(
    fc.integer({ min: 1, max: 12_000 }).map((blocks) => blocks * 512),
    { maxLength: 30 },
  );

  function cut(sizes: readonly number[], chunk: number, recycled = false): { frames: Buffer[]; tar: Buffer } {
    const cutter = new FrameCutter();
    const frames: Buffer[] = [];
    const parts: Buffer[] = [];
    const take = (frame: Buffer | undefined): void => {
      if (frame === undefined) return;
      frames.push(Buffer.from(frame));
      if (recycled) cutter.recycle(frame);
    };
    for (const [n, size] of sizes.entries()) {
      take(cutter.beginEntry(size));
      const body = Buffer.alloc(size, n + 1);
      parts.push(body);
      for (const piece of chop(body, [chunk])) for (const frame of cutter.add(piece)) take(frame);
    }
    take(cutter.finish());
    expect(cutter.tarBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
    return { frames, tar: Buffer.concat(parts) };
  }

  test('loses nothing, and cuts by the entries alone', () => {
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 100 }), (sizes, blocks) => {
        const one = cut(sizes, 4 * MIB);
        const two = cut(sizes, blocks * 1_000, true);
        expect(Buffer.concat(one.frames).equals(one.tar)).toBe(true);
        expect(two.frames.map(sha256Of)).toEqual(one.frames.map(sha256Of));
        expect(one.frames.every(({ length }) => length > 0 && length <= 4 * MIB)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  test.each([
    [
      [MIB - 512, 512, 512],
      [MIB, 512],
    ],
    [[MIB - 512, 1024], [MIB + 512]],
    [
      [512, MIB, 512],
      [512, MIB, 512],
    ],
    [
      [512, MIB - 512, 512],
      [MIB, 512],
    ],
    [
      [4 * MIB, 512],
      [4 * MIB, 512],
    ],
    [
      [4 * MIB + 512, 512, 512],
      [4 * MIB, 1536],
    ],
    [[9 * MIB], [4 * MIB, 4 * MIB, MIB]],
    [[], []],
  ])('entries of %j bytes give frames of %j', (sizes, expected) => {
    expect(cut(sizes, 70_000).frames.map(({ length }) => length)).toEqual(expected);
  });
});

describe('encodeFrame', () => {
  test.each([0, 1, 1_000, 64 * 1024, 64 * 1024 + 1, 4 * MIB])(
    'gives back %i bytes of text and of noise',
    async (size) => {
      for (const content of [textBytes(size), randomBytes(size), Buffer.alloc(size)]) {
        const stored = await encodeFrame(content, 3);
        expect((await decompressFrame(stored, 4 * MIB)).equals(content)).toBe(true);
        expect(walkFrame(stored)).toMatchObject({ contentBytes: size, storedBytes: stored.length });
      }
    },
  );

  test('decides by samples from all over: one odd region does not', async () => {
    const mostlyText = Buffer.concat([randomBytes(256 * 1024), textBytes(3 * MIB)]);
    const mostlyNoise = Buffer.concat([randomBytes(4 * MIB - 40_000), textBytes(40_000)]);
    expect(walkFrame(await encodeFrame(mostlyText, 3))?.allRaw).toBe(false);
    expect((await encodeFrame(mostlyText, 3)).length).toBeLessThan(1.3 * MIB);
    expect((await encodeFrame(mostlyNoise, 3)).length).toBeLessThan(4 * MIB + 200);
  });

  test('estimates: text far below 1, noise at 1, nothing at 1', async () => {
    expect(await sampleRatio(textBytes(2 * MIB))).toBeLessThan(0.4);
    expect(await sampleRatio(randomBytes(2 * MIB))).toBe(1);
    expect(await sampleRatio(Buffer.alloc(0))).toBe(1);
  });
});

describe('FrameIndex', () => {
  test('finds the frame of every byte', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 12 }), (sizes) => {
        const index = new FrameIndex();
        for (const size of sizes) index.add(size, 2 * size);
        const owners = sizes.flatMap((size, n) => Array<number>(size).fill(n));
        expect(owners.map((_, at) => index.at(at)?.index)).toEqual(owners);
        expect(index.at(owners.length)).toBeUndefined();
        expect(index.storedBytes).toBe(2 * index.tarBytes);
      }),
    );
  });

  test('gives one range for what spans frames, and waits for the frames it needs', () => {
    const index = new FrameIndex();
    index.add(10, 5);
    expect(index.rangeOf(4, 6)).toEqual({ offset: 0, length: 5, skip: 4 });
    expect(index.rangeOf(10, 0)).toEqual({ offset: 0, length: 5, skip: 10 });
    expect(index.rangeOf(10, 1)).toBeUndefined();
    index.add(10, 7);
    index.add(10, 9);
    expect(index.rangeOf(10, 0)).toEqual({ offset: 0, length: 5, skip: 10 });
    expect(index.rangeOf(10, 1)).toEqual({ offset: 5, length: 7, skip: 0 });
    expect(index.rangeOf(9, 12)).toEqual({ offset: 0, length: 21, skip: 9 });
    expect(index.rangeOf(9, 22)).toBeUndefined();
  });
});

describe('FrameReader', () => {
  test('gives any range of the tar', async () => {
    const { bytes } = await build({ a: randomBytes(5 * MIB), b: textBytes(2 * MIB), c: 'c' });
    const tar = await tarOf(bytes);
    const source = sourceOf(bytes);
    const index = await readSeekTable(source);
    for (const concurrency of [1, 4]) {
      const reader = new FrameReader(source, index, { concurrency });
      for (const [offset, length] of [
        [0, tar.length],
        [4 * MIB - 3, 7],
        [5, 0],
        [tar.length - 1, 1],
        [MIB, 5 * MIB],
      ] as const) {
        const got = Buffer.concat(await collect(reader.bytes(offset, length)));
        expect(got.equals(tar.subarray(offset, offset + length))).toBe(true);
      }
      await expect(collect(reader.bytes(tar.length - 1, 2))).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
      await reader.settle();
    }
  });

  test('raises a damaged frame where it is read, and only there', async () => {
    const { bytes, facts } = await build({ a: textBytes(2 * MIB), b: textBytes(2 * MIB, 7) });
    const index = await readSeekTable(sourceOf(bytes));
    const bad = Buffer.from(bytes);
    bad.writeUInt8(0, index.frames[1]!.storedOffset);
    const reader = new FrameReader(sourceOf(bad), index, { concurrency: facts.frames });
    expect((await reader.frame(0, facts.frames - 1)).length).toBe(index.frames[0]!.tarBytes);
    await expect(reader.frame(1, facts.frames - 1)).rejects.toMatchObject({ code: 'ZSTD_INVALID' });
    expect((await reader.frame(2, facts.frames - 1)).length).toBe(index.frames[2]!.tarBytes);
    await reader.settle();
  });
});

describe('a seek table whose place is known', () => {
  async function readsWith(place: { offset: number; bytes: number } | undefined): Promise<(readonly number[])[]> {
    const { bytes, facts } = await build({ a: textBytes(2 * MIB), b: textBytes(2 * MIB, 7) });
    const source = sourceOf(bytes);
    const reads: (readonly number[])[] = [];
    const read: typeof source.read = async (offset, length) => {
      reads.push([offset - facts.seekTable.offset, length - facts.seekTable.bytes]);
      return await source.read(offset, length);
    };
    const given = place && {
      offset: facts.seekTable.offset + place.offset,
      bytes: facts.seekTable.bytes + place.bytes,
    };
    const { frames } = await readSeekTable({ ...source, read }, given);
    expect(frames).toEqual((await readSeekTable(source)).frames);
    return reads;
  }

  test('is read in one go', async () => {
    expect(await readsWith({ offset: 0, bytes: 0 })).toEqual([[0, 0]]);
    expect(await readsWith(undefined)).toHaveLength(2);
  });

  test('is found all the same when the place is wrong', async () => {
    expect(await readsWith({ offset: 8, bytes: -8 })).toEqual([
      [8, -8],
      [0, 0],
    ]);
    expect(await readsWith({ offset: -8, bytes: 8 })).toEqual([[-8, 8]]);
    expect(await readsWith({ offset: 0, bytes: 1 })).toHaveLength(2);
    expect(await readsWith({ offset: -1e9, bytes: 1e9 })).toHaveLength(2);
  });
});

describe('BlockHasher', () => {
  test('hashes the whole and each block, whatever the chunks', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 500 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 90 }),
        (data, size, chunk) => {
          const bytes = Buffer.from(data);
          const hasher = new BlockHasher(size);
          for (const piece of chop(bytes, [chunk])) hasher.update(piece);
          expect(hasher.bytes).toBe(bytes.length);
          expect(hasher.finish()).toEqual({
            bytes: bytes.length,
            sha256: sha256Of(bytes),
            blocks: chop(bytes, [size]).map(sha256Of),
          });
        },
      ),
    );
  });

  test('the block size doubles until 10,000 blocks are enough', () => {
    expect(blockBytesFor(0)).toBe(BLOCK_BYTES);
    expect(blockBytesFor(10_000 * BLOCK_BYTES)).toBe(BLOCK_BYTES);
    expect(blockBytesFor(10_000 * BLOCK_BYTES + 1)).toBe(2 * BLOCK_BYTES);
    expect(blockBytesFor(5 * 2 ** 40)).toBe(64 * BLOCK_BYTES);
  });
});

describe('a bundle file', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'lakepack-source-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('gives ranges and streams; one that shrinks is told', async () => {
    const bytes = randomBytes(3 * MIB + 5);
    const file = path.join(folder, 'x.tar.zst');
    writeFileSync(file, bytes);
    const source = await openFileSource(file, 'x.tar.zst');
    try {
      expect(source.bytes).toBe(bytes.length);
      expect((await source.read(MIB, 10)).equals(bytes.subarray(MIB, MIB + 10))).toBe(true);
      expect(Buffer.concat(await collect(source.stream(7, 2 * MIB))).equals(bytes.subarray(7, 2 * MIB + 7))).toBe(true);
      truncateSync(file, MIB);
      await expect(source.read(MIB - 1, 2)).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
      await expect(collect(source.stream(0, bytes.length))).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
    } finally {
      await source.close();
    }
    await expect(openFileSource(path.join(folder, 'none'), 'none')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
