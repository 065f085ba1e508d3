import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rawFrame, splitFrames, walkFrame } from '../../src/codec/zstd-frame.js';
import { compressFrame, decompressFrame } from '../../src/codec/zstd.js';
import { chop, chunkSizes, codeOf, collect, stream } from './chunks.js';
import { hasProgram } from './shared-data.js';

const KIB = 1024;
const LIMITS = { maxFrameStoredBytes: 8 * KIB * KIB, subject: 'test.zst' };
const SKIPPABLE = Buffer.from('532a4d1803000000616263', 'hex');

describe('the frame walk', () => {
  it('tells what a frame of the library is', async () => {
    const frame = await compressFrame(Buffer.from('lake '.repeat(100_000)), 3);
    expect(walkFrame(frame)).toEqual({
      kind: 'zstd',
      storedBytes: frame.length,
      headerBytes: 10,
      windowBytes: 2 * KIB * KIB,
      contentBytes: 500_000,
      maxContentBytes: 4 * 128 * KIB,
      hasChecksum: false,
      allRaw: false,
    });
  });

  it('reads every header field', () => {
    const frame = Buffer.from(
      '28b52ffd' + 'a7' + 'd2040000' + '05000000' + '290000' + '6162636465' + '00000000',
      'hex',
    );
    expect(walkFrame(frame)).toEqual({
      kind: 'zstd',
      storedBytes: frame.length,
      headerBytes: 13,
      windowBytes: 5,
      contentBytes: 5,
      maxContentBytes: 5,
      dictionaryId: 1234,
      hasChecksum: true,
      allRaw: true,
    });
  });

  it('starts at the offset and stops at the end of the frame', () => {
    const bytes = Buffer.concat([Buffer.from('xy'), SKIPPABLE, Buffer.from('z')]);
    expect(walkFrame(bytes, 2)).toMatchObject({ kind: 'skippable', storedBytes: SKIPPABLE.length, headerBytes: 8 });
    expect(walkFrame(bytes, 99)).toBeUndefined();
  });

  it('is incomplete for every beginning of a frame', async () => {
    for (const frame of [await compressFrame(Buffer.from('some text'), 3), rawFrame(Buffer.from('raw')), SKIPPABLE]) {
      for (let end = 0; end < frame.length; end += 1) expect(walkFrame(frame.subarray(0, end))).toBeUndefined();
    }
  });

  const faults: readonly (readonly [string, string])[] = [
    ['a wrong magic number', '28b52ffe200001'],
    ['the reserved bit', '28b52ffd280001'],
    ['block type 3', '28b52ffd0058070000'],
    ['a block above the window', '28b52ffd2004290000'],
    ['a block above 128 KiB', '28b52ffd0058090010'],
    ['an RLE block above 128 KiB', '28b52ffd00580b0010'],
    ['a content size above what the blocks hold', '28b52ffd2009190000616263'],
    ['a content size below what raw blocks hold', '28b52ffd4058000019030000' + '00'.repeat(99)],
    ['a content size above 2^53', '28b52ffde0ffffffffffffffff'],
  ];

  it.each(faults)('refuses %s', async (_name, hex) => {
    expect(await codeOf(() => walkFrame(Buffer.from(hex, 'hex')))).toBe('ZSTD_INVALID');
  });

  it('raises nothing but its own error for random bytes', async () => {
    const magic = Buffer.from('28b52ffd', 'hex');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.boolean(), async (random, withMagic) => {
        const bytes = withMagic ? Buffer.concat([magic, random]) : Buffer.from(random);
        expect(['none', 'ZSTD_INVALID']).toContain(await codeOf(() => walkFrame(bytes)));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a raw frame', () => {
  const sizes = [0, 1, 255, 256, 257, 65_791, 65_792, 128 * KIB - 1, 128 * KIB, 128 * KIB + 1, 4 * KIB * KIB];

  it.each(sizes)('of %i bytes is read by the walk, by us and by the library', async (size) => {
    const data = Buffer.alloc(size, 'abcdefg');
    const frame = rawFrame(data);
    expect(walkFrame(frame)).toMatchObject({ storedBytes: frame.length, contentBytes: size, allRaw: true });
    expect((await decompressFrame(frame, size)).equals(data)).toBe(true);
    // With a checksum flag the library has to read it, and finds that this checksum is wrong.
    const flagged = Buffer.concat([frame, Buffer.from('00000000', 'hex')]);
    flagged.writeUInt8(flagged.readUInt8(4) | 0x04, 4);
    expect(await codeOf(() => decompressFrame(flagged, size))).toBe('ZSTD_INVALID');
  });

  it('costs 3 bytes for each 128 KiB', () => {
    expect(rawFrame(Buffer.alloc(4 * KIB * KIB)).length).toBe(4 * KIB * KIB + 32 * 3 + 9);
  });

  it('is refused above 8 MiB, where its window would be too large', async () => {
    expect(await codeOf(() => rawFrame(Buffer.alloc(8 * KIB * KIB + 1)))).toBe('LIMIT_EXCEEDED');
  });

  it.skipIf(!hasProgram('zstd'))('is read by the zstd command line (skipped where that is absent)', () => {
    for (const size of sizes) {
      const data = Buffer.alloc(size, 'abcdefg');
      const read = execFileSync('zstd', ['-dc'], { input: rawFrame(data), maxBuffer: 2 ** 26 });
      expect(read.equals(data)).toBe(true);
    }
  });
});

describe('the splitter', () => {
  it('finds the same frames however the stream is chopped', async () => {
    const frames = [
      await compressFrame(Buffer.from('first '.repeat(500)), 3),
      SKIPPABLE,
      rawFrame(Buffer.alloc(3_000, 7)),
      await compressFrame(Buffer.alloc(0), 19),
      rawFrame(Buffer.alloc(0)),
    ];
    const bytes = Buffer.concat(frames);
    await fc.assert(
      fc.asyncProperty(chunkSizes, async (sizes) => {
        const found = await collect(splitFrames(stream(chop(bytes, sizes)), LIMITS));
        expect(found.map((frame) => frame.bytes.toString('hex'))).toEqual(frames.map((frame) => frame.toString('hex')));
        expect(found.map(({ facts }) => facts.storedBytes)).toEqual(frames.map((frame) => frame.length));
        expect(found.map(({ offset }) => offset)).toEqual(
          frames.map((_, n) => Buffer.concat(frames.slice(0, n)).length),
        );
      }),
    );
    const single = await collect(splitFrames(stream(chop(bytes, [1])), LIMITS));
    expect(single.map((frame) => frame.bytes)).toEqual(frames);
  });

  it('takes linear time for one-byte chunks', async () => {
    const frame = rawFrame(Buffer.alloc(512 * KIB, 1));
    const found = await collect(splitFrames(stream(chop(frame, [1])), LIMITS));
    expect(found[0]?.bytes.equals(frame)).toBe(true);
  }, 5_000);

  it.each([
    ['an empty stream', []],
    ['an empty chunk only', [Buffer.alloc(0)]],
    ['garbage', [Buffer.from('garbage garbage')]],
    ['garbage behind a frame', [SKIPPABLE, Buffer.from('garbage')]],
    ['zeros behind a frame', [SKIPPABLE, Buffer.alloc(512)]],
    ['a frame that is cut off', [SKIPPABLE, SKIPPABLE.subarray(0, 9)]],
    ['a magic number that is cut off', [SKIPPABLE, SKIPPABLE.subarray(0, 2)]],
  ])('refuses %s', async (_name, chunks) => {
    expect(await codeOf(() => collect(splitFrames(stream(chunks), LIMITS)))).toBe('ZSTD_INVALID');
  });

  it('refuses a frame that is too large before it has come', async () => {
    const huge = Buffer.from('502a4d18ffffffff', 'hex');
    expect(await codeOf(() => collect(splitFrames(stream([huge]), LIMITS)))).toBe('LIMIT_EXCEEDED');
    const block = Buffer.from('28b52ffd005800000f', 'hex');
    const small = { ...LIMITS, maxFrameStoredBytes: 1_000 };
    expect(await codeOf(() => collect(splitFrames(stream([block]), small)))).toBe('LIMIT_EXCEEDED');
  });

  it('names the archive and the place', async () => {
    const run = collect(splitFrames(stream([SKIPPABLE, Buffer.from('XXXX')]), LIMITS));
    await expect(run).rejects.toThrow(/^test\.zst: frame at byte 11: wrong magic number: expected .*, got 58585858$/);
  });
});
