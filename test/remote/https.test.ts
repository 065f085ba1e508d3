/** The web remote: the contract over a public bucket of a real store, and servers that answer what they should not. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import os from 'node:os';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Remote } from '../../src/remote/remote.js';
import { openHttpsRemote } from '../../src/remote/https.js';
import { openRemote } from '../../src/remote/open.js';
import { resolveRemote } from '../../src/remote/resolve.js';
import { openS3Remote } from '../../src/remote/s3.js';
import { hasSharedCeph, sharedCeph } from '../servers/ceph.js';
import { startStaticServer } from '../servers/static.js';
import { makeCertificate, tlsMissing } from '../servers/tls.js';
import { collect, expectCode, keysOf, pattern } from './bodies.js';
import { describeRemote } from './contract.js';

const TIMEOUTS = { connectMs: 2_000, idleMs: 300 };
const KEY = 'exports/x/x-00001.tar.zst';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];

async function serve(handler: Handler): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/archive`;
}

async function remoteOf(handler: Handler): Promise<Remote> {
  return openHttpsRemote(await serve(handler), TIMEOUTS);
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** One for all tests: each has a prefix of its own. */
let made: Promise<string> | undefined;

describe.skipIf(!hasSharedCeph())('over a public bucket', () => {
  describeRemote('https', async () => {
    const { endpoint, keys, createBucket } = await sharedCeph();
    made ??= createBucket(undefined, { publicRead: true });
    const bucket = await made;
    const prefix = `some where/${randomBytes(3).toString('hex')}`;
    const environment = {
      MINIO_ENDPOINT: endpoint,
      MINIO_ROOT_USER: keys.accessKeyId,
      MINIO_ROOT_PASSWORD: keys.secretAccessKey,
    };
    const place = { location: `minio:${bucket}/${prefix}`, context: { environment, remotes: new Map() } };
    const resolved = resolveRemote(place);
    if (resolved.kind !== 's3') throw new Error('is no store');
    const writer = openS3Remote(resolved.settings);
    const address = `${endpoint}/${bucket}/${prefix.replace(' ', '%20')}`;
    const remote = await openRemote(address, { mode: 'read' });
    return { remote, writer, dispose: () => writer.close() };
  });

  test('lists page after page', async () => {
    const { endpoint, createBucket, keys } = await sharedCeph();
    const bucket = await createBucket(undefined, { publicRead: true });
    const environment = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
    const context = { environment, remotes: new Map() };
    const writer = await openRemote({ location: `s3://${bucket}?endpoint=${endpoint}`, context }, { mode: 'write' });
    const all = Array.from({ length: 1_003 }, (_, index) => `a/${String(index).padStart(4, '0')}`);
    for (let at = 0; at < all.length; at += 100) {
      await Promise.all(all.slice(at, at + 100).map((key) => writer.put(key, Buffer.from(key))));
    }
    await writer.close();
    const remote = openHttpsRemote(`${endpoint}/${bucket}`, TIMEOUTS);
    expect(await keysOf(remote.list(''))).toEqual(all);
    const anonymous = await openRemote(`s3://${bucket}?endpoint=${endpoint}&anonymous=true`, { mode: 'read' });
    expect(await keysOf(anonymous.list('a/000'))).toEqual(all.slice(0, 10));
    await anonymous.close();
  });
});

/** A server that does everything right, for one object. */
function good(bytes: Buffer): Handler {
  return (request, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    if (first === undefined || last === undefined) {
      response.writeHead(200, { 'content-length': bytes.length });
      response.end(request.method === 'HEAD' ? undefined : bytes);
      return;
    }
    const part = bytes.subarray(Number(first), Number(last) + 1);
    const range = `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`;
    response.writeHead(206, { 'content-range': range, 'content-length': part.length }).end(part);
  };
}

const answer =
  (status: number, headers: Record<string, string> = {}, body = ''): Handler =>
  (_request, response) =>
    response.writeHead(status, headers).end(body);

describe('what a server should not do', () => {
  const range = { offset: 2, length: 4 };

  test('ignoring a range is an error, unless the range is the whole object', async () => {
    const remote = await remoteOf(answer(200, { 'content-length': '10' }, '0123456789'));
    await expect(remote.readRange(KEY, range)).rejects.toMatchObject({
      code: 'REMOTE_MISCONFIGURED',
      message: expect.stringContaining('ignores range requests'),
    });
    expect((await remote.readRange(KEY, { offset: 0, length: 10 })).toString()).toBe('0123456789');
  });

  test('another range than asked for is an error', async () => {
    const remote = await remoteOf(answer(206, { 'content-range': 'bytes 0-3/10', 'content-length': '4' }, '0123'));
    await expectCode(remote.readRange(KEY, range), 'REMOTE_MISCONFIGURED');
    await expectCode((await remoteOf(answer(206, {}, '0123'))).readRange(KEY, range), 'REMOTE_MISCONFIGURED');
  });

  test.each(['gzip', 'br'])('bytes that are encoded on the way (%s) are refused', async (encoding) => {
    const remote = await remoteOf(answer(200, { 'content-encoding': encoding }, 'xxxx'));
    await expectCode(remote.read(KEY, 100), 'REMOTE_MISCONFIGURED');
    await expectCode(collect(remote.stream(KEY)), 'REMOTE_MISCONFIGURED');
  });

  test('no encoding is asked for', async () => {
    const asked: unknown[] = [];
    const remote = await remoteOf((request, response) => {
      asked.push(request.headers['accept-encoding']);
      response.end('x');
    });
    await remote.read(KEY, 10);
    expect(asked).toEqual(['identity']);
  });

  test('a web page instead of a manifest is called one', async () => {
    const remote = await remoteOf(
      answer(200, { 'content-type': 'text/html; charset=utf-8' }, '<html>not found</html>'),
    );
    await expect(remote.read('manifests/a.export.json', 1_000)).rejects.toThrow(/a web page, not an archive/);
    await expect(remote.head('manifests/a.export.json')).rejects.toThrow(/a web page, not an archive/);
  });

  test.each([
    [401, 'PERMISSION_DENIED', false],
    [403, 'PERMISSION_DENIED', false],
    [404, 'NOT_FOUND', undefined],
    [410, 'NOT_FOUND', undefined],
    [400, 'REMOTE_MISCONFIGURED', false],
    [416, 'LIMIT_EXCEEDED', undefined],
    [429, 'REMOTE_UNAVAILABLE', true],
    [503, 'REMOTE_UNAVAILABLE', true],
  ] as const)('the status %i is %s', async (status, code, retryable) => {
    const remote = await remoteOf(answer(status));
    await expect(remote.readRange(KEY, range)).rejects.toMatchObject({ code, retryable });
  });

  test('what is not there has no size, and what is refused may or may not be there', async () => {
    expect(await (await remoteOf(answer(404))).head(KEY)).toBeUndefined();
    const refused = await remoteOf(answer(403));
    await expect(refused.head(KEY)).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      hint: expect.stringContaining('what it does not have'),
    });
  });

  test('a server without HEAD, or without a length in it, is asked for a byte', async () => {
    const bytes = pattern(10);
    const noHead = await remoteOf((request, response) =>
      request.method === 'HEAD' ? response.writeHead(405).end() : good(bytes)(request, response),
    );
    expect(await noHead.head(KEY)).toEqual({ key: KEY, bytes: 10 });
    const noLength = await remoteOf((request, response) =>
      request.method === 'HEAD'
        ? response.writeHead(200, { 'transfer-encoding': 'chunked' }).end()
        : good(bytes)(request, response),
    );
    expect(await noLength.head(KEY)).toEqual({ key: KEY, bytes: 10 });
  });

  test('an answer that ends early is an error that can be tried again', async () => {
    const remote = await remoteOf((_request, response) => {
      response.writeHead(206, { 'content-range': 'bytes 2-5/10', 'content-length': '4' });
      response.write('23', () => response.destroy());
    });
    await expect(remote.readRange(KEY, range)).rejects.toMatchObject({ code: 'REMOTE_UNAVAILABLE', retryable: true });
  });

  test('more than maxBytes is not read, also when no length was announced', async () => {
    await expectCode(
      (await remoteOf(answer(200, { 'content-length': '11' }, 'x'.repeat(11)))).read(KEY, 10),
      'LIMIT_EXCEEDED',
    );
    const endless = await remoteOf((_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'.repeat(100)), 5);
      response.on('close', () => clearInterval(timer));
    });
    await expectCode(endless.read(KEY, 1_000), 'LIMIT_EXCEEDED');
  });

  test('silence ends with REMOTE_UNAVAILABLE, before the answer and within it', async () => {
    const mute = await remoteOf(() => undefined);
    await expect(mute.head(KEY)).rejects.toMatchObject({ code: 'REMOTE_UNAVAILABLE', retryable: true });
    const stalled = await remoteOf((_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('0');
    });
    await expect(collect(stalled.stream(KEY))).rejects.toMatchObject({
      message: expect.stringContaining('sent nothing'),
    });
  });

  test('an abort in the middle of a request is INTERRUPTED', async () => {
    const abort = new AbortController();
    const remote = await remoteOf(() => abort.abort());
    await expectCode(remote.read(KEY, 10, { signal: abort.signal }), 'INTERRUPTED');
  });

  test('a server that is not there is REMOTE_UNAVAILABLE', async () => {
    const gone = openHttpsRemote('http://127.0.0.1:1', TIMEOUTS);
    await expect(gone.head(KEY)).rejects.toMatchObject({ code: 'REMOTE_UNAVAILABLE', retryable: true });
  });
});

describe('redirects', () => {
  test('are followed, with the range', async () => {
    const bytes = pattern(10);
    const target = await serve(good(bytes));
    const remote = await remoteOf((request, response) =>
      response.writeHead(302, { location: `${target}${request.url ?? ''}` }).end(),
    );
    expect((await remote.readRange(KEY, { offset: 2, length: 4 })).equals(bytes.subarray(2, 6))).toBe(true);
  });

  test.each([
    ['in a circle', '/archive/x', /more than 5 times/],
    ['to nowhere', 'http://', /to nowhere/],
    ['to another scheme', 'ftp://127.0.0.1/x', /from https to ftp|redirects/],
    ['with a password', 'http://user:hunter2@127.0.0.1/x', /with a password$/],
  ])('%s are refused', async (_, location, says) => {
    const remote = await remoteOf(answer(302, { location }));
    await expect(remote.head(KEY)).rejects.toMatchObject({
      code: 'REMOTE_MISCONFIGURED',
      message: expect.stringMatching(says),
    });
  });
});

describe('over TLS', () => {
  test.skipIf(tlsMissing() !== undefined)(
    'a certificate that nobody vouches for is refused, and not tried again',
    async () => {
      const certificate = makeCertificate();
      const server = await startStaticServer(os.tmpdir(), { tls: certificate });
      await expect(openHttpsRemote(server.endpoint, TIMEOUTS).head(KEY)).rejects.toMatchObject({
        ...{ code: 'REMOTE_MISCONFIGURED', retryable: false },
        hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
      });
      await server.close();
      certificate.remove();
    },
  );

  test('a redirect to http is refused', async () => {
    vi.stubGlobal('fetch', async () => new Response(null, { status: 302, headers: { location: 'http://x.org/' } }));
    try {
      await expect(openHttpsRemote('https://x.org', TIMEOUTS).head(KEY)).rejects.toMatchObject({
        ...{ code: 'REMOTE_MISCONFIGURED', message: expect.stringContaining('redirects from https to http') },
      });
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('keys', () => {
  test('are escaped for each segment', async () => {
    const asked: unknown[] = [];
    const remote = await remoteOf((request, response) => {
      asked.push(request.url);
      response.end('x');
    });
    await remote.read('dt=1/a b/percent%2Fslash/q?x#y/\u00e9', 10);
    expect(asked).toEqual(['/archive/dt%3D1/a%20b/percent%252Fslash/q%3Fx%23y/%C3%A9']);
    expect(await remote.link('a b', 60)).toBe(`${remote.url}/a%20b`);
  });
});

describe('listing', () => {
  const page = (keys: readonly string[], more = ''): string =>
    `<?xml version="1.0"?><ListBucketResult xmlns="x"><Prefix/>${keys.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join('')}${more}</ListBucketResult>`;
  const listing = (text: string): Handler => answer(200, { 'content-type': 'application/xml' }, text);

  test('asks the root of the host first, for a bucket that is a host', async () => {
    const asked: unknown[] = [];
    const remote = await remoteOf((request, response) => {
      asked.push(request.url);
      response.end(page(['archive/a', 'archive/b/', 'archive/c']));
    });
    expect(await keysOf(remote.list(''))).toEqual(['a', 'c']);
    await keysOf(remote.list(''));
    expect(asked).toEqual([
      '/?list-type=2&encoding-type=url&prefix=archive%2F',
      '/?list-type=2&encoding-type=url&prefix=archive%2F',
    ]);
  });

  test.each([
    ['an error page', answer(404, {}, 'no')],
    ['a web page', answer(200, { 'content-type': 'text/html' }, '<html><ListBucketResult></html>')],
    ['bytes', answer(200, {}, 'PAR1')],
    ['a refusal', answer(403)],
  ])('where nothing can be listed (%s) it says how to go on', async (_, handler) => {
    const remote = await remoteOf(handler);
    await expect(keysOf(remote.list(''))).rejects.toMatchObject({
      code: 'ARCHIVE_UNSUPPORTED',
      hint: expect.stringContaining('PARTITION/EXPORT-ID'),
    });
  });

  test.each([
    ['keys out of order', page(['archive/b', 'archive/a']), 'REMOTE_UNAVAILABLE'],
    ['keys of somebody else', page(['other/a']), 'REMOTE_UNAVAILABLE'],
    [
      'a page that leads to itself',
      page([], '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>'),
      'REMOTE_UNAVAILABLE',
    ],
    ['a page that leads nowhere', page([], '<IsTruncated>true</IsTruncated>'), 'REMOTE_MISCONFIGURED'],
    ['half a document', page(['archive/a']).slice(0, -9), 'REMOTE_MISCONFIGURED'],
    ['a declaration of entities', '<ListBucketResult><!DOCTYPE x></ListBucketResult>', 'REMOTE_MISCONFIGURED'],
    ['an entity nobody knows', page(['archive/&x;']), 'REMOTE_MISCONFIGURED'],
  ] as const)('%s is an error, not a short list', async (_, text, code) => {
    await expectCode(keysOf((await remoteOf(listing(text))).list('')), code);
  });

  test('a busy server can be tried again', async () => {
    await expect(keysOf((await remoteOf(answer(503))).list(''))).rejects.toMatchObject({ retryable: true });
  });

  test('keys are decoded once', async () => {
    const encoded = page(['archive/a%2Bb+c%2526', 'archive/b&amp;%3C'], '<EncodingType>url</EncodingType>');
    expect(await keysOf((await remoteOf(listing(encoded))).list(''))).toEqual(['a+b c%26', 'b&<']);
    const plain = page(['archive/a%2Bb+c', 'archive/b&#x3c;&amp;lt;']);
    expect(await keysOf((await remoteOf(listing(plain))).list(''))).toEqual(['a%2Bb+c', 'b<&lt;']);
  });
});

test('an address is for reading only', async () => {
  await expectCode(openRemote('https://example.org/archive', { mode: 'write' }), 'ARCHIVE_UNSUPPORTED');
  const remote = openHttpsRemote('https://example.org/archive/', TIMEOUTS);
  expect(remote).toMatchObject({
    url: 'https://example.org/archive',
    writable: false,
    isDistant: true,
    parts: undefined,
  });
  await expectCode(remote.put('a', Buffer.from('x')), 'PERMISSION_DENIED');
  await expectCode(remote.delete('a'), 'PERMISSION_DENIED');
});
