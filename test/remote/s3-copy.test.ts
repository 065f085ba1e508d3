/** Copies that the store makes by itself, and when it is not asked to. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { GIB, MIB } from '../../src/base/limits.js';
import { profileOf } from '../../src/remote/providers/profiles.js';
import { readOnly } from '../../src/remote/read-only.js';
import type { Remote } from '../../src/remote/remote.js';
import { openS3Remote } from '../../src/remote/s3.js';
import { partBytesFor } from '../../src/remote/s3-copy.js';
import type { S3Settings } from '../../src/remote/s3-settings.js';
import { hasSharedCeph, sharedCeph } from '../servers/ceph.js';
import { expectCode, pattern } from './bodies.js';
import { openMemoryRemote } from './memory.js';
import { answering, refuse, s3Settings, settingsFor } from './s3-under-test.js';

describe.skipIf(!hasSharedCeph())('on Ceph', () => {
  test('another prefix and another bucket of the store are copied from, also through a wrapper', async () => {
    const server = await sharedCeph();
    const from = open(await s3Settings({ prefix: 'ü +%/x' }));
    const bytes = pattern(100_000);
    await from.put('a b/ü+%2F.tar.zst', bytes);
    for (const changes of [{}, { bucket: await server.createBucket(), prefix: '' }]) {
      const to = open(await s3Settings(changes));
      expect(await to.copy(readOnly(from), 'a b/ü+%2F.tar.zst', 'c d/é')).toBe(true);
      expect((await to.read('c d/é', bytes.length)).equals(bytes)).toBe(true);
      await expectCode(to.copy(from, 'a b/ü+%2F.tar.zst', 'c d/é'), 'OBJECT_EXISTS');
      await expectCode(to.copy(from, 'absent', 'x'), 'NOT_FOUND');
    }
  });

  test('what is too large for one call is copied in parts', async () => {
    const ceph = profileOf('ceph');
    const settings = await s3Settings({ provider: { ...ceph, maxCopyBytes: MIB } });
    const remote = open(settings);
    const bytes = pattern(33 * MIB + 1);
    await remote.put('a', bytes);
    expect(await remote.copy(remote, 'a', 'b')).toBe(true);
    expect((await remote.read('b', bytes.length)).equals(bytes)).toBe(true);
    await expectCode(remote.copy(remote, 'a', 'b', { signal: AbortSignal.abort() }), 'INTERRUPTED');
    for await (const { key } of remote.parts?.listUploads('') ?? []) expect.unreachable(`an upload of ${key} is left`);
  });

  test('what the key of the target may not read is not copied: the caller moves it with both keys', async (context) => {
    const { other } = await sharedCeph();
    if (other === undefined) return context.skip();
    const from = open(await s3Settings());
    await from.put('a', Buffer.from('x'));
    const to = open(await s3Settings({ credentials: { type: 'keys', read: () => other } }));
    expect(await to.copy(from, 'a', 'b')).toBe(false);
  });
});

test('another store, and what is no store of this kind, is not copied from, and nobody is asked', async () => {
  const { endpoint, requests } = await answering((_request, response) => refuse(response, 500, 'InternalError'));
  const to = open(settingsFor({ endpoint }));
  expect(await to.copy(open(settingsFor({ endpoint: 'http://other.example' })), 'a', 'b')).toBe(false);
  expect(await to.copy(open(settingsFor({ endpoint: undefined })), 'a', 'b')).toBe(false);
  expect(await to.copy(openMemoryRemote(), 'a', 'b')).toBe(false);
  expect(requests).toEqual([]);
});

test('a store that knows no create-only copy says 501: then the caller moves the bytes', async () => {
  const { endpoint, headers } = await answering((request, response) => {
    if (request.method === 'PUT') refuse(response, 501, 'NotImplemented');
    else if (request.url?.includes('/from/') === true) response.writeHead(200, { 'content-length': '1' }).end();
    else refuse(response, 404, 'NoSuchKey');
  });
  const from = open(settingsFor({ endpoint, prefix: 'from' }));
  const to = open(settingsFor({ endpoint, provider: profileOf('aws'), prefix: 'to' }));
  expect(await to.copy(from, 'a', 'b')).toBe(false);
  expect(headers.at(-1)).toMatchObject({ 'if-none-match': '*', 'x-amz-copy-source': 'bucket/from/a' });
});

test('R2 is asked by the header that it knows', async () => {
  const { endpoint, headers } = await answering((request, response) => {
    if (request.method === 'PUT') refuse(response, 412, 'PreconditionFailed');
    else if (request.url?.includes('/from/') === true) response.writeHead(200, { 'content-length': '1' }).end();
    else refuse(response, 404, 'NoSuchKey');
  });
  const from = open(settingsFor({ endpoint, prefix: 'from' }));
  const to = open(settingsFor({ endpoint, provider: profileOf('r2'), prefix: 'to' }));
  await expectCode(to.copy(from, 'a', 'b'), 'OBJECT_EXISTS');
  expect(headers.at(-1)).toMatchObject({ 'cf-copy-destination-if-none-match': '*' });
  expect(headers.at(-1)).not.toHaveProperty('if-none-match');
  expect(String(headers.at(-1)?.['authorization'])).toContain('cf-copy-destination-if-none-match');
});

test('parts are cut as the blocks of a bundle are', () => {
  expect(partBytesFor(5 * GIB, 10_000)).toBe(16 * MIB);
  expect(partBytesFor(160_000 * MIB, 10_000)).toBe(16 * MIB);
  expect(partBytesFor(160_000 * MIB + 1, 10_000)).toBe(32 * MIB);
});

function open(settings: S3Settings): Remote {
  const remote = openS3Remote(settings);
  onTestFinished(() => remote.close());
  return remote;
}
