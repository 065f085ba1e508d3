/** Bundle files by themselves, without the archive they came from. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { unpack, type UnpackOptions, type UnpackReport } from '../../../src/index.js';
import { randomBytes } from '../../bundle/kit.js';
import { at, codeOf, filesOf, packInto, placeWith, snapshot, texts, treeOf, write, type Place } from '../lakes.js';

const CSV = 'silver/apps/dt=2025-10-11/part-0.csv';

let place: Place;
let bundles: string[];
beforeEach(async () => {
  place = placeWith();
  await packInto(place);
  bundles = bundlesIn(place.archive);
});

function bundlesIn(archive: string): string[] {
  const names = [...filesOf(archive).keys()].filter((name) => name.endsWith('.tar.zst'));
  return names.map((name) => path.join(archive, name));
}

function restore(options: Partial<UnpackOptions> = {}): Promise<UnpackReport> {
  return unpack({ bundleFiles: bundles, into: place.into, ...options });
}

test('all of them, in any order, give the lake', async () => {
  const report = await restore({ bundleFiles: [...bundles].reverse() });
  expect(report.totals).toMatchObject({ exports: 4, files: 4 });
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
});

test('the bundles of one export, in any order', async () => {
  place = placeWith(Object.fromEntries([1, 2, 3].map((seed) => [`silver/a/${seed}.bin`, randomBytes(900_000, seed)])));
  await packInto(place, { bundleSizeBytes: 1_048_576 });
  bundles = bundlesIn(place.archive);
  expect(bundles).toHaveLength(3);
  await restore({ bundleFiles: [bundles[1]!, bundles[2]!, bundles[0]!] });
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
});

test('the same bundle twice is no harm', async () => {
  await restore({ bundleFiles: [...bundles, bundles[1]!] });
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
});

describe('two bundles that hold one file with other content', () => {
  beforeEach(async () => {
    at('2030-01-01T00:00:00Z');
    write(place.lake, CSV, 'id,name\n1,NEW\n');
    await packInto(place);
    bundles = bundlesIn(place.archive);
    expect(bundles).toHaveLength(5);
  });

  test('are refused: nothing says which of them counts', async () => {
    for (const bundleFiles of [bundles, [...bundles].reverse()]) {
      expect(await codeOf(restore({ bundleFiles }))).toBe('TARGET_CONFLICT');
      expect(fs.existsSync(place.into)).toBe(false);
    }
  });

  test('are restored one after the other', async () => {
    const [old, fresh] = bundles.filter((file) => file.includes('dt=2025-10-11')).sort() as [string, string];
    await restore({ bundleFiles: [old] });
    expect(await codeOf(restore({ bundleFiles: [fresh] }))).toBe('TARGET_CONFLICT');
    expect((await restore({ bundleFiles: [fresh], replace: true })).totals).toMatchObject({ files: 1, replaced: 1 });
    expect(texts(place.into)).toEqual({ [CSV]: 'id,name\n1,NEW\n' });
  });
});

test('into a lake that has some of the files: equal ones are kept', async () => {
  write(place.into, CSV, texts(place.lake)[CSV]!);
  const { ino } = fs.statSync(path.join(place.into, CSV));
  const { totals } = await restore();
  expect(totals).toMatchObject({ files: 3, kept: 1 });
  expect(fs.statSync(path.join(place.into, CSV)).ino).toBe(ino);
  expect(texts(place.into)).toEqual(texts(place.lake));
  expect(fs.existsSync(path.join(place.into, '.lakepack'))).toBe(false);
});

test('only paths that match', async () => {
  expect((await restore({ paths: ['bronze/**'] })).totals.files).toBe(2);
  expect(Object.keys(texts(place.into))).toHaveLength(2);
});

test.each([
  ['cut', (bytes: Buffer) => bytes.subarray(0, bytes.length - 5)],
  ['damaged', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 300), Buffer.from('damage'), bytes.subarray(306)])],
  ['empty', () => Buffer.alloc(0)],
])('one that is %s restores nothing, not even the sound ones', async (_, damage) => {
  fs.writeFileSync(bundles[2]!, damage(fs.readFileSync(bundles[2]!)));
  expect(['BUNDLE_INVALID', 'HASH_MISMATCH', 'TAR_INVALID', 'ZSTD_INVALID', 'SEEK_TABLE_INVALID']).toContain(
    await codeOf(restore()),
  );
  expect(fs.existsSync(place.into)).toBe(false);
  expect(fs.readdirSync(path.dirname(place.into)).sort()).toEqual(['archive', 'lake', 'state']);
});

test('one that is not there', async () => {
  for (const dryRun of [false, true]) {
    expect(await codeOf(restore({ bundleFiles: [`${place.archive}/none.tar.zst`], dryRun }))).toBe('NOT_FOUND');
  }
  expect(fs.readdirSync(path.dirname(place.into)).sort()).toEqual(['archive', 'lake', 'state']);
});

describe('a dry run', () => {
  test('says what would come, and writes nothing', async () => {
    const before = snapshot(path.dirname(place.lake));
    const { totals, exports } = await restore({ dryRun: true });
    expect(totals).toMatchObject({ exports: 4, files: 4, kept: 0 });
    expect(exports[1]).toMatchObject({ name: path.basename(bundles[1]!), path: 'silver/apps/dt=2025-10-11', files: 1 });
    expect(snapshot(path.dirname(place.lake))).toEqual(before);
  });

  test('says the same as the restore', async () => {
    write(place.into, CSV, texts(place.lake)[CSV]!);
    write(place.into, 'silver/apps/dt=2025-10-12/part-0.csv', 'other');
    expect(await codeOf(restore({ dryRun: true }))).toBe('TARGET_CONFLICT');
    const plan = await restore({ dryRun: true, replace: true });
    const done = await restore({ replace: true });
    expect(plan.exports).toEqual(done.exports);
    expect(done.totals).toMatchObject({ kept: 1, replaced: 1, files: 3 });
  });

  test('finds a bundle that is damaged', async () => {
    const bytes = fs.readFileSync(bundles[0]!);
    bytes[500]! ^= 1;
    fs.writeFileSync(bundles[0]!, bytes);
    expect(await codeOf(restore({ dryRun: true }))).not.toBe('no error');
  });
});
