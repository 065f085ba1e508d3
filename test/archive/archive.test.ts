/** Reading an archive: what is listed, which manifests are refused, and that nothing that comes back is believed. */
import { describe, expect, test } from 'vitest';
import { Archive, archiveAt, showPlace } from '../../src/archive/archive.js';
import * as layout from '../../src/archive/layout.js';
import { checkBundle } from '../../src/bundle/check.js';
import type { Remote } from '../../src/remote/remote.js';
import { collect, SCRATCH, type Tree } from '../bundle/kit.js';
import { expectCode } from '../remote/bodies.js';
import { faulty } from '../remote/faulty.js';
import { openMemoryRemote, type MemoryRemote } from '../remote/memory.js';
import { commit, makeExport, manyFiles, putBundles, type MadeExport } from './exports.js';

const TREE: Tree = { a: 'a', b: 'b' };

async function archiveWith(...exports: readonly MadeExport[]): Promise<{ remote: MemoryRemote; archive: Archive }> {
  const remote = openMemoryRemote(1_000);
  await putBundles(remote, ...exports);
  await commit(remote, ...exports);
  return { remote, archive: new Archive(remote) };
}

describe('the list', () => {
  test('has every export by partition path and time, and nothing else', async () => {
    const exports = [
      await makeExport(TREE, 'gold/p', '2025-10-12T00:00:00Z'),
      await makeExport(TREE, 'silver/x', '2025-10-10T00:00:00Z'),
      await makeExport({ a: 'changed' }, 'silver/x', '2025-10-11T00:00:00Z'),
      await makeExport(TREE, 'silver/x/dt=1', '2025-10-09T00:00:00Z'),
      await makeExport(TREE, 'silver/x2', '2025-10-09T00:00:00Z'),
    ];
    const { remote, archive } = await archiveWith(...[...exports].reverse());
    await remote.put('manifests/silver/x/run-20251011-060000.manifest.json', Buffer.from('{}'));
    await remote.put('manifests/notes.txt', Buffer.from('data like any other'));
    expect(await collect(archive.list())).toEqual(exports.map(({ ref }) => ref));
    const below = exports.filter(({ ref }) => ref.path === 'silver/x' || ref.path.startsWith('silver/x/'));
    expect(await collect(archive.list({ under: 'silver/x' }))).toEqual(below.map(({ ref }) => ref));
    expect(await collect(archive.list({ under: 'bronze' }))).toEqual([]);
  });

  test('is whole or fails', async () => {
    const { remote } = await archiveWith(await makeExport(TREE, 'a/b'), await makeExport(TREE, 'a/c'));
    const failing = new Archive(faulty(remote, [{ kind: 'fail-late', on: 'list' }]));
    await expectCode(collect(failing.list()), 'REMOTE_UNAVAILABLE');
  });
});

describe('a manifest', () => {
  test('that belongs elsewhere is refused: another partition, another id', async () => {
    const [one, two] = [await makeExport(TREE, 'silver/x'), await makeExport({ c: 'c' }, 'silver/x')];
    const { remote, archive } = await archiveWith(one, two);
    const bytes = remote.objects.get(one.ref.manifestKey)!;
    for (const key of [
      layout.manifestKey('silver/y', one.ref.exportId),
      layout.manifestKey('silver/x', '20300101T000000Z-00000000'),
    ]) {
      await remote.put(key, bytes);
      await expectCode(archive.manifest(layout.parseManifestKey(key)!), 'MANIFEST_INVALID');
    }
    remote.objects.set(two.ref.manifestKey, bytes);
    await expectCode(archive.manifest(two.ref), 'MANIFEST_INVALID');
    expect(await archive.manifest(one.ref)).toMatchObject({ exportId: one.ref.exportId });
  });

  test('that is damaged, cut short, missing or of a newer format', async () => {
    const made = await makeExport(TREE);
    const { remote, archive } = await archiveWith(made);
    const bytes = remote.objects.get(made.ref.manifestKey)!;
    for (let seed = 1; seed <= 50; seed += 1) {
      for (const kind of ['flip', 'truncate'] as const) {
        const bad = new Archive(faulty(remote, [{ kind, on: 'read' }], seed));
        const error: unknown = await bad.manifest(made.ref).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(['MANIFEST_INVALID', 'MANIFEST_VERSION']).toContain((error as { code?: string } | undefined)?.code);
      }
    }
    remote.objects.set(
      made.ref.manifestKey,
      Buffer.from(bytes.toString().replace('"formatVersion": 1', '"formatVersion": 9')),
    );
    await expectCode(archive.manifest(made.ref), 'MANIFEST_VERSION');
    remote.objects.delete(made.ref.manifestKey);
    await expectCode(archive.manifest(made.ref), 'NOT_FOUND');
  });
});

describe('the entries', () => {
  test('in an index that is damaged, missing or of another export', async () => {
    const [made, other] = [await makeExport(manyFiles()), await makeExport(manyFiles(2_002))];
    const { remote, archive } = await archiveWith(made, other);
    const manifest = await archive.manifest(made.ref);
    const key = layout.besideManifestKey(made.ref.path, manifest.filesIndex!.name);
    const bytes = remote.objects.get(key)!;
    for (let seed = 1; seed <= 40; seed += 1) {
      for (const kind of ['flip', 'truncate'] as const) {
        const bad = new Archive(faulty(remote, [{ kind, on: 'stream' }], seed));
        await expect(collect(bad.entries(made.ref, manifest))).rejects.toMatchObject({ name: 'LakepackError' });
      }
    }
    const otherIndex = layout.besideManifestKey(other.ref.path, (await archive.manifest(other.ref)).filesIndex!.name);
    remote.objects.set(key, remote.objects.get(otherIndex)!);
    await expectCode(collect(archive.entries(made.ref, manifest)), 'HASH_MISMATCH');
    remote.objects.delete(key);
    await expectCode(collect(archive.entries(made.ref, manifest)), 'NOT_FOUND');
    remote.objects.set(key, bytes);
    expect(await collect(archive.entries(made.ref, manifest))).toHaveLength(2_001);
  });
});

describe('the source of a bundle', () => {
  test('gives its bytes to a check, and a missing one is NOT_FOUND', async () => {
    const made = await makeExport(TREE);
    const { remote, archive } = await archiveWith(made);
    const manifest = await archive.manifest(made.ref);
    const options = {
      depth: 'contents',
      sidecar: { manifest, facts: manifest.bundles[0]!, number: 1, entries: archive.entries(made.ref, manifest) },
      where: {},
      concurrency: 2,
      scratchDir: SCRATCH,
      signal: undefined,
      onBytes: () => undefined,
    } as const;
    const source = await archive.bundleSource(made.ref, manifest.bundles[0]!.name);
    expect((await checkBundle(source, options)).findings).toEqual([]);
    remote.objects.delete(made.bundleKey);
    await expectCode(archive.bundleSource(made.ref, manifest.bundles[0]!.name), 'NOT_FOUND');
  });

  test('puts what is read into memory that is lent for it', async () => {
    const made = await makeExport(TREE);
    const { remote, archive } = await archiveWith(made);
    const facts = (await archive.manifest(made.ref)).bundles[0]!;
    const lending: Remote = {
      ...remote,
      readRange: async (key, range, { into } = {}) => {
        const bytes = await remote.readRange(key, range);
        return into === undefined ? bytes : into.subarray(0, bytes.copy(into));
      },
    };
    const source = await new Archive(lending).bundleSource(made.ref, facts.name);
    const into = Buffer.alloc(100);
    const read = await source.read(3, 50, into);
    expect(read.buffer).toBe(into.buffer);
    expect(read.equals(await source.read(3, 50))).toBe(true);
  });

  test('over a remote that flips a bit in any one read: what is hashed is found, and nothing is thrown', async () => {
    const made = await makeExport({ a: 'x'.repeat(50_000), b: 'b' });
    const { remote, archive } = await archiveWith(made);
    const manifest = await archive.manifest(made.ref);
    async function findingsWith(nth: number, seed: number): Promise<number> {
      const bad = faulty(remote, [{ kind: 'flip', on: 'readRange', nth }], seed);
      const source = await new Archive(bad).bundleSource(made.ref, manifest.bundles[0]!.name);
      const { findings } = await checkBundle(source, {
        depth: 'contents',
        sidecar: { manifest, facts: manifest.bundles[0]!, number: 1, entries: archive.entries(made.ref, manifest) },
        where: {},
        concurrency: 1,
        scratchDir: SCRATCH,
        signal: undefined,
        onBytes: () => undefined,
      });
      return bad.hits.length === 0 ? -1 : findings.length;
    }
    for (let seed = 1; seed <= 20; seed += 1) {
      // The first two reads look for the seek table; its bytes are read again, to be hashed.
      for (const nth of [1, 2]) expect(await findingsWith(nth, seed)).toBeGreaterThanOrEqual(0);
      for (const nth of [3, 4]) expect(await findingsWith(nth, seed)).toBeGreaterThan(0);
      expect(await findingsWith(5, seed)).toBe(-1);
    }
  });
});

describe('an archive that is lent', () => {
  test('stays open', async () => {
    let closed = 0;
    const remote = { ...openMemoryRemote(), close: async () => void (closed += 1) };
    const mine = new Archive(remote);
    const lent = await archiveAt(mine, { create: false } as never);
    await lent.close();
    expect(closed).toBe(0);
    await mine.close();
    expect(closed).toBe(1);
    expect([showPlace(mine), showPlace('/a')]).toEqual(['memory:', '/a']);
  });
});
