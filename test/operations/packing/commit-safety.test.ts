/** An archive that fails: whatever happens, no manifest stands without its bundles, and the next run finishes. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { Archive } from '../../../src/archive/archive.js';
import { LakepackError } from '../../../src/base/errors.js';
import { verify } from '../../../src/index.js';
import { faulty, type Fault } from '../../remote/faulty.js';
import { openMemoryRemote, type MemoryRemote } from '../../remote/memory.js';
import { codeOf, keysOf, packInto, placeWith, type Place } from '../lakes.js';

const MANIFEST = /^manifests\/.*\.export\.json$/;
const BUNDLE = /\.tar\.zst$/;

async function packFaulty(
  place: Place,
  memory: MemoryRemote,
  faults: readonly Fault[],
  concurrency = 1,
): Promise<string> {
  return await codeOf(
    packInto(place, {
      concurrency,
      // Under its own name: the journal is for one lake and one archive.
      to: new Archive({ ...faulty(memory, faults), url: memory.url }),
    }),
  );
}

/** Every manifest has its bundles; and after one sound run all is there once, with nothing left over. */
async function expectSoundAndFinish(place: Place, memory: MemoryRemote): Promise<void> {
  for (const key of keysOf(memory, MANIFEST)) {
    const { exportId, source, bundles } = JSON.parse(memory.objects.get(key)!.toString());
    for (const { name } of bundles) expect(keysOf(memory)).toContain(`exports/${source.path}/${exportId}/${name}`);
  }
  await packInto(place, { to: new Archive(memory) });
  expect(keysOf(memory, MANIFEST)).toHaveLength(4);
  expect(keysOf(memory, BUNDLE)).toHaveLength(4);
  expect(await verify({ archive: new Archive(memory) })).toMatchObject({
    ok: true,
    totals: { exports: 4, findings: 0 },
  });
}

describe('when a manifest cannot be written', () => {
  test.each([1, 2, 4])('manifest %i: those before it are committed and keep their bundles', async (nth) => {
    const place = placeWith();
    const memory = openMemoryRemote();
    expect(await packFaulty(place, memory, [{ kind: 'fail', on: 'put', key: MANIFEST, nth }])).toBe(
      'REMOTE_UNAVAILABLE',
    );
    expect(keysOf(memory, MANIFEST)).toHaveLength(nth - 1);
    await expectSoundAndFinish(place, memory);
  });

  test.each([1, 3])('manifest %i was stored, and the answer lost: its bundles stay', async (nth) => {
    const place = placeWith();
    const memory = openMemoryRemote();
    expect(await packFaulty(place, memory, [{ kind: 'fail-late', on: 'put', key: MANIFEST, nth }])).toBe(
      'REMOTE_UNAVAILABLE',
    );
    expect(keysOf(memory, MANIFEST)).toHaveLength(nth);
    await expectSoundAndFinish(place, memory);
  });

  test.each([1, 2, 3, 4])('manifest %i, while others are on their way', async (nth) => {
    const place = placeWith();
    const memory = openMemoryRemote();
    const faults: Fault[] = [{ kind: 'fail', on: 'put', key: MANIFEST, nth }];
    expect(await packFaulty(place, memory, faults, 4)).toBe('REMOTE_UNAVAILABLE');
    expect(keysOf(memory, MANIFEST).length).toBeLessThan(4);
    await expectSoundAndFinish(place, memory);
  });

  test('also when the archive cannot even be asked whether it is there', async () => {
    const place = placeWith();
    const memory = openMemoryRemote();
    const faults: Fault[] = [
      { kind: 'fail-late', on: 'put', key: MANIFEST, nth: 2 },
      { kind: 'fail', on: 'head', key: MANIFEST, times: 1_000 },
    ];
    expect(await packFaulty(place, memory, faults)).toBe('REMOTE_UNAVAILABLE');
    await expectSoundAndFinish(place, memory);
  });
});

test.each([1, 2])('a flush that fails (number %i): nothing visible loses its bundles', async (nth) => {
  const place = placeWith();
  const memory = openMemoryRemote();
  expect(await packFaulty(place, memory, [{ kind: 'fail', on: 'flush', nth }])).toBe('REMOTE_UNAVAILABLE');
  expect(keysOf(memory, MANIFEST)).toHaveLength(nth === 1 ? 0 : 4);
  await expectSoundAndFinish(place, memory);
});

test.each([
  ['a bundle', BUNDLE],
  ['the checksums', /SHA256SUMS$/],
])('a full disk at %s: nothing is left, and it is said', async (_, key) => {
  const place = placeWith();
  const memory = openMemoryRemote();
  const full = (): Error => new LakepackError('DISK_FULL', 'the disk is full');
  expect(await packFaulty(place, memory, [{ kind: 'fail', on: 'put', key, nth: 3, error: full }])).toBe('DISK_FULL');
  expect(keysOf(memory)).toEqual([]);
  await expectSoundAndFinish(place, memory);
});

test('a store that fails and cannot even delete: the next run clears up, and goes on under the same ids', async () => {
  const place = placeWith();
  const memory = openMemoryRemote();
  const faults: Fault[] = [
    { kind: 'fail', on: 'flush' },
    { kind: 'fail', on: 'delete', times: 1_000 },
  ];
  expect(await packFaulty(place, memory, faults)).toBe('REMOTE_UNAVAILABLE');
  const left = keysOf(memory, BUNDLE);
  expect(left).toHaveLength(4);
  await expectSoundAndFinish(place, memory);
  expect(keysOf(memory, BUNDLE)).toEqual(left);
});

test('what an unfinished run stored for content that is gone since is removed', async () => {
  const place = placeWith();
  const memory = openMemoryRemote();
  const faults: Fault[] = [
    { kind: 'fail', on: 'flush' },
    { kind: 'fail', on: 'delete', times: 1_000 },
  ];
  await packFaulty(place, memory, faults);
  const left = keysOf(memory, BUNDLE);
  fs.appendFileSync(path.join(place.lake, 'silver/apps/dt=2025-10-11/part-0.csv'), '9,new\n');
  await expectSoundAndFinish(place, memory);
  expect(left.filter((key) => !memory.objects.has(key))).toHaveLength(1);
});

test('half a bundle under the name of an unfinished export is replaced', async () => {
  const place = placeWith();
  const memory = openMemoryRemote();
  await packFaulty(place, memory, [
    { kind: 'fail', on: 'flush' },
    { kind: 'fail', on: 'delete', times: 1_000 },
  ]);
  const [key = ''] = keysOf(memory, BUNDLE);
  memory.objects.set(key, memory.objects.get(key)!.subarray(0, 100));
  await expectSoundAndFinish(place, memory);
});

test('a damaged journal is the same as none', async () => {
  const place = placeWith();
  const memory = openMemoryRemote();
  await packFaulty(place, memory, [{ kind: 'fail', on: 'flush' }]);
  const folder = path.join(place.stateDir, 'packs');
  for (const name of fs.readdirSync(folder)) fs.writeFileSync(path.join(folder, name), '{"path":"half a li');
  await expectSoundAndFinish(place, memory);
});

test('an interruption leaves nothing, and says so', async () => {
  const place = placeWith();
  const memory = openMemoryRemote();
  const stop = new AbortController();
  const remote = faulty(memory, [{ kind: 'hang', on: 'put', key: BUNDLE, nth: 3 }]);
  const run = packInto(place, { to: new Archive(remote), signal: stop.signal });
  await expect.poll(() => remote.hits.length).toBe(1);
  stop.abort();
  expect(await codeOf(run)).toBe('INTERRUPTED');
  expect(keysOf(memory)).toEqual([]);
  await expectSoundAndFinish(place, memory);
});

test('more entries than a manifest holds: an index that no manifest names is cleared away too', async () => {
  const files = Object.fromEntries(Array.from({ length: 2_001 }, (_, index) => [`silver/a/${index}`, '']));
  const place = placeWith(files);
  const memory = openMemoryRemote();
  expect(await packFaulty(place, memory, [{ kind: 'fail', on: 'flush' }])).toBe('REMOTE_UNAVAILABLE');
  expect(keysOf(memory)).toEqual([]);
  const { exports } = await packInto(place, { to: new Archive(memory) });
  expect(keysOf(memory, /^manifests/)).toHaveLength(2);
  expect(exports[0]).toMatchObject({ status: 'packed', files: 2_001 });
  // The index is compared, not believed, when the known digests are lost.
  const again = await packInto({ ...place, stateDir: `${place.stateDir}-2` }, { to: new Archive(memory) });
  expect(again.totals.unchanged).toBe(1);
});
