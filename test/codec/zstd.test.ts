import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { walkFrame } from '../../src/codec/zstd-frame.js';
import { compressFrame, decompressFrame } from '../../src/codec/zstd.js';
import { codeOf } from './chunks.js';
import { hasProgram, scratchFolder, unpackShared, WITHOUT_DATA } from './shared-data.js';

const MIB = 1024 * 1024;
const TEXT = readFileSync('package-lock.json');
const golden = unpackShared('zstd-golden');

describe('compress and decompress', () => {
  it('gives the bytes back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5_000 }), fc.integer({ min: 1, max: 19 }), async (data, level) => {
        const content = await decompressFrame(await compressFrame(Buffer.from(data), level), data.length);
        expect(content.equals(data)).toBe(true);
      }),
    );
  });

  it('obeys the level: 1 and 19 give different sizes, and the same level the same bytes', async () => {
    const [fast, again, small] = await Promise.all([1, 1, 19].map((level) => compressFrame(TEXT, level)));
    expect(small!.length).toBeLessThan(fast!.length * 0.95);
    expect(again!.equals(fast!)).toBe(true);
  });

  it('keeps the window at 8 MiB or less at every level', async () => {
    const data = Buffer.alloc(9 * MIB, TEXT);
    for (const level of [1, 9, 19]) {
      expect(walkFrame(await compressFrame(data, level))?.windowBytes).toBeLessThanOrEqual(8 * MIB);
    }
  });

  it.each([0, 20, 1.5, Number.NaN])('refuses level %s', async (level) => {
    expect(await codeOf(() => compressFrame(TEXT, level))).toBe('USAGE');
  });

  it.skipIf(!hasProgram('zstd'))(
    'reads what the zstd command line writes, checksum included (skipped where absent)',
    async () => {
      for (const options of [['-1'], ['-19'], ['--no-check'], ['--ultra', '-20', '--no-check']]) {
        const frame = spawnSync('zstd', ['-c', ...options], { input: TEXT }).stdout;
        expect((await decompressFrame(frame, TEXT.length, { maxWindowBytes: 32 * MIB })).equals(TEXT)).toBe(true);
      }
      const frame = spawnSync('zstd', ['-c', '--check'], { input: TEXT }).stdout;
      frame.writeUInt8(frame.readUInt8(frame.length - 1) ^ 1, frame.length - 1);
      expect(await codeOf(() => decompressFrame(frame, TEXT.length))).toBe('ZSTD_INVALID');
    },
  );
});

describe('the content size in the header', () => {
  const sizes = [0, 1, 255, 256, 257, 65_791, 65_792, 128 * 1024, 128 * 1024 + 1, 4 * MIB];

  it('stands in every frame, at every level, in four bytes where there is content', async () => {
    for (const size of sizes) {
      for (const level of size < MIB ? [1, 3, 9, 19] : [1, 19]) {
        const frame = await compressFrame(Buffer.alloc(size, TEXT), level);
        // The library gives an empty frame its own header: one segment of 0 bytes.
        const headerBytes = size === 0 ? 6 : 10;
        expect(walkFrame(frame)).toMatchObject({ contentBytes: size, headerBytes, hasChecksum: false });
        expect(frame.readUInt8(4)).toBe(size === 0 ? 0x20 : 0x80);
        expect((await decompressFrame(frame, size)).length).toBe(size);
      }
    }
  });

  it('is held against the content', async () => {
    const frame = await compressFrame(TEXT.subarray(0, 50_000), 3);
    for (const lie of [0, 1, 49_999, 50_001, 60_000, 100_000]) {
      frame.writeUInt32LE(lie, 6);
      expect(await codeOf(() => decompressFrame(frame, 200_000))).toBe('ZSTD_INVALID');
    }
    frame.writeUInt32LE(200_001, 6);
    expect(['ZSTD_INVALID', 'LIMIT_EXCEEDED']).toContain(await codeOf(() => decompressFrame(frame, 200_000)));
  });

  it.skipIf(!hasProgram('zstd'))('is what zstd -t and zstd -lv read (skipped where absent)', async () => {
    const folder = scratchFolder();
    for (const size of sizes) {
      const file = path.join(folder, `${size}.zst`);
      writeFileSync(file, await compressFrame(Buffer.alloc(size, TEXT), 3));
      expect(spawnSync('zstd', ['-q', '-t', file]).status).toBe(0);
      const listing = spawnSync('zstd', ['-lv', file], { encoding: 'utf8' });
      expect(listing.status).toBe(0);
      expect(/Decompressed Size: .*\((\d+) B\)/.exec(listing.stdout)?.[1]).toBe(String(size));
      expect(spawnSync('zstd', ['-dc', file], { maxBuffer: 8 * MIB }).stdout.equals(Buffer.alloc(size, TEXT))).toBe(
        true,
      );
    }
  });
});

describe('the limits of decoding', () => {
  it('admits a frame of exactly the limit, also where zstd has split it into many blocks', async () => {
    const data = mixedText(4 * MIB);
    for (const level of [3, 19]) {
      const frame = await compressFrame(data, level);
      if (level === 19) expect(walkFrame(frame)?.maxContentBytes).toBeGreaterThan(data.length);
      expect((await decompressFrame(frame, data.length)).equals(data)).toBe(true);
      expect(await codeOf(() => decompressFrame(frame, data.length - 1))).toBe('LIMIT_EXCEEDED');
    }
  });

  it('decodes 1,000 blocks of 10 bytes, whose bounds add up to 125 MiB', async () => {
    const content = await decompressFrame(literalFrame(1_000, 10), 4 * MIB);
    expect(content.equals(Buffer.alloc(10_000, 'z'))).toBe(true);
    expect(await codeOf(() => decompressFrame(literalFrame(1_000, 10), 9_999))).toBe('LIMIT_EXCEEDED');
  });

  it('refuses a frame of blocks without end rather than decode it again and again', async () => {
    expect(await codeOf(() => decompressFrame(literalFrame(100_000, 1), 4 * MIB))).toBe('LIMIT_EXCEEDED');
  });

  it('stops a bomb of 1 GiB in 64 KiB early', async () => {
    const before = process.memoryUsage().rss;
    expect(await codeOf(() => decompressFrame(literalFrame(8_192, 128 * 1024), 4 * MIB))).toBe('LIMIT_EXCEEDED');
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * MIB);
  });

  it('refuses an RLE bomb by its headers', async () => {
    const block = Buffer.from('020010' + '7a', 'hex');
    const bomb = Buffer.concat([
      Buffer.from('28b52ffd0058', 'hex'),
      ...Array<Buffer>(9_999).fill(block),
      Buffer.from('010000', 'hex'),
    ]);
    expect(await codeOf(() => decompressFrame(bomb, 4 * MIB))).toBe('LIMIT_EXCEEDED');
  });

  it('refuses a window above the limit, and takes it where the caller allows it', async () => {
    const frame = Buffer.from('28b52ffd00' + '88' + '190000' + '616263', 'hex');
    expect(await codeOf(() => decompressFrame(frame, 100))).toBe('LIMIT_EXCEEDED');
    expect((await decompressFrame(frame, 100, { maxWindowBytes: 128 * MIB })).toString()).toBe('abc');
  });

  it.each([
    ['a frame that is cut off', (frame: Buffer) => frame.subarray(0, -1)],
    ['no bytes', () => Buffer.alloc(0)],
    ['a byte behind the frame', (frame: Buffer) => Buffer.concat([frame, Buffer.from('x')])],
    ['a second frame', (frame: Buffer) => Buffer.concat([frame, frame])],
    ['a dictionary', () => Buffer.from('28b52ffd215805010000', 'hex')],
  ])('refuses %s', async (_name, damage) => {
    const frame = await compressFrame(TEXT, 3);
    expect(await codeOf(() => decompressFrame(damage(frame), TEXT.length))).toBe('ZSTD_INVALID');
  });

  it('gives nothing for a skippable frame', async () => {
    expect(await decompressFrame(Buffer.from('532a4d1803000000616263', 'hex'), 0)).toHaveLength(0);
  });

  it('raises nothing but its own error for a frame with a changed byte', async () => {
    const frame = await compressFrame(TEXT.subarray(0, 20_000), 3);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: frame.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const damaged = Buffer.from(frame);
        damaged.writeUInt8(damaged.readUInt8(at) ^ flip, at);
        const code = await codeOf(() => decompressFrame(damaged, 128 * 1024));
        expect(['none', 'ZSTD_INVALID', 'LIMIT_EXCEEDED']).toContain(code);
      }),
      { numRuns: 300 },
    );
  });
});

/** docs/decisions/0002-zstd-golden.md has this table. */
const GOLDEN = {
  'golden-decompression/block-128k.zst': 'none',
  'golden-decompression/empty-block.zst': 'none',
  'golden-decompression/rle-first-block.zst': 'none',
  'golden-decompression/zeroSeq_2B.zst': 'ZSTD_INVALID',
  'golden-decompression-errors/off0.bin.zst': 'none',
  'golden-decompression-errors/truncated_huff_state.zst': 'none',
  'golden-decompression-errors/zeroSeq_extraneous.zst': 'none',
} as const;

describe.skipIf(golden === undefined)(`the golden files of facebook/zstd (${WITHOUT_DATA})`, () => {
  const tests = path.join(golden ?? '', 'facebook', 'tests');

  it.each(Object.entries(GOLDEN))('%s: walked, and decoded with code %s', async (name, code) => {
    const frame = readFileSync(path.join(tests, name));
    expect(walkFrame(frame)?.storedBytes).toBe(frame.length);
    expect(await codeOf(() => decompressFrame(frame, MIB))).toBe(code);
  });

  it('names all that there are', () => {
    const found = ['golden-decompression', 'golden-decompression-errors'].flatMap((folder) =>
      readdirSync(path.join(tests, folder))
        .filter((name) => name.endsWith('.zst'))
        .map((name) => `${folder}/${name}`),
    );
    expect(found.sort()).toEqual(Object.keys(GOLDEN).sort());
  });

  it('golden-compression comes back at levels 1, 3 and 19', async () => {
    const folder = path.join(tests, 'golden-compression');
    for (const name of readdirSync(folder)) {
      const data = readFileSync(path.join(folder, name));
      for (const level of [1, 3, 19]) {
        const content = await decompressFrame(await compressFrame(data, level), data.length);
        expect(content.equals(data)).toBe(true);
      }
    }
  });
});

/** Stretches of words, hex and digits: what differs so is split into blocks of their own from level 16 on. */
function mixedText(bytes: number): Buffer {
  let seed = 1;
  function random(below: number): number {
    seed = (seed * 48_271) % 0x7fffffff;
    return seed % below;
  }
  const words = TEXT.toString().split(/\W+/);
  const makers = [
    () => `${words[random(words.length)] ?? ''} `,
    () => random(1e9).toString(16),
    () => `${random(1e6)},`,
  ];
  let text = '';
  for (let stretch = 0; text.length < bytes; stretch += 1) {
    for (let n = 0; n < 1_500; n += 1) text += makers[stretch % makers.length]?.() ?? '';
  }
  return Buffer.from(text).subarray(0, bytes);
}

/** A frame of compressed blocks of one repeated literal each and no sequences (RFC 8878 3.1.1.3.1.1). */
function literalFrame(blocks: number, bytesEach: number): Buffer {
  const literals = Buffer.alloc(5);
  literals.writeUIntLE(0b1101 | (bytesEach << 4), 0, 3);
  literals.write('z', 3);
  const header = (last: number): Buffer => Buffer.from([(5 << 3) | (2 << 1) | last, 0, 0]);
  const block = Buffer.concat([header(0), literals]);
  const last = Buffer.concat([header(1), literals]);
  return Buffer.concat([Buffer.from('28b52ffd0058', 'hex'), ...Array<Buffer>(blocks - 1).fill(block), last]);
}
