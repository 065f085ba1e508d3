/** Restores that were interrupted: what was staged is used again only when its bytes are right, and never stays. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Archive } from '../../../src/archive/archive.js';
import { openArchive, unpack, type UnpackOptions } from '../../../src/index.js';
import { faulty } from '../../remote/faulty.js';
import { codeOf, packInto, placeWith, snapshot, texts, treeOf, write, type Place } from '../lakes.js';

const FILES = Object.fromEntries(
  Array.from({ length: 6 }, (_, index) => [`silver/a/dt=${index}/x.txt`, `content ${index}\n`]),
);

let place: Place;
beforeEach(async () => {
  place = placeWith(FILES);
  await packInto(place);
});

/** Ends in the middle, as a network that goes away does: what is staged so far stays. */
async function interruptedRestore(options: Partial<UnpackOptions> = {}): Promise<void> {
  const archive = await openArchive(place.archive, { mode: 'read' });
  const remote = faulty(archive.remote, [{ kind: 'fail', on: 'readRange', nth: 8, times: 1_000 }]);
  expect(await codeOf(unpack({ from: new Archive(remote), into: place.into, ...options }))).toBe('REMOTE_UNAVAILABLE');
}

function stagingFolders(): string[] {
  const beside = fs.readdirSync(path.dirname(place.into)).filter((name) => name.startsWith('.out.lakepack-'));
  const own = path.join(place.into, '.lakepack');
  const inside = fs.existsSync(own) ? fs.readdirSync(own) : [];
  return [
    ...beside.map((name) => path.join(path.dirname(place.into), name)),
    ...inside.map((name) => path.join(own, name)),
  ];
}

describe('into a new folder', () => {
  test('the same command takes over what is right, and nothing is left', async () => {
    await interruptedRestore();
    expect(fs.existsSync(place.into)).toBe(false);
    const [staging = ''] = stagingFolders();
    const staged = Object.keys(texts(staging)).length;
    expect(staged).toBeGreaterThan(0);
    const { totals } = await unpack({ from: place.archive, into: place.into });
    expect(totals).toMatchObject({ files: 6, resumed: staged });
    expect(treeOf(place.into)).toEqual(treeOf(place.lake));
    expect(stagingFolders()).toEqual([]);
  });

  test('a staged file that is damaged, cut or a link is made again', async () => {
    await interruptedRestore();
    const [staging = ''] = stagingFolders();
    const [first = '', second = ''] = Object.keys(texts(staging));
    fs.writeFileSync(path.join(staging, first), 'CONTENT 0\n');
    const victim = path.join(path.dirname(place.lake), 'victim.txt');
    fs.writeFileSync(victim, 'victim');
    fs.rmSync(path.join(staging, second));
    fs.symlinkSync(victim, path.join(staging, second));
    await unpack({ from: place.archive, into: place.into });
    expect(treeOf(place.into)).toEqual(treeOf(place.lake));
    expect(fs.readFileSync(victim, 'utf8')).toBe('victim');
  });

  test('a file that nobody asked for does not come along', async () => {
    await interruptedRestore();
    const [staging = ''] = stagingFolders();
    write(staging, 'silver/a/dt=9/left.txt', 'half a fi');
    fs.mkdirSync(path.join(staging, 'silver/b/empty'), { recursive: true });
    await unpack({ from: place.archive, into: place.into });
    expect(treeOf(place.into)).toEqual(treeOf(place.lake));
  });

  test('another command removes what the first one staged', async () => {
    await interruptedRestore();
    const { totals } = await unpack({ from: place.archive, into: place.into, select: { exports: ['silver/a/dt=5'] } });
    expect(totals).toMatchObject({ files: 1, resumed: 0 });
    expect(stagingFolders()).toEqual([]);
  });

  test('folders of others whose names only look alike stay', async () => {
    const others = [
      '.out.lakepack-notes',
      '.out.lakepack-2.lakepack-0123456789abcdef',
      '.other.lakepack-0123456789abcdef',
    ];
    for (const name of others) write(path.dirname(place.into), `${name}/mine.txt`, 'mine');
    await unpack({ from: place.archive, into: place.into });
    for (const name of others) expect(fs.existsSync(path.join(path.dirname(place.into), name, 'mine.txt'))).toBe(true);
  });

  test('a dry run leaves it alone', async () => {
    await interruptedRestore();
    const before = snapshot(path.dirname(place.lake));
    await unpack({ from: place.archive, into: place.into, dryRun: true });
    expect(snapshot(path.dirname(place.lake))).toEqual(before);
  });
});

describe('into a lake', () => {
  beforeEach(() => write(place.into, 'silver/a/dt=0/mine.txt', 'mine'));

  test('the same command takes over what is right, and nothing is left', async () => {
    await interruptedRestore();
    expect(stagingFolders()).toHaveLength(1);
    const { totals } = await unpack({ from: place.archive, into: place.into });
    expect(totals.resumed).toBeGreaterThan(0);
    expect(texts(place.into)).toEqual({ ...FILES, 'silver/a/dt=0/mine.txt': 'mine' });
    expect(fs.existsSync(path.join(place.into, '.lakepack'))).toBe(false);
  });

  test('killed while it published: what has its name already is no conflict', async () => {
    await interruptedRestore();
    const [staging = ''] = stagingFolders();
    const [first = ''] = Object.keys(texts(staging));
    fs.mkdirSync(path.join(place.into, path.dirname(first)), { recursive: true });
    fs.linkSync(path.join(staging, first), path.join(place.into, first));
    const { totals } = await unpack({ from: place.archive, into: place.into });
    expect(totals.kept).toBe(1);
    expect(texts(place.into)).toEqual({ ...FILES, 'silver/a/dt=0/mine.txt': 'mine' });
  });

  test('half a staged file never replaces a good one, not even with --replace', async () => {
    await interruptedRestore({ replace: true });
    const [staging = ''] = stagingFolders();
    const [first = ''] = Object.keys(texts(staging));
    fs.truncateSync(path.join(staging, first), 3);
    // Meanwhile somebody puts the right file there: this run has no reason to stage it.
    write(place.into, first, FILES[first]!);
    await unpack({ from: place.archive, into: place.into, replace: true });
    expect(texts(place.into)).toEqual({ ...FILES, 'silver/a/dt=0/mine.txt': 'mine' });
  });

  test('killed after the last file got its name: the staging folder goes all the same', async () => {
    await unpack({ from: place.archive, into: place.into });
    write(place.into, '.lakepack/unpack-0123456789abcdef/silver/a/dt=0/x.txt', 'left');
    expect((await unpack({ from: place.archive, into: place.into })).totals).toMatchObject({ files: 0, kept: 6 });
    expect(fs.existsSync(path.join(place.into, '.lakepack'))).toBe(false);
  });
});

test('an interruption keeps what was staged; a damaged bundle does not', async () => {
  const stop = new AbortController();
  const run = unpack({
    from: place.archive,
    into: place.into,
    signal: stop.signal,
    onProgress: (event) => {
      if (event.type === 'advance') stop.abort();
    },
  });
  expect(await codeOf(run)).toBe('INTERRUPTED');
  expect(stagingFolders()).toHaveLength(1);
  const archive = await openArchive(place.archive, { mode: 'read' });
  const remote = faulty(archive.remote, [{ kind: 'flip', on: 'readRange', nth: 5, times: 1_000 }]);
  expect(await codeOf(unpack({ from: new Archive(remote), into: place.into }))).not.toBe('no error');
  expect(stagingFolders()).toEqual([]);
  expect(fs.existsSync(place.into)).toBe(false);
});

test('the scratch folder of a restore that fails at once is removed', async () => {
  const before = fs.readdirSync(path.dirname(place.lake));
  process.env['TMPDIR'] = path.dirname(place.lake);
  try {
    expect(await codeOf(unpack({ from: `${place.archive}-none`, into: place.into }))).toBe('NOT_FOUND');
  } finally {
    delete process.env['TMPDIR'];
  }
  expect(fs.readdirSync(path.dirname(place.lake))).toEqual(before);
});
