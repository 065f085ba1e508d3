/** What an archive cannot give whole it takes from the next that has it, and says so. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { Archive, archiveAt, openArchive } from '../../src/archive/archive.js';
import * as layout from '../../src/archive/layout.js';
import { interrupted } from '../../src/base/errors.js';
import { openFileRemote } from '../../src/remote/file.js';
import { collect, randomBytes, type Tree } from '../bundle/kit.js';
import { makeFolder } from '../lake/tree.js';
import { expectCode } from '../remote/bodies.js';
import { faulty, type Fault } from '../remote/faulty.js';
import { openMemoryRemote, type MemoryRemote } from '../remote/memory.js';
import { commit, makeExport, manyFiles, putBundles, type MadeExport } from './exports.js';

const TREE: Tree = { a: randomBytes(40_000), b: 'b' };

async function copies(made: MadeExport): Promise<{ one: MemoryRemote; two: MemoryRemote; archive: Archive }> {
  const [one, two] = [openMemoryRemote(), openMemoryRemote()];
  for (const remote of [one, two]) {
    await putBundles(remote, made);
    await commit(remote, made);
  }
  const second = new Archive({ ...two, url: 'second:' });
  return { one, two, archive: new Archive({ ...one, url: 'first:' }, { fallbacks: [second] }) };
}

async function wholeOf(archive: Archive, made: MadeExport): Promise<Buffer> {
  const manifest = await archive.manifest(made.ref);
  const source = await archive.bundleReader(made.ref, manifest, 1);
  return await source.read(0, source.bytes);
}

function flipped(bytes: Buffer, at: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged[at]! ^= 1;
  return damaged;
}

describe('a bundle', () => {
  test.each([
    ['with a bit flipped', (bytes: Buffer) => flipped(bytes, 20_000), /expected SHA-256/],
    ['cut short', (bytes: Buffer) => bytes.subarray(0, 20_000), /cut short/],
    ['missing', () => undefined, /is not in first:/],
  ])('%s is taken from the fallback, and said once', async (_, damage, reason) => {
    const made = await makeExport(TREE);
    const { one, archive } = await copies(made);
    const damaged = damage(made.built.bytes);
    if (damaged === undefined) one.objects.delete(made.bundleKey);
    else one.objects.set(made.bundleKey, damaged);
    expect((await wholeOf(archive, made)).equals(made.built.bytes)).toBe(true);
    expect((await wholeOf(archive, made)).equals(made.built.bytes)).toBe(true);
    expect(archive.takeHealed()).toEqual([
      { key: made.bundleKey, block: 0, from: 'first:', by: 'second:', reason: expect.stringMatching(reason) },
    ]);
    expect(archive.takeHealed()).toEqual([]);
  });

  test('that is whole costs the fallback nothing', async () => {
    const made = await makeExport(TREE);
    const { two, archive: given } = await copies(made);
    const counted = faulty(two, []);
    const archive = new Archive(given.remote, { fallbacks: [new Archive(counted)] });
    expect((await wholeOf(archive, made)).equals(made.built.bytes)).toBe(true);
    expect(archive.takeHealed()).toEqual([]);
    expect(counted.calls).toEqual([]);
  });

  test('damaged everywhere is an error of the first, which says what the others said', async () => {
    const made = await makeExport(TREE);
    const { one, two, archive } = await copies(made);
    one.objects.set(made.bundleKey, flipped(made.built.bytes, 1));
    two.objects.delete(made.bundleKey);
    await expect(wholeOf(archive, made)).rejects.toMatchObject({
      code: 'HASH_MISMATCH',
      hint: expect.stringMatching(/fallbacks .*second:.*is not in second:/),
    });
    expect(archive.takeHealed()).toEqual([]);
  });

  test('an interruption is not healed', async () => {
    const made = await makeExport(TREE);
    const { one, two } = await copies(made);
    const fault: Fault = { kind: 'fail', on: 'readRange', error: () => interrupted() };
    const archive = new Archive(faulty(one, [fault]), { fallbacks: [new Archive(two)] });
    await expectCode(wholeOf(archive, made), 'INTERRUPTED');
  });
});

describe('a manifest, an index, a listing', () => {
  test('that is missing or damaged comes from the fallback', async () => {
    const made = await makeExport(manyFiles());
    const { one, archive } = await copies(made);
    const index = layout.besideManifestKey(made.ref.path, layout.filesIndexName(made.ref.exportId));
    const manifest = await archive.manifest(made.ref);
    for (const key of [made.ref.manifestKey, index]) {
      const bytes = one.objects.get(key)!;
      for (const damaged of [undefined, bytes.subarray(0, 100), flipped(bytes, bytes.length - 40)]) {
        if (damaged === undefined) one.objects.delete(key);
        else one.objects.set(key, damaged);
        const fresh = new Archive(archive.remote, { fallbacks: archive.fallbacks });
        const { bytes: stored } = await fresh.storedManifest(made.ref);
        expect(stored.toString()).toContain(made.ref.exportId);
        expect(await collect(fresh.entries(made.ref, manifest))).toHaveLength(2_001);
        expect(fresh.takeHealed()).toMatchObject([{ key, from: 'first:', by: 'second:' }]);
      }
      one.objects.set(key, bytes);
    }
  });

  test('a listing that fails is taken whole from the fallback, never half', async () => {
    const made = [await makeExport(TREE, 'a/b'), await makeExport(TREE, 'a/c')];
    const remote = openMemoryRemote();
    await putBundles(remote, ...made);
    await commit(remote, ...made);
    for (const kind of ['fail', 'fail-late'] as const) {
      const failing = faulty(remote, [{ kind, on: 'list' }]);
      const archive = new Archive(failing, { fallbacks: [new Archive(remote)] });
      expect(await collect(archive.list())).toEqual(made.map(({ ref }) => ref));
      expect(archive.takeHealed()).toMatchObject([{ key: 'manifests/', by: remote.url }]);
    }
  });

  test('without fallbacks the same error comes as ever', async () => {
    const made = await makeExport(TREE);
    const { one } = await copies(made);
    one.objects.delete(made.ref.manifestKey);
    await expectCode(new Archive(one).manifest(made.ref), 'NOT_FOUND');
  });
});

test('a store that does not answer is asked last from then on', async () => {
  const made = await makeExport(TREE);
  const { one, two } = await copies(made);
  const down = faulty(one, [{ kind: 'fail', times: 1_000 }]);
  const archive = new Archive(down, { fallbacks: [new Archive(two)] });
  await collect(archive.list());
  for (let read = 0; read < 3; read += 1) expect(await wholeOf(archive, made)).toHaveLength(made.built.bytes.length);
  expect(down.calls).toHaveLength(1);
  two.objects.clear();
  await expectCode(wholeOf(archive, made), 'REMOTE_UNAVAILABLE');
  expect(down.calls.length).toBeGreaterThan(1);
});

describe('opening', () => {
  async function folders(): Promise<{ made: MadeExport; good: string; absent: string }> {
    const made = await makeExport(TREE);
    const folder = makeFolder();
    const good = path.join(folder, 'good');
    const remote = openFileRemote(good);
    await putBundles(remote, made);
    await commit(remote, made);
    return { made, good, absent: path.join(folder, 'absent') };
  }

  test('an archive that is not there reads from its fallback', async () => {
    const { made, good, absent } = await folders();
    const archive = await openArchive({ location: absent, fallback: [`${good}-2`, good] }, { mode: 'read' });
    expect(archive.url).toBe(absent);
    expect(await collect(archive.list())).toEqual([made.ref]);
    expect((await wholeOf(archive, made)).equals(made.built.bytes)).toBe(true);
    expect(archive.takeHealed()).toMatchObject([
      { key: 'manifests/' },
      { key: made.ref.manifestKey },
      { block: 0, by: good },
    ]);
    await archive.close();
  });

  test('throws as ever without fallbacks, and for writing', async () => {
    const { good, absent } = await folders();
    await expectCode(openArchive({ location: absent }, { mode: 'read' }), 'NOT_FOUND');
    fs.writeFileSync(absent, 'a file');
    await expectCode(openArchive({ location: absent, fallback: [good] }, { mode: 'write' }), 'TARGET_CONFLICT');
  });

  test('takes the fallbacks of a named remote from the configuration, unless some are given', async () => {
    const { made, good, absent } = await folders();
    const remotes = new Map([
      ['main', { path: absent, fallback: ['copy:'] }],
      ['copy', { path: good }],
    ]);
    const context = { environment: {}, remotes };
    const archive = await openArchive({ location: 'main:', context }, { mode: 'read' });
    expect(await collect(archive.list())).toEqual([made.ref]);
    await archive.close();
    await expectCode(openArchive({ location: 'main:', context, fallback: [] }, { mode: 'read' }), 'NOT_FOUND');
  });

  test('a fallback that cannot be opened fails only what needs it', async () => {
    const { made, good, absent } = await folders();
    const archive = await openArchive({ location: good, fallback: [absent, 'nosuch:thing'] }, { mode: 'read' });
    expect((await wholeOf(archive, made)).equals(made.built.bytes)).toBe(true);
    fs.rmSync(path.join(good, made.bundleKey));
    await expect(wholeOf(archive, made)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: expect.stringContaining(absent),
    });
    await archive.close();
  });

  test('lending an archive lends its fallbacks', async () => {
    const { made, good, absent } = await folders();
    const archive = await openArchive({ location: absent, fallback: [good] }, { mode: 'read' });
    const lent = await archiveAt(archive, { mode: 'read' });
    expect(await collect(lent.list())).toEqual([made.ref]);
    expect(lent.takeHealed()).toHaveLength(1);
    await lent.close();
    await archive.close();
  });
});
