/** The small parts of the frame layer by themselves: cutting, encoding, finding and reading frames, hashing blocks. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/limits.js';
import { BlockHasher, blockBytesFor } from '../../src/bundle/block-hasher.js';
import { openFileSource } from '../../src/bundle/byte-source.js';
import { FramePlanner, isEntryPiece, type FramePlan } from '../../src/bundle/frame-plan.js';
import { paddingBytes } from '../../src/codec/tar.js';
import type { SourceEntry } from '../../src/lake/contract.js';
import { encodeFrame, sampleRatio } from '../../src/bundle/frame-encoder.js';
import { FrameIndex } from '../../src/bundle/frame-index.js';
import { FrameReader, readSeekTable } from '../../src/bundle/frame-reader.js';
import { decompressFrame } from '../../src/codec/zstd.js';
import { walkFrame } from '../../src/codec/zstd-frame.js';
import { chop } from '../codec/chunks.js';
import { tarOf } from './forge.js';
import { build, collect, randomBytes, sha256Of, sourceOf, textBytes } from './kit.js';

const MIB = 1024 * 1024;

describe('FramePlanner', () => {
  const HEADER = 512;
  const sizes = fc.array(fc.integer({ min: 0, max: 6 * MIB }), { maxLength: 30 });

  function entryOf(n: number, bytes: number): SourceEntry {
    return { path: `f${n}`, type: 'file', bytes, mtimeNs: 0n, executable: false };
  }

  function plan(entries: readonly number[]): FramePlan[] {
    const planner = new FramePlanner();
    const plans = entries.flatMap((bytes, n) => [...planner.addEntry(entryOf(n, bytes), HEADER)]);
    const last = planner.finish();
    expect(planner.tarBytes).toBe(entries.reduce((sum, bytes) => sum + sizeOf(bytes), 0));
    return last === undefined ? plans : [...plans, last];
  }

  const sizeOf = (bytes: number): number => HEADER + bytes + paddingBytes(bytes);

  test('covers every byte of every file once, in order, and says where it stands', () => {
    fc.assert(
      fc.property(sizes, (entries) => {
        let tarOffset = 0;
        const covered = new Map<number, number>();
        for (const one of plan(entries)) {
          expect(one.tarOffset).toBe(tarOffset);
          expect(one.tarBytes).toBeGreaterThan(0);
          expect(one.tarBytes).toBeLessThanOrEqual(4 * MIB);
          let at = tarOffset;
          for (const piece of one.pieces) {
            if (!isEntryPiece(piece)) throw new Error('no bytes were given');
            const n = Number(piece.entry.path.slice(1));
            expect(piece.headerBytes).toBe(piece.from === 0 ? HEADER : 0);
            expect(piece.from).toBe(covered.get(n) ?? 0);
            expect(piece.offset + piece.from).toBe(at + piece.headerBytes);
            if (piece.from === 0) expect(piece.skip).toBe(piece.offset - one.tarOffset);
            covered.set(n, piece.to);
            at += piece.headerBytes + piece.to - piece.from;
            if (piece.to === piece.entry.bytes) at += paddingBytes(piece.entry.bytes);
          }
          expect(at - tarOffset).toBe(one.tarBytes);
          tarOffset += one.tarBytes;
        }
        expect([...covered.entries()]).toEqual([...entries.entries()]);
      }),
      { numRuns: 100 },
    );
  });

  // Sizes of whole entries, with their header of 512 bytes.
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
  ])('entries of %j bytes give frames of %j', (entries, expected) => {
    expect(plan(entries.map((bytes) => bytes - HEADER)).map(({ tarBytes }) => tarBytes)).toEqual(expected);
  });

  test('splits bytes at hand, and goes on in an open frame whose pieces were exchanged', () => {
    const planner = new FramePlanner();
    expect(planner.open).toBeUndefined();
    expect([...planner.addBytes(Buffer.alloc(MIB, 1))]).toEqual([]);
    expect(planner.open).toMatchObject({ tarOffset: 0, tarBytes: MIB });
    planner.exchange(Buffer.alloc(MIB, 2));
    const plans = [...planner.addBytes(Buffer.alloc(8 * MIB, 3))];
    const last = planner.finish();
    expect([...plans, last].map((one) => [one?.tarOffset, one?.tarBytes])).toEqual([
      [0, 4 * MIB],
      [4 * MIB, 4 * MIB],
      [8 * MIB, MIB],
    ]);
    const first = plans[0]!.pieces.map((piece) => (isEntryPiece(piece) ? undefined : piece.bytes));
    expect(first.map((bytes) => [bytes?.length, bytes?.[0]])).toEqual([
      [MIB, 2],
      [3 * MIB, 3],
    ]);
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
