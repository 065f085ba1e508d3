/** Large ranges, which are read from a socket of their own straight into memory: whole and right, or an error. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { KIB, MIB } from '../../src/base/limits.js';
import type { Remote } from '../../src/remote/remote.js';
import { openS3Remote } from '../../src/remote/s3.js';
import { makeCertificate, tlsMissing } from '../servers/tls.js';
import { collect, expectCode } from './bodies.js';
import { answering, refuse, settingsFor } from './s3-under-test.js';

const BYTES = randomBytes(3 * MIB + 17);
const RANGE = { offset: 5, length: BYTES.length };
const HEAD = headOf(BYTES.length);
const UNAVAILABLE = { code: 'REMOTE_UNAVAILABLE', retryable: true };
const MISCONFIGURED = { code: 'REMOTE_MISCONFIGURED' };

function headOf(length: number): string {
  const range = `bytes 5-${RANGE.offset + RANGE.length - 1}/99999999`;
  return `HTTP/1.1 206 Partial Content\r\ncontent-range: ${range}\r\nContent-Length: ${length}\r\netag: "x"\r\n\r\n`;
}

type Act = (socket: Socket, request: number) => unknown;

/** A server of bytes: does as the test says for each request of all its connections. */
async function raw(
  act: Act,
  { server, event }: { server: Server; event: string } = { server: createServer(), event: 'connection' },
): Promise<{ endpoint: string; connections: () => number }> {
  const sockets = new Set<Socket>();
  let requests = 0;
  server.on(event, (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      if (bytes.includes('\r\n\r\n')) void act(socket, (requests += 1));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => sockets.size };
}

function remoteAt(endpoint: string, timeouts = { connectMs: 1_000, idleMs: 150 }): Remote {
  const remote = openS3Remote(settingsFor({ endpoint, timeouts }));
  onTestFinished(() => remote.close());
  return remote;
}

describe('a large range', () => {
  test('is read into the memory that is lent for it, and into its own where that is too small', async () => {
    const { endpoint } = await raw((socket) => socket.write(Buffer.concat([Buffer.from(HEAD), BYTES])));
    const remote = remoteAt(endpoint);
    const into = Buffer.alloc(BYTES.length + 9, 'x');
    const read = await remote.readRange('a', RANGE, { into });
    expect(read.buffer).toBe(into.buffer);
    expect(read.equals(BYTES)).toBe(true);
    expect(into.toString('latin1', BYTES.length)).toBe('xxxxxxxxx');
    const small = Buffer.alloc(10);
    expect((await remote.readRange('a', RANGE, { into: small })).equals(BYTES)).toBe(true);
  });

  test('is read however its answer is cut into pieces', async () => {
    const { endpoint } = await raw(async (socket) => {
      socket.setNoDelay(true);
      for (const char of HEAD) {
        socket.write(char);
        await new Promise(setImmediate);
      }
      for (let at = 0, size = 1; at < BYTES.length; at += size, size = Math.min(size * 3, 300 * KIB))
        socket.write(BYTES.subarray(at, at + size));
    });
    expect((await remoteAt(endpoint).readRange('a', RANGE)).equals(BYTES)).toBe(true);
  });

  test('comes as chunks that may be kept, unless they are lent', async () => {
    const { endpoint } = await raw((socket) => socket.write(Buffer.concat([Buffer.from(HEAD), BYTES])));
    const remote = remoteAt(endpoint);
    expect((await collect(remote.stream('a', RANGE))).equals(BYTES)).toBe(true);
    const copies: Buffer[] = [];
    for await (const chunk of remote.stream('a', RANGE, { isLent: true })) copies.push(Buffer.from(chunk));
    expect(Buffer.concat(copies).equals(BYTES)).toBe(true);
  });

  test('is read by many at once without mixing them', async () => {
    const { endpoint } = await answering((request, response) => {
      const number = Number(/object(\d+)/.exec(request.url ?? '')?.[1]);
      ranged(response, Buffer.alloc(BYTES.length, number)).end();
    });
    const remote = remoteAt(endpoint, { connectMs: 5_000, idleMs: 5_000 });
    const numbers = Array.from({ length: 24 }, (_, index) => index + 1);
    const read = await Promise.all(numbers.map((number) => remote.readRange(`object${number}`, RANGE)));
    for (const [index, bytes] of read.entries()) expect(bytes.equals(Buffer.alloc(BYTES.length, index + 1))).toBe(true);
  });

  test('uses a connection again, and a new one when that was closed while it rested', async () => {
    const { endpoint, connections } = await raw(async (socket, request) => {
      socket.write(Buffer.concat([Buffer.from(HEAD), BYTES]));
      if (request === 3) socket.end();
    });
    const remote = remoteAt(endpoint);
    for (let count = 0; count < 3; count += 1) {
      await remote.readRange('a', RANGE);
      // A connection is used again from the next turn on.
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    }
    expect(connections()).toBe(1);
    for (let count = 0; count < 3; count += 1) {
      expect((await remote.readRange('a', RANGE)).equals(BYTES)).toBe(true);
    }
    expect(connections()).toBeLessThanOrEqual(3);
  });

  test('does not take what follows an answer for the next one', async () => {
    const { endpoint, connections } = await raw((socket) =>
      socket.write(Buffer.concat([Buffer.from(HEAD), BYTES, Buffer.from(`${HEAD}these are not the bytes`)])),
    );
    const remote = remoteAt(endpoint);
    for (let count = 0; count < 2; count += 1) {
      expect((await remote.readRange('a', RANGE)).equals(BYTES)).toBe(true);
    }
    expect(connections()).toBe(2);
  });

  test('is read when its answer has no length in its head', async () => {
    const { endpoint, requests } = await answering((_request, response) => {
      response.writeHead(206, { 'content-range': rangeText(), 'transfer-encoding': 'chunked' }).end(BYTES);
    });
    expect((await remoteAt(endpoint).readRange('a', RANGE)).equals(BYTES)).toBe(true);
    expect(requests).toHaveLength(2);
  });

  test('whose reader is slow is not given up', async () => {
    const bytes = Buffer.alloc(24 * MIB, 'x');
    const range = { offset: 0, length: bytes.length };
    const { endpoint } = await answering((_request, response) => {
      const text = `bytes 0-${bytes.length - 1}/${bytes.length}`;
      response.writeHead(206, { 'content-range': text, 'content-length': bytes.length, etag: '"x"' }).end(bytes);
    });
    let got = 0;
    for await (const chunk of remoteAt(endpoint).stream('a', range, { isLent: true })) {
      if (got === 0) await delay(400);
      got += chunk.length;
    }
    expect(got).toBe(bytes.length);
  });

  test.each<[string, Act, object]>([
    ['is cut off', (socket) => void socket.end(HEAD + 'abc'), UNAVAILABLE],
    ['is cut off in its head', (socket) => void socket.end(HEAD.slice(0, 30)), UNAVAILABLE],
    ['is reset', (socket) => void socket.write(HEAD + 'abc', () => socket.resetAndDestroy()), UNAVAILABLE],
    ['stops', (socket) => void socket.write(HEAD + 'abc'), UNAVAILABLE],
    ['never comes', () => undefined, UNAVAILABLE],
    ['is shorter, and says so only by its length', (socket) => void socket.write(headOf(3) + 'abc'), UNAVAILABLE],
    ['is that of another range', (socket) => void socket.write(HEAD.replace('5-', '6-') + 'abc'), UNAVAILABLE],
    ['is the whole object', (socket) => void socket.write(HEAD.replace('206', '200') + 'abc'), MISCONFIGURED],
    ['is no HTTP', (socket) => void socket.write('220 mail.example ESMTP\r\n\r\n'), MISCONFIGURED],
  ])('whose answer %s is an error', async (_, act, expected) => {
    const { endpoint } = await raw(act);
    const remote = remoteAt(endpoint);
    await expect(remote.readRange('a', RANGE)).rejects.toMatchObject(expected);
    await expect(collect(remote.stream('a', RANGE))).rejects.toMatchObject(expected);
  });

  test('that is refused is the error of the refusal, with a length and without', async () => {
    const { endpoint } = await answering((request, response) => {
      if (request.url?.includes('chunked') === true) response.setHeader('transfer-encoding', 'chunked');
      refuse(response, 404, 'NoSuchKey');
    });
    for (const key of ['chunked', 'plain']) await expectCode(remoteAt(endpoint).readRange(key, RANGE), 'NOT_FOUND');
  });

  test('to where nobody listens is REMOTE_UNAVAILABLE', async () => {
    await expect(remoteAt('http://127.0.0.1:9').readRange('a', RANGE)).rejects.toMatchObject(UNAVAILABLE);
  });

  test('is given up when the signal fires, and nothing is written into lent memory after that', async () => {
    let later: (() => void) | undefined;
    const { endpoint } = await raw((socket) => {
      socket.write(Buffer.concat([Buffer.from(HEAD), BYTES.subarray(0, MIB)]));
      later = () => socket.write(BYTES.subarray(MIB));
    });
    const abort = new AbortController();
    const into = Buffer.alloc(BYTES.length);
    const reading = remoteAt(endpoint, { connectMs: 1_000, idleMs: 60_000 }).readRange('a', RANGE, {
      into,
      signal: abort.signal,
    });
    setTimeout(() => abort.abort(), 50);
    await expectCode(reading, 'INTERRUPTED');
    into.fill(0);
    later?.();
    await delay(50);
    expect(into.every((byte) => byte === 0)).toBe(true);
  });

  test('that is left in its middle frees its connection', async () => {
    let closed = 0;
    const { endpoint } = await raw((socket) => {
      socket.once('close', () => (closed += 1));
      socket.write(Buffer.concat([Buffer.from(HEAD), BYTES]));
    });
    for await (const _chunk of remoteAt(endpoint).stream('a', RANGE)) break;
    await expect.poll(() => closed).toBe(1);
  });
});

describe.skipIf(tlsMissing() !== undefined)('a large range over TLS', () => {
  test('is refused while the certificate is not trusted, and read where it is', async () => {
    const certificate = makeCertificate();
    onTestFinished(() => certificate.remove());
    const [cert, key] = [certificate.cert, certificate.key].map((file) => readFileSync(file));
    const server = createTlsServer({ cert, key }).on('tlsClientError', () => undefined);
    const answer: Act = (socket) => socket.write(Buffer.concat([Buffer.from(HEAD), BYTES]));
    const { endpoint } = await raw(answer, { server, event: 'secureConnection' });
    const remote = remoteAt(endpoint.replace('http:', 'https:'), { connectMs: 5_000, idleMs: 5_000 });
    await expectCode(remote.readRange('a', RANGE), 'REMOTE_MISCONFIGURED');
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      expect((await remote.readRange('a', RANGE)).equals(BYTES)).toBe(true);
      expect((await collect(remote.stream('a', RANGE, { isLent: false }))).equals(BYTES)).toBe(true);
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });
});

function rangeText(): string {
  return `bytes 5-${RANGE.offset + RANGE.length - 1}/99999999`;
}

function ranged(response: ServerResponse, body: Buffer): ServerResponse {
  response.writeHead(206, { 'content-range': rangeText(), 'content-length': body.length, etag: '"x"' });
  response.write(body);
  return response;
}
