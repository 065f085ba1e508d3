/** Restores of files that share frames, fill several, or end in the middle of one that others share. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Archive } from '../../../src/archive/archive.js';
import { MIB } from '../../../src/base/limits.js';
import { compressFrame, decompressFrame } from '../../../src/codec/zstd.js';
import { openArchive, unpack } from '../../../src/index.js';
import { randomBytes, textBytes } from '../../bundle/kit.js';
import { faulty } from '../../remote/faulty.js';
import { codeOf, packInto, placeWith, texts, treeOf, type Place, type Tree } from '../lakes.js';

const small = (folder: string): Tree =>
  Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`silver/a/${folder}/${n}.csv`, textBytes(20_000, n)]));
const TREE: Tree = {
  ...small('1-before'),
  'silver/a/2-large.bin': randomBytes(9 * MIB + 77, 1),
  ...small('3-behind'),
  'silver/a/4-text.csv': textBytes(5 * MIB, 2),
  'silver/a/5-empty-file': '',
  'silver/a/6-empty-folder': null,
};

let packed: Place;
beforeAll(async () => {
  packed = placeWith(TREE);
  await packInto(packed);
});

function bundleOf({ archive }: Place): string {
  const [name = ''] = [...treeOf(archive).keys()].filter((one) => one.endsWith('.tar.zst'));
  return path.join(archive, name);
}

function stagingBeside(into: string): string[] {
  return fs.readdirSync(path.dirname(into)).filter((name) => name.startsWith(`.${path.basename(into)}.lakepack-`));
}

test.each([1, 2, 3])('all of it, concurrency %i', async (concurrency) => {
  const into = `${packed.into}-all-${concurrency}`;
  expect((await unpack({ from: packed.archive, into, concurrency })).totals).toMatchObject({ files: 83 });
  expect(treeOf(into)).toEqual(treeOf(packed.lake));
});

test.each([['**/2-large.bin'], ['**/3-behind/0.csv'], ['**/3-behind/*'], ['**/5-*'], ['**/4-*', '**/1-before/7.csv']])(
  'some of it: %s',
  async (...paths) => {
    const into = `${packed.into}-${paths.join().replaceAll(/[*/]/g, '')}`;
    await unpack({ from: packed.archive, into, paths, concurrency: 2 });
    const restored = texts(into);
    expect(Object.keys(restored).length).toBeGreaterThan(0);
    const all = texts(packed.lake);
    for (const [name, text] of Object.entries(restored)) expect(text === all[name], name).toBe(true);
  },
);

describe('damage', () => {
  test.each([0.2, 0.4, 0.6, 0.8])('a flipped bit at %f of the bundle: nothing is left', async (share) => {
    const bundle = bundleOf(packed);
    const sound = fs.readFileSync(bundle);
    const bytes = Buffer.from(sound);
    const at = Math.floor(bytes.length * share);
    bytes[at] = bytes[at]! ^ 4;
    fs.writeFileSync(bundle, bytes);
    const into = `${packed.into}-damage`;
    try {
      expect(['HASH_MISMATCH', 'ZSTD_INVALID']).toContain(await codeOf(unpack({ from: packed.archive, into })));
    } finally {
      fs.writeFileSync(bundle, sound);
    }
    expect(fs.existsSync(into)).toBe(false);
    expect(stagingBeside(into)).toEqual([]);
  });
});

test.each([1, 2])(
  'a list that is not the one of the manifest is the reason, not its files (concurrency %i)',
  async (concurrency) => {
    const many = placeWith(Object.fromEntries(Array.from({ length: 2_001 }, (_, n) => [`silver/a/${n}.csv`, `${n}`])));
    await packInto(many);
    const [name = ''] = [...treeOf(many.archive).keys()].filter((one) => one.endsWith('.files.jsonl.zst'));
    const index = path.join(many.archive, name);
    const sound = fs.readFileSync(index);
    const lines = (await decompressFrame(sound, 8 * MIB)).toString();
    // One that is longer is refused before its entries are believed.
    for (const digit of '0123456789abcdef') {
      const changed = await compressFrame(Buffer.from(lines.replace(/"sha256":"./, `"sha256":"${digit}`)), 1);
      if (changed.length <= sound.length && !changed.equals(sound)) fs.writeFileSync(index, changed);
    }
    expect(fs.readFileSync(index).equals(sound)).toBe(false);
    const error = await unpack({ from: many.archive, into: many.into, concurrency }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'HASH_MISMATCH' });
    expect(String(error)).toContain(path.basename(index));
    expect(fs.existsSync(many.into)).toBe(false);
    expect(stagingBeside(many.into)).toEqual([]);
  },
);

test('a store that goes away in the middle of a large file leaves none of it half, and the rest is taken over', async () => {
  const into = `${packed.into}-away`;
  const archive = await openArchive(packed.archive, { mode: 'read' });
  const remote = faulty(archive.remote, [{ kind: 'fail', on: 'readRange', nth: 5, times: 1_000 }]);
  expect(await codeOf(unpack({ from: new Archive(remote), into }))).toBe('REMOTE_UNAVAILABLE');
  const [left = ''] = stagingBeside(into);
  const staged = treeOf(path.join(path.dirname(into), left));
  expect(staged.has('silver/a/2-large.bin')).toBe(false);
  const { totals } = await unpack({ from: packed.archive, into });
  expect(totals).toMatchObject({ files: 83, resumed: 40 });
  expect(treeOf(into)).toEqual(treeOf(packed.lake));
});
