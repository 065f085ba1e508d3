/** A real store between two folders: push, pull and migrate through S3. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { transfer, unpack, verify, type TransferOptions } from '../../../src/index.js';
import type { ArchiveLocation } from '../../../src/archive/contract.js';
import { openRemote } from '../../../src/remote/open.js';
import { hasSharedCeph, sharedCeph } from '../../servers/ceph.js';
import { makeFolder, packInto, placeWith, treeOf, SMALL, type Place } from '../lakes.js';
import { codeOf } from '../lakes.js';
import { freshStateDir, writeLarge } from './kit.js';

describe.skipIf(!hasSharedCeph())('through a real store', () => {
  test('folder to store to folder: what comes out is what went in', async () => {
    const place = placeWith(SMALL);
    writeLarge(place, 36 * 1024 * 1024);
    await packInto(place, { to: place.lake });
    const store = await storeLocation('push');
    const pushed = await run(place, { from: place.lake, to: store });
    expect(pushed.totals).toMatchObject({ transferred: 5, failed: 0 });
    expect(new Set(pushed.exports.map(({ proof }) => proof))).toEqual(new Set(['read-back']));
    expect((await run(place, { from: place.lake, to: store })).totals).toMatchObject({ transferred: 0, present: 5 });
    const pulled = path.join(makeFolder(), 'archive');
    const report = await run(place, { from: store, to: pulled, memoryBytes: 1 });
    expect(report.totals).toMatchObject({ transferred: 5, failed: 0 });
    const objects = (folder: string) =>
      [...treeOf(path.join(folder, 'exports'))].map(([name, facts]) => [name, withoutTime(facts)]);
    expect(objects(pulled)).toEqual(objects(place.lake));
    expect((await verify({ archive: pulled })).ok).toBe(true);
    await unpack({ from: pulled, into: place.into });
    const isOwn = (name: string): boolean => /^(exports|manifests)(\/|$)/.test(name);
    expect([...treeOf(place.into)]).toEqual([...treeOf(place.lake)].filter(([name]) => !isOwn(name)));
  }, 60_000);

  test('inside of one store the store copies; deleting the source leaves it empty', async () => {
    const place = placeWith(SMALL);
    await packInto(place, { to: place.lake });
    const [from, to] = [await storeLocation('old'), await storeLocation('new')];
    await run(place, { from: place.lake, to: from });
    const report = await run(place, { from, to, wholeArchive: true, deleteSource: true });
    expect(report.exports.every(({ copied, sourceDeleted }) => copied && sourceDeleted)).toBe(true);
    expect(report.cutOver).toMatchObject({ onlyInSource: { count: 0 }, onlyInTarget: { count: 4 } });
    expect(await keysIn(from)).toEqual([]);
    expect((await verify({ archive: to })).ok).toBe(true);
  });

  test('the same prefix twice, or one inside of the other, is refused', async () => {
    const place = placeWith(SMALL);
    const from = await storeLocation('twice');
    const inside = { ...from, location: from.location.replace('?', '/deeper?') };
    expect(await codeOf(run(place, { from, to: from }))).toBe('USAGE');
    expect(await codeOf(run(place, { from, to: inside }))).toBe('USAGE');
  });
});

/** Objects of an archive have no time of their own: `644 1859 1795261825 cfbb…` is mode, bytes, time and SHA-256. */
function withoutTime(facts: string): string {
  return facts.replace(/^(\d+ \d+) \d+ /, '$1 ');
}

function run({ stateDir }: Place, options: TransferOptions): ReturnType<typeof transfer> {
  return transfer({ stateDir, ...options });
}

let bucket: Promise<string> | undefined;

async function storeLocation(prefix: string): Promise<ArchiveLocation> {
  const server = await sharedCeph();
  bucket ??= server.createBucket();
  const { accessKeyId, secretAccessKey } = server.keys;
  const query = new URLSearchParams({ endpoint: server.endpoint, region: server.region, provider: 'ceph' });
  return {
    location: `s3://${await bucket}/${prefix}-${path.basename(freshStateDir())}?${query.toString()}`,
    context: {
      environment: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
      remotes: new Map(),
    },
  };
}

async function keysIn(location: ArchiveLocation): Promise<string[]> {
  const remote = await openRemote(location, { mode: 'read' });
  const keys: string[] = [];
  for await (const { key } of remote.list('')) keys.push(key);
  await remote.close();
  return keys;
}
