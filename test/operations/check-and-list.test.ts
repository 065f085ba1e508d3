/** Checks of folders and addresses, and listings of objects. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkRemote, listObjects, pack, type ListedObject, type RemoteCheckReport } from '../../src/index.js';
import { hasSharedCeph, sharedCeph } from '../servers/ceph.js';
import { codeOf, packInto, placeWith } from './lakes.js';

function outcomes({ probes }: RemoteCheckReport): Record<string, string> {
  return Object.fromEntries(probes.map(({ id, outcome }) => [id, outcome]));
}

describe('a check of a folder', () => {
  test('finds it usable, and leaves it as it was', async () => {
    const place = placeWith();
    const report = await checkRemote({ remote: place.lake });
    expect(report).toMatchObject({ kind: 'folder', verdict: 'writing', ok: true, problems: [], leftBehind: [] });
    expect(fs.readdirSync(place.lake).sort()).toEqual(['bronze', 'silver']);
  });

  test('does not make one that is not there', async () => {
    const { into } = placeWith();
    const report = await checkRemote({ remote: into });
    expect(report.problems).toMatchObject([{ probe: 'folder', code: 'NOT_FOUND' }]);
    expect(report.verdict).toBe('unusable');
    expect(fs.existsSync(into)).toBe(false);
  });

  test('finds a file to be none', async () => {
    const place = placeWith();
    const file = path.join(place.lake, 'silver/apps/dt=2025-10-11/part-0.csv');
    expect((await checkRemote({ remote: file })).problems[0]?.message).toBe('folder: is a file');
  });

  test('that is stopped at once leaves nothing', async () => {
    const place = placeWith();
    expect(await codeOf(checkRemote({ remote: place.lake, signal: AbortSignal.abort() }))).toBe('INTERRUPTED');
    expect(fs.readdirSync(place.lake).sort()).toEqual(['bronze', 'silver']);
  });

  test('tells each probe as it ends', async () => {
    const ids: string[] = [];
    const report = await checkRemote({ remote: placeWith().lake, onProbe: (id) => ids.push(id) });
    expect(ids).toEqual(report.probes.map(({ id }) => id));
  });
});

describe.skipIf(!hasSharedCeph())('a public address', () => {
  test('is checked for reading, with what is in it', async () => {
    const place = placeWith();
    const { endpoint, keys, createBucket } = await sharedCeph();
    const bucket = await createBucket(undefined, { publicRead: true });
    const environment = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
    const location = `s3://${bucket}/lake?endpoint=${endpoint}&region=us-east-1&provider=ceph`;
    const to = { location, context: { environment, remotes: new Map() } };
    await pack({ lake: place.lake, to, stateDir: place.stateDir });

    const report = await checkRemote({ remote: `${endpoint}/${bucket}/lake` });
    expect(report).toMatchObject({ kind: 'https', verdict: 'reading', ok: true });
    expect(outcomes(report)).toMatchObject({ list: 'works', head: 'works', range: 'works', tls: 'missing' });
    expect((await checkRemote({ remote: to })).probes.find(({ id }) => id === 'public')?.note).toMatch(/^public/);

    const objects: ListedObject[] = [];
    for await (const one of listObjects({ remote: to, prefix: 'manifests/silver/' })) objects.push(one);
    expect(objects.map(({ key }) => key.split('/')[3])).toEqual(['dt=2025-10-11', 'dt=2025-10-12', 'dt=2025-10-13']);
    expect(objects.every(({ storedAt }) => storedAt !== undefined)).toBe(true);
  });
});

test('objects of a folder are listed with size and time, whoever put them there', async () => {
  const place = placeWith();
  await packInto(place);
  fs.writeFileSync(path.join(place.archive, 'note.txt'), 'mine');
  const objects: ListedObject[] = [];
  for await (const one of listObjects({ remote: place.archive })) objects.push(one);
  expect(objects).toHaveLength(4 * 3 + 1);
  expect(objects.find(({ key }) => key === 'note.txt')).toMatchObject({ bytes: 4, storedAt: expect.any(Date) as Date });
});
