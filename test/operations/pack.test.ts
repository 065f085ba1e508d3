/** What a lake becomes: which exports, with which options, and what is not packed again. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { catalogFiles, catalogShow, pack, unpack, verify } from '../../src/index.js';
import { randomBytes, textBytes } from '../bundle/kit.js';
import * as lakes from './lakes.js';

const { placeWith, packInto, statuses, write, codeOf, lookAtArchive, texts } = lakes;

const ALL = [
  'bronze/apps/2025/10/11/run-a packed',
  'silver/apps/dt=2025-10-11 packed',
  'silver/apps/dt=2025-10-12 packed',
  'silver/apps/dt=2025-10-13 packed',
];

describe('packing a lake', () => {
  test('makes one export of each partition, and they restore to the same files', async () => {
    const place = placeWith();
    const report = await packInto(place);
    expect(statuses(report)).toEqual(ALL);
    expect(report.totals).toMatchObject({ packed: 4, unchanged: 0, failed: 0, planned: 0, files: 4 });
    expect(report.totals.storedBytes).toBe(report.exports.reduce((sum, one) => sum + one.storedBytes, 0));
    await unpack({ from: place.archive, into: place.into });
    expect(lakes.treeOf(place.into)).toEqual(lakes.treeOf(place.lake));
  });

  test('a second run packs nothing, and reads no manifest', async () => {
    const place = placeWith();
    await packInto(place);
    for (const name of fs.readdirSync(path.join(place.archive, 'manifests'), { recursive: true, encoding: 'utf8' })) {
      // What it had to read would be a damaged manifest, and packed again.
      if (name.endsWith('.json')) fs.writeFileSync(path.join(place.archive, 'manifests', name), '{');
    }
    const report = await packInto(place);
    expect(statuses(report)).toEqual(ALL.map((one) => one.replace('packed', 'unchanged')));
    expect(report.exports.every(({ exportId }) => exportId !== undefined)).toBe(true);
  });

  test('without its state folder it still knows what is unchanged', async () => {
    const place = placeWith();
    await packInto(place);
    const report = await packInto({ ...place, stateDir: `${place.stateDir}-lost` });
    expect(report.totals).toMatchObject({ packed: 0, unchanged: 4 });
  });

  test('a file that is touched, with the same content, is unchanged', async () => {
    const place = placeWith();
    await packInto(place);
    fs.utimesSync(path.join(place.lake, 'silver/apps/dt=2025-10-11/part-0.csv'), 1_761_000_000, 1_761_000_000);
    for (let run = 0; run < 2; run += 1)
      expect((await packInto(place)).totals).toMatchObject({ packed: 0, unchanged: 4 });
  });

  test.each([
    ['a changed file', (lake: string) => write(lake, 'silver/apps/dt=2025-10-11/part-0.csv', 'id,name\n1,ONE\n')],
    ['a new file', (lake: string) => write(lake, 'silver/apps/dt=2025-10-11/part-1.csv', 'id\n')],
    ['a renamed file', (lake: string) => rename(lake, 'dt=2025-10-11/part-0.csv', 'dt=2025-10-11/part-9.csv')],
    ['an empty folder more', (lake: string) => fs.mkdirSync(path.join(lake, 'silver/apps/dt=2025-10-11/empty'))],
    [
      'a file made executable and touched',
      (lake: string) => makeExecutable(lake, 'silver/apps/dt=2025-10-11/part-0.csv'),
    ],
  ])('%s makes a new export of its partition alone', async (_, change) => {
    const place = placeWith();
    await packInto(place);
    change(place.lake);
    const report = await packInto(place);
    expect(statuses(report).filter((one) => one.endsWith('packed'))).toEqual(['silver/apps/dt=2025-10-11 packed']);
  });

  test('an empty folder that was renamed is a change, though no file is', async () => {
    const place = placeWith({ 'silver/apps/a/x.txt': 'x', 'silver/apps/old': null });
    await packInto(place, { by: 'dataset' });
    rename(place.lake, 'old', 'new');
    expect((await packInto(place, { by: 'dataset' })).totals).toMatchObject({ packed: 1, unchanged: 0 });
  });

  test('a damaged manifest proves nothing: its partition is packed again', async () => {
    const place = placeWith();
    const { exports } = await packInto(place);
    const first = exports[1]!;
    const manifest = path.join(place.archive, 'manifests', first.path, `${first.exportId}.export.json`);
    fs.writeFileSync(manifest, '{}');
    const report = await packInto({ ...place, stateDir: `${place.stateDir}-lost` });
    expect(statuses(report)[1]).toBe('silver/apps/dt=2025-10-11 packed');
  });

  test('the lake is its own archive by default, and its exports are not data', async () => {
    const place = placeWith();
    const before = lakes.filesOf(place.lake);
    await pack({ lake: place.lake, stateDir: place.stateDir });
    const again = await pack({ lake: place.lake, stateDir: place.stateDir });
    expect(again.totals).toMatchObject({ packed: 0, unchanged: 4 });
    expect(lookAtArchive(place.lake)).toMatchObject({ exports: 4, strays: [] });
    for (const [name, facts] of before) expect(lakes.filesOf(place.lake).get(name)).toBe(facts);
  });

  test('a lake with nothing in it packs nothing', async () => {
    const report = await packInto(placeWith({}));
    expect(report).toMatchObject({ exports: [], findings: [], totals: { packed: 0, files: 0 } });
  });
});

describe('grouping', () => {
  const tree: lakes.Tree = {
    ...lakes.SMALL,
    'bronze/other/2025/10/11/run-a/x.json': '{}',
    'bronze/manifests/run-a.manifest.json': JSON.stringify({
      runId: 'run-a',
      layer: 'bronze',
      startedAt: '2025-10-11T00:00:00Z',
    }),
    'gold/plain/file.txt': 'plain',
  };

  test.each([
    ['dataset', ['bronze/apps', 'bronze/manifests', 'bronze/other', 'gold/plain', 'silver/apps']],
    ['layer', ['bronze', 'gold', 'silver']],
    ['lake', ['lake']],
  ] as const)('by %s', async (by, paths) => {
    const place = placeWith(tree);
    const report = await packInto(place, { by });
    expect(report.exports.map((one) => one.path)).toEqual(paths);
    await unpack({ from: place.archive, into: place.into });
    expect(lakes.treeOf(place.into)).toEqual(lakes.treeOf(place.lake));
  });

  test('by run: one export of each run, over all datasets, its run manifest included', async () => {
    const place = placeWith(tree);
    const report = await packInto(place, { by: 'run' });
    expect(report.exports.map((one) => one.path)).toContain('runs/run-a');
    expect(await pathsIn(place, 'runs/run-a')).toEqual([
      'bronze/apps/2025/10/11/run-a/appid=1.json',
      'bronze/apps/2025/10/11/run-a/appid=2.json',
      'bronze/manifests/run-a.manifest.json',
      'bronze/other/2025/10/11/run-a/x.json',
    ]);
    await unpack({ from: place.archive, into: place.into });
    expect(lakes.treeOf(place.into)).toEqual(lakes.treeOf(place.lake));
  });
});

describe('selecting', () => {
  test.each([
    [{ partitions: ['silver/apps/dt=2025-10-12'] }, [ALL[2]]],
    [{ partitions: ['silver'] }, ALL.slice(1)],
    [{ layers: ['bronze'] }, [ALL[0]]],
    [{ datasets: ['silver/apps'] }, ALL.slice(1)],
    [{ run: 'run-a' }, ['runs/run-a packed']],
    [{ where: 'dt >= 2025-10-12 and layer = silver' }, ALL.slice(2)],
    [{ layers: ['gold'] }, []],
  ])('%j', async (select, expected) => {
    expect(statuses(await packInto(placeWith(), { select }))).toEqual(expected);
  });

  test('since: only what has a file changed since', async () => {
    const place = placeWith({ 'silver/a/dt=1/x': '1', 'silver/a/dt=2/x': '2' });
    write(place.lake, 'silver/a/dt=2/x', '2', 1_760_000_000);
    expect(statuses(await packInto(place, { select: { since: '2025-01-01' } }))).toEqual(['silver/a/dt=2 packed']);
  });

  test('a selection that asks for what is no path is refused', async () => {
    expect(await codeOf(packInto(placeWith(), { select: { partitions: ['../x'] } }))).toBe('SELECTOR_INVALID');
    expect(await codeOf(packInto(placeWith(), { select: { where: 'dt >=' } }))).toBe('SELECTOR_INVALID');
    expect(await codeOf(packInto(placeWith(), { select: { layers: ['silver'] }, by: 'lake' }))).toBe('USAGE');
  });
});

describe('options', () => {
  test('level: 19 is smaller than 1, and the manifest says which', async () => {
    const place = placeWith({ 'silver/a/text.csv': textBytes(400_000) });
    const fast = await packInto({ ...place, archive: `${place.archive}-1` }, { level: 1 });
    const small = await packInto(place, { level: 19 });
    expect(small.totals.storedBytes).toBeLessThan(fast.totals.storedBytes);
    const [head] = await catalogShow({ archive: place.archive, select: { all: true } });
    expect(head?.tool.level).toBe(19);
  });

  test('bundleSizeBytes splits an export, never a file, and each bundle is sound by itself', async () => {
    const files = Object.fromEntries([1, 2, 3, 4].map((seed) => [`silver/a/${seed}.bin`, randomBytes(700_000, seed)]));
    const place = placeWith(files);
    const report = await packInto(place, { bundleSizeBytes: 1_500_000 });
    expect(report.exports[0]).toMatchObject({ bundles: 2, files: 4 });
    const folder = path.join(place.archive, 'exports/silver/a', report.exports[0]!.exportId!);
    const bundleFiles = fs.readdirSync(folder).filter((name) => name.endsWith('.zst'));
    expect(bundleFiles).toHaveLength(2);
    const alone = await verify({ bundleFiles: bundleFiles.map((name) => path.join(folder, name)) });
    expect(alone).toMatchObject({ ok: true, totals: { files: 4 } });
    expect((await verify({ archive: place.archive })).ok).toBe(true);
    await unpack({ from: place.archive, into: place.into });
    expect(lakes.treeOf(place.into)).toEqual(lakes.treeOf(place.lake));
  });

  test('licence and note go into the manifest and into the bag', async () => {
    const place = placeWith();
    await packInto(place, { licence: 'CC0-1.0', note: 'as collected' });
    const [head] = await catalogShow({ archive: place.archive, select: { all: true } });
    expect(head?.provenance).toMatchObject({ licence: 'CC0-1.0', note: 'as collected' });
  });

  test('inspect: a broken gzip and half a Parquet file are reported, and packed', async () => {
    const place = placeWith({
      'silver/a/half.parquet': Buffer.concat([Buffer.from('PAR1'), randomBytes(5_000)]),
      'silver/a/broken.json.gz': Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), randomBytes(500)]),
    });
    const report = await packInto(place);
    expect(report.exports[0]).toMatchObject({ status: 'packed', files: 2 });
    expect(report.exports[0]!.findings.map(({ code }) => code).sort()).toEqual(['GZIP_BROKEN', 'PARQUET_INCOMPLETE']);
  });

  test('unsupported: a link is told and left out, or refused', async () => {
    const place = placeWith({ 'silver/a/x.txt': 'x', 'silver/a/link': { link: 'x.txt' } });
    const report = await packInto(place);
    expect(report.exports[0]).toMatchObject({ status: 'packed', files: 1 });
    expect(report.exports[0]!.findings.map(({ code }) => code)).toEqual(['SOURCE_SYMLINK']);
    const refused = await packInto({ ...place, archive: `${place.archive}-2` }, { unsupported: 'refuse' });
    expect(statuses(refused)).toEqual(['silver/a failed']);
    expect(fs.existsSync(path.join(`${place.archive}-2`, 'manifests'))).toBe(false);
  });

  test.each([
    { level: 0 },
    { level: 20 },
    { level: 1.5 },
    { bundleSizeBytes: 1 },
    { concurrency: 0 },
    { concurrency: 65 },
  ])('%j is refused', async (options) => expect(await codeOf(packInto(placeWith(), options))).toBe('USAGE'));

  test('a lake that is not there, or is a file', async () => {
    const place = placeWith();
    expect(await codeOf(packInto({ ...place, lake: `${place.lake}-no` }))).toBe('NOT_FOUND');
    expect(await codeOf(packInto({ ...place, lake: path.join(place.lake, Object.keys(lakes.SMALL)[0]!) }))).toBe(
      'NOT_FOUND',
    );
  });
});

describe('one bad file', () => {
  test.skipIf(process.getuid?.() === 0)('that cannot be read fails its export, not the others', async () => {
    const place = placeWith();
    fs.chmodSync(path.join(place.lake, 'silver/apps/dt=2025-10-11/part-0.csv'), 0o000);
    const report = await packInto(place);
    expect(report.totals).toMatchObject({ packed: 3, failed: 1 });
    expect(report.exports[1]!.findings.map(({ code }) => code)).toEqual(['SOURCE_UNREADABLE']);
  });

  test('whose name is not UTF-8 fails its export, not the others', async () => {
    const place = placeWith();
    fs.writeFileSync(
      Buffer.concat([Buffer.from(`${place.lake}/silver/apps/dt=2025-10-11/`), Buffer.from([0xff, 0xfe])]),
      'x',
    );
    const report = await packInto(place);
    expect(report.totals).toMatchObject({ packed: 3, failed: 1 });
    expect(report.exports[1]!.findings.map(({ code }) => code)).toEqual(['SOURCE_NAME_NOT_UTF8']);
    expect(report.exports[1]).not.toHaveProperty('exportId');
    expect(lookAtArchive(place.archive)).toMatchObject({ exports: 3, strays: [] });
  });
});

test('progress adds up to what is packed', async () => {
  const place = placeWith();
  const sums = { files: 0, bytes: 0 };
  const items: string[] = [];
  const report = await packInto(place, {
    onProgress: (event) => {
      if (event.type === 'advance') [sums.files, sums.bytes] = [sums.files + event.files, sums.bytes + event.bytes];
      if (event.type === 'item') items.push(`${event.name} ${event.status}`);
    },
  });
  expect(sums).toEqual({ files: report.totals.files, bytes: report.totals.bytes });
  expect(items.sort()).toEqual(ALL);
});

test('a lake of odd names comes back byte for byte', async () => {
  const place = { ...placeWith({}), lake: await lakes.fixturesLake() };
  const report = await packInto(place, { by: 'layer' });
  expect(report.totals.failed).toBe(0);
  await unpack({ from: place.archive, into: place.into });
  expect(lakes.differences(lakes.treeOf(place.lake), lakes.treeOf(place.into))).toEqual([]);
  expect(Object.keys(texts(place.into))).toHaveLength(97);
});

function rename(lake: string, from: string, to: string): void {
  fs.renameSync(path.join(lake, 'silver/apps', from), path.join(lake, 'silver/apps', to));
}

function makeExecutable(lake: string, name: string): void {
  fs.chmodSync(path.join(lake, name), 0o755);
  fs.utimesSync(path.join(lake, name), 1_761_000_000, 1_761_000_000);
}

async function pathsIn(place: lakes.Place, name: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const file of catalogFiles({ archive: place.archive, select: { exports: [name] } })) paths.push(file.path);
  return paths;
}
