import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cephMissing, hasSharedCeph, plainClient, sharedCeph, startCeph } from './ceph.js';
import { startDaemons } from './daemons.js';
import { makeCertificate, tlsMissing } from './tls.js';

describe.skipIf(!hasSharedCeph())('the shared S3 server', () => {
  test('stores what is put and compares it with the hash that was signed', async () => {
    const server = await sharedCeph();
    const Bucket = await server.createBucket();
    const client = plainClient(server);
    await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'content' }));
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'a' }));
    expect(await got.Body?.transformToString()).toBe('content');
    const again = client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'other', IfNoneMatch: '*' }));
    await expect(again).rejects.toMatchObject({ name: 'PreconditionFailed' });
    client.destroy();
  });

  test('is one for all', async () => {
    expect((await sharedCeph()).endpoint).toBe((await sharedCeph()).endpoint);
  });

  test('refuses another key', async () => {
    const server = await sharedCeph();
    const Bucket = await server.createBucket();
    const keys = { ...server.keys, secretAccessKey: 'x'.repeat(40) };
    const client = plainClient({ ...server, keys });
    const put = client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'content' }));
    await expect(put).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    client.destroy();
  });
});

describe.skipIf(cephMissing() !== undefined)('the users of a bucket', () => {
  test('the other user reads where a policy says so, and writes nowhere', async () => {
    const server = await sharedCeph();
    if (server.other === undefined) return;
    const Bucket = await server.createBucket(undefined, { readOnlyForOther: true });
    const [owner, other] = [plainClient(server), plainClient({ ...server, keys: server.other })];
    await owner.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'content' }));
    await other.send(new HeadObjectCommand({ Bucket, Key: 'a' }));
    const put = other.send(new PutObjectCommand({ Bucket, Key: 'b', Body: 'content' }));
    await expect(put).rejects.toMatchObject({ name: 'AccessDenied' });
    owner.destroy();
    other.destroy();
  });

  test('everybody reads a public bucket', async () => {
    const server = await sharedCeph();
    const Bucket = await server.createBucket(undefined, { publicRead: true });
    const client = plainClient(server);
    await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'content' }));
    client.destroy();
    expect(await (await fetch(`${server.endpoint}/${Bucket}/a`)).text()).toBe('content');
    const closed = await server.createBucket();
    expect((await fetch(`${server.endpoint}/${closed}?list-type=2`)).status).toBe(403);
  });
});

describe.skipIf(cephMissing() !== undefined)('a server on disk', () => {
  test('has what it had when all of it is killed and started again', async () => {
    const ceph = await startCeph({ persistent: true });
    try {
      const Bucket = await ceph.createBucket();
      const client = plainClient(ceph);
      await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'content' }));
      await ceph.kill();
      await ceph.restart();
      const got = await client.send(new GetObjectCommand({ Bucket, Key: 'a' }));
      expect(await got.Body?.transformToString()).toBe('content');
      client.destroy();
    } finally {
      await ceph.stop();
    }
  });
});

describe.skipIf(cephMissing() !== undefined || tlsMissing() !== undefined)('a server with TLS and few requests', () => {
  const certificate = tlsMissing() === undefined ? makeCertificate() : undefined;
  let ceph: Awaited<ReturnType<typeof startCeph>>;
  let client: S3Client;
  let Bucket: string;

  beforeAll(async () => {
    ceph = await startCeph({ tls: certificate!, maxRequests: 1 });
    Bucket = await ceph.createBucket();
    client = plainClient({ ...ceph, ca: certificate!.ca });
  });

  afterAll(async () => {
    client.destroy();
    await ceph.stop();
    certificate?.remove();
  });

  test('is trusted by its authority only', async () => {
    expect(ceph.endpoint).toMatch(/^https:/);
    await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'content' }));
    const stranger = plainClient(ceph);
    await expect(stranger.send(new HeadObjectCommand({ Bucket, Key: 'a' }))).rejects.toMatchObject({
      code: expect.stringMatching(/CERT|ISSUER|SELF_SIGNED|LEAF_SIGNATURE/) as string,
    });
    stranger.destroy();
  });

  test('says SlowDown when more come at once', async () => {
    const { endpoint, keys } = ceph;
    const once = new S3Client({
      ...{ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: keys, maxAttempts: 1 },
      ...{ requestHandler: client.config.requestHandler },
    });
    const puts = Array.from({ length: 24 }, (_, index) =>
      once
        .send(new PutObjectCommand({ Bucket, Key: `k${index}`, Body: Buffer.alloc(200_000) }))
        .catch((error: unknown) => error),
    );
    const names = (await Promise.all(puts)).map((answer) => (answer instanceof Error ? answer.name : 'stored'));
    expect(names).toContain('SlowDown');
    expect(names).toContain('stored');
  });
});

describe.skipIf(process.platform === 'win32')('daemons', () => {
  test('end when the process that started them is killed', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'lakepack-daemons-'));
    const daemons = startDaemons(folder, process.env);
    const sleeper = daemons.start('sleeper', 'sleep', ['60']);
    expect(isAlive(sleeper.pid)).toBe(true);
    await daemons.end();
    expect(isAlive(sleeper.pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);

    const second = mkdtempSync(path.join(os.tmpdir(), 'lakepack-daemons-'));
    const script = `
      import { startDaemons } from ${JSON.stringify(path.join(import.meta.dirname, 'daemons.ts'))};
      process.stdout.write(String(startDaemons(${JSON.stringify(second)}, process.env).start('s', 'sleep', ['60']).pid));
      setInterval(() => undefined, 1000);`;
    const starter = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script]);
    const [pid] = (await once(starter.stdout, 'data')) as [Buffer];
    expect(isAlive(Number(pid))).toBe(true);
    starter.kill('SIGKILL');
    await expect.poll(() => isAlive(Number(pid)) || existsSync(second), { timeout: 10_000 }).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // ESRCH: nobody has this id.
  }
}
