/** What prune removes of the objects of an archive, and what it never does. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Archive } from '../../../src/archive/archive.js';
import { LakepackError } from '../../../src/base/errors.js';
import { prune, verify, type PruneReport } from '../../../src/index.js';
import type { Remote } from '../../../src/remote/remote.js';
import { openMemoryRemote, type MemoryRemote } from '../../remote/memory.js';
import { codeOf, packInto, placeWith, type Place } from '../lakes.js';

const OLD = '20200101T000000Z-0a1b2c3d';
const BUNDLE = `exports/silver/old/${OLD}/${OLD}-00001.tar.zst`;
const SUMS = `exports/silver/old/${OLD}/SHA256SUMS`;
const INDEX = `manifests/silver/old/${OLD}.files.jsonl.zst`;
const MANIFEST = `manifests/silver/old/${OLD}.export.json`;
const DAY_MS = 86_400_000;

let place: Place;
let memory: MemoryRemote;

beforeEach(async () => {
  place = placeWith();
  memory = openMemoryRemote();
  for (const key of [BUNDLE, SUMS, INDEX]) await memory.put(key, Buffer.from('garbage'));
});

async function pruned(remote: Remote = memory, more: Partial<Parameters<typeof prune>[0]> = {}): Promise<PruneReport> {
  return prune({ archive: new Archive(remote), stateDir: place.stateDir, ...more });
}

describe('objects without a manifest', () => {
  test('go, all three kinds of them', async () => {
    const report = await pruned();
    expect(report.rows.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
      'bundle removed',
      'checksums removed',
      'index removed',
    ]);
    expect(report.totals).toMatchObject({ removed: 3, bytes: 21, kept: 0 });
    expect([...memory.objects.keys()]).toEqual([]);
  });

  test('are only named in a dry run', async () => {
    const report = await pruned(memory, { dryRun: true });
    expect(report.totals).toMatchObject({ planned: 3, removed: 0, bytes: 21 });
    expect(memory.objects.size).toBe(3);
  });

  test('stay when they are young', async () => {
    const report = await pruned(memory, { graceMs: 100 * 366 * DAY_MS });
    expect(report.totals).toMatchObject({ kept: 3, removed: 0 });
    expect(report.rows[0]?.reason).toContain('grace');
  });

  test('stay when they were stored a moment ago, however old their export is: a transfer stores them', async () => {
    const list: Remote['list'] = async function* (prefix, options) {
      for await (const one of memory.list(prefix, options)) {
        yield options?.withTimes === true && one.key === BUNDLE ? { ...one, storedAt: new Date() } : one;
      }
    };
    expect((await pruned({ ...memory, list })).totals).toMatchObject({ kept: 3, removed: 0 });
  });

  test('stay when an unfinished pack on this machine goes on with them', async () => {
    const journal = path.join(place.stateDir, 'packs', 'x.journal.jsonl');
    fs.mkdirSync(path.dirname(journal), { recursive: true });
    fs.writeFileSync(journal, `\n${JSON.stringify({ path: 'silver/old', scanDigest: 'x', exportId: OLD })}\n{"torn`);
    const report = await pruned();
    expect(report.totals).toMatchObject({ kept: 3, removed: 0 });
    expect(report.rows[0]?.reason).toContain('unfinished run');
  });

  test('that the store does not let go are said, and the others go', async () => {
    const locked: Remote['delete'] = async (key, options) => {
      if (key === BUNDLE) throw new LakepackError('PERMISSION_DENIED', `${key}: the object is locked`);
      await memory.delete(key, options);
    };
    const report = await pruned({ ...memory, delete: locked });
    expect(report.totals).toMatchObject({ removed: 2, refused: 1, bytes: 14 });
    expect(report.rows.find(({ status }) => status === 'refused')).toMatchObject({
      key: BUNDLE,
      reason: `${BUNDLE}: the object is locked`,
    });
  });

  test('stop the run when the store cannot be reached', async () => {
    const fails: Remote['delete'] = async () => {
      throw new LakepackError('REMOTE_UNAVAILABLE', 'gone');
    };
    expect(await codeOf(pruned({ ...memory, delete: fails }))).toBe('REMOTE_UNAVAILABLE');
  });
});

describe('what a manifest names', () => {
  test('stays', async () => {
    await memory.put(MANIFEST, Buffer.from('{}'));
    expect((await pruned()).rows).toEqual([]);
    expect(memory.objects.size).toBe(4);
  });

  test('stays when the manifest comes while bundles are listed', async () => {
    const list: Remote['list'] = async function* (prefix, options) {
      yield* memory.list(prefix, options);
      if (prefix === 'exports/') memory.objects.set(MANIFEST, Buffer.from('{}'));
    };
    expect((await pruned({ ...memory, list })).rows).toEqual([]);
    expect(memory.objects.has(BUNDLE)).toBe(true);
  });

  test('stays when the manifest comes after all listings', async () => {
    let listings = 0;
    const list: Remote['list'] = async function* (prefix, options) {
      yield* memory.list(prefix, options);
      listings += 1;
      if (listings === 4) memory.objects.set(MANIFEST, Buffer.from('{}'));
    };
    const report = await pruned({ ...memory, list });
    expect(listings).toBe(4);
    expect(report.rows.map(({ reason }) => reason)).toEqual(Array(3).fill('it has a manifest now'));
    expect(memory.objects.has(BUNDLE)).toBe(true);
  });
});

test('what lakepack did not name stays: a lake may be its own archive', async () => {
  const own = [
    'exports/readme.txt',
    `exports/silver/${OLD}/other.tar.zst`,
    'manifests/run-1.json',
    'silver/x/SHA256SUMS',
  ];
  for (const key of [...own, 'exports/a/b/SHA256SUMS']) await memory.put(key, Buffer.from('mine'));
  await pruned();
  expect([...memory.objects.keys()].sort()).toEqual([...own, 'exports/a/b/SHA256SUMS'].sort());
});

test('a folder keeps its exports, loses its garbage, and is not made when it is not there', async () => {
  await packInto(place);
  const garbage = path.join(place.archive, BUNDLE);
  fs.mkdirSync(path.dirname(garbage), { recursive: true });
  fs.writeFileSync(garbage, 'garbage');
  fs.utimesSync(garbage, 1_600_000_000, 1_600_000_000);
  const report = await prune({ archive: place.archive, stateDir: place.stateDir });
  expect(report.rows).toMatchObject([{ key: BUNDLE, status: 'removed', at: '2020-09-13T12:26:40.000Z' }]);
  expect((await verify({ archive: place.archive })).ok).toBe(true);
  expect(await codeOf(prune({ archive: place.into, stateDir: place.stateDir }))).toBe('NOT_FOUND');
  expect(fs.existsSync(place.into)).toBe(false);
});
