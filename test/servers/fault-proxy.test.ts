import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasSharedCeph, sharedCeph, type S3Server } from './ceph.js';
import {
  FAULT_KINDS,
  startFaultProxy,
  type FaultKind,
  type FaultProxy,
  type FaultProxyOptions,
} from './fault-proxy.js';

const CONTENT = 'the content of an object, long enough to be cut in two';

describe.skipIf(!hasSharedCeph())('the fault proxy', () => {
  let server: S3Server;
  let Bucket: string;
  let proxy: FaultProxy;
  let client: S3Client;

  beforeAll(async () => {
    server = await sharedCeph();
    Bucket = await server.createBucket();
  });

  afterEach(async () => {
    client.destroy();
    await proxy.close();
  });

  async function open(options: FaultProxyOptions): Promise<void> {
    proxy = await startFaultProxy(server.endpoint, options);
    client = new S3Client({
      ...{ endpoint: proxy.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: server.keys },
      ...{ requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED', maxAttempts: 1 },
    });
  }

  const put = (Key: string, Body = CONTENT) => client.send(new PutObjectCommand({ Bucket, Key, Body }));
  const get = async (Key: string) =>
    (await client.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString();
  const keys = async (Prefix: string) =>
    (await client.send(new ListObjectsV2Command({ Bucket, Prefix }))).Contents?.map(({ Key }) => Key) ?? [];
  const onlyOn = (operation: string, kind: FaultKind) => ({
    plan: (request: { operation: string }) => (request.operation === operation ? kind : ('none' as const)),
  });

  test('passes on what it does not hit, with its signature', async () => {
    await open({ rate: 0 });
    await put('plain');
    expect(await get('plain')).toBe(CONTENT);
    expect(proxy.hits).toEqual([]);
    expect(proxy.requests.map(({ operation }) => operation)).toEqual(['PutObject', 'GetObject']);
  });

  test.each([
    ['500', { name: 'InternalError' }],
    ['503-slow-down', { name: 'SlowDown' }],
    ['429', { $metadata: { httpStatusCode: 429 } }],
    ['403-expired-token', { name: 'ExpiredToken' }],
    ['403-clock-skew', { name: 'RequestTimeTooSkewed' }],
    ['reset-before', { code: 'ECONNRESET' }],
    ['reset-in-request', { code: 'ECONNRESET' }],
    ['corrupted-request', { name: 'XAmzContentSHA256Mismatch' }],
  ] as const)('%s: nothing is stored', async (kind, error) => {
    await open(onlyOn('PutObject', kind));
    await expect(put(`refused-${kind}`)).rejects.toMatchObject(error);
    expect(await keys(`refused-${kind}`)).toEqual([]);
    expect(proxy.hits).toMatchObject([{ kind, operation: 'PutObject', nth: 0 }]);
  });

  test('lost-answer: the object is stored all the same', async () => {
    await open(onlyOn('PutObject', 'lost-answer'));
    await expect(put('lost')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await keys('lost')).toEqual(['lost']);
  });

  test.each(['reset-after-headers', 'reset-in-answer', 'truncated-answer'] as const)(
    '%s: the body breaks off',
    async (kind) => {
      await open(onlyOn('GetObject', kind));
      await put(kind);
      await expect(get(kind)).rejects.toThrow(/aborted|ECONNRESET|terminated|length/i);
    },
  );

  test.each(['corrupted-answer', 'canary'] as const)('%s: one byte differs and nothing else', async (kind) => {
    await open(onlyOn('GetObject', kind));
    await put(kind);
    const got = await get(kind);
    expect(got).toHaveLength(CONTENT.length);
    const bytes = Buffer.from(CONTENT);
    expect(Buffer.from(got).filter((byte, index) => byte !== bytes[index])).toHaveLength(1);
  });

  test('canary: a changed upload that fits its signature is stored', async () => {
    await open({ ...onlyOn('PutObject', 'canary'), resignWith: server.keys });
    await put('canary-upload');
    expect(await get('canary-upload')).not.toBe(CONTENT);
    expect(proxy.hits).toHaveLength(1);
  });

  test('stale-listing: the newest key is missing, or the listing is an earlier one', async () => {
    await open({});
    await put('stale/1');
    await put('stale/2');
    proxy.change(onlyOn('ListObjectsV2', 'stale-listing'));
    expect(await keys('stale/')).toEqual(['stale/1']);
    proxy.change({ plan: () => 'none' });
    expect(await keys('stale/')).toEqual(['stale/1', 'stale/2']);
    await put('stale/3');
    proxy.change(onlyOn('ListObjectsV2', 'stale-listing'));
    expect(await keys('stale/')).toEqual(['stale/1', 'stale/2']);
  });

  test('wrong-etag and slow: the content is right', async () => {
    await open(onlyOn('PutObject', 'wrong-etag'));
    expect((await put('etag')).ETag).toBe(`"${'0'.repeat(32)}"`);
    proxy.change(onlyOn('GetObject', 'slow'));
    expect(await get('etag')).toBe(CONTENT);
  });

  test.each(['empty-complete', 'error-in-200'] as const)(
    '%s: status 200, and the upload is still open',
    async (kind) => {
      await open(onlyOn('CompleteMultipartUpload', kind));
      const Key = kind;
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const part = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: CONTENT });
      const Parts = [{ PartNumber: 1, ETag: (await client.send(part)).ETag }];
      const complete = new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } });
      await expect(client.send(complete)).rejects.toThrow();
      expect(await keys(Key)).toEqual([]);
      expect((await client.send(new ListPartsCommand({ Bucket, Key, UploadId }))).Parts).toHaveLength(1);
    },
  );

  test('hang: there is no answer', async () => {
    await open(onlyOn('GetObject', 'hang'));
    const abort = AbortSignal.timeout(200);
    const hanging = client.send(new GetObjectCommand({ Bucket, Key: 'any' }), { abortSignal: abort });
    await expect(hanging).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('the same seed hits the same requests in the same way, whatever their order', async () => {
    const run = async (seed: number, order: readonly number[]) => {
      await open({ seed, rate: 0.5 });
      const all = order.map((number) => put(`seed/${number}`).catch(() => undefined));
      await Promise.all(all);
      client.destroy();
      await proxy.close();
      return proxy.hits.map(({ kind, key }) => `${kind} ${key}`).sort();
    };
    const numbers = Array.from({ length: 24 }, (_, index) => index);
    const first = await run(7, numbers);
    expect(first.length).toBeGreaterThan(4);
    expect(await run(7, numbers.toReversed())).toEqual(first);
    expect(await run(8, numbers)).not.toEqual(first);
  });

  test('every kind ends: with an answer, or with an error', async () => {
    await open({});
    for (const kind of FAULT_KINDS.filter((one) => one !== 'hang')) {
      proxy.change({ plan: () => kind });
      const calls = [put(`all/${kind}`), get('all/none'), keys('all/')];
      const ends = await Promise.allSettled(calls);
      expect(ends).toHaveLength(3);
    }
  });
});
