/** The order in which an export becomes visible, what a crash in between leaves, and what is never replaced. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Archive } from '../../src/archive/archive.js';
import { commitExports, discardExport } from '../../src/archive/commit.js';
import * as layout from '../../src/archive/layout.js';
import { storeBundle } from '../../src/archive/store-bundle.js';
import { BundleWriter } from '../../src/bundle/write.js';
import { collect, payloadOf, randomBytes, specOf, type Tree } from '../bundle/kit.js';
import { expectCode, keysOf } from '../remote/bodies.js';
import { faulty, type Fault } from '../remote/faulty.js';
import { openMemoryRemote } from '../remote/memory.js';
import { commit, makeExport, manyFiles, putBundles, type MadeExport } from './exports.js';

const TREE: Tree = { 'a/one': 'one', 'b/empty': null, 'c/%three': 'three' };

/** The calls that change something, shortened to what they are about. */
function changes(calls: readonly string[]): string[] {
  return calls
    .filter((call) => /^(put|delete|flush)/.test(call))
    .map((call) => call.replace(/\d{8}T\d{6}Z-[0-9a-f]{8}/g, 'ID'));
}

describe('the order of a commit', () => {
  test('all that goes with the exports, a flush, then the manifests, a flush', async () => {
    const [one, two] = [await makeExport(TREE, 'silver/x'), await makeExport(manyFiles(), 'silver/y')];
    const remote = faulty(openMemoryRemote(), []);
    await putBundles(remote, one, two);
    const sent = await commit(remote, one, two);
    expect(changes(remote.calls)).toEqual([
      'put exports/silver/x/ID/ID-00001.tar.zst',
      'put exports/silver/y/ID/ID-00001.tar.zst',
      'put exports/silver/x/ID/SHA256SUMS',
      'put exports/silver/y/ID/SHA256SUMS',
      'put manifests/silver/y/ID.files.jsonl.zst',
      'flush ',
      'put manifests/silver/x/ID.export.json',
      'put manifests/silver/y/ID.export.json',
      'flush ',
    ]);
    expect(sent).toEqual([one.ref.exportId, two.ref.exportId]);
  });

  test('nothing to commit asks nothing of the remote', async () => {
    const remote = faulty(openMemoryRemote(), []);
    expect(await commit(remote)).toEqual([]);
    expect(remote.calls).toEqual([]);
  });

  test('what was committed is read back, in the manifest or beside it', async () => {
    for (const tree of [TREE, manyFiles(2_000), manyFiles(2_001)]) {
      const made = await makeExport(tree);
      const remote = openMemoryRemote();
      await putBundles(remote, made);
      await commit(remote, made);
      const archive = new Archive(remote);
      expect(await collect(archive.list())).toEqual([made.ref]);
      const manifest = await archive.manifest(made.ref);
      const { files, filesIndex, ...head } = manifest;
      expect(head).toEqual(made.finished.head);
      expect(files === undefined).toBe(Object.keys(tree).length > 2_000);
      expect(filesIndex?.entries).toBe(files === undefined ? made.built.entries.length : undefined);
      expect(await collect(archive.entries(made.ref, manifest))).toEqual(made.built.entries);
      expect(remote.objects.get(layout.checksumKey(made.ref.path, made.ref.exportId))?.toString()).toBe(
        `${createHash('sha256').update(made.built.bytes).digest('hex')}  ${made.ref.exportId}-00001.tar.zst\n`,
      );
    }
  });
});

describe('a crash', () => {
  const made = Promise.all([makeExport(TREE, 'silver/x'), makeExport(manyFiles(), 'silver/y')]);

  /** Stores and commits; a call that fails ends it, as a crash would. */
  async function run(remote: ReturnType<typeof faulty>, exports: readonly MadeExport[]): Promise<void> {
    for (const { bundleKey, built } of exports) {
      const open = (): BundleWriter =>
        new BundleWriter(
          specOf(built.tree, { partition: built.spec.source.path }, () => undefined),
          payloadOf(built.tree),
        );
      await storeBundle(remote, bundleKey, open, {});
    }
    await commit(remote, ...exports);
  }

  test.each(['fail', 'fail-late'] as const)(
    'at any call (%s): a visible export is whole, and the same again finishes',
    async (kind) => {
      const exports = await made;
      const clean = faulty(openMemoryRemote(), []);
      await run(clean, exports);
      for (let nth = 1; nth <= clean.calls.length; nth += 1) {
        const inner = openMemoryRemote();
        const fault: Fault = { kind, nth };
        await expectCode(run(faulty(inner, [fault]), exports), 'REMOTE_UNAVAILABLE');
        await expectVisibleAreWhole(new Archive(inner));
        await run(faulty(inner, []), exports);
        expect(await collect(new Archive(inner).list())).toHaveLength(2);
        await expectVisibleAreWhole(new Archive(inner));
      }
    },
  );

  test('before the first flush is over shows no manifest', async () => {
    for (const fault of [
      { kind: 'fail', on: 'flush' },
      { kind: 'fail', on: 'put', key: /SHA256SUMS/, nth: 2 },
    ] as const) {
      const inner = openMemoryRemote();
      await expectCode(run(faulty(inner, [fault]), await made), 'REMOTE_UNAVAILABLE');
      expect(await keysOf(inner.list('exports/'))).not.toEqual([]);
      expect(await collect(new Archive(inner).list())).toEqual([]);
    }
  });

  test('at random calls, again and again, ends well', async () => {
    const exports = await made;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e9 }), async (seed) => {
        const inner = openMemoryRemote();
        for (let attempt = 0; attempt < 4; attempt += 1) {
          await run(
            faulty(inner, [{ kind: attempt % 2 === 0 ? 'fail' : 'fail-late', share: 0.15 }], seed + attempt),
            exports,
          ).catch((error: unknown) => expect(error).toMatchObject({ code: 'REMOTE_UNAVAILABLE' }));
          await expectVisibleAreWhole(new Archive(inner));
        }
        await run(faulty(inner, []), exports);
        expect(await collect(new Archive(inner).list())).toHaveLength(2);
      }),
      // The seed that once found an index deleted under its manifest stays.
      { numRuns: 6, examples: [[999_999_990]] },
    );
  });

  async function expectVisibleAreWhole(archive: Archive): Promise<void> {
    const exports = await made;
    for (const ref of await collect(archive.list())) {
      const manifest = await archive.manifest(ref);
      const { built } = exports.find((one) => one.ref.manifestKey === ref.manifestKey)!;
      expect(await collect(archive.entries(ref, manifest))).toEqual(built.entries);
      for (const { name, sha256 } of manifest.bundles) {
        const source = await archive.bundleSource(ref, name);
        const bytes = await source.read(0, source.bytes);
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
      }
    }
  }
});

describe('an abort', () => {
  test('before the manifests are sent shows none; one that is being sent is sent whole', async () => {
    const exports = [await makeExport(TREE, 'silver/x'), await makeExport(TREE, 'silver/y')];
    const early = openMemoryRemote();
    const finished = exports.map((one) => one.finished);
    const onManifest = (): void => undefined;
    await expectCode(commitExports(early, finished, { signal: AbortSignal.abort(), onManifest }), 'INTERRUPTED');
    expect(early.objects.size).toBe(0);
    const late = openMemoryRemote();
    const stop = new AbortController();
    await expectCode(
      commitExports(late, finished, { signal: stop.signal, onManifest: () => stop.abort() }),
      'INTERRUPTED',
    );
    expect(await collect(new Archive(late).list())).toEqual([exports[0]!.ref]);
  });
});

describe('what is there already', () => {
  async function committed(): Promise<{ remote: ReturnType<typeof openMemoryRemote>; made: MadeExport }> {
    const [remote, made] = [openMemoryRemote(), await makeExport(TREE)];
    await putBundles(remote, made);
    await commit(remote, made);
    return { remote, made };
  }

  test('the same export again changes nothing', async () => {
    const { remote, made } = await committed();
    const before = new Map(remote.objects);
    await commit(remote, made);
    expect(remote.objects).toEqual(before);
  });

  test('another manifest under the same name is OBJECT_EXISTS, and stays', async () => {
    const { remote, made } = await committed();
    const there = remote.objects.get(made.ref.manifestKey);
    for (const note of ['another', 'x'.repeat(60_000)]) {
      const head = { ...made.finished.head, provenance: { note } };
      const other = { ...made, finished: { ...made.finished, head } };
      await expectCode(commit(remote, other), 'OBJECT_EXISTS');
      expect(remote.objects.get(made.ref.manifestKey)).toBe(there);
    }
  });

  test('a manifest that cannot be read back is never put', async () => {
    const made = await makeExport({ 'silver/x/a': 'a' });
    const broken = [{ provenance: { note: 'x'.repeat(70_000) } }, { contentDigest: 'f'.repeat(64) }];
    for (const change of broken) {
      const remote = openMemoryRemote();
      await putBundles(remote, made);
      const finished = { ...made.finished, head: { ...made.finished.head, ...change } };
      await expectCode(commit(remote, { ...made, finished }), 'INTERNAL');
      expect(remote.objects.has(made.ref.manifestKey)).toBe(false);
    }
  });

  test('a leftover checksum file or index of an interrupted run is replaced', async () => {
    const made = await makeExport(manyFiles());
    const remote = openMemoryRemote();
    await putBundles(remote, made);
    const index = layout.besideManifestKey(made.ref.path, layout.filesIndexName(made.ref.exportId));
    for (const key of [layout.checksumKey(made.ref.path, made.ref.exportId), index])
      await remote.put(key, Buffer.from('left'));
    await commit(remote, made);
    const archive = new Archive(remote);
    const manifest = await archive.manifest(made.ref);
    expect(await collect(archive.entries(made.ref, manifest))).toEqual(made.built.entries);
    expect(remote.objects.get(layout.checksumKey(made.ref.path, made.ref.exportId))?.toString()).toContain('tar.zst\n');
  });
});

describe('storeBundle', () => {
  const tree: Tree = { a: randomBytes(300_000), b: 'b' };
  function opener(): { open: () => BundleWriter; opened: () => number } {
    let count = 0;
    const open = (): BundleWriter => {
      count += 1;
      return new BundleWriter(
        specOf(tree, {}, () => undefined),
        payloadOf(tree),
      );
    };
    return { open, opened: () => count };
  }
  async function whole(): Promise<{ made: MadeExport; bytes: Buffer }> {
    const made = await makeExport(tree, 'silver/x/dt=2025-10-11');
    return { made, bytes: made.built.bytes };
  }

  test('stores what the writer gives, in one pass, and returns its facts', async () => {
    const { made, bytes } = await whole();
    const remote = openMemoryRemote();
    const { open, opened } = opener();
    const facts = await storeBundle(remote, made.bundleKey, open, {});
    expect(opened()).toBe(1);
    expect(remote.objects.get(made.bundleKey)?.equals(bytes)).toBe(true);
    expect(facts).toMatchObject({ sha256: made.built.facts.sha256, storedBytes: bytes.length });
  });

  test('keeps an identical leftover', async () => {
    const { made, bytes } = await whole();
    const inner = openMemoryRemote();
    await inner.put(made.bundleKey, bytes);
    const remote = faulty(inner, []);
    expect(await storeBundle(remote, made.bundleKey, opener().open, {})).toMatchObject({
      sha256: made.built.facts.sha256,
    });
    expect(changes(remote.calls)).toEqual([]);
  });

  test.each(['half', 'longer', 'other'])('replaces a leftover that is %s', async (what) => {
    const { made, bytes } = await whole();
    const remote = openMemoryRemote();
    const left = {
      half: bytes.subarray(0, 1_000),
      longer: Buffer.concat([bytes, bytes]),
      other: Buffer.alloc(bytes.length),
    }[what]!;
    await remote.put(made.bundleKey, left);
    await storeBundle(remote, made.bundleKey, opener().open, {});
    expect(remote.objects.get(made.bundleKey)?.equals(bytes)).toBe(true);
  });

  test('never replaces a bundle that a manifest names', async () => {
    const { made } = await whole();
    const remote = openMemoryRemote();
    await remote.put(made.bundleKey, Buffer.from('theirs'));
    await commit(remote, made);
    await expectCode(storeBundle(remote, made.bundleKey, opener().open, {}), 'OBJECT_EXISTS');
    expect(remote.objects.get(made.bundleKey)?.toString()).toBe('theirs');
  });

  test('takes one that another process put at the same time, if it is the same', async () => {
    const { made, bytes } = await whole();
    const inner = openMemoryRemote();
    const racing = { ...inner, head: async () => undefined };
    await inner.put(made.bundleKey, bytes);
    expect(await storeBundle(racing, made.bundleKey, opener().open, {})).toMatchObject({ storedBytes: bytes.length });
    expect(inner.objects.get(made.bundleKey)?.equals(bytes)).toBe(true);
  });

  test('a leftover that is read wrongly is replaced, not believed', async () => {
    const { made, bytes } = await whole();
    const inner = openMemoryRemote();
    await inner.put(made.bundleKey, bytes);
    for (const kind of ['flip', 'truncate'] as const) {
      const remote = faulty(inner, [{ kind, on: ['read', 'stream'] }]);
      await storeBundle(remote, made.bundleKey, opener().open, {});
      expect(remote.hits).toHaveLength(1);
      expect(inner.objects.get(made.bundleKey)?.equals(bytes)).toBe(true);
    }
  });
});

describe('discardExport', () => {
  test('removes what was stored, and nothing of another export', async () => {
    const [one, two] = [await makeExport(manyFiles()), await makeExport(TREE)];
    const remote = openMemoryRemote();
    await putBundles(remote, one, two);
    await remote.put(layout.besideManifestKey(one.ref.path, layout.filesIndexName(one.ref.exportId)), Buffer.from('x'));
    await discardExport(remote, one.ref.path, one.ref.exportId);
    expect([...remote.objects.keys()]).toEqual([two.bundleKey]);
  });

  test('leaves a committed export alone', async () => {
    const made = await makeExport(manyFiles());
    const remote = openMemoryRemote();
    await putBundles(remote, made);
    await commit(remote, made);
    const before = [...remote.objects.keys()];
    await discardExport(remote, made.ref.path, made.ref.exportId);
    expect([...remote.objects.keys()]).toEqual(before);
  });
});
