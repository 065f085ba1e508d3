/** What is compressed and what is stored raw, decided by samples and never by names, at every level. */
import { describe, expect, test } from 'vitest';
import { walkFrame } from '../../src/codec/zstd-frame.js';
import { framesOf } from './forge.js';
import { build, check, randomBytes, textBytes } from './kit.js';

const MIB = 1024 * 1024;

describe('compression', () => {
  test('is left out for data that does not compress, whatever its name', async () => {
    const { bytes } = await build({ 'a.csv': randomBytes(9 * MIB) });
    const frames = await framesOf(bytes);
    const payload = frames.filter(({ content }) => content.length >= MIB);
    expect(payload.map(({ stored }) => walkFrame(stored)?.allRaw)).toEqual([true, true, true]);
    expect(bytes.length).toBeLessThan(9 * MIB + 8_192);
  });

  test('is done for text, also where it is called a picture', async () => {
    const { bytes } = await build({ 'a.jpg': textBytes(9 * MIB) });
    for (const { stored, content } of await framesOf(bytes)) {
      expect(walkFrame(stored)?.allRaw).toBe(false);
      if (content.length > MIB) expect(stored.length).toBeLessThan(content.length / 3);
    }
  });

  test('is decided for each frame: noise between text', async () => {
    const { bytes } = await build({
      a: Buffer.concat([textBytes(4 * MIB - 512), randomBytes(4 * MIB), textBytes(4 * MIB)]),
    });
    const big = (await framesOf(bytes)).filter(({ content }) => content.length === 4 * MIB);
    expect(big.map(({ stored }) => walkFrame(stored)?.allRaw)).toEqual([false, true, false]);
  });

  test('never makes a frame larger than raw blocks would', async () => {
    for (const size of [100, 5_000, 60_000, 70_000]) {
      for (const { stored, content } of await framesOf((await build({ a: randomBytes(size) })).bytes)) {
        expect(stored.length).toBeLessThanOrEqual(content.length + 9 + 3 * Math.ceil(content.length / 131_072));
      }
    }
  });

  test('asks for a window of at most 8 MiB at every level', async () => {
    // As large as a frame can be, and easy for every level: the window follows the size and the level alone.
    const tree = { a: Buffer.alloc(4 * MIB, textBytes(40_000)), b: randomBytes(100_000), c: 'c' };
    for (let level = 1; level <= 19; level += 1) {
      const { bytes } = await build(tree, { level });
      for (const { stored } of await framesOf(bytes)) {
        expect(walkFrame(stored)!.windowBytes).toBeLessThanOrEqual(8 * MIB);
      }
    }
  });

  test('obeys the level: 1 and 19 differ, and say so', async () => {
    const tree = { a: textBytes(2 * MIB) };
    const [fast, small] = await Promise.all([build(tree, { level: 1 }), build(tree, { level: 19 })]);
    expect(small.bytes.length).toBeLessThan(fast.bytes.length * 0.8);
    expect((await check(small.bytes)).embedded?.tool.level).toBe(19);
    expect((await check(fast.bytes)).embedded?.tool.level).toBe(1);
  });
});
