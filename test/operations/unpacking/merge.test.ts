/** Restoring into a lake that has some of the files: equal ones stay, different ones are never lost unasked. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Archive } from '../../../src/archive/archive.js';
import { openArchive, unpack, type ProgressEvent, type UnpackOptions, type UnpackReport } from '../../../src/index.js';
import { codeOf, filesOf, packInto, placeWith, snapshot, texts, treeOf, write, type Place } from '../lakes.js';

const CSV = 'silver/apps/dt=2025-10-11/part-0.csv';
const OTHER = 'silver/apps/dt=2025-10-12/part-0.csv';

let place: Place;
beforeEach(async () => {
  place = placeWith();
  await packInto(place);
});

function restore(options: Partial<UnpackOptions> = {}): Promise<UnpackReport> {
  return unpack({ from: place.archive, into: place.into, ...options });
}

describe('a file of the target', () => {
  test('that is equal is kept, also when its time is another', async () => {
    write(place.into, CSV, texts(place.lake)[CSV]!, 1_600_000_000);
    const before = fs.statSync(path.join(place.into, CSV));
    const { totals } = await restore();
    expect(totals).toMatchObject({ files: 3, kept: 1, replaced: 0 });
    expect(fs.statSync(path.join(place.into, CSV))).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
    expect(texts(place.into)).toEqual(texts(place.lake));
  });

  test('that is different stops everything before anything is written', async () => {
    write(place.into, CSV, 'mine');
    const before = snapshot(place.into);
    await expect(restore()).rejects.toMatchObject({ code: 'TARGET_CONFLICT', message: expect.stringContaining(CSV) });
    expect(snapshot(place.into)).toEqual(before);
  });

  test('that is different is replaced when asked to, and others are left alone', async () => {
    write(place.into, CSV, 'mine');
    write(place.into, 'silver/mine/x.txt', 'x');
    const { totals } = await restore({ replace: true });
    expect(totals).toMatchObject({ files: 4, kept: 0, replaced: 1 });
    expect(texts(place.into)).toEqual({ ...texts(place.lake), 'silver/mine/x.txt': 'x' });
    expect(fs.existsSync(path.join(place.into, '.lakepack'))).toBe(false);
  });
});

describe('what is never replaced, nor written through', () => {
  const outside = (): string => path.join(path.dirname(place.lake), 'outside');

  test.each([false, true])('a link where a file is to be (replace: %s)', async (replace) => {
    write(outside(), 'victim.txt', 'victim');
    fs.mkdirSync(path.join(place.into, path.dirname(CSV)), { recursive: true });
    fs.symlinkSync(path.join(outside(), 'victim.txt'), path.join(place.into, CSV));
    await expectRefusal(replace);
  });

  test.each([false, true])('a link where a folder is to be (replace: %s)', async (replace) => {
    fs.mkdirSync(outside());
    fs.mkdirSync(path.join(place.into, 'silver/apps'), { recursive: true });
    fs.symlinkSync(outside(), path.join(place.into, 'silver/apps/dt=2025-10-11'));
    await expectRefusal(replace);
  });

  test.each([false, true])('a folder where a file is to be (replace: %s)', async (replace) => {
    fs.mkdirSync(path.join(place.into, CSV), { recursive: true });
    await expectRefusal(replace);
  });

  test.each([false, true])('a file where a folder is to be (replace: %s)', async (replace) => {
    write(place.into, 'silver/apps/dt=2025-10-11', 'a file');
    await expectRefusal(replace);
  });

  test.each([false, true])('a file where an empty folder is to be (replace: %s)', async (replace) => {
    write(place.into, 'silver/apps/dt=2025-10-13', 'a file');
    await expectRefusal(replace);
  });

  test('our own folder, when somebody made it a link', async () => {
    fs.mkdirSync(outside());
    write(place.into, 'silver/x.txt', 'x');
    fs.symlinkSync(outside(), path.join(place.into, '.lakepack'));
    await expectRefusal(false);
  });

  async function expectRefusal(replace: boolean): Promise<void> {
    const before = snapshot(path.dirname(place.lake));
    const error = await restore({ replace }).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: 'TARGET_CONFLICT' });
    expect(String((error as { hint?: string }).hint)).not.toContain(replace ? '--replace' : 'kept');
    expect(snapshot(path.dirname(place.lake))).toEqual(before);
  }
});

describe('what appears while it is restored', () => {
  const whenPublishing = (change: () => void): Pick<UnpackOptions, 'onProgress'> => ({
    onProgress: (event: ProgressEvent) => {
      if (event.type === 'phase' && event.phase === 'publish') change();
    },
  });

  test('a new target is not taken over', async () => {
    const run = restore(whenPublishing(() => write(place.into, 'theirs.txt', 'theirs')));
    expect(await codeOf(run)).toBe('TARGET_NOT_EMPTY');
    expect(texts(place.into)).toEqual({ 'theirs.txt': 'theirs' });
    expect(fs.readdirSync(path.dirname(place.into)).sort()).toEqual(['archive', 'lake', 'out', 'state']);
  });

  test('a new target that became a file is not taken over', async () => {
    const run = restore(whenPublishing(() => fs.writeFileSync(place.into, 'theirs')));
    expect(await codeOf(run)).toBe('TARGET_CONFLICT');
    expect(fs.readFileSync(place.into, 'utf8')).toBe('theirs');
  });

  test('a file in a lake is not replaced', async () => {
    write(place.into, OTHER, texts(place.lake)[OTHER]!);
    fs.mkdirSync(path.join(place.into, path.dirname(CSV)), { recursive: true });
    const run = restore(whenPublishing(() => write(place.into, CSV, 'theirs')));
    expect(await codeOf(run)).toBe('TARGET_CONFLICT');
    expect(texts(place.into)[CSV]).toBe('theirs');
    expect(fs.existsSync(path.join(place.into, '.lakepack'))).toBe(false);
  });

  test('a second restore into the same folder is refused while the first runs', async () => {
    const { remote } = await openArchive(place.archive, { mode: 'read' });
    const codes: string[] = [];
    // The first one stops at its first read of a bundle until the second has been refused.
    const readRange: typeof remote.readRange = async (...call) => {
      if (codes.length === 0) codes.push('asked', await codeOf(restore()));
      return await remote.readRange(...call);
    };
    await restore({ from: new Archive({ ...remote, readRange }) });
    expect(codes).toEqual(['asked', 'OBJECT_EXISTS']);
    expect(treeOf(place.into)).toEqual(treeOf(place.lake));
  });
});

test('an empty folder of the export is made, and one that is there is left alone', async () => {
  fs.mkdirSync(path.join(place.into, 'silver/apps/dt=2025-10-13'), { recursive: true });
  await restore();
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
  expect([...filesOf(place.into).keys()]).toHaveLength(4);
});
