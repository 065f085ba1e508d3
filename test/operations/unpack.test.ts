/** What comes back: into which folders, which exports, which files, and in which version. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { unpack, type UnpackOptions, type UnpackReport } from '../../src/index.js';
import * as lakes from './lakes.js';

const { placeWith, packInto, codeOf, texts, write, at } = lakes;

let place: lakes.Place;
beforeEach(async () => {
  place = placeWith();
  await packInto(place);
});

function restore(options: Partial<UnpackOptions> = {}): Promise<UnpackReport> {
  return unpack({ from: place.archive, into: place.into, ...options });
}

describe('into', () => {
  test('a folder that is not there, below others that are not', async () => {
    const into = path.join(place.into, 'a/b');
    const report = await restore({ into });
    expect(report.totals).toMatchObject({ exports: 4, files: 4, kept: 0, replaced: 0, resumed: 0 });
    expect(lakes.treeOf(into)).toEqual(lakes.treeOf(place.lake));
    expect(fs.readdirSync(path.dirname(into))).toEqual(['b']);
  });

  test('an empty folder', async () => {
    fs.mkdirSync(place.into);
    await restore();
    expect(lakes.treeOf(place.into)).toEqual(lakes.treeOf(place.lake));
  });

  test('an empty folder behind a link: the link stays one', async () => {
    fs.mkdirSync(place.into);
    fs.symlinkSync(place.into, `${place.into}-link`);
    await restore({ into: `${place.into}-link` });
    expect(fs.lstatSync(`${place.into}-link`).isSymbolicLink()).toBe(true);
    expect(lakes.treeOf(place.into)).toEqual(lakes.treeOf(place.lake));
  });

  test('a folder with other content is refused, unless it is to be merged', async () => {
    write(place.into, 'photos/me.jpg', 'jpg');
    const before = lakes.treeOf(place.into);
    expect(await codeOf(restore())).toBe('TARGET_NOT_EMPTY');
    expect(lakes.treeOf(place.into)).toEqual(before);
    await restore({ merge: true });
    expect(texts(place.into)).toEqual({ ...texts(place.lake), 'photos/me.jpg': 'jpg' });
  });

  test('a file is refused', async () => {
    fs.writeFileSync(place.into, 'a file');
    expect(await codeOf(restore())).toBe('TARGET_CONFLICT');
  });

  test('the lake it came from: everything is there', async () => {
    const before = lakes.treeOf(place.lake);
    const report = await restore({ into: place.lake });
    expect(report.totals).toMatchObject({ files: 0, kept: 4 });
    expect(lakes.treeOf(place.lake)).toEqual(before);
  });
});

describe('which', () => {
  test('an export by path, by id, by the beginning of its id', async () => {
    const { exports } = await packInto({ ...place, archive: `${place.archive}-2` });
    const id = exports[1]!.exportId!;
    for (const name of ['silver/apps/dt=2025-10-11', id, id.slice(0, -1)]) {
      const into = `${place.into}-${name.length}`;
      await restore({ from: `${place.archive}-2`, select: { exports: [name] }, into });
      expect(Object.keys(texts(into))).toEqual(['silver/apps/dt=2025-10-11/part-0.csv']);
    }
  });

  test.each([
    [{ layers: ['bronze'] }, 2],
    [{ datasets: ['silver/apps'] }, 2],
    [{ runs: ['run-a'] }, 2],
    [{ where: 'dt = 2025-10-12' }, 1],
    [{ exports: ['silver'], where: 'dt >= 2025-10-12' }, 1],
  ])('%j', async (select, files) => {
    expect((await restore({ select })).totals.files).toBe(files);
  });

  test('an export that is not there, and an archive that is not there', async () => {
    expect(await codeOf(restore({ select: { exports: ['gold/none'] } }))).toBe('NOT_FOUND');
    expect(await codeOf(restore({ from: `${place.archive}-none` }))).toBe('NOT_FOUND');
    expect(await codeOf(unpack({ into: place.into }))).toBe('USAGE');
    expect(fs.existsSync(place.into)).toBe(false);
  });

  test.each([
    [['**/*.csv'], ['silver/apps/dt=2025-10-11/part-0.csv', 'silver/apps/dt=2025-10-12/part-0.csv']],
    [
      ['bronze/**/appid=1.*', '*/apps/dt=2025-10-12/*'],
      ['bronze/apps/2025/10/11/run-a/appid=1.json', 'silver/apps/dt=2025-10-12/part-0.csv'],
    ],
    [
      ['silver/apps/dt=2025-10-1?/part-0.csv'],
      ['silver/apps/dt=2025-10-11/part-0.csv', 'silver/apps/dt=2025-10-12/part-0.csv'],
    ],
  ])('only paths that match %j', async (paths, expected) => {
    const report = await restore({ paths });
    expect(report.totals.files).toBe(expected.length);
    expect(Object.keys(texts(place.into))).toEqual(expected);
  });
});

describe('which version', () => {
  const csv = 'silver/apps/dt=2025-10-11/part-0.csv';

  test('the newest, or the one of a day', async () => {
    place = placeWith();
    at('2025-10-11T10:00:00Z');
    await packInto(place);
    const old = texts(place.lake);
    at('2025-10-20T10:00:00Z');
    write(place.lake, csv, 'id,name\n1,NEW\n');
    await packInto(place);
    await restore();
    expect(texts(place.into)).toEqual(texts(place.lake));
    for (const asOf of ['2025-10-11', '2025-10-19', '2025-10-20T09:59:59Z']) {
      const into = `${place.into}-${asOf}`;
      await restore({ select: { all: true, asOf }, into });
      expect(texts(into)).toEqual(old);
    }
    expect(await codeOf(restore({ select: { all: true, asOf: '2025-10-10' }, into: `${place.into}-none` }))).toBe(
      'NOT_FOUND',
    );
  });
});

describe('a dry run', () => {
  test('says what would come, and writes nothing', async () => {
    const before = lakes.snapshot(path.dirname(place.lake));
    const report = await restore({ dryRun: true });
    expect(report).toMatchObject({ dryRun: true, totals: { exports: 4, files: 4 } });
    expect(lakes.snapshot(path.dirname(place.lake))).toEqual(before);
  });

  test('finds what stands in the way', async () => {
    write(place.into, 'silver/apps/dt=2025-10-11/part-0.csv', 'other');
    expect(await codeOf(restore({ dryRun: true }))).toBe('TARGET_CONFLICT');
    const { totals } = await restore({ dryRun: true, replace: true });
    expect(totals).toMatchObject({ files: 4, replaced: 1 });
    expect(texts(place.into)).toEqual({ 'silver/apps/dt=2025-10-11/part-0.csv': 'other' });
  });
});

test('a damaged bundle restores nothing, and says which file', async () => {
  const bundle = [...lakes.filesOf(place.archive).keys()].find((name) => name.endsWith('.tar.zst'))!;
  const disk = path.join(place.archive, bundle);
  const bytes = fs.readFileSync(disk);
  for (let byte = 200; byte < 400; byte += 1) bytes[byte]! ^= 0xff;
  fs.writeFileSync(disk, bytes);
  expect(['ZSTD_INVALID', 'HASH_MISMATCH', 'LIMIT_EXCEEDED']).toContain(await codeOf(restore()));
  expect(fs.existsSync(place.into)).toBe(false);
  expect(fs.readdirSync(path.dirname(place.into)).sort()).toEqual(['archive', 'lake', 'state']);
});

test('a missing bundle restores nothing', async () => {
  const bundle = [...lakes.filesOf(place.archive).keys()].find((name) => name.endsWith('.tar.zst'))!;
  fs.rmSync(path.join(place.archive, bundle));
  expect(await codeOf(restore())).toBe('NOT_FOUND');
  expect(fs.existsSync(place.into)).toBe(false);
});

test('progress adds up to what is restored', async () => {
  const sums = { files: 0, bytes: 0 };
  const { totals } = await restore({
    onProgress: (event) => {
      if (event.type === 'advance') [sums.files, sums.bytes] = [sums.files + event.files, sums.bytes + event.bytes];
    },
  });
  expect(sums).toEqual({ files: totals.files, bytes: totals.bytes });
});
