/** What stands at the target: kept where it is equal, refused where it differs, never written through or over. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { unpack, type UnpackOptions, type UnpackReport } from '../../../src/index.js';
import * as lakes from '../lakes.js';

const { placeWith, packInto, codeOf, treeOf, write, texts } = lakes;

const FILE = 'silver/apps/dt=2025-10-11/part-0.csv';

async function packed(tree?: lakes.Tree): Promise<lakes.Place> {
  const place = placeWith(tree);
  await packInto(place);
  return place;
}

function restore(place: lakes.Place, options: Partial<UnpackOptions> = {}): Promise<UnpackReport> {
  return unpack({ from: place.archive, into: place.into, concurrency: 2, ...options });
}

/** No staging folder inside the target or beside it. */
function expectNothingLeft(place: lakes.Place): void {
  expect(fs.existsSync(path.join(place.into, '.lakepack'))).toBe(false);
  expect(fs.readdirSync(path.dirname(place.into)).filter((name) => name.includes('.lakepack-'))).toEqual([]);
}

describe('a target without content', () => {
  test('that is not there is made, with the folders above it', async () => {
    const place = await packed();
    const into = path.join(place.into, 'deep/er');
    const report = await restore(place, { into });
    expect(report).toMatchObject({ into, dryRun: false, findings: [] });
    expect(report.totals).toEqual({ exports: 4, files: 4, bytes: 48, kept: 0, replaced: 0, resumed: 0 });
    expect(treeOf(into)).toEqual(treeOf(place.lake));
    expect(fs.readdirSync(place.into)).toEqual(['deep']);
  });

  test('that is an empty folder is used', async () => {
    const place = await packed();
    fs.mkdirSync(place.into);
    expect((await restore(place)).totals.files).toBe(4);
    expect(treeOf(place.into)).toEqual(treeOf(place.lake));
    expectNothingLeft(place);
  });

  test('that is a link to an empty folder stays a link', async () => {
    const place = await packed();
    fs.mkdirSync(`${place.into}-real`);
    fs.symlinkSync(`${place.into}-real`, place.into);
    await restore(place);
    expect(fs.lstatSync(place.into).isSymbolicLink()).toBe(true);
    expect(treeOf(`${place.into}-real`)).toEqual(treeOf(place.lake));
  });

  test('that is a file is refused, and stays', async () => {
    const place = await packed();
    fs.writeFileSync(place.into, 'a file');
    expect(await codeOf(restore(place))).toBe('TARGET_CONFLICT');
    expect(fs.readFileSync(place.into, 'utf8')).toBe('a file');
  });
});

describe('a lake as the target', () => {
  test('equal files are kept as they are, and only what is missing is restored', async () => {
    const place = await packed();
    await restore(place);
    // The same content with another time is the same file, and not touched.
    write(place.into, FILE, 'id,name\n1,one\n', 1_700_000_000);
    fs.rmSync(path.join(place.into, 'bronze/apps/2025/10/11/run-a/appid=2.json'));
    const before = treeOf(place.into);
    const report = await restore(place);
    expect(report.totals).toMatchObject({ files: 1, kept: 3, replaced: 0 });
    const after = treeOf(place.into);
    for (const [name, facts] of before) expect(after.get(name)).toBe(facts);
    expect(texts(place.into)).toEqual(texts(place.lake));
    expectNothingLeft(place);
  });

  test('that has everything is not written to at all', async () => {
    const place = await packed();
    const before = fs.statSync(place.lake).mtimeMs;
    const report = await restore(place, { into: place.lake });
    expect(report.totals).toEqual({ exports: 4, files: 0, bytes: 0, kept: 4, replaced: 0, resumed: 0 });
    expect(fs.statSync(place.lake).mtimeMs).toBe(before);
  });

  test('a different file is refused and nothing at all is written', async () => {
    const place = await packed();
    write(place.into, FILE, 'id,name\n1,ONE\n');
    const before = lakes.snapshot(path.dirname(place.into));
    await expect(restore(place)).rejects.toMatchObject({
      code: 'TARGET_CONFLICT',
      message: expect.stringContaining(FILE),
      hint: expect.stringContaining('--replace'),
    });
    expect(lakes.snapshot(path.dirname(place.into))).toEqual(before);
  });

  test.each(['id,name\n1,ONE\n', 'longer than it was before\n'])(
    'replace overwrites %j, and counts it',
    async (text) => {
      const place = await packed();
      write(place.into, FILE, text);
      write(place.into, 'silver/apps/mine.txt', 'stays');
      const report = await restore(place, { replace: true });
      expect(report.totals).toMatchObject({ files: 4, kept: 0, replaced: 1 });
      expect(texts(place.into)).toEqual({ ...texts(place.lake), 'silver/apps/mine.txt': 'stays' });
      expectNothingLeft(place);
    },
  );

  test('a folder where a file is meant is never replaced', async () => {
    const place = await packed();
    write(place.into, `${FILE}/inside.txt`, 'x');
    const before = treeOf(place.into);
    expect(await codeOf(restore(place, { replace: true }))).toBe('TARGET_CONFLICT');
    expect(treeOf(place.into)).toEqual(before);
  });

  test.each(['silver', 'silver/apps', 'silver/apps/dt=2025-10-11'])(
    'a link at %s is not followed, replace or not',
    async (name) => {
      const place = await packed();
      const outside = lakes.makeFolder();
      write(place.into, 'gold/mine.txt', 'x');
      fs.mkdirSync(path.dirname(path.join(place.into, name)), { recursive: true });
      fs.symlinkSync(outside, path.join(place.into, name));
      const before = treeOf(place.into);
      for (const replace of [false, true]) expect(await codeOf(restore(place, { replace }))).toBe('TARGET_CONFLICT');
      expect(fs.readdirSync(outside)).toEqual([]);
      expect(treeOf(place.into)).toEqual(before);
    },
  );

  test('a link where a file is meant is neither followed nor replaced', async () => {
    const place = await packed();
    const outside = path.join(lakes.makeFolder(), 'victim.txt');
    fs.writeFileSync(outside, 'id,name\n1,one\n');
    fs.mkdirSync(path.dirname(path.join(place.into, FILE)), { recursive: true });
    fs.symlinkSync(outside, path.join(place.into, FILE));
    expect(await codeOf(restore(place, { replace: true }))).toBe('TARGET_CONFLICT');
    expect(fs.lstatSync(path.join(place.into, FILE)).isSymbolicLink()).toBe(true);
  });

  test('a link in place of our own folder is not followed', async () => {
    const place = await packed();
    const outside = lakes.makeFolder();
    write(place.into, 'gold/mine.txt', 'x');
    fs.symlinkSync(outside, path.join(place.into, '.lakepack'));
    expect(await codeOf(restore(place))).toBe('TARGET_CONFLICT');
    expect(fs.readdirSync(outside)).toEqual([]);
  });
});

describe('a target with other content', () => {
  test('is refused, and nothing is written', async () => {
    const place = await packed();
    write(place.into, 'holiday/photo.jpg', 'jpg');
    const before = lakes.snapshot(path.dirname(place.into));
    expect(await codeOf(restore(place))).toBe('TARGET_NOT_EMPTY');
    expect(await codeOf(restore(place, { dryRun: true }))).toBe('TARGET_NOT_EMPTY');
    expect(lakes.snapshot(path.dirname(place.into))).toEqual(before);
  });

  test('merge restores beside it', async () => {
    const place = await packed();
    write(place.into, 'holiday/photo.jpg', 'jpg');
    expect((await restore(place, { merge: true })).totals.files).toBe(4);
    expect(texts(place.into)).toEqual({ ...texts(place.lake), 'holiday/photo.jpg': 'jpg' });
    expectNothingLeft(place);
  });

  test('merge is no leave to overwrite', async () => {
    const place = await packed({ 'top/a/x.txt': 'x' });
    write(place.into, 'top/a/x.txt', 'y');
    expect(await codeOf(restore(place, { merge: true }))).toBe('TARGET_CONFLICT');
    expect(texts(place.into)).toEqual({ 'top/a/x.txt': 'y' });
  });
});

describe('what appears at the target while files are staged', () => {
  /** Does something once, when everything is staged and nothing has its final name. */
  function atPublish(work: () => void): Partial<UnpackOptions> {
    return { onProgress: (event) => event.type === 'phase' && event.phase === 'publish' && work() };
  }

  test('a different file is not overwritten', async () => {
    const place = await packed();
    write(place.into, 'silver/mine.txt', 'x');
    const appear = atPublish(() => write(place.into, FILE, 'written by somebody else\n'));
    expect(await codeOf(restore(place, appear))).toBe('TARGET_CONFLICT');
    expect(texts(place.into)[FILE]).toBe('written by somebody else\n');
    expectNothingLeft(place);
  });

  test('the same file is fine', async () => {
    const place = await packed();
    write(place.into, 'silver/mine.txt', 'x');
    await restore(
      place,
      atPublish(() => write(place.into, FILE, 'id,name\n1,one\n', 1_717_200_000)),
    );
    expect(texts(place.into)).toEqual({ ...texts(place.lake), 'silver/mine.txt': 'x' });
  });

  test('a link in place of a folder is not followed', async () => {
    const place = await packed();
    const outside = lakes.makeFolder();
    write(place.into, 'gold/mine.txt', 'x');
    const appear = atPublish(() => fs.symlinkSync(outside, path.join(place.into, 'silver')));
    expect(await codeOf(restore(place, appear))).toBe('TARGET_CONFLICT');
    expect(fs.readdirSync(outside)).toEqual([]);
  });

  test.each([
    ['a folder with something in it', 'TARGET_NOT_EMPTY', (into: string) => write(into, 'mine.txt', 'x')],
    ['a file', 'TARGET_CONFLICT', (into: string) => fs.writeFileSync(into, 'x')],
  ])('%s in place of a new target: %s', async (_, expected, appear) => {
    const place = await packed();
    const code = await codeOf(
      restore(
        place,
        atPublish(() => appear(place.into)),
      ),
    );
    expect(code).toBe(expected);
    expect(fs.readdirSync(path.dirname(place.into)).filter((name) => name.includes('.lakepack-'))).toEqual([]);
    if (fs.statSync(place.into).isDirectory()) expect(texts(place.into)).toEqual({ 'mine.txt': 'x' });
    else expect(fs.readFileSync(place.into, 'utf8')).toBe('x');
  });
});

test('two restores into one folder do not run at once', async () => {
  const place = await packed();
  let second: Promise<string> | undefined;
  await restore(place, {
    onProgress: (event) => {
      if (event.type === 'phase' && event.phase === 'restore') second = codeOf(restore(place));
    },
  });
  // Refused while the first ran, or, where it came too late, there was nothing left to do.
  expect(['OBJECT_EXISTS', 'no error']).toContain(await second);
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
});

describe('a dry run', () => {
  test('says what would be done, and writes nothing', async () => {
    const place = await packed();
    write(place.into, FILE, 'id,name\n1,one\n');
    const before = lakes.snapshot(path.dirname(place.into));
    const report = await restore(place, { dryRun: true });
    expect(report).toMatchObject({ dryRun: true, totals: { exports: 4, files: 3, kept: 1, replaced: 0 } });
    expect(lakes.snapshot(path.dirname(place.into))).toEqual(before);
  });

  test('into a folder that is not there does not make it', async () => {
    const place = await packed();
    expect((await restore(place, { dryRun: true })).totals).toMatchObject({ files: 4 });
    expect(fs.existsSync(place.into)).toBe(false);
  });

  test('tells of conflicts as the real run does', async () => {
    const place = await packed();
    write(place.into, FILE, 'other');
    expect(await codeOf(restore(place, { dryRun: true }))).toBe('TARGET_CONFLICT');
    expect((await restore(place, { dryRun: true, replace: true })).totals).toMatchObject({ files: 4, replaced: 1 });
  });
});
