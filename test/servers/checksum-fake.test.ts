import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { plainClient } from './ceph-buckets.js';
import { startChecksumFake, type ChecksumFake, type FakeOptions } from './checksum-fake.js';

const Bucket = 'fake';
let fake: ChecksumFake;
let client: S3Client;

afterEach(async () => {
  client.destroy();
  await fake.close();
});

async function open(options: FakeOptions = {}): Promise<void> {
  fake = await startChecksumFake({ minPartBytes: 4, ...options });
  client = plainClient({ endpoint: fake.endpoint, keys: { accessKeyId: 'any', secretAccessKey: 'any' } });
}

const sha256 = (...texts: readonly (string | Buffer)[]) => {
  const hash = createHash('sha256');
  texts.forEach((text) => hash.update(text));
  return hash.digest();
};
const put = (Key: string, Body: string, more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const head = (Key: string) => client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
const read = async (Key: string, Range?: string) =>
  (await client.send(new GetObjectCommand({ Bucket, Key, Range }))).Body!.transformToString();

async function upload(Key: string, parts: readonly string[], more: object = {}): Promise<string | undefined> {
  const created = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'SHA256', ChecksumType: 'COMPOSITE' }),
  );
  const { UploadId } = created;
  const Parts = [];
  for (const [index, Body] of parts.entries()) {
    const PartNumber = index + 1;
    const ChecksumSHA256 = sha256(Body).toString('base64');
    const sent = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ChecksumSHA256 }));
    expect(sent.ChecksumSHA256).toBe(ChecksumSHA256);
    Parts.push({ PartNumber, ETag: sent.ETag, ChecksumSHA256 });
  }
  const MultipartUpload = { Parts };
  const done = new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload, ...more });
  return (await client.send(done)).ChecksumSHA256;
}

describe('the checksum fake', () => {
  test('compares the checksum of a body, and gives it back', async () => {
    await open();
    const ChecksumSHA256 = sha256('content').toString('base64');
    await put('a', 'content', { ChecksumSHA256 });
    expect(await head('a')).toMatchObject({ ChecksumSHA256, ContentLength: 7, ChecksumType: 'FULL_OBJECT' });
    await expect(put('b', 'other', { ChecksumSHA256 })).rejects.toMatchObject({ name: 'BadDigest' });
    expect([...fake.objects.keys()]).toEqual(['fake/a']);
  });

  test('makes a composite checksum of the parts', async () => {
    await open();
    const composite = `${sha256(sha256('first'), sha256('two')).toString('base64')}-2`;
    expect(await upload('a', ['first', 'two'])).toBe(composite);
    expect(await head('a')).toMatchObject({ ChecksumSHA256: composite, ContentLength: 8, ChecksumType: 'COMPOSITE' });
    expect(await read('a', 'bytes=3-5')).toBe('stt');
    const attributes = await client.send(
      new GetObjectAttributesCommand({ Bucket, Key: 'a', ObjectAttributes: ['Checksum', 'ObjectParts'] }),
    );
    expect(attributes).toMatchObject({
      Checksum: { ChecksumSHA256: composite.replace('-2', '') },
      ObjectParts: { TotalPartsCount: 2 },
    });
  });

  test('refuses unequal parts where the store is like R2, and small ones everywhere', async () => {
    await open({ equalParts: true });
    await upload('equal', ['1234', '5678', '9']);
    await expect(upload('unequal', ['12345', '6789', '0'])).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(upload('longer', ['1234', '56789'])).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(upload('small', ['123', '456'])).rejects.toMatchObject({ name: 'EntityTooSmall' });
  });

  test('creates only, where that is asked for: put, complete and copy', async () => {
    await open();
    const IfNoneMatch = '*';
    await put('a', 'content', { IfNoneMatch });
    await expect(put('a', 'other', { IfNoneMatch })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(upload('a', ['1234'], { IfNoneMatch })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    const copy = (Key: string) =>
      client.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/a`, IfNoneMatch }));
    await expect(copy('a')).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await copy('b');
    expect(await read('b')).toBe('content');
  });

  test('lists objects in pages, uploads and parts, and forgets what was aborted', async () => {
    await open();
    for (const key of ['list/b', 'list/a', 'list/c', 'other']) await put(key, key);
    const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'list/', MaxKeys: 2 }));
    expect(page.Contents?.map(({ Key }) => Key)).toEqual(['list/a', 'list/b']);
    const ContinuationToken = page.NextContinuationToken;
    const rest = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'list/', ContinuationToken }));
    expect(rest.Contents?.map(({ Key }) => Key)).toEqual(['list/c']);

    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'up' }));
    await client.send(new UploadPartCommand({ Bucket, Key: 'up', UploadId, PartNumber: 1, Body: 'part' }));
    const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'u' }));
    expect(uploads.Uploads).toMatchObject([{ Key: 'up', UploadId }]);
    const parts = await client.send(new ListPartsCommand({ Bucket, Key: 'up', UploadId }));
    expect(parts.Parts).toMatchObject([{ PartNumber: 1, Size: 4 }]);
    const copy = { PartNumber: 2, CopySource: `${Bucket}/list/a`, CopySourceRange: 'bytes=0-1' };
    await client.send(new UploadPartCopyCommand({ Bucket, Key: 'up', UploadId, ...copy }));
    const next = await client.send(new ListPartsCommand({ Bucket, Key: 'up', UploadId, PartNumberMarker: '1' }));
    expect(next.Parts).toMatchObject([{ PartNumber: 2, Size: 2 }]);
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'up', UploadId }));
    const gone = client.send(new ListPartsCommand({ Bucket, Key: 'up', UploadId }));
    await expect(gone).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  test.each([
    ['rest', 'content'],
    ['receipt', 'damaged'],
  ] as const)('stores damaged bytes under a good answer (%s)', async (damageAt, summed) => {
    await open({ damage: () => Buffer.from('damaged'), damageAt });
    await put('a', 'content', { ChecksumSHA256: sha256('content').toString('base64') });
    expect(await read('a')).toBe('damaged');
    expect((await head('a')).ChecksumSHA256).toBe(sha256(summed).toString('base64'));
  });
});
