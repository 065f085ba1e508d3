import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEntryRules, createPathRules } from '../../src/schema/entry-rules.js';
import type { ExportManifest, FileEntry } from '../../src/schema/export-manifest.js';
import { manifestFaults } from '../../src/schema/manifest-rules.js';
import { manifestCase, sha256Hex } from './arbitraries.js';
import { changed, MIB_16, sampleEntries, sampleManifest, sampleWithIndex } from './sample.js';

function pathsOf(manifest: unknown): readonly string[] {
  return manifestFaults(manifest as ExportManifest).map(({ path }) => path);
}

test('valid manifests have no faults', () => {
  expect(manifestFaults(sampleManifest)).toEqual([]);
  expect(manifestFaults(sampleWithIndex())).toEqual([]);
});

describe('each rule finds its fault, where it is', () => {
  const digest = sha256Hex('another');
  test.each<[string, string, unknown, readonly string[]]>([
    ['the id is of another moment', '/createdAt', '2025-10-11T06:00:01Z', ['/createdAt']],
    ['the id is of another scan', '/source/scanDigest', digest, ['/source/scanDigest']],
    ['the parent is the export itself', '/parent', sampleManifest.exportId, ['/parent']],
    ['bundles change places', '/bundles/0/name', sampleManifest.bundles[1]?.name, ['/bundles/0/name']],
    ['a block is missing', '/bundles/0/blocks/sha256', [digest], ['/bundles/0/blocks/sha256']],
    ['a block too many', '/bundles/1/blocks/sha256', [digest, digest], ['/bundles/1/blocks/sha256']],
    ['no multiple of 16 MiB', '/bundles/1/blocks/size', MIB_16 + 1, ['/bundles/1/blocks/size']],
    ['the seek table ends outside', '/bundles/1/seekTable/bytes', 26, ['/bundles/1/seekTable/offset']],
    ['the seek table is not at the end', '/bundles/1/seekTable/offset', 170, ['/bundles/1/seekTable/offset']],
    ['the stored sum is wrong', '/totals/storedBytes', 1, ['/totals/storedBytes']],
    ['the rows are wrong', '/totals/rows', 29, ['/totals/rows']],
    ['the rows are not said', '/totals/rows', undefined, ['/totals/rows']],
    ['the directories are wrong', '/totals/directories', 0, ['/totals/directories']],
    ['another content', '/contentDigest', digest, ['/contentDigest']],
    ['another SHA-256', '/files/0/sha256', digest, ['/contentDigest']],
    ['another path', '/files/0/path', 'a', ['/contentDigest']],
    ['a bundle that is not there', '/files/2/bundle', 3, ['/files/2/bundle', '/bundles/1/payload/files']],
    ['a payload behind the tar', '/files/2/offset', 4608, ['/files/2/offset']],
    ['payloads that overlap', '/files/1/offset', 2560, ['/files/1/offset']],
    ['frames behind the frames', '/files/2/stored/length', 176, ['/files/2/stored']],
  ])('%s', (_name, pointer, value, expected) => {
    expect(pathsOf(changed(sampleManifest, pointer, value))).toEqual(expected);
  });

  test('more bytes than declared', () => {
    const faults = pathsOf(changed(sampleManifest, '/files/0/bytes', 701));
    expect(faults).toEqual(['/bundles/0/payload/bytes', '/totals/bytes']);
  });

  test('a payload larger than its tar', () => {
    expect(pathsOf(changed(sampleManifest, '/bundles/0/payload/bytes', 8192))).toContain('/bundles/0/payload/bytes');
  });

  test('blocks so small that there are more than 10,000', () => {
    const bundle = { ...sampleManifest.bundles[0], storedBytes: MIB_16 * 10_000 + 1 };
    expect(pathsOf(changed(sampleManifest, '/bundles/0', bundle))).toContain('/bundles/0/blocks/size');
  });

  test('an index of another name or number', () => {
    expect(pathsOf(changed(sampleWithIndex(), '/filesIndex/name', 'x'))).toEqual(['/filesIndex/name']);
    expect(pathsOf(changed(sampleWithIndex(), '/filesIndex/entries', 4))).toEqual(['/filesIndex/entries']);
  });
});

describe('entries as a stream', () => {
  test('the entries of any valid manifest pass, inline or not', () => {
    fc.assert(
      fc.property(manifestCase, ({ manifest, entries }) => {
        const rules = createEntryRules(manifest);
        expect(entries.flatMap((entry) => rules.next(entry))).toEqual([]);
        expect(rules.end()).toEqual([]);
      }),
    );
  });

  test('an entry that is left out, doubled or changes places is found', () => {
    fc.assert(
      fc.property(manifestCase, fc.nat(), ({ manifest, entries }, random) => {
        const at = random % entries.length;
        const without = entries.filter((_, index) => index !== at);
        const doubled = [...entries.slice(0, at + 1), ...entries.slice(at)];
        expect(faultCount(manifest, without)).toBeGreaterThan(0);
        expect(faultCount(manifest, doubled)).toBeGreaterThan(0);
        if (entries.length > 1) expect(faultCount(manifest, [...entries].reverse())).toBeGreaterThan(0);
      }),
    );
  });

  function faultCount(manifest: ExportManifest, entries: readonly FileEntry[]): number {
    const rules = createEntryRules(manifest);
    return entries.flatMap((entry) => rules.next(entry)).length + rules.end().length;
  }

  test('a bundle does not come back', () => {
    const rules = createEntryRules(sampleManifest);
    rules.next({ ...sampleEntries[0]!, bundle: 2, offset: 512, bytes: 0 });
    expect(rules.next({ ...sampleEntries[1]!, bundle: 1 })).toEqual([
      { path: '/bundle', message: 'expected a bundle from 2 to 2, got 1' },
    ]);
  });
});

describe('paths as a sequence', () => {
  function faultsOf(...paths: readonly string[]): readonly string[] {
    const rule = createPathRules();
    return paths.flatMap((path) => rule(path).map(({ message }) => message));
  }

  test.each([
    [['a', 'a-b', 'a.b', 'aa', 'b/c', 'b/c-d', 'b/d']],
    [['a-b', 'a/b', 'a/c', 'a0']],
    [['\ue000', '\ud83d\ude00']],
    [['A', 'a']],
  ])('%j is in order', (paths) => {
    expect(faultsOf(...paths)).toEqual([]);
  });

  test.each([
    [['b', 'a'], 'the path "a" is out of order: it comes after "b"'],
    [['a', 'a'], 'the path "a" stands twice'],
    [['a', 'a/b'], 'the path "a/b" stands below "a", which is an entry too'],
    [['a', 'a-b', 'a-b-c', 'a.x', 'a/b'], 'the path "a/b" stands below "a", which is an entry too'],
    [['x/a', 'x/a!', 'x/a/b/c'], 'the path "x/a/b/c" stands below "x/a", which is an entry too'],
    [['\ud83d\ude00', '\ue000'], 'the path "\ue000" is out of order: it comes after "\ud83d\ude00"'],
  ])('%j is not', (paths, message) => {
    expect(faultsOf(...paths)).toEqual([message]);
  });

  test('agrees with a check of every pair', () => {
    const names = fc.array(fc.constantFrom('a', 'b', '-', '.', '/', '0'), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.uniqueArray(names.map((chars) => chars.join(''))), (many) => {
        const paths = many.filter((path) => /^(?!\.{1,2}(\/|$))(?!.*\/\.{0,2}(\/|$))[^/]/.test(path)).sort();
        const conflict = paths.some((path) => paths.some((other) => path.startsWith(`${other}/`)));
        expect(faultsOf(...paths).length > 0).toBe(conflict);
      }),
    );
  });
});
