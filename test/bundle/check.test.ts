/** A check tells where the damage is, blames nothing else, and goes on behind it. */
import { beforeAll, describe, expect, test } from 'vitest';
import { LakepackError } from '../../src/base/errors.js';
import type { Finding } from '../../src/base/findings.js';
import { checkBundle } from '../../src/bundle/check.js';
import { compressFrame } from '../../src/codec/zstd.js';
import { rawFrame } from '../../src/codec/zstd-frame.js';
import { encodeSeekTable } from '../../src/codec/seek-table.js';
import { bundleOfTar, factsOf, framesOf, joinFrames, tarOf, type StoredFrame } from './forge.js';
import {
  build,
  check,
  codesOf,
  errorsOf,
  randomBytes,
  SCRATCH,
  sidecarOf,
  sourceOf,
  textBytes,
  type Built,
  type Tree,
} from './kit.js';
import { smallBundle } from './small.js';

const MIB = 1024 * 1024;

/** One frame for each large file; small ones between them. */
const TREE: Tree = {
  'a/noise': randomBytes(1.2 * MIB, 1),
  'b/text': textBytes(1.2 * MIB, 2),
  'b/text.small': 'shares the frame of what follows',
  'c/noise': randomBytes(1.2 * MIB, 3),
  'd/small': 'one',
  'd/small2': 'two',
  'e/long': randomBytes(9 * MIB, 4),
  'f/last': textBytes(1.2 * MIB, 5),
};
const OTHERS = Object.keys(TREE);
let built: Built;
let frames: StoredFrame[];
beforeAll(async () => {
  built = await build(TREE);
  frames = await framesOf(built.bytes);
});

function flipped(bytes: Buffer, ...places: readonly number[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const at of places) copy.writeUInt8(copy.readUInt8(at) ^ 0x55, at);
  return copy;
}

/** Files that a finding names as faulty. */
function blamed(findings: readonly Finding[]): string[] {
  const ofFiles = findings.filter(({ code }) => code.startsWith('FILE_'));
  return [...new Set(ofFiles.map(({ where }) => where.path ?? ''))].sort();
}

/** The files that have a part of their header or payload in a frame. */
function filesIn(frame: StoredFrame): string[] {
  const end = frame.tarOffset + frame.content.length;
  return built.entries
    .filter(({ offset, bytes }) => offset - 512 < end && offset + bytes > frame.tarOffset)
    .map(({ path }) => path);
}

describe('one flipped byte', () => {
  test('names its frame or its file, and no file of another frame', async () => {
    for (const [number, frame] of frames.entries()) {
      for (const share of [0.02, 0.5, 0.98]) {
        const at = frame.storedOffset + Math.floor(frame.stored.length * share);
        const { findings } = await check(flipped(built.bytes, at), built);
        const place = `frame ${number}, byte ${at}: ${findings.map(({ message }) => message).join('; ')}`;
        const framesBlamed = findings.filter(({ code }) => code === 'FRAME_INVALID').map(({ where }) => where.frame);
        expect(
          framesBlamed.filter((one) => one !== number),
          place,
        ).toEqual([]);
        for (const path of blamed(findings)) expect(filesIn(frame), place).toContain(path);
        const isTagFrame = filesIn(frame).length === 0 || number === 0;
        if (!isTagFrame) expect(framesBlamed.length + blamed(findings).length, place).toBeGreaterThan(0);
      }
    }
  });

  test('in a raw frame: the file has the wrong hash, expected and found are told', async () => {
    const entry = built.entries.find(({ path }) => path === 'c/noise')!;
    const at = entry.stored.offset + entry.stored.length - 5_000;
    const { findings } = await check(flipped(built.bytes, at), built);
    const fault = findings.find(({ code }) => code === 'FILE_HASH_WRONG')!;
    expect(fault).toMatchObject({ where: { path: 'c/noise', tarOffset: entry.offset }, expected: entry.sha256 });
    expect(fault.found).toMatch(/^[0-9a-f]{64}$/);
    expect(fault.repair).toBeTypeOf('string');
    expect(codesOf({ findings } as never)).toEqual(
      ['BAG_INVALID', 'BLOCK_HASH_WRONG', 'BUNDLE_HASH_WRONG', 'FILE_HASH_WRONG'].filter((code) =>
        findings.some((one) => one.code === code),
      ),
    );
  });

  test('in a compressed frame: the frame is named, and its file as unreadable', async () => {
    const entry = built.entries.find(({ path }) => path === 'b/text')!;
    const at = entry.stored.offset + 4;
    const { findings } = await check(flipped(built.bytes, at), built);
    const number = frames.findIndex(({ storedOffset }) => storedOffset === entry.stored.offset);
    expect(findings.find(({ code }) => code === 'FRAME_INVALID')?.where).toMatchObject({
      frame: number,
      storedOffset: entry.stored.offset,
      tarOffset: frames[number]!.tarOffset,
    });
    expect(blamed(findings)).toEqual(filesIn(frames[number]!).sort());
  });

  test('names the block of stored bytes', async () => {
    const noise = await build({ a: randomBytes(20 * MIB) });
    const { findings } = await check(flipped(noise.bytes, 17 * MIB), noise, { depth: 'stored' });
    expect(findings.filter(({ code }) => code === 'BLOCK_HASH_WRONG').map(({ where }) => where)).toEqual([
      { block: 1, storedOffset: 16 * MIB },
    ]);
  });

  test('in the middle frame of a long file: that file alone is unreadable, what follows is read', async () => {
    const entry = built.entries.find(({ path }) => path === 'e/long')!;
    const middle = frames.findIndex(({ tarOffset }) => tarOffset > entry.offset);
    const { findings } = await check(flipped(built.bytes, frames[middle]!.storedOffset), built);
    expect(blamed(findings)).toEqual(['e/long']);
    expect(findings.filter(({ code }) => code === 'TAR_INVALID')).toEqual([]);
  });

  test('in the padding of a file blames neither the file nor the next one', async () => {
    const small = await smallBundle();
    const tar = await tarOf(small.bytes);
    for (const entry of small.entries.filter(({ bytes }) => bytes > 0)) {
      const bytes = bundleOfTar(flipped(tar, entry.offset + entry.bytes + 1));
      const against = { ...small, facts: await factsOf(bytes, small.facts) };
      const { findings } = await check(bytes, against);
      expect(findings.map(({ code }) => code)).toEqual(['TAR_INVALID']);
      expect(errorsOf(await check(bytes))).toHaveLength(1);
    }
  });

  test('in the header of a file: that file is missing, and no other', async () => {
    const small = await smallBundle();
    const tar = await tarOf(small.bytes);
    for (const entry of small.entries) {
      const bytes = bundleOfTar(flipped(tar, entry.offset - 512 + 20));
      const { findings } = await check(bytes, { ...small, facts: await factsOf(bytes, small.facts) });
      expect(blamed(findings)).toEqual([entry.path]);
    }
  });
});

describe('two damaged places', () => {
  test('are both told: a check goes on behind the first', async () => {
    const first = built.entries.find(({ path }) => path === 'a/noise')!;
    const last = built.entries.find(({ path }) => path === 'f/last')!;
    const bytes = flipped(built.bytes, first.stored.offset, last.stored.offset + 2);
    const { findings } = await check(bytes, built);
    expect(findings.filter(({ code }) => code === 'FRAME_INVALID')).toHaveLength(2);
    expect(blamed(findings)).toEqual(expect.arrayContaining(['a/noise', 'f/last']));
    expect(blamed(findings)).not.toContain('c/noise');
  });

  test('a damaged frame does not hide another file that was changed', async () => {
    const tar = Buffer.from(await tarOf(built.bytes));
    const last = built.entries.find(({ path }) => path === 'f/last')!;
    tar.writeUInt8(tar.readUInt8(last.offset + MIB) ^ 1, last.offset + MIB);
    const changed = bundleOfTar(tar, 4 * MIB);
    const first = built.entries.find(({ path }) => path === 'a/noise')!;
    const bytes = flipped(changed, Math.floor(first.offset / (4 * MIB)) * 4 * MIB);
    const { findings } = await check(bytes, built);
    expect(findings.find(({ code, where }) => code === 'FILE_HASH_WRONG' && where.path === 'f/last')).toBeDefined();
  });
});

describe('a payload that is itself a tar', () => {
  async function damagedAround(inner: Buffer): Promise<{ findings: readonly Finding[]; outer: Built }> {
    // Frames of 4 MiB: header and first part, the part that is lost, and the rest with the inner tar in it.
    const payload = Buffer.concat([randomBytes(7 * MIB, 9), inner, randomBytes(2 * MIB, 8)]);
    const outer = await build({ 'a/inner.tar': payload, 'b/after': randomBytes(1.5 * MIB), 'c/last': 'last' });
    const lost = (await framesOf(outer.bytes)).filter(({ content }) => content.length === 4 * MIB)[1]!;
    const { findings } = await check(flipped(outer.bytes, lost.storedOffset), outer);
    return { findings, outer };
  }

  test('of another bundle is not taken for the rest of this one', async () => {
    const other = await build({ 'a/x': 'x', 'b/after': 'not this one' }, { partition: 'silver/other' });
    const { findings } = await damagedAround(await tarOf(other.bytes));
    expect(blamed(findings)).toEqual(['a/inner.tar']);
    expect(findings.some(({ code }) => code === 'BAG_INVALID')).toBe(false);
  });

  test('of this very bag is not either: where a known entry ends is known', async () => {
    const same = await build({ 'a/x': 'x', 'b/after': 'not this one' });
    const { findings } = await damagedAround(await tarOf(same.bytes));
    expect(blamed(findings)).toEqual(['a/inner.tar']);
    expect(findings.some(({ code }) => code === 'BAG_INVALID')).toBe(false);
  });

  test('is an ordinary file while nothing is damaged', async () => {
    const same = await build({ 'a/x': 'x' });
    const outer = await build({ 'a/inner.tar': await tarOf(same.bytes), 'a/inner.tar.zst': same.bytes });
    expect((await check(outer.bytes, outer)).findings).toEqual([]);
    expect((await check(outer.bytes)).findings).toEqual([]);
  });
});

describe('frames out of place', () => {
  let moved: Built;
  let own: StoredFrame[];
  beforeAll(async () => {
    const noise = (seed: number): Buffer => randomBytes(1.1 * MIB, seed);
    moved = await build({ a: noise(1), 'b/small': 'small', c: noise(2), d: textBytes(1.1 * MIB) });
    own = await framesOf(moved.bytes);
  });

  async function expectFound(changed: readonly StoredFrame[]): Promise<void> {
    const bytes = joinFrames(changed);
    expect(errorsOf(await check(bytes, moved)).length).toBeGreaterThan(1);
    expect(errorsOf(await check(bytes)).length).toBeGreaterThan(0);
    // Also where whoever did it made facts that fit.
    const against = { ...moved, facts: await factsOf(bytes, moved.facts) };
    expect(errorsOf(await check(bytes, against)).length).toBeGreaterThan(0);
  }

  test('any two neighbours swapped', async () => {
    for (let n = 1; n < own.length; n += 1) {
      await expectFound([...own.slice(0, n - 1), own[n]!, own[n - 1]!, ...own.slice(n + 1)]);
    }
  });

  test('any frame twice', async () => {
    for (const [n, frame] of own.entries()) await expectFound([...own.slice(0, n), frame, ...own.slice(n)]);
  });

  test('any frame missing', async () => {
    for (const n of own.keys()) await expectFound(own.filter((_, index) => index !== n));
  });

  test('bytes behind the end of archive', async () => {
    const more = Buffer.alloc(512, 'x');
    await expectFound([...own, { ...own[0]!, content: more, stored: rawFrame(more) }]);
  });
});

describe('the end of the bundle', () => {
  test.each([
    ['garbage', Buffer.from('garbage')],
    ['a zero', Buffer.alloc(1)],
    ['a frame', rawFrame(Buffer.from('frame'))],
    ['a skippable frame', Buffer.from('532a4d1803000000616263', 'hex')],
  ])('%s behind the seek table', async (_name, more) => {
    const small = await smallBundle();
    const bytes = Buffer.concat([small.bytes, more]);
    for (const against of [small, undefined]) {
      expect(codesOf(await check(bytes, against))).toContain('SEEK_TABLE_INVALID');
    }
  });

  test('the whole bundle twice', async () => {
    const small = await smallBundle();
    const bytes = Buffer.concat([small.bytes, small.bytes]);
    for (const against of [small, undefined]) expect(errorsOf(await check(bytes, against)).length).toBeGreaterThan(0);
  });

  test.each<readonly [string, (sizes: { storedBytes: number; contentBytes: number }[]) => void]>([
    ['a stored size that is one too large', (sizes) => void (sizes[0]!.storedBytes += 1)],
    [
      'stored sizes that only add up',
      (sizes) => {
        sizes[1]!.storedBytes += 1;
        sizes[2]!.storedBytes -= 1;
      },
    ],
    ['a content size that is one too small', (sizes) => void (sizes[1]!.contentBytes -= 1)],
    ['a content size that is too large', (sizes) => void (sizes[0]!.contentBytes += 512)],
    [
      'content sizes that only add up',
      (sizes) => {
        sizes[1]!.contentBytes += 512;
        sizes[2]!.contentBytes -= 512;
      },
    ],
    ['a content of 4 GiB', (sizes) => void (sizes[1]!.contentBytes = 2 ** 32 - 1)],
    [
      'two frames as one',
      (sizes) => {
        const [second] = sizes.splice(1, 1);
        sizes[0]!.storedBytes += second!.storedBytes;
        sizes[0]!.contentBytes += second!.contentBytes;
      },
    ],
    ['no frames', (sizes) => void sizes.splice(0)],
  ])('a seek table that lies: %s', async (_name, lie) => {
    const small = await smallBundle();
    const own = await framesOf(small.bytes);
    const sizes = own.map(({ stored, content }) => ({ storedBytes: stored.length, contentBytes: content.length }));
    lie(sizes);
    const bytes = Buffer.concat([...own.map(({ stored }) => stored), encodeSeekTable(sizes)]);
    for (const against of [small, undefined]) {
      const found = codesOf(await check(bytes, against));
      expect(found.some((code) => code === 'SEEK_TABLE_INVALID' || code === 'FRAME_INVALID')).toBe(true);
    }
  });

  test('without a seek table everything is read all the same, from the front', async () => {
    const frameBytes = built.bytes.subarray(0, built.facts.seekTable.offset);
    const { findings } = await check(frameBytes, built);
    expect(findings.map(({ code }) => code).sort()).toEqual([
      'BLOCK_HASH_WRONG',
      'BUNDLE_HASH_WRONG',
      'BUNDLE_SIZE_WRONG',
      'SEEK_TABLE_INVALID',
    ]);
    expect((await check(frameBytes)).findings.map(({ code }) => code)).toEqual(['SEEK_TABLE_INVALID']);
  });

  test.each([0, 1, 8, 9, 100])('%i bytes of nothing', async (length) => {
    const { findings } = await check(Buffer.alloc(length));
    expect(findings.map(({ code }) => code)).toContain('SEEK_TABLE_INVALID');
  });
});

describe('frames that ask too much', () => {
  test.each([
    ['a window of 16 MiB', Buffer.from('28b52ffd00' + '70' + '190000' + '616263', 'hex'), 3],
    ['a frame of 4 MiB and one', rawFrame(Buffer.alloc(4 * MIB + 1)), 4 * MIB + 1],
    ['a dictionary', Buffer.from('28b52ffd215805010000', 'hex'), 0],
    ['a skippable frame', Buffer.from('532a4d1803000000616263', 'hex'), 0],
  ])('%s', async (_name, stored, contentBytes) => {
    const table = encodeSeekTable([{ storedBytes: stored.length, contentBytes }]);
    const found = codesOf(await check(Buffer.concat([stored, table])));
    expect(found.some((code) => code === 'FRAME_INVALID' || code === 'SEEK_TABLE_INVALID')).toBe(true);
  });

  test('a bomb of zeros is stopped', async () => {
    const bomb = await compressFrame(Buffer.alloc(64 * MIB), 3);
    const table = encodeSeekTable([{ storedBytes: bomb.length, contentBytes: 4 * MIB }]);
    expect(codesOf(await check(Buffer.concat([bomb, table])))).toContain('FRAME_INVALID');
    expect(codesOf(await check(bomb))).toContain('FRAME_INVALID');
  });
});

describe('what cannot be looked at is thrown, not found', () => {
  const options = (signal?: AbortSignal) => ({
    depth: 'contents' as const,
    sidecar: sidecarOf(built),
    where: {},
    concurrency: 3,
    scratchDir: SCRATCH,
    signal,
    onBytes: () => undefined,
  });

  test.each([1, 3, 5])('an error of the store at read %i', async (nth) => {
    let calls = 0;
    const source = sourceOf(built.bytes);
    const failing = {
      ...source,
      read: async (offset: number, length: number) => {
        calls += 1;
        if (calls === nth) throw new LakepackError('REMOTE_UNAVAILABLE', 'x: on purpose');
        return await source.read(offset, length);
      },
    };
    await expect(checkBundle(failing, options())).rejects.toMatchObject({ code: 'REMOTE_UNAVAILABLE' });
  });

  test('an abort', async () => {
    const signal = AbortSignal.abort();
    await expect(checkBundle(sourceOf(built.bytes), options(signal))).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

test('progress adds up to all stored bytes', async () => {
  const sums = { stored: 0, content: 0 };
  await check(built.bytes, built, {
    onBytes: (stored, content) => {
      sums.stored += stored;
      sums.content += content;
    },
  });
  expect(sums).toEqual({ stored: built.facts.storedBytes, content: built.facts.tarBytes });
  expect(OTHERS).toHaveLength(built.facts.payload.files);
});
