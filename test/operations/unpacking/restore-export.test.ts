/** What is restored: which files, from which bundles, after an interruption, and never a byte that is not right. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { unpack, type ProgressEvent, type UnpackOptions, type UnpackReport } from '../../../src/index.js';
import { randomBytes, textBytes } from '../../bundle/kit.js';
import * as lakes from '../lakes.js';

const { placeWith, packInto, codeOf, treeOf, texts } = lakes;
const MIB = 1024 * 1024;

async function packed(tree?: lakes.Tree, options: Parameters<typeof packInto>[1] = {}): Promise<lakes.Place> {
  const place = placeWith(tree);
  await packInto(place, options);
  return place;
}

function restore(place: lakes.Place, options: Partial<UnpackOptions> = {}): Promise<UnpackReport> {
  return unpack({ from: place.archive, into: place.into, concurrency: 2, ...options });
}

/** Disk paths of all bundles, sorted. */
function bundleFiles({ archive }: lakes.Place): string[] {
  const names = [...treeOf(archive).keys()].filter((name) => name.endsWith('.tar.zst'));
  return names.map((name) => path.join(archive, name));
}

function staging({ into }: lakes.Place): string[] {
  return fs.readdirSync(path.dirname(into)).filter((name) => name.includes('.lakepack-'));
}

/** Stops the restore after some files, as Ctrl-C does. */
function stopAfter(files: number): Pick<UnpackOptions, 'signal' | 'onProgress'> {
  const stop = new AbortController();
  let seen = 0;
  const onProgress = (event: ProgressEvent): void => {
    if (event.type === 'advance') seen += event.files;
    if (seen >= files) stop.abort();
  };
  return { signal: stop.signal, onProgress };
}

describe('paths', () => {
  test.each([
    [['**/*.json'], ['bronze/apps/2025/10/11/run-a/appid=1.json', 'bronze/apps/2025/10/11/run-a/appid=2.json']],
    [['silver/apps/dt=2025-10-12/**'], ['silver/apps/dt=2025-10-12/part-0.csv']],
    [
      ['**/appid=?.json', '**/dt=*-11/*'],
      [
        'bronze/apps/2025/10/11/run-a/appid=1.json',
        'bronze/apps/2025/10/11/run-a/appid=2.json',
        'silver/apps/dt=2025-10-11/part-0.csv',
      ],
    ],
  ])('%j', async (paths, expected) => {
    const place = await packed();
    const report = await restore(place, { paths });
    expect(report.totals.files).toBe(expected.length);
    expect(Object.keys(fs.existsSync(place.into) ? texts(place.into) : {})).toEqual(expected);
  });

  test('a glob that fits nothing is NOT_FOUND, and makes no target', async () => {
    const place = await packed();
    await expect(restore(place, { paths: ['*.json'] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(fs.existsSync(place.into)).toBe(false);
  });

  test('what is not asked for cannot conflict', async () => {
    const place = await packed();
    lakes.write(place.into, 'silver/apps/dt=2025-10-11/part-0.csv', 'mine');
    expect((await restore(place, { paths: ['**/dt=2025-10-12/*'] })).totals).toMatchObject({ files: 1, kept: 0 });
    expect(texts(place.into)['silver/apps/dt=2025-10-11/part-0.csv']).toBe('mine');
  });
});

describe('selectors', () => {
  test('an id, its beginning and its partition path mean the same export', async () => {
    const place = placeWith();
    const { exports } = await packInto(place);
    const { exportId = '', path: partition } = exports[1]!;
    for (const name of [exportId, partition]) {
      const into = path.join(place.into, name.replaceAll('/', '-'));
      expect((await restore(place, { into, select: { exports: [name] } })).exports).toMatchObject([
        { name: exportId, path: partition, files: 1 },
      ]);
      expect(Object.keys(texts(into))).toEqual(['silver/apps/dt=2025-10-11/part-0.csv']);
    }
    const unique = exportId.slice(0, -1);
    const into = `${place.into}-unique`;
    expect((await restore(place, { into, select: { exports: [unique] } })).exports[0]?.name).toBe(exportId);
    expect(await codeOf(restore(place, { select: { exports: [exportId.slice(0, 4)] } }))).toBe('SELECTOR_AMBIGUOUS');
    expect(await codeOf(restore(place, { select: { exports: ['silver/none'] } }))).toBe('NOT_FOUND');
  });

  test.each([
    [{ layers: ['bronze'] }, 2],
    [{ datasets: ['silver/apps'] }, 2],
    [{ runs: ['run-a'] }, 2],
    [{ where: 'dt >= 2025-10-12' }, 1],
  ])('%j', async (select, files) => {
    expect((await restore(await packed(), { select })).totals.files).toBe(files);
  });

  test('nothing to restore from is said', async () => {
    const place = placeWith();
    expect(await codeOf(unpack({ into: place.into }))).toBe('USAGE');
    expect(await codeOf(restore(place))).toBe('NOT_FOUND');
    fs.mkdirSync(place.archive);
    expect(await codeOf(restore(place))).toBe('NOT_FOUND');
    expect(await codeOf(unpack({ bundleFiles: [`${place.archive}/no.tar.zst`], into: place.into }))).toBe('NOT_FOUND');
    expect(await codeOf(unpack({ bundleFiles: [place.archive], into: place.into }))).toBe('USAGE');
    expect(fs.existsSync(place.into)).toBe(false);
    expect(staging(place)).toEqual([]);
  });

  test('as-of restores what was there then', async () => {
    const place = placeWith();
    lakes.at('2025-10-12T08:00:00Z');
    await packInto(place);
    const old = texts(place.lake);
    lakes.write(place.lake, 'silver/apps/dt=2025-10-11/part-0.csv', 'id,name\n1,newer\n');
    lakes.write(place.lake, 'silver/apps/dt=2025-10-14/part-0.csv', 'id,name\n4,four\n');
    lakes.at('2025-10-13T08:00:00Z');
    await packInto(place);
    for (const asOf of ['2025-10-12', '2025-10-13T07:59:59Z']) {
      const into = path.join(place.into, asOf.slice(0, 10));
      await restore(place, { into, select: { asOf } });
      expect(texts(into)).toEqual(old);
    }
    await restore(place, { into: `${place.into}-now`, select: { asOf: '2025-10-13' } });
    expect(texts(`${place.into}-now`)).toEqual(texts(place.lake));
    expect(await codeOf(restore(place, { select: { asOf: '2025-10-11' } }))).toBe('NOT_FOUND');
  });
});

describe('after an interruption', () => {
  const TREE: lakes.Tree = {
    ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [`silver/a/dt=${n}/x.csv`, `row ${n}\n`])),
    'silver/a/dt=7/large.bin': randomBytes(2 * MIB + 5),
    'silver/a/dt=8/empty': null,
  };

  test.each(['new', 'lake'])('the same command goes on where it was: %s', async (kind) => {
    const place = await packed(TREE);
    if (kind === 'lake') lakes.write(place.into, 'gold/mine.txt', 'mine');
    expect(await codeOf(restore(place, stopAfter(3)))).toBe('INTERRUPTED');
    expect(lakes.filesOf(place.into, (name) => !name.startsWith('.lakepack')).size).toBe(kind === 'lake' ? 1 : 0);
    const report = await restore(place);
    expect(report.totals).toMatchObject({ files: 7, resumed: 3 });
    if (kind === 'lake') fs.rmSync(path.join(place.into, 'gold'), { recursive: true });
    expect(treeOf(place.into)).toEqual(treeOf(place.lake));
    expect(staging(place)).toEqual([]);
  });

  test('what was staged is hashed again: damaged, half, strange or linked, it is not believed', async () => {
    const place = await packed(TREE);
    await codeOf(restore(place, stopAfter(7)));
    const left = path.join(path.dirname(place.into), staging(place)[0]!);
    const outside = path.join(lakes.makeFolder(), 'outside.txt');
    fs.writeFileSync(outside, 'row 3\n');
    fs.writeFileSync(path.join(left, 'silver/a/dt=1/x.csv'), 'ROW 1\n');
    fs.truncateSync(path.join(left, 'silver/a/dt=7/large.bin'), 1 * MIB);
    fs.rmSync(path.join(left, 'silver/a/dt=3/x.csv'));
    fs.symlinkSync(outside, path.join(left, 'silver/a/dt=3/x.csv'));
    fs.writeFileSync(path.join(left, 'silver/a/stranger.txt'), 'x');
    fs.mkdirSync(path.join(left, 'silver/stranger'));
    expect((await restore(place)).totals).toMatchObject({ files: 7, resumed: 4 });
    expect(treeOf(place.into)).toEqual(treeOf(place.lake));
    expect(fs.readFileSync(outside, 'utf8')).toBe('row 3\n');
  });

  test('what another selection staged is removed, not used', async () => {
    const place = await packed(TREE);
    await codeOf(restore(place, stopAfter(3)));
    const [left = ''] = staging(place);
    expect(left).toMatch(/^\.out\.lakepack-[0-9a-f]{16}$/);
    const report = await restore(place, { select: { where: 'dt = 5' } });
    expect(report.totals).toMatchObject({ files: 1, resumed: 0 });
    expect(staging(place)).toEqual([]);
    expect(Object.keys(texts(place.into))).toEqual(['silver/a/dt=5/x.csv']);
  });

  test('what a run staged beside is removed also when there is a lake by now', async () => {
    const place = await packed(TREE);
    await codeOf(restore(place, stopAfter(3)));
    lakes.write(place.into, 'gold/mine.txt', 'mine');
    expect((await restore(place)).totals).toMatchObject({ files: 7, resumed: 0 });
    expect(staging(place)).toEqual([]);
    expect(fs.existsSync(path.join(place.into, '.lakepack'))).toBe(false);
  });

  test('folders of others that look a little like ours stay', async () => {
    const place = await packed(TREE);
    const others = ['.out.lakepack-notes', '.out2.lakepack-0123456789abcdef', 'out.lakepack-0123456789abcdef'];
    for (const name of others) fs.mkdirSync(path.join(path.dirname(place.into), name));
    await restore(place);
    for (const name of others) expect(fs.existsSync(path.join(path.dirname(place.into), name))).toBe(true);
  });

  test('a signal that fired before it began writes nothing', async () => {
    const place = await packed();
    expect(await codeOf(restore(place, { signal: AbortSignal.abort() }))).toBe('INTERRUPTED');
    expect(fs.existsSync(place.into)).toBe(false);
    expect(staging(place)).toEqual([]);
  });
});

describe('bundles', () => {
  const TREE: lakes.Tree = Object.fromEntries(
    [1, 2, 3, 4, 5].map((seed) => [`silver/a/part-${seed}.csv`, textBytes(400_000, seed * 10)]),
  );

  test('several of one export restore together, or one file out of the last alone', async () => {
    const place = await packed(TREE, { bundleSizeBytes: MIB });
    expect(bundleFiles(place)).toHaveLength(3);
    await restore(place);
    expect(treeOf(place.into)).toEqual(treeOf(place.lake));
    fs.rmSync(bundleFiles(place)[0]!);
    const into = `${place.into}-one`;
    await restore(place, { into, paths: ['**/part-5.csv'] });
    expect(Object.keys(texts(into))).toEqual(['silver/a/part-5.csv']);
    expect(await codeOf(restore(place, { into: `${place.into}-all` }))).toBe('NOT_FOUND');
    expect(fs.existsSync(`${place.into}-all`)).toBe(false);
  });

  test('lone files restore without their archive, in any order, some or all', async () => {
    const place = await packed(TREE, { bundleSizeBytes: MIB });
    const [a = '', b = '', c = ''] = bundleFiles(place);
    for (const [index, order] of [
      [a, b, c],
      [c, a, b],
    ].entries()) {
      const into = path.join(place.into, String(index));
      const report = await unpack({ bundleFiles: order, into });
      expect(report.totals).toMatchObject({ exports: 3, files: 5 });
      expect(report.exports[0]).toMatchObject({ name: path.basename(order[0] ?? ''), path: 'silver/a' });
      expect(treeOf(into)).toEqual(treeOf(place.lake));
    }
    const into = path.join(place.into, 'later');
    await unpack({ bundleFiles: [c], into });
    expect((await unpack({ bundleFiles: [c, a, b], into })).totals).toMatchObject({ files: 4, kept: 1 });
    expect(treeOf(into)).toEqual(treeOf(place.lake));
  });

  test('a lone file follows the same rules of the target', async () => {
    const place = await packed({ 'silver/a/x.txt': 'x', 'silver/a/y.txt': 'y', 'silver/a/empty': null });
    const files = bundleFiles(place);
    lakes.write(place.into, 'silver/a/x.txt', 'other');
    const before = treeOf(place.into);
    expect(await codeOf(unpack({ bundleFiles: files, into: place.into }))).toBe('TARGET_CONFLICT');
    expect(await codeOf(unpack({ bundleFiles: files, into: place.into, dryRun: true }))).toBe('TARGET_CONFLICT');
    expect(treeOf(place.into)).toEqual(before);
    const plan = await unpack({ bundleFiles: files, into: place.into, replace: true, dryRun: true });
    expect(treeOf(place.into)).toEqual(before);
    const done = await unpack({ bundleFiles: files, into: place.into, replace: true });
    expect(done.totals).toEqual(plan.totals);
    expect(done.totals).toMatchObject({ files: 2, replaced: 1 });
    expect(treeOf(place.into)).toEqual(treeOf(place.lake));
    const other = `${place.into}-other`;
    lakes.write(other, 'photo.jpg', 'jpg');
    expect(await codeOf(unpack({ bundleFiles: files, into: other }))).toBe('TARGET_NOT_EMPTY');
    expect(texts(other)).toEqual({ 'photo.jpg': 'jpg' });
  });

  test('two lone files that hold one path with other content are refused', async () => {
    const place = await packed({ 'silver/a/x.txt': 'old' });
    lakes.write(place.lake, 'silver/a/x.txt', 'new');
    await packInto(place);
    const files = bundleFiles(place);
    expect(files).toHaveLength(2);
    expect(await codeOf(unpack({ bundleFiles: files, into: place.into }))).toBe('TARGET_CONFLICT');
    expect(fs.existsSync(place.into)).toBe(false);
    expect((await unpack({ bundleFiles: [files[0]!, files[0]!], into: place.into })).totals.files).toBe(1);
  });
});

describe('a wrong byte', () => {
  const TREE: lakes.Tree = { 'silver/a/x.csv': textBytes(30_000), 'silver/a/y.bin': randomBytes(1_500_000) };
  const CODES = ['HASH_MISMATCH', 'ZSTD_INVALID', 'SEEK_TABLE_INVALID', 'BUNDLE_INVALID', 'TAR_INVALID'];

  function flip(file: string, share: number): void {
    const bytes = fs.readFileSync(file);
    const at = Math.floor(bytes.length * share);
    bytes[at] = bytes[at]! ^ 0x10;
    fs.writeFileSync(file, bytes);
  }

  test.each([0.001, 0.2, 0.5, 0.9])('at %f of a bundle: nothing reaches the target', async (share) => {
    const place = await packed(TREE);
    const [file = ''] = bundleFiles(place);
    flip(file, share);
    const codes = [await codeOf(restore(place)), await codeOf(unpack({ bundleFiles: [file], into: place.into }))];
    // The head of a bundle is no file of the lake: a restore by the index does not read it.
    if (share > 0.1) expect(['HASH_MISMATCH', 'ZSTD_INVALID']).toContain(codes[0]);
    expect(CODES).toContain(codes[1]);
    if (share > 0.1) expect(fs.existsSync(place.into)).toBe(false);
    expect(staging(place)).toEqual([]);
  });

  test('in a lake as the target: what is there stays, nothing comes', async () => {
    const place = await packed(TREE);
    flip(bundleFiles(place)[0]!, 0.5);
    lakes.write(place.into, 'gold/mine.txt', 'mine');
    const before = treeOf(place.into);
    expect(['HASH_MISMATCH', 'ZSTD_INVALID']).toContain(await codeOf(restore(place, { replace: true })));
    expect(treeOf(place.into)).toEqual(before);
  });

  test('in one export of several: none of them is restored', async () => {
    const place = await packed({ ...TREE, 'silver/b/z.txt': 'z' });
    flip(bundleFiles(place)[0]!, 0.5);
    expect(['HASH_MISMATCH', 'ZSTD_INVALID']).toContain(await codeOf(restore(place)));
    expect(fs.existsSync(place.into)).toBe(false);
  });

  test.each([
    ['is cut short', (file: string) => fs.truncateSync(file, fs.statSync(file).size - 10)],
    ['is empty', (file: string) => fs.truncateSync(file, 0)],
    ['is something else', (file: string) => fs.writeFileSync(file, textBytes(5_000))],
  ])('a bundle that %s', async (_, damage) => {
    const place = await packed(TREE);
    const [file = ''] = bundleFiles(place);
    damage(file);
    expect(CODES).toContain(await codeOf(restore(place)));
    expect(CODES).toContain(await codeOf(unpack({ bundleFiles: [file], into: place.into })));
    expect(fs.existsSync(place.into)).toBe(false);
    expect(staging(place)).toEqual([]);
  });

  test('in a manifest that still reads: the file it speaks of is refused', async () => {
    const place = await packed({ 'silver/a/x.txt': 'x', 'silver/a/y.txt': 'y' });
    const [key = ''] = [...treeOf(place.archive).keys()].filter((name) => name.endsWith('.export.json'));
    const text = fs.readFileSync(path.join(place.archive, key), 'utf8');
    const { files } = JSON.parse(text) as { files: { sha256: string }[] };
    const [x = '', y = ''] = files.map(({ sha256 }) => sha256);
    const swapped = text.replace(x, 'X').replace(y, x).replace('X', y);
    fs.writeFileSync(path.join(place.archive, key), swapped);
    expect(['HASH_MISMATCH', 'MANIFEST_INVALID']).toContain(await codeOf(restore(place)));
    expect(fs.existsSync(place.into)).toBe(false);
  });
});

test('progress adds up to what is restored', async () => {
  const place = await packed();
  const sums = { files: 0, bytes: 0, total: 0 };
  const items: string[] = [];
  const { totals } = await restore(place, {
    onProgress: (event) => {
      if (event.type === 'advance') [sums.files, sums.bytes] = [sums.files + event.files, sums.bytes + event.bytes];
      if (event.type === 'total') sums.total = event.bytes;
      if (event.type === 'item') items.push(event.name);
    },
  });
  expect(sums).toEqual({ files: totals.files, bytes: totals.bytes, total: totals.bytes });
  expect(items).toHaveLength(4);
});
