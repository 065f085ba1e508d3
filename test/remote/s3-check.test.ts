/** A check of a real store: it tells the truth in every situation, and leaves nothing behind. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import type { RemoteCheckReport } from '../../src/index.js';
import { lifecycleOf } from '../../src/remote/s3-check-bucket.js';
import { hasSharedCeph, plainClient, sharedCeph, type S3Server } from '../servers/ceph.js';
import { tlsMissing } from '../servers/tls.js';
import { checkAt, SCENARIOS } from './check-scenarios.js';

const KEYS = { accessKeyId: 'nobody', secretAccessKey: 'nothing' };

function outcomes(report: RemoteCheckReport): Record<string, string> {
  return Object.fromEntries(report.probes.map(({ id, outcome }) => [id, outcome]));
}

async function leftIn({ endpoint, keys }: S3Server, bucket: string): Promise<readonly string[]> {
  const client = plainClient({ endpoint, keys });
  const versions = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
  const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  client.destroy();
  const all = [...(versions.Versions ?? []), ...(versions.DeleteMarkers ?? []), ...(uploads.Uploads ?? [])];
  return all.map(({ Key }) => Key ?? '');
}

describe.skipIf(!hasSharedCeph())('a check of the gateway', () => {
  let server: S3Server;
  beforeAll(async () => void (server = await sharedCeph()));

  const document = readFileSync(new URL('../../docs/remote-check.md', import.meta.url), 'utf8');

  test.each(SCENARIOS)(
    '$title: says what the document says',
    async ({ title, run }) => {
      if (title.startsWith('With TLS') && tlsMissing() !== undefined) return;
      const report = await run(server);
      const part = document.split(`### ${title}\n`)[1]?.split('\n### ')[0] ?? '';
      const rows = [...part.matchAll(/^\| ([a-z0-9-]+) \| ([a-z]+) \|/gm)].map(([, id, outcome]) => [id, outcome]);
      expect(outcomes(report)).toEqual(Object.fromEntries(rows));
      const verdict = { writing: 'usable for writing', reading: 'usable for reading only', unusable: 'not usable' };
      expect(part).toContain(`Verdict: **${verdict[report.verdict]}`);
      expect(part.includes(', with problems')).toBe(!report.ok);
      expect(report.leftBehind).toEqual([]);
      expect(report.probes.length).toBeGreaterThan(40);
    },
    20_000,
  );

  test.each([{}, { versioning: true }, { objectLock: true }])('leaves nothing in a bucket with %j', async (options) => {
    const bucket = await server.createBucket(undefined, options);
    const report = await checkAt({ ...server, bucket });
    expect(report).toMatchObject({ verdict: 'writing', ok: true, leftBehind: [] });
    expect(await leftIn(server, bucket)).toEqual([]);
  });

  test('writes no object where the bucket would keep it', async () => {
    const bucket = await server.createBucket(undefined, { objectLock: true });
    const client = plainClient(server);
    const rule = { DefaultRetention: { Mode: 'COMPLIANCE', Days: 1 } } as const;
    const lock = { ObjectLockEnabled: 'Enabled', Rule: rule } as const;
    await client.send(new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration: lock }));
    client.destroy();
    expect(outcomes(await checkAt({ ...server, bucket }))).toMatchObject({ put: 'skipped', multipart: 'works' });
    expect(await leftIn(server, bucket)).toEqual([]);
  });

  test('leaves nothing when it is stopped at any moment', async () => {
    const bucket = await server.createBucket();
    for (const ms of [40, 150, 300, 500]) {
      const stopped = await checkAt({ ...server, bucket }, { signal: AbortSignal.timeout(ms) }).catch(
        (error: unknown) => error,
      );
      expect(isLakepackError(stopped, 'INTERRUPTED') || 'verdict' in (stopped as object)).toBe(true);
      expect(await leftIn(server, bucket)).toEqual([]);
    }
  });

  test('with a key that must not delete leaves one small object, and says so', async () => {
    const { other } = server;
    if (other === undefined) return;
    const bucket = await server.createBucket();
    const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
    const Action = ['s3:GetObject', 's3:ListBucket', 's3:PutObject', 's3:AbortMultipartUpload'];
    const Statement = [{ Effect: 'Allow', Principal: { AWS: ['arn:aws:iam:::user/other'] }, Action, Resource }];
    const client = plainClient(server);
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
    client.destroy();
    const report = await checkAt({ ...server, keys: other, bucket });
    expect(report.verdict).toBe('writing');
    expect(outcomes(report)).toMatchObject({ put: 'works', delete: 'refused', copy: 'skipped' });
    expect(report.leftBehind).toHaveLength(1);
    expect(await leftIn(server, bucket)).toHaveLength(1);
  });

  test('tells no key', async () => {
    const report = await checkAt({ ...server, bucket: await server.createBucket() });
    expect(JSON.stringify(report)).not.toContain(server.keys.secretAccessKey);
    expect(JSON.stringify(report)).not.toContain('X-Amz-');
  });
});

describe('a check of what is no store', () => {
  async function withPage(use: (endpoint: string) => Promise<void>): Promise<void> {
    const server: Server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<html>welcome</html>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  test('a web page: the endpoint is wrong', async () => {
    await withPage(async (endpoint) => {
      const report = await checkAt({ endpoint, bucket: 'bucket', keys: KEYS });
      expect(report.verdict).toBe('unusable');
      expect(report.problems[0]).toMatchObject({ probe: 's3', code: 'REMOTE_MISCONFIGURED' });
      expect(report.problems[0]?.hint).toContain('not of a console');
    });
  });

  test('a port where nothing listens', async () => {
    let closed = '';
    await withPage(async (endpoint) => void (closed = endpoint));
    const report = await checkAt({ endpoint: closed, bucket: 'bucket', keys: KEYS });
    expect(report.problems).toMatchObject([{ probe: 'connect', code: 'REMOTE_UNAVAILABLE' }]);
    expect(outcomes(report)).toMatchObject({ name: 'works', connect: 'failed', put: 'skipped' });
  });

  test('a name that nobody knows', async () => {
    const report = await checkAt({ endpoint: 'http://no-such-host.invalid', bucket: 'bucket', keys: KEYS });
    expect(report.verdict).toBe('unusable');
    expect(report.problems).toMatchObject([{ probe: 'name' }]);
  });
});

describe('lifecycle rules', () => {
  const expiring = { ID: 'old', Status: 'Enabled' as const, Expiration: { Days: 30 } };

  test('one that removes what an archive holds is a warning', () => {
    expect(lifecycleOf([{ ...expiring, Filter: { Prefix: '' } }], 'lake')).toMatchObject({ problem: 'warning' });
    expect(lifecycleOf([{ ...expiring, Filter: { Prefix: 'lake/exports/' } }], 'lake').note).toContain('30 days');
  });

  test('one for another prefix is none', () => {
    expect(lifecycleOf([{ ...expiring, Filter: { Prefix: 'logs/' } }], 'lake').problem).toBeUndefined();
    expect(lifecycleOf([{ ...expiring, Filter: { Prefix: 'lake-old/' } }], 'lake').problem).toBeUndefined();
  });

  test('one that gives up uploads is told', () => {
    const rule = { Status: 'Enabled' as const, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 3 } };
    expect(lifecycleOf([rule], '').note).toBe('uploads are given up after 3 days');
  });
});
