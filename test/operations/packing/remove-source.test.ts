/** Packing into several archives, and letting go of the source only when it was proven elsewhere. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Archive } from '../../../src/archive/archive.js';
import { pack, unpack, verify, type PackOptions, type PackReport } from '../../../src/index.js';
import { faulty } from '../../remote/faulty.js';
import { openMemoryRemote } from '../../remote/memory.js';
import { codeOf, filesOf, placeWith, texts, treeOf, write, type Place } from '../lakes.js';

let place: Place;
let second: string;
let before: string;

beforeEach(() => {
  place = placeWith();
  second = `${place.archive}-2`;
  before = `${place.lake}-before`;
  fs.cpSync(place.lake, before, { recursive: true, preserveTimestamps: true });
});

function packTo(to: PackOptions['to'], options: Partial<PackOptions> = {}): Promise<PackReport> {
  return pack({ lake: place.lake, stateDir: place.stateDir, concurrency: 2, ...(to && { to }), ...options });
}

async function restored(from: string): Promise<void> {
  const into = `${place.into}-${path.basename(from)}-${fs.readdirSync(path.dirname(place.into)).length}`;
  await unpack({ from, into });
  expect(treeOf(into)).toEqual(treeOf(before));
}

describe('several archives', () => {
  test('what was packed into the first is transferred to the others', async () => {
    const report = await packTo([place.archive, second]);
    expect(report).toMatchObject({
      archive: place.archive,
      copiedTo: [second],
      totals: { packed: 4, removedFiles: 0 },
    });
    expect(report.exports[0]?.copies?.map((one) => one.archive)).toEqual([place.archive, second]);
    expect(texts(second)).toEqual(texts(place.archive));
    await restored(second);
  });

  test('what the first has already goes to an archive that was added later', async () => {
    await packTo(place.archive);
    const report = await packTo([place.archive, second]);
    expect(report.totals).toMatchObject({ packed: 0, unchanged: 4 });
    await restored(second);
  });

  test('the same archive twice is refused, however it is spelled', async () => {
    expect(await codeOf(packTo([place.archive, path.join(place.archive, '.', '')]))).toBe('USAGE');
    const link = `${place.archive}-link`;
    fs.mkdirSync(place.archive, { recursive: true });
    fs.symlinkSync(place.archive, link);
    expect(await codeOf(packTo([place.archive, link]))).toBe('USAGE');
    expect(fs.readdirSync(place.archive)).toEqual([]);
  });

  test('a dry run makes nothing', async () => {
    const report = await packTo([place.archive, second], { dryRun: true, removeSource: true });
    expect(report.totals).toMatchObject({ planned: 4, removedFiles: 0 });
    expect([fs.existsSync(place.archive), fs.existsSync(second)]).toEqual([false, false]);
    expect(treeOf(place.lake)).toEqual(treeOf(before));
  });
});

describe('removing the source', () => {
  test('files and the folders they leave empty go, and everything can be restored', async () => {
    const report = await packTo([place.archive, second], { removeSource: true });
    expect(report.totals).toMatchObject({ packed: 4, removedFiles: 4, removedBytes: sizeOf(before) });
    expect(report.exports[0]).toMatchObject({
      removed: { files: 2 },
      copies: [
        { archive: place.archive, proof: 'read-back' },
        { archive: second, proof: 'read-back' },
      ],
    });
    expect(fs.readdirSync(place.lake)).toEqual([]);
    await restored(place.archive);
    await restored(second);
    expect((await packTo([place.archive, second], { removeSource: true })).exports).toEqual([]);
    await restored(place.archive);
  });

  test('what was packed by an earlier run is proven now, and removed', async () => {
    await packTo(place.archive);
    const report = await packTo(place.archive, { removeSource: true });
    expect(report.totals).toMatchObject({ unchanged: 4, removedFiles: 4 });
    expect(fs.readdirSync(place.lake)).toEqual([]);
  });

  test('only what was selected goes', async () => {
    const report = await packTo(place.archive, { removeSource: true, select: { layers: ['bronze'] } });
    expect(report.totals.removedFiles).toBe(2);
    expect(Object.keys(texts(place.lake)).every((name) => name.startsWith('silver/'))).toBe(true);
    expect(fs.existsSync(path.join(place.lake, 'bronze'))).toBe(false);
  });

  test('a lake that is one of its archives keeps them, its configuration and its run manifests', async () => {
    write(place.lake, 'lakepack.config.json', '{"note":"mine"}');
    write(place.lake, 'manifests/run-a.json', '{"run":"a"}');
    const report = await packTo([place.lake, second], { removeSource: true });
    expect(report.totals.failed).toBe(0);
    expect(fs.readdirSync(place.lake).sort()).toEqual(['exports', 'lakepack.config.json', 'manifests']);
    expect(fs.existsSync(path.join(place.lake, 'manifests/run-a.json'))).toBe(true);
    expect((await verify({ archive: place.lake })).ok).toBe(true);
  });

  test('a distant archive is proven by reading back', async () => {
    const remote = openMemoryRemote({ distant: true });
    const report = await packTo(new Archive(remote), { removeSource: true });
    expect(report.exports[0]?.copies).toEqual([{ archive: remote.url, proof: 'read-back' }]);
    expect(fs.readdirSync(place.lake)).toEqual([]);
    await unpack({ from: new Archive(remote), into: place.into });
    expect(treeOf(place.into)).toEqual(treeOf(before));
  });
});

describe('the source is kept', () => {
  test.each<[string, string, () => void]>([
    [
      'bytes changed',
      'silver/apps/dt=2025-10-11',
      () => replace('silver/apps/dt=2025-10-11/part-0.csv', 'id,name\n9,one\n'),
    ],
    ['is new', 'silver/apps/dt=2025-10-11', () => write(place.lake, 'silver/apps/dt=2025-10-11/z.csv', 'new')],
    [
      'is gone',
      'silver/apps/dt=2025-10-11',
      () => fs.rmSync(path.join(place.lake, 'silver/apps/dt=2025-10-11/part-0.csv')),
    ],
  ])('where a file %s after it was packed, all of its partition stays', async (_, partition, change) => {
    const left = { ...texts(place.lake) };
    const remote = afterManifests(change);
    const report = await packTo(new Archive(remote), { removeSource: true });
    const one = report.exports.find((row) => row.path === partition);
    const after = texts(place.lake);
    for (const name of Object.keys(left)) if (!name.startsWith(partition)) expect(after[name]).toBeUndefined();
    if (fs.existsSync(path.join(place.lake, partition))) {
      expect(one?.findings.map(({ code }) => code)).toEqual(['SOURCE_KEPT']);
      expect(one?.removed).toEqual({ files: 0, bytes: 0 });
    }
    expect(report.totals.removedFiles).toBe(3);
  });

  test('where an archive does not give back what was packed', async () => {
    await packTo([place.archive, second]);
    const [bundle = ''] = [...filesOf(second).keys()].filter((name) => name.endsWith('.tar.zst'));
    const disk = path.join(second, bundle);
    const bytes = fs.readFileSync(disk);
    bytes[bytes.length >> 1]! ^= 1;
    fs.writeFileSync(disk, bytes);
    const report = await packTo([place.archive, second], { removeSource: true });
    const kept = report.exports.filter((one) => one.findings.length > 0);
    expect(kept).toMatchObject([
      { copies: [{ archive: place.archive }], findings: [{ code: 'SOURCE_KEPT', severity: 'error' }] },
    ]);
    expect(report.totals.removedFiles).toBe(4 - kept[0]!.files);
    const fewer = await packTo([place.archive, second], { removeSource: true, copies: 1 });
    expect(fewer.totals.removedFiles).toBe(kept[0]!.files);
    await restored(place.archive);
  });

  test('where a store cannot be asked, nothing goes', async () => {
    await packTo(place.archive);
    const remote = faulty(openMemoryRemote({ distant: true }), [{ kind: 'fail', on: 'read', times: 1_000 }]);
    const code = await codeOf(packTo([place.archive, new Archive(remote)], { removeSource: true }));
    expect(code).toBe('REMOTE_UNAVAILABLE');
    expect(treeOf(place.lake)).toEqual(treeOf(before));
  });

  test('a folder that became a link leads nowhere', async () => {
    const elsewhere = `${place.lake}-elsewhere`;
    const folder = path.join(place.lake, 'silver/apps/dt=2025-10-11');
    const remote = afterManifests(() => {
      fs.renameSync(folder, elsewhere);
      fs.symlinkSync(elsewhere, folder);
    });
    await packTo(new Archive(remote), { removeSource: true });
    expect(Object.keys(texts(elsewhere))).toEqual(['part-0.csv']);
  });
});

describe('killed in the middle', () => {
  /** Packs, and stops after the first file that is removed. */
  async function stopped(to: PackOptions['to']): Promise<void> {
    const stop = new AbortController();
    let isRemoving = false;
    const run = packTo(to, {
      removeSource: true,
      signal: stop.signal,
      onProgress: (event) => {
        if (event.type === 'phase') isRemoving = event.phase === 'remove';
        if (isRemoving && event.type === 'advance') stop.abort();
      },
    });
    expect(await codeOf(run)).toBe('INTERRUPTED');
  }

  test('the same command finishes, and nothing is lost', async () => {
    await stopped(place.archive);
    expect(Object.keys(texts(place.lake)).filter((name) => !name.startsWith('.lakepack'))).toHaveLength(3);
    const report = await packTo(place.archive, { removeSource: true });
    expect(report.totals).toMatchObject({ removedFiles: 3, packed: 0 });
    expect(fs.readdirSync(place.lake)).toEqual([]);
    await restored(place.archive);
  });

  test('half a partition is not packed as if it were all of it', async () => {
    await stopped(place.archive);
    expect(await codeOf(packTo(place.archive))).toBe('USAGE');
    expect(await codeOf(packTo(second, { removeSource: true }))).toBe('USAGE');
    await restored(place.archive);
  });

  test('what changed in between stays', async () => {
    await stopped(place.archive);
    write(place.lake, 'bronze/apps/2025/10/11/run-a/appid=2.json', '{"app":3}\n');
    const report = await packTo(place.archive, { removeSource: true });
    expect(report.findings.map(({ code }) => code)).toEqual(['SOURCE_KEPT']);
  });
});

describe('refused', () => {
  test.each<[string, Partial<PackOptions> & { readonly to?: never }, (() => PackOptions['to'])?]>([
    ['more copies than archives', { removeSource: true, copies: 2 }],
    ['no copy', { removeSource: true, copies: 0 }],
    ['a sample as proof', { removeSource: true, proof: 'sample' }],
    ['no proof', { removeSource: true, proof: 'none' }],
    ['copies without a removal', { copies: 1 }],
    ['the lake as the only archive', { removeSource: true }, () => undefined],
    ['the lake as the only archive, named', { removeSource: true }, () => place.lake],
  ])('%s', async (_, options, to = () => place.archive) => {
    expect(await codeOf(packTo(to(), options))).toBe('USAGE');
    expect(texts(place.lake)).toEqual(texts(before));
  });
});

/** A distant archive; the change happens when the last manifest was stored, before anything is proven. */
function afterManifests(change: () => void): ReturnType<typeof openMemoryRemote> {
  const inner = openMemoryRemote({ distant: true });
  let manifests = 0;
  return {
    ...inner,
    put: async (key, body, options) => {
      const bytes = await inner.put(key, body, options);
      if (key.endsWith('.export.json') && ++manifests === 4) change();
      return bytes;
    },
  };
}

function replace(name: string, content: string): void {
  const disk = path.join(place.lake, name);
  const { atime, mtime } = fs.statSync(disk);
  fs.writeFileSync(disk, content);
  fs.utimesSync(disk, atime, mtime);
}

function sizeOf(root: string): number {
  return Object.values(texts(root)).reduce((sum, text) => sum + text.length, 0);
}
