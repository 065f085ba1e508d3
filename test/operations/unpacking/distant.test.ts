/** Restores from an archive that is far away: few requests, several at once, and nothing lost when it goes away. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Archive } from '../../../src/archive/archive.js';
import { LakepackError, type ErrorCode } from '../../../src/base/errors.js';
import { MIB } from '../../../src/base/limits.js';
import { unpack, verify } from '../../../src/index.js';
import type { Remote } from '../../../src/remote/remote.js';
import { faulty, type Fault, type FaultyRemote } from '../../remote/faulty.js';
import { openMemoryRemote } from '../../remote/memory.js';
import { codeOf, packInto, placeWith, treeOf, write, type Place, type Tree } from '../lakes.js';

/** Packs a lake into a store and opens it again from afar. */
async function distant(tree: Tree, faults: readonly Fault[] = []): Promise<{ place: Place; remote: FaultyRemote }> {
  const place = placeWith(tree);
  const near = openMemoryRemote();
  await packInto(place, { to: new Archive(near) });
  return { place, remote: faulty(openMemoryRemote({ store: near.store, distant: true }), faults) };
}

const MANY: Tree = Object.fromEntries(
  Array.from({ length: 40 }, (_, index) => [`silver/a/dt=2025-01-${index + 10}/x.txt`, `content ${index}\n`]),
);

const LARGE_FILES = 6;
const LARGE_BYTES = 1.5 * MIB;

async function largeExport(): Promise<{ place: Place; remote: FaultyRemote }> {
  const place = placeWith({});
  for (let index = 0; index < LARGE_FILES; index += 1) {
    write(place.lake, `silver/a/dt=2025-01-01/part-${index}.bin`, randomBytes(LARGE_BYTES));
  }
  const near = openMemoryRemote();
  await packInto(place, { to: new Archive(near) });
  return { place, remote: faulty(openMemoryRemote({ store: near.store, distant: true }), []) };
}

/** Counts the calls that are under way at once. */
function watched(inner: Remote): { remote: Remote; most: () => number } {
  let running = 0;
  let most = 0;
  async function count<T>(work: Promise<T>): Promise<T> {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    return await work.finally(() => (running -= 1));
  }
  const remote: Remote = {
    ...inner,
    read: (...args) => count(inner.read(...args)),
    readRange: (...args) => count(inner.readRange(...args)),
  };
  return { remote, most: () => most };
}

test('one file of a large bundle takes a listing, the manifest, the seek table and one range', async () => {
  const { place, remote } = await largeExport();
  const select = { exports: ['silver/a/dt=2025-01-01'] };
  await unpack({ from: new Archive(remote), select, into: place.into, paths: ['**/part-2.bin'] });
  const name = 'silver/a/dt=2025-01-01/part-2.bin';
  const [restored, packed] = [place.into, place.lake].map((root) => fs.readFileSync(path.join(root, name)));
  expect(restored!.equals(packed!)).toBe(true);
  expect(remote.calls.map((call) => call.split(' ')[0])).toEqual(['list', 'read', 'readRange', 'readRange']);
});

test('a whole large bundle comes in few requests', async () => {
  const { place, remote } = await largeExport();
  await unpack({ from: new Archive(remote), into: place.into });
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
  const reads = remote.calls.filter((call) => call.startsWith('readRange'));
  expect(reads.length).toBeLessThanOrEqual(1 + Math.ceil((LARGE_FILES * 1.51) / 8));
});

test('small exports are restored several at once, with one request for the manifest and one for the bundle', async () => {
  const { place, remote } = await distant(MANY);
  const { remote: seen, most } = watched(remote);
  const { totals } = await unpack({ from: new Archive(seen), into: place.into });
  expect(totals).toMatchObject({ exports: 40, files: 40 });
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
  expect(remote.calls).toHaveLength(1 + 40 * 2);
  expect(most()).toBeGreaterThan(8);
  expect(most()).toBeLessThanOrEqual(16);
});

test('what a verify of a distant archive reads comes once, several exports at once', async () => {
  const { remote } = await distant(MANY);
  const { remote: seen, most } = watched(remote);
  const report = await verify({ archive: new Archive(seen) });
  expect(report).toMatchObject({ ok: true, totals: { exports: 40, files: 40 } });
  // Manifest, head, SHA256SUMS, bundle; and two listings.
  expect(remote.calls.filter((call) => /^(head|read|readRange) /.test(call))).toHaveLength(40 * 4);
  expect(most()).toBeGreaterThan(8);
});

test('a verify of a large bundle reads every stored byte once', async () => {
  const { remote } = await largeExport();
  const report = await verify({ archive: new Archive(remote) });
  expect(report.ok).toBe(true);
  expect(remote.calls.filter((call) => call.startsWith('readRange'))).toHaveLength(
    Math.ceil((LARGE_FILES * 1.501) / 8),
  );
});

test.each<[ErrorCode, boolean]>([
  ['REMOTE_UNAVAILABLE', true],
  ['CREDENTIALS_INVALID', true],
  ['PERMISSION_DENIED', true],
  ['HASH_MISMATCH', false],
])('when a store ends with %s, what was staged is kept: %s', async (code, isKept) => {
  const error = (): Error => new LakepackError(code, 'store: went away');
  const { place, remote } = await distant(MANY, [{ kind: 'fail', on: 'readRange', nth: 20, times: 1_000, error }]);
  expect(await codeOf(unpack({ from: new Archive(remote), into: place.into }))).toBe(code);
  expect(fs.existsSync(place.into)).toBe(false);
  const staged = fs.readdirSync(path.dirname(place.into)).filter((name) => name.startsWith('.out.lakepack-'));
  expect(staged).toHaveLength(isKept ? 1 : 0);
  const again = await unpack({ from: new Archive({ ...remote, readRange: healthy(remote) }), into: place.into });
  expect(again.totals.resumed > 0).toBe(isKept);
  expect(treeOf(place.into)).toEqual(treeOf(place.lake));
});

/** The same store after its fault has passed. */
function healthy(remote: FaultyRemote): Remote['readRange'] {
  return async (key, { offset, length }) => (await remote.read(key, 64 * MIB)).subarray(offset, offset + length);
}

test('a failure stops what is under way, and nothing runs on', async () => {
  const { place, remote } = await distant(MANY, [{ kind: 'flip', on: 'readRange', share: 1 }]);
  const code = await codeOf(unpack({ from: new Archive(remote), into: place.into }));
  expect(['HASH_MISMATCH', 'ZSTD_INVALID', 'LIMIT_EXCEEDED', 'SEEK_TABLE_INVALID', 'BUNDLE_INVALID']).toContain(code);
  const calls = remote.calls.length;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(remote.calls).toHaveLength(calls);
});
