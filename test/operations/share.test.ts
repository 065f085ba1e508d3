/** Links to exports: the script that is printed works with stock tools alone, and damage is seen. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { scriptLines } from '../../src/cli/commands/remote/share.js';
import { pack, share, unpack, type ArchiveLocation } from '../../src/index.js';
import { makeFolder } from '../lake/tree.js';
import { hasSharedCeph, plainClient, sharedCeph } from '../servers/ceph.js';
import { hasProgram } from '../servers/programs.js';
import { codeOf, packInto, placeWith, treeOf } from './lakes.js';

const canFetch = hasSharedCeph() && hasProgram('curl') && hasProgram('sha256sum');

async function bucketArchive(): Promise<{ readonly archive: ArchiveLocation; readonly bucket: string }> {
  const { endpoint, keys, createBucket } = await sharedCeph();
  const bucket = await createBucket();
  const location = `s3://${bucket}/it's a lake?endpoint=${endpoint}&region=us-east-1&provider=ceph`;
  const environment = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
  return { bucket, archive: { location, context: { environment, remotes: new Map() } } };
}

describe.skipIf(!canFetch)('the script', () => {
  test('fetches exports and compares them, and what it fetched unpacks', async () => {
    const place = placeWith();
    const { archive, bucket } = await bucketArchive();
    await pack({ lake: place.lake, to: archive, stateDir: place.stateDir });
    const report = await share({ archive, select: { all: true }, expiresSeconds: 60 });
    const script = `${scriptLines(report).join('\n')}\n`;
    const folder = makeFolder();
    const printed = execFileSync('sh', { input: script, cwd: folder, stdio: 'pipe' }).toString();
    expect(printed.match(/: OK$/gm)).toHaveLength(8);
    const bundles = fs.readdirSync(folder).filter((name) => name.endsWith('.tar.zst'));
    await unpack({ bundleFiles: bundles.map((name) => path.join(folder, name)), into: place.into });
    expect([...treeOf(place.into).keys()]).toEqual([...treeOf(place.lake).keys()]);

    const { key = '' } = report.exports[0]?.files.find(({ name }) => name.endsWith('.tar.zst')) ?? {};
    const client = plainClient(await sharedCeph());
    const object = { Bucket: bucket, Key: `it's a lake/${key}` };
    await client.send(new DeleteObjectCommand(object));
    await client.send(new PutObjectCommand({ ...object, Body: 'other bytes' }));
    client.destroy();
    const again = spawnSync('sh', { input: script, cwd: makeFolder(), encoding: 'utf8' });
    expect(again.status).not.toBe(0);
    expect(again.stdout).toContain(`${path.basename(key)}: FAILED`);
  });
});

describe('share', () => {
  test('of a folder: there are no links', async () => {
    const place = placeWith();
    await packInto(place);
    expect(await codeOf(share({ archive: place.archive, select: { all: true } }))).toBe('ARCHIVE_UNSUPPORTED');
  });

  test.each([0, -1, 1.5, 7 * 86_400 + 1, Number.NaN])(
    'for %d seconds: a usage error, and nothing is asked',
    async (seconds) => {
      const asked = share({ archive: '/no/such/archive', select: { all: true }, expiresSeconds: seconds });
      expect(await codeOf(asked)).toBe('USAGE');
    },
  );
});
