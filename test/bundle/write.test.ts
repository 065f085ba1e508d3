/** What a written bundle is: its frames, where its entries stand, the same bytes however it was made, and facts that fit. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openInlineRunner } from '../../src/base/job-runner.js';
import { openFrameSlabs } from '../../src/bundle/frame-runner.js';
import { createPackJobs, type PayloadSource } from '../../src/bundle/pack-frame.js';
import { BundleWriter, type BundleSpec } from '../../src/bundle/write.js';
import type { SourceEntry } from '../../src/lake/contract.js';
import { decompressFrame } from '../../src/codec/zstd.js';
import { splitFrames } from '../../src/codec/zstd-frame.js';
import { TarReader } from '../../src/codec/tar-reader.js';
import { framesOf, partsOf, tarOf } from './forge.js';
import {
  build,
  check,
  collect,
  contentOf,
  entriesOf,
  inOrder,
  payloadOf,
  payloadSourceOf,
  randomBytes,
  sha256Of,
  specOf,
  storedBy,
  textBytes,
  type Built,
  type Tree,
} from './kit.js';
import { trees } from './trees.js';

const MIB = 1024 * 1024;
const ignore = (): void => undefined;

async function decode(stored: Buffer): Promise<Buffer> {
  const contents: Buffer[] = [];
  const limits = { maxFrameStoredBytes: 5 * MIB, subject: 'range' };
  for await (const { bytes } of splitFrames(inOrder([stored]), limits)) {
    contents.push(await decompressFrame(bytes, 4 * MIB));
  }
  return Buffer.concat(contents);
}

/** Sizes on both sides of every border: of a tar block, of the cut, of a frame. */
const BORDERS: Tree = {
  'a/empty': '',
  'a/folder': null,
  'b/511': textBytes(511),
  'b/512': textBytes(512),
  'b/513': randomBytes(513),
  'c/just below the cut': textBytes(MIB - 1024),
  'c/the cut': textBytes(MIB - 512),
  'c/above the cut': randomBytes(MIB + 1),
  'd/frame less header': randomBytes(4 * MIB - 512),
  'd/frame': textBytes(4 * MIB),
  'd/frame and one': randomBytes(4 * MIB + 1),
  'e/after': 'after',
  'e/folder': null,
  'f/many frames': textBytes(17 * MIB + 3),
  'g/last': '',
};
let borders: Promise<Built> | undefined;
const bordersBuilt = (): Promise<Built> => (borders ??= build(BORDERS, { level: 1, blockBytes: 16 * MIB }));

describe('a written bundle passes its check', () => {
  test('with a sidecar and by itself, whatever is in it', async () => {
    await fc.assert(
      fc.asyncProperty(trees(), async (tree) => {
        const built = await build(tree);
        expect((await check(built.bytes, built)).findings).toEqual([]);
        const alone = await check(built.bytes);
        expect(alone.findings).toEqual([]);
        expect(alone.embedded?.totals.files).toBe(built.facts.payload.files);
      }),
      { numRuns: 40 },
    );
  });

  test('with sizes at every border', async () => {
    const built = await bordersBuilt();
    const result = await check(built.bytes, built);
    expect(result.findings).toEqual([]);
    expect(result).toMatchObject({ storedBytes: built.bytes.length, contentBytes: built.facts.tarBytes, files: 13 });
    expect((await check(built.bytes)).findings).toEqual([]);
    expect((await check(built.bytes, built, { depth: 'stored' })).findings).toEqual([]);
  });

  test('with nothing in it', async () => {
    const built = await build({});
    expect((await check(built.bytes, built)).findings).toEqual([]);
    expect((await check(built.bytes)).findings).toEqual([]);
  });

  test('with odd times and an executable file', async () => {
    const tree = { past: '1', future: '2', 'bin/run': 'x', zero: '' };
    const mtime = (path: string): number => ({ past: -1, future: 8 ** 11 + 5 })[path] ?? 0;
    const built = await build(tree, { mtime, executable: ['bin/run'] });
    expect((await check(built.bytes, built)).findings).toEqual([]);
    expect((await check(built.bytes)).findings).toEqual([]);
    expect(built.entries.map(({ path, mtime: at, executable }) => [path, at, executable])).toEqual([
      ['bin/run', 0, true],
      ['future', 8 ** 11 + 5, undefined],
      ['past', -1, undefined],
      ['zero', 0, undefined],
    ]);
  });
});

describe('frames', () => {
  test('hold at most 4 MiB, and less than 1 MiB only before a large entry or at the end', async () => {
    const built = await bordersBuilt();
    const tar = await tarOf(built.bytes);
    const starts = entryStarts(tar);
    const frames = await framesOf(built.bytes);
    for (const [number, { content, tarOffset }] of frames.entries()) {
      const end = tarOffset + content.length;
      const next = starts.get(end);
      expect(content.length).toBeLessThanOrEqual(4 * MIB);
      if (number === frames.length - 1) continue;
      // Either the frame is full, or it ends where an entry begins, and for a reason.
      if (content.length === 4 * MIB) continue;
      expect(next, `frame ${number} ends at ${end}, between two entries`).toBeDefined();
      expect(content.length >= MIB || next! >= MIB).toBe(true);
    }
  });

  test('begin at every entry of 1 MiB and at the first entry behind a frame of 1 MiB', async () => {
    const built = await bordersBuilt();
    const frames = await framesOf(built.bytes);
    const begins = new Set(frames.map(({ tarOffset }) => tarOffset));
    let frameStart = 0;
    for (const [start, bytes] of entryStarts(await tarOf(built.bytes))) {
      if (start > 0 && (bytes >= MIB || start - frameStart >= MIB)) expect(begins).toContain(start);
      frameStart = Math.max(...[...begins].filter((at) => at <= start + bytes - 1));
    }
  });

  test('are shared by small files', async () => {
    const tree = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`f${n}`, `${n}`]));
    const built = await build(tree);
    expect(built.facts.tarBytes).toBeGreaterThan(2 * MIB);
    expect(built.facts.frames).toBe(Math.ceil(built.facts.tarBytes / (MIB + 1_024)));
  });

  test('are followed by a seek table that says where they are', async () => {
    const { bytes, facts } = await bordersBuilt();
    const frames = await framesOf(bytes);
    const table = bytes.subarray(facts.seekTable.offset);
    expect(table.length).toBe(facts.seekTable.bytes);
    expect(frames).toHaveLength(facts.frames);
    expect(table.readUInt32LE(0)).toBe(0x184d2a5e);
    expect(table.readUInt32LE(table.length - 4)).toBe(0x8f92eab1);
    for (const [n, { stored, content }] of frames.entries()) {
      expect([table.readUInt32LE(8 + 8 * n), table.readUInt32LE(12 + 8 * n)]).toEqual([stored.length, content.length]);
    }
  });

  /** Offset of the first header of each entry, and the size of the whole entry. */
  function entryStarts(tar: Buffer): Map<number, number> {
    const offsets: number[] = [];
    for (const event of new TarReader({ subject: 'kit', strictPadding: true }).push(tar)) {
      if (event.type === 'entry') offsets.push(event.entry.headerOffset);
    }
    return new Map(offsets.map((at, n) => [at, (offsets[n + 1] ?? tar.length) - at]));
  }
});

describe('the position of an entry', () => {
  test('gives its payload, when the stored bytes it names are decoded alone', async () => {
    const { bytes, entries } = await bordersBuilt();
    for (const entry of entries) await expectPayload(bytes, entry, BORDERS);
  });

  test('does so in any bundle', async () => {
    await fc.assert(
      fc.asyncProperty(trees(), async (tree) => {
        const { bytes, entries } = await build(tree);
        expect(entries).toHaveLength(Object.keys(tree).length);
        for (const entry of entries) await expectPayload(bytes, entry, tree);
      }),
      { numRuns: 20 },
    );
  });

  test('covers no frame more than it needs', async () => {
    const built = await bordersBuilt();
    const frames = await framesOf(built.bytes);
    for (const { offset, bytes, stored } of built.entries) {
      const needed = frames.filter(
        ({ tarOffset, content }) =>
          tarOffset < offset + Math.max(bytes, 0) && offset - (bytes === 0 ? 1 : 0) < tarOffset + content.length,
      );
      const last = needed.at(-1)!;
      expect(stored.offset).toBe(needed[0]!.storedOffset);
      expect(stored.offset + stored.length).toBe(last.storedOffset + last.stored.length);
    }
  });

  test('is told in tar order, as soon as it is known', async () => {
    const seen: string[] = [];
    let seenEarly = -1;
    const spec = specOf(BORDERS, { level: 1 }, ({ lines }) => {
      seen.push(...entriesOf(lines).map(({ path }) => path));
    });
    for await (const chunk of new BundleWriter(spec, payloadOf(BORDERS)).stored()) {
      if (seenEarly < 0 && seen.includes('c/above the cut')) seenEarly = seen.length;
      expect(chunk.length).toBeGreaterThan(0);
    }
    expect(seen).toEqual(Object.keys(BORDERS).sort());
    expect(seenEarly).toBeGreaterThan(0);
    expect(seenEarly).toBeLessThan(seen.length);
  });

  test('and frames tell of all files and bytes, also while a large file lasts', async () => {
    const frames: [number, number][] = [];
    const { facts } = await build(BORDERS, { level: 1, onFrame: (files, bytes) => void frames.push([files, bytes]) });
    expect(frames.reduce((sum, [files]) => sum + files, 0)).toBe(facts.payload.files);
    expect(frames.reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(facts.payload.bytes);
    expect(frames.filter(([files, bytes]) => files === 0 && bytes > 3 * MIB).length).toBeGreaterThan(4);
  });

  async function expectPayload(bytes: Buffer, entry: Built['entries'][number], tree: Tree): Promise<void> {
    const { offset, length, skip } = entry.stored;
    const content = await decode(bytes.subarray(offset, offset + length));
    const payload = content.subarray(skip, skip + entry.bytes);
    const expected = contentOf(tree, entry.path);
    if (!payload.equals(expected)) expect.fail(`${entry.path}: the position gives other bytes`);
    expect(entry.sha256).toBe(tree[entry.path] === null ? undefined : sha256Of(expected));
    expect(skip).toBeLessThanOrEqual(content.length);
  }
});

describe('the same input gives the same bytes', () => {
  const tree = { ...BORDERS, 'f/many frames': textBytes(9 * MIB), 'z%\n': 'odd' };

  test('at concurrency 1, 3 and 8', async () => {
    const [first, ...others] = await Promise.all([
      build(tree, { level: 1, concurrency: 1 }),
      build(tree, { level: 1, concurrency: 8 }),
      build(tree, { level: 1, concurrency: 3 }),
    ]);
    for (const other of others) {
      expect(other.facts).toEqual(first.facts);
      expect(other.bytes.equals(first.bytes)).toBe(true);
      expect(other.entries).toEqual(first.entries);
    }
  });

  test('where many bundles share the memory of few frames', async () => {
    const whole = await build(tree, { level: 1 });
    const works = { runner: specOf(tree, {}, ignore).works.runner, slabs: openFrameSlabs(3) };
    const writers = Array.from({ length: 5 }, () => {
      return new BundleWriter({ ...specOf(tree, { level: 1, concurrency: 8 }, ignore), works }, payloadOf(tree));
    });
    const made = await Promise.all(writers.map(storedBy));
    for (const bytes of made) expect(bytes.equals(whole.bytes)).toBe(true);
  });

  test('whatever the id of the export, the version of the tool, and the scan', async () => {
    const small = { a: 'a', 'b%': 'b' };
    const one = await build(small);
    const spec = specOf(small, {}, ignore);
    const other = new BundleWriter(
      {
        ...spec,
        name: '20991231T235959Z-ffffffff-00001.tar.zst',
        tool: { ...spec.tool, version: '99.0.0' },
        source: { ...spec.source, scanDigest: 'f'.repeat(64) },
      },
      payloadOf(small),
    );
    expect((await storedBy(other)).equals(one.bytes)).toBe(true);
  });

  test('and another file, time, mode, number or path gives others', async () => {
    const base = await build({ a: 'a' });
    const others = await Promise.all([
      build({ a: 'b' }),
      build({ b: 'a' }),
      build({ a: 'a', b: null }),
      build({ a: 'a' }, { mtime: () => 5 }),
      build({ a: 'a' }, { executable: ['a'] }),
      build({ a: 'a' }, { number: 2 }),
      build({ a: 'a' }, { partition: 'silver/y' }),
      build({ a: 'a' }, { provenance: {} }),
      build({ a: 'a' }, { contents: { a: { format: 'other' } } }),
    ]);
    expect(new Set([base, ...others].map(({ facts }) => facts.sha256)).size).toBe(10);
  });
});

describe('the facts', () => {
  test('are those of the stored bytes, block by block', async () => {
    const { bytes, facts, tree } = await bordersBuilt();
    const blocks = [bytes.subarray(0, 16 * MIB), bytes.subarray(16 * MIB)].filter(({ length }) => length > 0);
    expect(facts.storedBytes).toBe(bytes.length);
    expect(facts.sha256).toBe(sha256Of(bytes));
    expect(facts.blocks.sha256).toEqual(blocks.map(sha256Of));
    const files = Object.values(tree).filter((content) => content !== null);
    expect(facts.payload).toEqual({ files: files.length, bytes: files.reduce((sum, { length }) => sum + length, 0) });
  });

  test('has several blocks for a bundle above 16 MiB', async () => {
    const built = await build({ a: randomBytes(17 * MIB), b: 'b' });
    expect(built.facts.blocks.sha256).toHaveLength(2);
    expect((await check(built.bytes, built)).findings).toEqual([]);
  });

  test('cannot be asked for before the end', async () => {
    const writer = new BundleWriter(specOf({}, {}, ignore), payloadOf({}));
    expect(() => writer.facts).toThrow('not finished');
    await collect(writer.stored());
    expect(writer.facts.frames).toBe(1);
  });
});

describe('a payload that cannot be read', () => {
  /** A lake in which one file fails from an offset on; it counts the files that are open. */
  function failing(tree: Tree, bad: string, from: number): { works: BundleSpec['works']; opened: () => number } {
    const sound = payloadSourceOf(tree);
    const open = new Set<object>();
    const payload: PayloadSource = {
      ...sound,
      readWhole(lake, entry, into) {
        if (entry.path === bad) throw new RangeError('on purpose');
        sound.readWhole(lake, entry, into);
      },
      open(lake, entry) {
        const file = sound.open(lake, entry);
        const key = {};
        open.add(key);
        return {
          read(into, offset) {
            if (entry.path === bad && offset + into.length > from) throw new RangeError('on purpose');
            file.read(into, offset);
          },
          close: () => void open.delete(key),
          dispose: () => void open.delete(key),
        };
      },
    };
    const works = { runner: openInlineRunner(createPackJobs(payload)), slabs: openFrameSlabs(5) };
    return { works, opened: () => open.size };
  }

  test.each([
    { what: 'a small file', bad: 'b', from: 0, concurrency: 1 },
    { what: 'a small file', bad: 'b', from: 0, concurrency: 8 },
    { what: 'the beginning of a large file', bad: 'a', from: 0, concurrency: 2 },
    { what: 'the middle of a large file', bad: 'a', from: 9 * MIB, concurrency: 1 },
    { what: 'the middle of a large file', bad: 'a', from: 9 * MIB, concurrency: 8 },
  ])('ends the bundle with its error: $what, at concurrency $concurrency', async ({ bad, from, concurrency }) => {
    const large = { a: randomBytes(20 * MIB), b: 'b' };
    const { works, opened } = failing(large, bad, from);
    const writer = new BundleWriter({ ...specOf(large, { concurrency }, ignore), works }, payloadOf(large));
    await expect(storedBy(writer)).rejects.toThrow('on purpose');
    expect(() => writer.facts).toThrow('not finished');
    expect(opened()).toBe(0);
  });

  test('and a reader that stops early ends the reading of the payload', async () => {
    const tree = { a: randomBytes(30 * MIB) };
    const { works, opened } = failing(tree, 'none', 0);
    let closed = false;
    async function* watched(): AsyncGenerator<SourceEntry> {
      try {
        yield* payloadOf(tree);
      } finally {
        closed = true;
      }
    }
    const writer = new BundleWriter({ ...specOf(tree, { concurrency: 4 }, ignore), works }, watched());
    for await (const chunk of writer.stored()) {
      if (chunk.length > MIB) break;
    }
    expect(closed).toBe(true);
    expect(opened()).toBe(0);
  });
});

test('the order of entries in the bag is that of the format', async () => {
  const built = await build({ 'b/x': 'x', 'a%': '1', 'a/b': null });
  expect(partsOf(await tarOf(built.bytes), built.bag).map(({ name, mtime }) => [name, mtime])).toEqual(
    [
      'bagit.txt',
      'RESTORE.md',
      'data/a%',
      'data/a/b',
      'data/b/x',
      'bag-info.txt',
      'manifest-sha256.txt',
      'lakepack/export.json',
      'lakepack/files.jsonl',
      'lakepack/sha256sums.txt',
      'tagmanifest-sha256.txt',
    ].map((name) => [name, 1_760_162_400]),
  );
});
