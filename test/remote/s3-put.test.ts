/** How objects are stored: whole or in parts, as the settings say, and nothing left of what failed. */
import { GetObjectTaggingCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MIB } from '../../src/base/limits.js';
import { profileOf } from '../../src/remote/providers/profiles.js';
import type { Remote } from '../../src/remote/remote.js';
import { openS3Remote } from '../../src/remote/s3.js';
import type { S3Settings } from '../../src/remote/s3-settings.js';
import { hasSharedCeph, plainClient, sharedCeph } from '../servers/ceph.js';
import { collect, expectCode, keysOf, pattern, streamOf } from './bodies.js';
import { answering, refuse, s3Settings, settingsFor } from './s3-under-test.js';

const BUNDLE = 'exports/a/x-00001.tar.zst';

describe.skipIf(!hasSharedCeph())('on Ceph', () => {
  test('a body of many parts arrives whole, and leaves no upload', async () => {
    const remote = open(await s3Settings());
    const bytes = pattern(37 * MIB + 5);
    expect(await remote.put('a/x', streamOf(bytes, 3 * MIB + 1))).toBe(bytes.length);
    expect((await collect(remote.stream('a/x'))).equals(bytes)).toBe(true);
    expect(await uploadsOf(remote)).toEqual([]);
  });

  test.each([16 * MIB - 1, 16 * MIB, 16 * MIB + 1])(
    'a body of %i bytes, around one part, arrives whole',
    async (length) => {
      const remote = open(await s3Settings());
      expect(await remote.put('a/x', streamOf(Buffer.alloc(length, 'y'), 5 * MIB))).toBe(length);
      expect(await remote.head('a/x')).toEqual({ key: 'a/x', bytes: length });
    },
  );

  test('a body that fails or is given up between two parts leaves no upload', async () => {
    const remote = open(await s3Settings());
    const abort = new AbortController();
    async function* body(end: () => void): AsyncGenerator<Buffer> {
      for (let count = 0; count < 5; count += 1) yield Buffer.alloc(8 * MIB);
      end();
      yield Buffer.alloc(8 * MIB);
    }
    const failing = body(() => {
      throw new RangeError('the source broke');
    });
    await expect(remote.put('a/x', failing)).rejects.toThrow(new RangeError('the source broke'));
    await expectCode(
      remote.put(
        'a/x',
        body(() => abort.abort()),
        { signal: abort.signal },
      ),
      'INTERRUPTED',
    );
    expect(await keysOf(remote.list(''))).toEqual([]);
    expect(await uploadsOf(remote)).toEqual([]);
  });

  test.each([{ versioning: true }, { objectLock: true }])(
    'in a bucket with %j nothing is put twice',
    async (options) => {
      const bucket = await (await sharedCeph()).createBucket(undefined, options);
      const remote = open(await s3Settings({ bucket }));
      await remote.put('a/x', Buffer.from('first'));
      await expectCode(remote.put('a/x', Buffer.from('later')), 'OBJECT_EXISTS');
      expect((await remote.read('a/x', 10)).toString()).toBe('first');
    },
  );

  test('a key that is taken while a long body is sent stays as it is, and no upload is left', async () => {
    const remote = open(await s3Settings());
    async function* body(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(20 * MIB);
      await remote.put('a/x', Buffer.from('first'));
      yield Buffer.alloc(20 * MIB);
    }
    await expectCode(remote.put('a/x', body()), 'OBJECT_EXISTS');
    expect((await remote.read('a/x', 10)).toString()).toBe('first');
    expect(await uploadsOf(remote)).toEqual([]);
  });

  test('tags and caching are as the settings say: for bundles and manifests, by one request, in parts and by copy', async () => {
    const settings = await s3Settings({
      tags: { team: 'a b&c', kind: 'ü' },
      cacheControl: 'public, max-age=31536000, immutable',
    });
    const remote = open(settings);
    await remote.put('drills/2025/x.json', Buffer.from('x'));
    await remote.put(BUNDLE, streamOf(Buffer.alloc(17 * MIB), 9 * MIB));
    await remote.put('manifests/a/x.export.json', Buffer.from('x'));
    await remote.copy(remote, 'manifests/a/x.export.json', 'manifests/b/x.export.json');
    const client = plainClient(await sharedCeph());
    onTestFinished(() => client.destroy());
    const told: Record<string, string | undefined> = {};
    for await (const { key } of remote.list('')) {
      const object = { Bucket: settings.bucket, Key: `${settings.prefix}/${key}` };
      told[key] = (await client.send(new HeadObjectCommand(object))).CacheControl;
      const { TagSet = [] } = await client.send(new GetObjectTaggingCommand(object));
      // Ceph keeps no tags of uploads in parts and of copies: that they are sent is tried below.
      const isKept = key !== BUNDLE && key !== 'manifests/b/x.export.json';
      const tags = isKept ? settings.tags : {};
      expect(Object.fromEntries(TagSet.map(({ Key, Value }) => [Key, Value]))).toEqual(tags);
    }
    expect(told).toEqual({
      'drills/2025/x.json': undefined,
      [BUNDLE]: settings.cacheControl,
      'manifests/a/x.export.json': settings.cacheControl,
      'manifests/b/x.export.json': settings.cacheControl,
    });
  });

  test('a store that does not know a storage class says so', async () => {
    const remote = open(await s3Settings({ storageClass: 'NO_SUCH_CLASS' }));
    await expectCode(remote.put('a/x', Buffer.from('x')), 'REMOTE_MISCONFIGURED');
  });
});

describe('what is sent', () => {
  test('says the same of an upload in parts and of a copy as of one request', async () => {
    const { endpoint, requests, headers } = await answering((request, response) => {
      if (request.method === 'HEAD' && request.url?.includes('/from') === true) {
        response.writeHead(200, { 'content-length': '1' }).end();
      } else if (request.method === 'POST') {
        response.end('<InitiateMultipartUploadResult><UploadId>upload-7</UploadId></InitiateMultipartUploadResult>');
      } else if (request.method === 'PUT') {
        response.end('<CopyObjectResult><ETag>"x"</ETag></CopyObjectResult>');
      } else refuse(response, 404, 'NoSuchKey');
    });
    const settings = settingsFor({
      endpoint,
      tags: { a: 'b c' },
      cacheControl: 'immutable',
      storageClass: 'GLACIER_IR',
    });
    const remote = open(settings);
    await remote.parts?.begin(BUNDLE);
    await remote.copy(remote, 'from', BUNDLE);
    const said = { 'x-amz-tagging': 'a=b%20c', 'cache-control': 'immutable', 'x-amz-storage-class': 'GLACIER_IR' };
    expect(headers[requests.findIndex((request) => request.startsWith('POST'))]).toMatchObject(said);
    expect(headers.at(-1)).toMatchObject({ ...said, 'x-amz-tagging-directive': 'REPLACE' });
  });

  test('is announced with its SHA-256, and says what the settings say', async () => {
    const { endpoint, headers } = await answering((_request, response) => response.setHeader('etag', '"x"').end());
    const settings = settingsFor({
      endpoint,
      provider: profileOf('aws'),
      encryption: { type: 'aws:kms', kmsKeyId: 'key-7' },
      storageClass: 'STANDARD_IA',
    });
    await open(settings).put('a/x', Buffer.from('x'));
    expect(headers[0]).toMatchObject({
      'if-none-match': '*',
      'x-amz-content-sha256': '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881',
      'x-amz-checksum-sha256': 'LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=',
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key-7',
      'x-amz-storage-class': 'STANDARD_IA',
    });
    expect(headers[0]).not.toHaveProperty('expect');
    expect(headers[0]).not.toHaveProperty('x-amz-checksum-crc32');
  });

  test('is looked up first where the store does not look itself', async () => {
    const { endpoint, requests, headers } = await answering((request, response) => {
      if (request.method === 'PUT') response.setHeader('etag', '"x"').end();
      else refuse(response, 404, 'NoSuchKey');
    });
    await open(settingsFor({ endpoint, provider: profileOf('b2') })).put('a/x', Buffer.from('x'));
    expect(requests.map((request) => request.split(' ')[0])).toEqual(['HEAD', 'GET', 'PUT']);
    expect(headers.at(-1)).not.toHaveProperty('if-none-match');
  });

  test('while another one sends the same: taken when that one is done, else it may be sent again', async () => {
    for (const [found, expected] of [
      [200, { code: 'OBJECT_EXISTS' }],
      [404, { code: 'REMOTE_UNAVAILABLE', retryable: true }],
    ] as const) {
      const { endpoint } = await answering((request, response) => {
        if (request.method === 'PUT') refuse(response, 409, 'ConditionalRequestConflict');
        else if (found === 404) refuse(response, 404, 'NoSuchKey');
        else response.writeHead(200, { 'content-length': '1' }).end(request.method === 'HEAD' ? undefined : 'x');
      });
      const remote = open(settingsFor({ endpoint, provider: profileOf('aws') }));
      await expect(remote.put('a/x', Buffer.from('x'))).rejects.toMatchObject(expected);
    }
  });
});

describe('a completion', () => {
  const part = { number: 1, bytes: 1, tag: '"x"' };
  const upload = { key: 'a/x', id: 'upload-7' };
  async function complete(status: number, body: string): Promise<void> {
    const { endpoint } = await answering((request, response) => {
      if (request.method === 'POST') response.writeHead(status, { 'content-type': 'application/xml' }).end(body);
      else refuse(response, 404, 'NoSuchKey');
    });
    await open(settingsFor({ endpoint })).parts?.complete(upload, [part]);
  }

  test('with an empty tag is one: Ceph answers so', async () => {
    await complete(200, '<CompleteMultipartUploadResult><Key>a/x</Key><ETag></ETag></CompleteMultipartUploadResult>');
  });

  test('that answers 200 with an error inside is an error', async () => {
    const error = '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>again</Message></Error>';
    await expect(complete(200, error)).rejects.toMatchObject({ code: 'REMOTE_UNAVAILABLE', retryable: true });
  });

  test('that answers 200 with nothing, or with half an answer, is an error', async () => {
    for (const body of ['', '   ', '<CompleteMultipartUploadResult/>', '<CompleteMultipartUploadRes']) {
      await expect(complete(200, body), JSON.stringify(body)).rejects.toMatchObject({ name: 'LakepackError' });
    }
  });

  test('of an upload that is gone is NOT_FOUND: it may have been completed', async () => {
    const error = '<?xml version="1.0"?><Error><Code>NoSuchUpload</Code></Error>';
    await expect(complete(404, error)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

function open(settings: S3Settings): Remote {
  const remote = openS3Remote(settings);
  onTestFinished(() => remote.close());
  return remote;
}

async function uploadsOf(remote: Remote): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of remote.parts?.listUploads('') ?? []) keys.push(key);
  return keys;
}
