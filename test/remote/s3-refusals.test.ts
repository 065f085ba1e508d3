/** What a real store refuses, and what stands where a store should be, as a reader is told. */
import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LakepackError } from '../../src/base/errors.js';
import type { Remote } from '../../src/remote/remote.js';
import { openS3Remote } from '../../src/remote/s3.js';
import type { S3Settings } from '../../src/remote/s3-settings.js';
import { hasSharedCeph, sharedCeph } from '../servers/ceph.js';
import { makeCertificate, tlsMissing } from '../servers/tls.js';
import { expectCode, keysOf } from './bodies.js';
import { answering, refuse, s3Settings, settingsFor } from './s3-under-test.js';

const ABSENT = 'exports/absent.tar.zst';

describe.skipIf(!hasSharedCeph())('on Ceph', () => {
  test('a key that is unknown, and a secret that is wrong, are CREDENTIALS_INVALID in every call', async () => {
    const { keys } = await sharedCeph();
    for (const pair of [
      { accessKeyId: 'UNKNOWN0000000000000', secretAccessKey: 'x' },
      { ...keys, secretAccessKey: 'x' },
    ]) {
      const remote = open(await s3Settings({ credentials: { type: 'keys', read: () => pair } }));
      for (const call of callsOf(remote)) {
        const error = await failureOf(call);
        expect(error).toMatchObject({ code: 'CREDENTIALS_INVALID', retryable: false });
        expect(error.hint).toContain('TEST_ACCESS_KEY_ID');
        expect(inspect(error, { depth: 9 })).not.toContain(keys.secretAccessKey);
      }
    }
  });

  test('a bucket that is not there is REMOTE_MISCONFIGURED in every call, also in HEAD, whose answer does not say', async () => {
    const remote = open(await s3Settings({ bucket: 'lakepack-no-such-bucket' }));
    for (const call of callsOf(remote)) await expectCode(call, 'REMOTE_MISCONFIGURED');
  });

  test('an object that is not there is absent', async () => {
    const remote = open(await s3Settings());
    expect(await remote.head(ABSENT)).toBeUndefined();
    expect(await remote.head(ABSENT)).toBeUndefined();
    await expectCode(remote.read(ABSENT, 10), 'NOT_FOUND');
    await expectCode(remote.readRange(ABSENT, { offset: 0, length: 0 }), 'NOT_FOUND');
    await expectCode(remote.readRange(ABSENT, { offset: 0, length: 1 }), 'NOT_FOUND');
  });

  test('a key that may only read reads and lists, and is told what it lacks', async (context) => {
    const server = await sharedCeph();
    const { other } = server;
    if (other === undefined) return context.skip();
    const bucket = await server.createBucket(undefined, { readOnlyForOther: true });
    await open(await s3Settings({ bucket, prefix: '' })).put('a/x', Buffer.from('x'));
    const remote = open(await s3Settings({ bucket, prefix: '', credentials: { type: 'keys', read: () => other } }));
    expect(await keysOf(remote.list(''))).toEqual(['a/x']);
    expect((await remote.read('a/x', 10)).toString()).toBe('x');
    const denied = await failureOf(remote.put('a/y', Buffer.from('y')));
    expect(denied).toMatchObject({ code: 'PERMISSION_DENIED', retryable: false });
    expect(denied.message).toContain('s3:PutObject');
    await expectCode(remote.delete('a/x'), 'PERMISSION_DENIED');
  });

  test('without a key public objects are read, and nothing is written', async () => {
    const server = await sharedCeph();
    const bucket = await server.createBucket(undefined, { publicRead: true });
    await open(await s3Settings({ bucket, prefix: '' })).put('a/x', Buffer.from('x'));
    const remote = open(await s3Settings({ bucket, prefix: '', credentials: { type: 'anonymous' } }));
    expect(await keysOf(remote.list(''))).toEqual(['a/x']);
    expect((await remote.read('a/x', 10)).toString()).toBe('x');
    expect(await remote.link('a/x', 60)).toBeUndefined();
    await expectCode(remote.put('a/y', Buffer.from('y')), 'PERMISSION_DENIED');
  });

  test('a body that is not what was announced is HASH_MISMATCH, and is not stored', async () => {
    const remote = open(await s3Settings());
    const put = remote.put('a/x', Buffer.from('x'), { sha256: '0'.repeat(64) });
    expect(await failureOf(put)).toMatchObject({ code: 'HASH_MISMATCH', retryable: true });
    expect(await remote.head('a/x')).toBeUndefined();
  });
});

describe('where no store is', () => {
  test('a web site is REMOTE_MISCONFIGURED in every call', async () => {
    const page = '<!doctype html><html><body><p>It works</body></html>';
    const { endpoint } = await answering((_request, response) =>
      response.setHeader('content-type', 'text/html').end(page),
    );
    const remote = open(settingsFor({ endpoint }));
    await expectCode(keysOf(remote.list('')), 'REMOTE_MISCONFIGURED');
    await expectCode(remote.put('a/x', Buffer.from('x')), 'REMOTE_MISCONFIGURED');
    await expectCode(remote.readRange('a/x', { offset: 0, length: 1 }), 'REMOTE_MISCONFIGURED');
    const lists = remote.parts?.listUploads('')[Symbol.asyncIterator]();
    await expectCode(Promise.resolve(lists?.next()), 'REMOTE_MISCONFIGURED');
  });

  test.each([404, 405, 400])('a web site that answers %i is no empty archive', async (status) => {
    const page = '<!doctype html><html><body><p>No<br></body></html>';
    const { endpoint } = await answering((_request, response) => response.writeHead(status).end(page));
    const remote = open(settingsFor({ endpoint }));
    await expectCode(keysOf(remote.list('')), 'REMOTE_MISCONFIGURED');
  });

  test('a proxy that is busy passes', async () => {
    const { endpoint } = await answering((_request, response) => response.writeHead(502).end('<html><p>Bad gateway'));
    expect(await failureOf(keysOf(open(settingsFor({ endpoint })).list('')))).toMatchObject({
      code: 'REMOTE_UNAVAILABLE',
      retryable: true,
    });
  });

  test('nobody listening passes, a name that nobody knows does not', async () => {
    const refused = open(settingsFor({ endpoint: 'http://127.0.0.1:9' }));
    expect(await failureOf(refused.read('a', 1))).toMatchObject({ code: 'REMOTE_UNAVAILABLE', retryable: true });
    const unknown = await failureOf(open(settingsFor({ endpoint: 'http://store.invalid' })).read('a', 1));
    // Without a network the resolver says that it cannot tell now.
    expect(['REMOTE_MISCONFIGURED', 'REMOTE_UNAVAILABLE']).toContain(unknown.code);
  });

  test('https where http is spoken, and what speaks neither, are REMOTE_MISCONFIGURED', async () => {
    const { endpoint } = await answering((_request, response) => response.end());
    const tls = endpoint.replace('http:', 'https:');
    await expectCode(open(settingsFor({ endpoint: tls })).read('a', 1), 'REMOTE_MISCONFIGURED');
    const server = createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-nothing\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const other = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expectCode(open(settingsFor({ endpoint: other })).read('a', 1), 'REMOTE_MISCONFIGURED');
  });

  test.skipIf(tlsMissing() !== undefined)('a certificate that nobody vouches for says how to trust it', async () => {
    const certificate = makeCertificate();
    onTestFinished(() => certificate.remove());
    const options = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) };
    const server = createTlsServer(options, (_request, response) => response.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const error = await failureOf(open(settingsFor({ endpoint })).read('a', 1));
    expect(error).toMatchObject({ code: 'REMOTE_MISCONFIGURED', retryable: false });
    expect(error.hint).toContain('NODE_EXTRA_CA_CERTS');
  });

  test('a store that never answers is given up', async () => {
    const { endpoint } = await answering(() => undefined);
    const remote = open(settingsFor({ endpoint, timeouts: { connectMs: 1_000, idleMs: 100 } }));
    for (const call of callsOf(remote)) {
      expect(await failureOf(call)).toMatchObject({ code: 'REMOTE_UNAVAILABLE', retryable: true });
    }
  });
});

test('a clock that is off is corrected by the answer: asked again, the call is signed by the right one', async () => {
  const aheadMs = 20 * 60_000;
  const { endpoint, headers } = await answering((_request, response, count) => {
    response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString());
    if (count === 1) refuse(response, 403, 'RequestTimeTooSkewed');
    else response.setHeader('etag', '"x"').end();
  });
  const remote = open(settingsFor({ endpoint }));
  expect(await failureOf(remote.delete('a'))).toMatchObject({ code: 'CREDENTIALS_INVALID', retryable: true });
  await remote.delete('a');
  const signed = String(headers[1]?.['x-amz-date']).replace(/^(....)(..)(..T..)(..)(..)Z$/, '$1-$2-$3:$4:$5Z');
  expect(Math.abs(Date.parse(signed) - Date.now() - aheadMs)).toBeLessThan(60_000);
});

test('a refusal of HEAD, which gives no reason, is asked for one: also by a copy', async () => {
  for (const [name, expected] of [
    ['ExpiredToken', { code: 'CREDENTIALS_INVALID' }],
    ['NoSuchBucket', { code: 'REMOTE_MISCONFIGURED' }],
    [undefined, { code: 'REMOTE_UNAVAILABLE', retryable: true }],
  ] as const) {
    const { endpoint } = await answering((request, response) => {
      if (request.method === 'HEAD') response.writeHead(403).end();
      else if (name === undefined) response.writeHead(206, { 'content-length': '1' }).end('x');
      else refuse(response, 403, name);
    });
    const remote = open(settingsFor({ endpoint }));
    expect(await failureOf(remote.head('a'))).toMatchObject(expected);
    expect(await failureOf(remote.copy(remote, 'a', 'b'))).toMatchObject(expected);
  }
});

test('every call is made once: trying again is not the business of the client', async () => {
  const { endpoint, requests } = await answering((_request, response) => refuse(response, 503, 'SlowDown'));
  const remote = open(settingsFor({ endpoint }));
  expect(await failureOf(remote.read('a', 1))).toMatchObject({ code: 'REMOTE_UNAVAILABLE', retryable: true });
  expect(requests).toHaveLength(1);
});

function open(settings: S3Settings): Remote {
  const remote = openS3Remote(settings);
  onTestFinished(() => remote.close());
  return remote;
}

function callsOf(remote: Remote): readonly Promise<unknown>[] {
  const calls: readonly Promise<unknown>[] = [
    remote.head('a'),
    remote.read('a', 10),
    remote.readRange('a', { offset: 0, length: 1 }),
    keysOf(remote.list('')),
    remote.put('a', Buffer.from('x')),
    remote.put(
      'a',
      (async function* () {
        yield Buffer.from('x');
      })(),
    ),
    remote.delete('a'),
    remote.parts?.begin('a') ?? Promise.reject(new Error('no parts')),
  ];
  // They are looked at one after the other: a later one may have failed by then.
  for (const call of calls) call.catch(() => undefined);
  return calls;
}

async function failureOf(call: Promise<unknown>): Promise<LakepackError> {
  try {
    await call;
  } catch (error) {
    return error as LakepackError;
  }
  throw new Error('nothing failed');
}
