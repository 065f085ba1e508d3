/** Sockets that hang, dribble, break and are given up. The times are short; what is asserted is how it ends. */
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MIB } from '../../src/base/limits.js';
import { openHttp, type HttpAnswer, type HttpHandler, type HttpRequest } from '../../src/remote/s3-http.js';

const IDLE_MS = 200;
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n';

describe('a request', () => {
  test('that is never answered ends in a timeout', async () => {
    const { port } = await raw(() => undefined);
    await expect(send(open(), port)).rejects.toMatchObject({ code: 'UND_ERR_HEADERS_TIMEOUT' });
  });

  test('whose body falls silent in the middle ends in a timeout', async () => {
    const { port } = await raw((socket) => socket.write(`${HEAD}12345`));
    await expect(textOf(await send(open(), port))).rejects.toMatchObject({ code: 'UND_ERR_BODY_TIMEOUT' });
  });

  test('may have a time of its own', async () => {
    const { port } = await raw((socket) => void delay(2 * IDLE_MS).then(() => socket.write(`${HEAD}0123456789`)));
    const answer = await open().handle(request(port), { requestTimeout: 20 * IDLE_MS });
    expect(await textOf(answer)).toBe('0123456789');
  });

  test('whose answer comes slowly is waited for', async () => {
    const { port } = await raw(async (socket) => {
      socket.write(HEAD);
      for (const digit of '0123456789') {
        await delay(IDLE_MS / 4);
        socket.write(digit);
      }
    });
    expect(await textOf(await send(open(), port))).toBe('0123456789');
  });

  test('whose answer is read slowly is not given up', async () => {
    const bytes = Buffer.alloc(4 * MIB, 'x');
    const { port } = await raw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`);
      socket.write(bytes);
    });
    const { response } = await send(open(), port);
    let got = 0;
    for await (const chunk of response.body) {
      if (got === 0) await delay(3 * IDLE_MS);
      got += (chunk as Buffer).length;
    }
    expect(got).toBe(bytes.length);
  });

  test('whose body is taken slowly is not given up', async () => {
    const body = Buffer.alloc(24 * MIB, 'x');
    let taken = 0;
    const { port } = await raw((socket, first) => {
      taken += first.length;
      // The end of the request is seen by its length: the head is small.
      socket.on('data', (chunk) => {
        taken += chunk.length;
        if (taken > body.length) socket.write(`${HEAD}0123456789`);
      });
      const slow = setInterval(() => {
        socket.pause();
        setTimeout(() => socket.resume(), IDLE_MS / 4);
      }, IDLE_MS / 3);
      socket.once('close', () => clearInterval(slow));
    });
    const answer = await open().handle({ ...request(port), method: 'PUT', headers: lengthOf(body), body });
    expect(await textOf(answer)).toBe('0123456789');
  });

  test('that is refused before its body was taken has its answer', async () => {
    const refusal = 'HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno';
    const { port } = await raw((socket) => {
      socket.pause();
      socket.write(refusal);
    });
    const body = Buffer.alloc(24 * MIB);
    const answer = await open().handle({ ...request(port), method: 'PUT', headers: lengthOf(body), body });
    expect(answer.response.statusCode).toBe(403);
    expect(await textOf(answer)).toBe('no');
  });

  test('to what does not speak TLS within its time ends in a timeout', async () => {
    const { port } = await raw(() => undefined);
    const handler = open({ connectMs: 100, idleMs: 60_000 });
    await expect(handler.handle({ ...request(port), protocol: 'https:' })).rejects.toMatchObject({
      code: 'UND_ERR_CONNECT_TIMEOUT',
    });
  });

  test('to where nobody listens fails at once', async () => {
    const { port, server } = await raw(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    await expect(send(open(), port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('that is aborted ends so: before it began, before the answer, in the answer', async () => {
    const { port } = await raw((socket) => socket.write(`${HEAD}123`));
    const silent = await raw(() => undefined);
    const handler = open({ connectMs: 1_000, idleMs: 60_000 });
    await expect(handler.handle(request(port), { abortSignal: AbortSignal.abort() })).rejects.toMatchObject(ABORTED);
    const abort = new AbortController();
    const waiting = handler.handle(request(silent.port), { abortSignal: abort.signal });
    const answer = await handler.handle(request(port), { abortSignal: abort.signal });
    const reading = textOf(answer);
    setTimeout(() => abort.abort(), 20);
    await expect(waiting).rejects.toMatchObject(ABORTED);
    await expect(reading).rejects.toMatchObject(ABORTED);
  });

  test('uses a connection again', async () => {
    let connections = 0;
    const { port, server } = await raw((socket) => {
      socket.on('data', () => socket.write(`${HEAD}0123456789`));
      socket.write(`${HEAD}0123456789`);
    });
    server.on('connection', () => (connections += 1));
    const handler = open();
    for (let count = 0; count < 9; count += 1) await textOf(await send(handler, port));
    // One may still be busy with its end when the next request comes.
    expect(connections).toBeLessThanOrEqual(2);
  });

  test('is written as it was signed: names in order, odd characters escaped', async () => {
    let head = '';
    const { port } = await raw((socket, first) => {
      head = first.toString();
      socket.write(`${HEAD}0123456789`);
    });
    const query = { uploadId: '2~a+/=', b: null, a: ["it's (1)*", 'x y'] };
    await textOf(await open().handle({ ...request(port), query }));
    expect(head).toContain('GET /x?a=it%27s%20%281%29%2A&a=x%20y&b&uploadId=2~a%2B%2F%3D HTTP/1.1');
  });
});

const ABORTED = { name: 'AbortError' };

function open(timeouts = { connectMs: 2_000, idleMs: IDLE_MS }): HttpHandler {
  const handler = openHttp(timeouts);
  onTestFinished(() => handler.destroy());
  return handler;
}

function request(port: number): HttpRequest {
  return { protocol: 'http:', hostname: '127.0.0.1', port, method: 'GET', path: '/x', headers: { host: 'localhost' } };
}

function send(handler: HttpHandler, port: number): Promise<HttpAnswer> {
  return handler.handle(request(port));
}

function lengthOf(body: Buffer): Record<string, string> {
  return { host: 'localhost', 'content-length': String(body.length) };
}

async function textOf({ response }: HttpAnswer): Promise<string> {
  let text = '';
  for await (const chunk of response.body) text += String(chunk);
  return text;
}

/** A server of bytes: does as the test says once the first bytes of a connection have come. */
async function raw(
  act: (socket: Socket, first: Buffer) => unknown,
): Promise<{ readonly port: number; readonly server: Server }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', (first) => void act(socket, first));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server };
}
