/** Which uploads prune gives up: those that nobody goes on with, whoever remembers them. */
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { Archive } from '../../../src/archive/archive.js';
import { UploadJournal } from '../../../src/archive/upload-journal.js';
import { prune, type PruneReport } from '../../../src/index.js';
import { openRemote } from '../../../src/remote/open.js';
import type { Remote, Upload } from '../../../src/remote/remote.js';
import { hasSharedCeph, sharedCeph } from '../../servers/ceph.js';
import { openFileRemote } from '../../../src/remote/file.js';
import { placeWith, type Place } from '../lakes.js';

const ID = '20200101T000000Z-0a1b2c3d';
const KEY = `exports/silver/old/${ID}/${ID}-00001.tar.zst`;
const OTHER = `exports/silver/old/${ID}/${ID}-00002.tar.zst`;

let place: Place;
beforeEach(() => void (place = placeWith()));

async function begin(remote: Remote, key: string): Promise<Upload> {
  const upload = await remote.parts!.begin(key);
  const bytes = Buffer.from('one part');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await remote.parts!.send(upload, { number: 1, offset: 0, bytes, sha256 });
  return upload;
}

async function unfinished(remote: Remote): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of remote.parts!.listUploads('')) keys.push(key);
  return keys;
}

function pruned(remote: Remote, more: Partial<Parameters<typeof prune>[0]> = {}): Promise<PruneReport> {
  return prune({ archive: new Archive(remote), uploads: true, stateDir: place.stateDir, ...more });
}

function suite(open: () => Promise<Remote>): void {
  let remote: Remote;
  beforeEach(async () => void (remote = await open()));

  test('one that only the store remembers goes when it is old enough', async () => {
    await begin(remote, KEY);
    expect((await pruned(remote)).rows).toMatchObject([{ key: KEY, status: 'kept', bytes: 8 }]);
    expect((await pruned(remote, { olderThanMs: 0, dryRun: true })).totals).toMatchObject({ planned: 1, bytes: 8 });
    expect(await unfinished(remote)).toEqual([KEY]);
    expect((await pruned(remote, { olderThanMs: 0 })).totals).toMatchObject({ removed: 1, bytes: 8 });
    expect(await unfinished(remote)).toEqual([]);
  });

  test('one of this machine goes when nobody works on it, however young it is', async () => {
    const journal = await UploadJournal.open(place.stateDir, remote.identity);
    const record = await journal.begun(await begin(remote, KEY), 8);
    expect((await pruned(remote, { olderThanMs: 0 })).rows).toMatchObject([
      { status: 'kept', reason: 'a process on this machine works on it' },
    ]);
    await record.leave();
    expect((await pruned(remote)).totals).toMatchObject({ removed: 1 });
    expect(await unfinished(remote)).toEqual([]);
    expect(await journal.all()).toEqual([]);
    await journal.close();
  });

  test('one that the store has forgotten is forgotten here too', async () => {
    const journal = await UploadJournal.open(place.stateDir, remote.identity);
    const upload = await begin(remote, KEY);
    await (await journal.begun(upload, 8)).leave();
    await remote.parts!.abort(upload);
    expect((await pruned(remote)).totals).toMatchObject({ removed: 1, bytes: 0 });
    expect(await journal.all()).toEqual([]);
  });

  test('those of others beside the archive stay', async () => {
    await begin(remote, 'exports/somebody-elses.bin');
    await begin(remote, 'photos/x.jpg');
    await begin(remote, OTHER);
    expect((await pruned(remote, { olderThanMs: 0 })).rows.map(({ key }) => key)).toEqual([OTHER]);
    expect(await unfinished(remote)).toHaveLength(2);
  });
}

describe('uploads into a folder', () => suite(async () => openFileRemote(place.archive)));

describe.skipIf(!hasSharedCeph())('uploads into a real store', () => {
  suite(async () => {
    const { endpoint, keys, createBucket } = await sharedCeph();
    const location = `s3://${await createBucket()}/lake?endpoint=${endpoint}&region=us-east-1&provider=ceph`;
    const environment = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
    return openRemote({ location, context: { environment, remotes: new Map() } }, { mode: 'write' });
  });
});

describe('a store that lists exact keys only', () => {
  test('gives up what the journal knows', async () => {
    const remote = openFileRemote(place.archive);
    const exact: Remote = {
      ...remote,
      parts: { ...remote.parts!, listUploads: async function* () {} },
    };
    const journal = await UploadJournal.open(place.stateDir, remote.identity);
    await (await journal.begun(await begin(remote, KEY), 8)).leave();
    expect((await pruned(exact)).totals).toMatchObject({ removed: 1, bytes: 8 });
    expect(await unfinished(remote)).toEqual([]);
  });
});
