/** What each depth looks at, and what it finds: all of it, and nothing in a sound archive. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { Archive } from '../../../src/archive/archive.js';
import { unpack, verify, type VerifyDepth, type VerifyReport } from '../../../src/index.js';
import { randomBytes, textBytes } from '../../bundle/kit.js';
import { faulty } from '../../remote/faulty.js';
import * as lakes from '../lakes.js';

const { placeWith, packInto, codeOf, keysOf, memoryArchive } = lakes;

const DEPTHS: readonly VerifyDepth[] = ['manifest', 'stored', 'contents'];
const BUNDLE = /\.tar\.zst$/;
const MANIFEST = /\.export\.json$/;
const TREE: lakes.Tree = { ...lakes.SMALL, 'gold/a/text.csv': textBytes(50_000), 'gold/a/raw.bin': randomBytes(9_000) };

interface Stored {
  readonly place: lakes.Place;
  readonly archive: Archive;
  readonly objects: Map<string, Buffer>;
  key(pattern: RegExp): string;
}

async function packed(tree = TREE): Promise<Stored> {
  const place = placeWith(tree);
  const { memory, archive } = memoryArchive();
  await packInto(place, { to: archive });
  return { place, archive, objects: memory.objects, key: (pattern) => keysOf(memory, pattern)[0] ?? '' };
}

/** The codes of all findings, each once, sorted. */
function codesOf({ exports }: VerifyReport): string[] {
  return [...new Set(exports.flatMap(({ findings }) => findings.map(({ code }) => code)))].sort();
}

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = copy[at]! ^ 0x01;
  return copy;
}

describe('a sound archive', () => {
  test.each(DEPTHS)('%s finds nothing, and says what it read', async (depth) => {
    const { archive, objects } = await packed();
    const report = await verify({ archive, depth });
    expect(report).toMatchObject({ ok: true, depth, sample: 1, totals: { exports: 5, damaged: 0, findings: 0 } });
    expect(report).not.toHaveProperty('sampleSeed');
    expect(report.totals.files).toBe(6);
    const stored = [...objects].filter(([key]) => BUNDLE.test(key)).reduce((sum, [, bytes]) => sum + bytes.length, 0);
    expect(report.totals.storedBytesRead).toBe(depth === 'manifest' ? 0 : stored);
    if (depth === 'contents') expect(report.totals.contentBytesRead).toBeGreaterThan(59_000);
    else expect(report.totals.contentBytesRead).toBe(0);
  });

  test('is not written to', async () => {
    const { archive, objects } = await packed();
    const before = new Map(objects);
    for (const depth of DEPTHS) await verify({ archive, depth });
    expect(objects).toEqual(before);
  });

  test('each export is told, and progress adds up', async () => {
    const { archive } = await packed();
    const items: string[] = [];
    let [bytes, total] = [0, 0];
    const report = await verify({
      archive,
      depth: 'stored',
      onProgress: (event) => {
        if (event.type === 'item') items.push(`${event.detail ?? ''} ${event.status}`);
        if (event.type === 'advance') bytes += event.bytes;
        if (event.type === 'total') total = event.bytes;
      },
    });
    expect(items.sort()).toEqual(report.exports.map((one) => `${one.path} ok`));
    expect(total).toBe(report.totals.storedBytesRead);
    // The seek tables are read and not told.
    expect(bytes / total).toBeGreaterThan(0.99);
    expect(bytes).toBeLessThanOrEqual(total);
  });
});

describe('what is wrong, and which depth sees it', () => {
  const CASES: readonly [string, (stored: Stored) => void, Partial<Record<VerifyDepth, readonly string[]>>][] = [
    [
      'a bundle that is missing',
      ({ objects, key }) => objects.delete(key(BUNDLE)),
      { manifest: ['BUNDLE_MISSING'], stored: ['BUNDLE_MISSING'], contents: ['BUNDLE_MISSING'] },
    ],
    [
      'a bundle that is cut short',
      ({ objects, key }) => objects.set(key(BUNDLE), objects.get(key(BUNDLE))!.subarray(0, -1)),
      { manifest: ['BUNDLE_SIZE_WRONG'] },
    ],
    [
      'a byte in the middle of a bundle',
      ({ objects, key }) => objects.set(key(BUNDLE), flip(objects.get(key(BUNDLE))!, 1_000)),
      { manifest: [], stored: ['BLOCK_HASH_WRONG', 'BUNDLE_HASH_WRONG'] },
    ],
    [
      'SHA256SUMS with another text',
      ({ objects, key }) => objects.set(key(/SHA256SUMS$/), flip(objects.get(key(/SHA256SUMS$/))!, 0)),
      {
        manifest: ['CHECKSUM_FILE_WRONG'],
        stored: ['CHECKSUM_FILE_WRONG'],
        contents: ['CHECKSUM_FILE_WRONG'],
      },
    ],
    [
      'SHA256SUMS that is missing',
      ({ objects, key }) => objects.delete(key(/SHA256SUMS$/)),
      { manifest: ['CHECKSUM_FILE_WRONG'], contents: ['CHECKSUM_FILE_WRONG'] },
    ],
    [
      'a manifest that is no JSON',
      ({ objects, key }) => objects.set(key(MANIFEST), Buffer.from('{"formatVersion":')),
      { manifest: ['MANIFEST_INVALID'], stored: ['MANIFEST_INVALID'], contents: ['MANIFEST_INVALID'] },
    ],
    [
      'a manifest that stands elsewhere than it says',
      ({ objects, key }) => {
        const from = key(MANIFEST);
        objects.set(from, objects.get(key(/silver.*\.export\.json$/))!);
      },
      { manifest: ['MANIFEST_INVALID'] },
    ],
    [
      'totals that are not the sum of the entries',
      ({ objects, key }) => edit(objects, key(/gold.*\.export\.json$/), (manifest) => (manifest.totals.bytes += 1)),
      { manifest: ['MANIFEST_INVALID'], stored: ['MANIFEST_INVALID'] },
    ],
    [
      'a manifest that names another hash of a file',
      ({ objects, key }) =>
        edit(objects, key(/gold.*\.export\.json$/), (manifest) => (manifest.files[0]!.sha256 = 'ab'.repeat(32))),
      { manifest: ['MANIFEST_INVALID'] },
    ],
  ];

  for (const [name, damage, expected] of CASES) {
    test.each(Object.entries(expected))(`${name}: %s says %j`, async (depth, codes) => {
      const stored = await packed();
      damage(stored);
      const report = await verify({ archive: stored.archive, depth: depth as VerifyDepth });
      expect(codesOf(report)).toEqual(codes);
      expect(report.ok).toBe(codes.length === 0);
      expect(report.totals.damaged).toBe(codes.length === 0 ? 0 : 1);
      const findings = report.exports.flatMap((one) => one.findings);
      for (const one of findings) expect(one.repair).toMatch(/./);
      for (const { where } of findings) expect(where).toMatchObject({ exportId: expect.any(String) });
    });
  }

  test('contents also says which file a wrong byte is in, where it can', async () => {
    const { archive, objects, key } = await packed({ 'silver/a/raw.bin': randomBytes(4_000_000) });
    objects.set(key(BUNDLE), flip(objects.get(key(BUNDLE))!, 2_000_000));
    const { exports } = await verify({ archive, depth: 'contents' });
    const codes = exports[0]!.findings.map(({ code }) => code);
    expect(codes).toContain('BUNDLE_HASH_WRONG');
    expect(codes.some((code) => ['FRAME_INVALID', 'FILE_HASH_WRONG'].includes(code))).toBe(true);
  });

  test('several damages are all told, each at its export', async () => {
    const stored = await packed();
    const bundles = [...stored.objects.keys()].filter((key) => BUNDLE.test(key)).sort();
    stored.objects.delete(bundles[0]!);
    stored.objects.set(bundles[2]!, flip(stored.objects.get(bundles[2]!)!, 700));
    const report = await verify({ archive: stored.archive });
    expect(report.totals).toMatchObject({ exports: 5, damaged: 2 });
    expect(report.exports.map(({ ok }) => ok)).toEqual([false, true, false, true, true]);
    expect(codesOf(report)).toEqual(expect.arrayContaining(['BUNDLE_MISSING', 'BUNDLE_HASH_WRONG']));
  });
});

describe('bundles without a manifest', () => {
  test('a lost manifest is told, and how to go on; the rest of the archive is sound', async () => {
    const { archive, objects, key } = await packed();
    objects.delete(key(/gold.*\.export\.json$/));
    const report = await verify({ archive });
    expect(codesOf(report)).toEqual(['BUNDLE_ORPHANED']);
    expect(report).toMatchObject({ ok: true, totals: { exports: 5, findings: 1 } });
    expect(report.exports.at(-1)!.findings[0]).toMatchObject({
      severity: 'warning',
      where: { partition: 'gold/a' },
      repair: expect.stringContaining('lakepack verify '),
    });
    expect(codesOf(await verify({ archive, select: { all: true } }))).toEqual([]);
  });

  test('also when it was the only one', async () => {
    const { archive, objects, key } = await packed({ 'silver/a/x.txt': 'x' });
    objects.delete(key(MANIFEST));
    expect(codesOf(await verify({ archive }))).toEqual(['BUNDLE_ORPHANED']);
    objects.clear();
    expect(await codeOf(verify({ archive }))).toBe('NOT_FOUND');
  });
});

describe('a lone bundle file', () => {
  async function lone(): Promise<{ readonly file: string; readonly place: lakes.Place }> {
    const place = placeWith({ 'gold/a/text.csv': textBytes(50_000), 'gold/a/empty': null });
    await packInto(place);
    const name = [...lakes.treeOf(place.archive).keys()].find((one) => BUNDLE.test(one)) ?? '';
    const file = path.join(lakes.makeFolder(), 'renamed by somebody.tar.zst');
    fs.copyFileSync(path.join(place.archive, name), file);
    return { file, place };
  }

  test.each(DEPTHS)('%s: sound', async (depth) => {
    const { file } = await lone();
    const report = await verify({ bundleFiles: [file], depth });
    expect(report).toMatchObject({ ok: true, exports: [{ name: path.basename(file), bundles: 1, findings: [] }] });
    expect(report).not.toHaveProperty('archive');
    if (depth === 'contents') expect(report.exports[0]).toMatchObject({ path: 'gold/a', files: 1 });
  });

  test('a flipped byte is found in contents, or it changes nothing that is restored', async () => {
    const { file, place } = await lone();
    const bytes = fs.readFileSync(file);
    for (let at = 5; at < bytes.length; at += Math.ceil(bytes.length / 25)) {
      fs.writeFileSync(file, flip(bytes, at));
      if (!(await verify({ bundleFiles: [file] })).ok) continue;
      const into = path.join(lakes.makeFolder(), 'out');
      await unpack({ bundleFiles: [file], into });
      expect(lakes.treeOf(into), `byte ${at}`).toEqual(lakes.treeOf(place.lake));
    }
  });

  test('beside an archive it is looked at alone, unless exports are selected', async () => {
    const { file, place } = await lone();
    expect((await verify({ bundleFiles: [file], archive: place.archive })).totals.exports).toBe(1);
    const both = await verify({ bundleFiles: [file], archive: place.archive, select: { all: true } });
    expect(both).toMatchObject({ ok: true, totals: { exports: 2 } });
  });

  test('that is not there, is no bundle, or is a folder', async () => {
    const { file } = await lone();
    expect(await codeOf(verify({ bundleFiles: [`${file}-no`] }))).toBe('NOT_FOUND');
    fs.writeFileSync(file, '');
    expect((await verify({ bundleFiles: [file] })).ok).toBe(false);
    fs.writeFileSync(file, textBytes(3_000));
    expect((await verify({ bundleFiles: [file] })).ok).toBe(false);
    expect(await codeOf(verify({ bundleFiles: [path.dirname(file)] }))).toBe('USAGE');
  });
});

describe('selectors', () => {
  test.each([
    [{ layers: ['silver'] }, 3],
    [{ datasets: ['gold/a'] }, 1],
    [{ exports: ['silver/apps/dt=2025-10-12'] }, 1],
    [{ exports: ['silver'] }, 3],
    [{ runs: ['run-a'] }, 1],
    [{ where: 'dt = 2025-10-11' }, 1],
    [{ all: true }, 5],
  ])('%j', async (select, exports) => {
    const { archive } = await packed();
    expect((await verify({ archive, select, depth: 'manifest' })).totals.exports).toBe(exports);
  });

  test('without one every export is looked at, not only the newest', async () => {
    const { archive, place, objects } = await packed();
    lakes.write(place.lake, 'silver/apps/dt=2025-10-11/part-0.csv', 'newer');
    await packInto(place, { to: archive });
    const oldest = [...objects.keys()].filter((key) => /dt=2025-10-11.*\.tar\.zst$/.test(key));
    expect(oldest).toHaveLength(2);
    for (const key of oldest) objects.set(key, flip(objects.get(key)!, 700));
    expect((await verify({ archive })).totals).toMatchObject({ exports: 6, damaged: 2 });
    expect((await verify({ archive, select: { all: true } })).totals).toMatchObject({ exports: 5, damaged: 1 });
  });

  test('that fit nothing are said', async () => {
    const { archive } = await packed();
    expect(await codeOf(verify({ archive, select: { layers: ['none'] } }))).toBe('NOT_FOUND');
    expect(await codeOf(verify({}))).toBe('USAGE');
    expect(await codeOf(verify({ archive: `${lakes.makeFolder()}/none` }))).toBe('NOT_FOUND');
  });
});

test.each([
  ['manifest', 'read'],
  ['stored', ['stream', 'readRange']],
  ['contents', ['stream', 'readRange']],
] as const)('a store that fails is no damage: %s throws', async (depth, on) => {
  const { archive } = await packed();
  const remote = faulty(archive.remote, [{ kind: 'fail', on, nth: 2, times: 1_000 }]);
  expect(await codeOf(verify({ archive: new Archive(remote), depth }))).toBe('REMOTE_UNAVAILABLE');
  expect(remote.hits.length).toBeGreaterThan(0);
});

test('a signal stops it', async () => {
  const { archive } = await packed();
  const stop = new AbortController();
  const onProgress = (): void => stop.abort();
  expect(await codeOf(verify({ archive, signal: stop.signal, onProgress }))).toBe('INTERRUPTED');
});

interface Editable {
  totals: { bytes: number };
  files: { sha256: string }[];
}

function edit(objects: Map<string, Buffer>, key: string, change: (manifest: Editable) => unknown): void {
  const manifest = JSON.parse(objects.get(key)!.toString()) as Editable;
  change(manifest);
  objects.set(key, Buffer.from(JSON.stringify(manifest)));
}
