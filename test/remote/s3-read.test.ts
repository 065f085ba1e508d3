/** Answers that are not what was asked for: none of their bytes is passed on as if they were. */
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MIB } from '../../src/base/limits.js';
import type { Remote } from '../../src/remote/remote.js';
import { openS3Remote } from '../../src/remote/s3.js';
import { collect, expectCode } from './bodies.js';
import { answering, settingsFor } from './s3-under-test.js';

const RANGE = { offset: 10, length: 5 };
const UNAVAILABLE = { code: 'REMOTE_UNAVAILABLE', retryable: true };

type Answer = (response: ServerResponse) => void;

async function remoteOf(answer: Answer, timeouts = { connectMs: 1_000, idleMs: 150 }): Promise<Remote> {
  const { endpoint } = await answering((_request, response) => answer(response));
  const remote = openS3Remote(settingsFor({ endpoint, timeouts }));
  onTestFinished(() => remote.close());
  return remote;
}

/** A good answer to RANGE, with changes. */
function ranged(
  response: ServerResponse,
  body: string,
  headers: Record<string, string> = {},
  status = 206,
): ServerResponse {
  response.writeHead(status, { 'content-range': 'bytes 10-14/100', 'content-length': '5', etag: '"x"', ...headers });
  response.write(body);
  return response;
}

describe('a range', () => {
  test('is read as it was asked for', async () => {
    const remote = await remoteOf((response) => ranged(response, '01234').end());
    expect((await remote.readRange('a', RANGE)).toString()).toBe('01234');
    expect((await collect(remote.stream('a', RANGE))).toString()).toBe('01234');
  });

  test.each<[string, Answer, object]>([
    ['whose answer is cut off', (response) => void ranged(response, '012', {}).socket?.end(), UNAVAILABLE],
    ['whose answer is reset', (response) => void ranged(response, '012', {}).socket?.resetAndDestroy(), UNAVAILABLE],
    ['whose answer stops', (response) => void ranged(response, '012', {}), UNAVAILABLE],
    [
      'whose answer is shorter than the range, and says so only by its length',
      (response) => void ranged(response, '012', { 'content-length': '3' }).end(),
      UNAVAILABLE,
    ],
    [
      'that is another one',
      (response) => void ranged(response, '01234', { 'content-range': 'bytes 11-15/100' }).end(),
      UNAVAILABLE,
    ],
    ['that is ignored', (response) => void ranged(response, '01234', {}, 200).end(), { code: 'REMOTE_MISCONFIGURED' }],
    [
      'that is not named',
      (response) => void ranged(response, '01234', { 'content-range': '' }).end(),
      { code: 'REMOTE_MISCONFIGURED' },
    ],
    [
      'that passes the end, cut by the store',
      (response) => void ranged(response, '012', { 'content-range': 'bytes 10-12/13', 'content-length': '3' }).end(),
      { code: 'LIMIT_EXCEEDED' },
    ],
    [
      'that passes the end, refused by the store',
      (response) => void response.writeHead(416).end(),
      { code: 'LIMIT_EXCEEDED' },
    ],
    [
      'that is encoded',
      (response) => void ranged(response, '01234', { 'content-encoding': 'gzip' }).end(),
      { code: 'REMOTE_MISCONFIGURED' },
    ],
  ])('%s is an error', async (_, answer, expected) => {
    const remote = await remoteOf(answer);
    await expect(remote.readRange('a', RANGE)).rejects.toMatchObject(expected);
    await expect(collect(remote.stream('a', RANGE))).rejects.toMatchObject(expected);
  });

  test('without a length that ends early or late is an error', async () => {
    for (const body of ['0123', '012345678']) {
      const remote = await remoteOf((response) =>
        response.writeHead(206, { 'content-range': 'bytes 10-14/100', 'transfer-encoding': 'chunked' }).end(body),
      );
      await expect(remote.readRange('a', RANGE)).rejects.toMatchObject(UNAVAILABLE);
    }
  });
});

describe('a whole object', () => {
  test('that is cut off, or has no length, is an error', async () => {
    const cut = await remoteOf((response) => {
      response.writeHead(200, { 'content-length': '10', etag: '"x"' });
      response.write('0123', () => response.socket?.destroy());
    });
    await expect(cut.read('a', 10)).rejects.toMatchObject(UNAVAILABLE);
    const endless = await remoteOf((response) => response.writeHead(200, { etag: '"x"' }).end('0123'));
    await expect(endless.read('a', 10)).rejects.toMatchObject(UNAVAILABLE);
  });

  test('that is too large is refused before it is read', async () => {
    const remote = await remoteOf((response) =>
      response.writeHead(200, { 'content-length': String(MIB * MIB) }).write('x'),
    );
    await expectCode(remote.read('a', MIB), 'LIMIT_EXCEEDED');
  });

  test('whose tool left aws-chunked in its encoding is read', async () => {
    const remote = await remoteOf((response) =>
      response.writeHead(200, { 'content-length': '2', 'content-encoding': 'aws-chunked' }).end('ok'),
    );
    expect((await remote.read('a', 10)).toString()).toBe('ok');
  });

  test('is given up in its middle when the signal fires', async () => {
    const remote = await remoteOf((response) => response.writeHead(200, { 'content-length': '10' }).write('0123'), {
      connectMs: 1_000,
      idleMs: 60_000,
    });
    const abort = new AbortController();
    const reading = remote.read('a', 10, { signal: abort.signal });
    reading.catch(() => undefined);
    await delay(50);
    abort.abort();
    await expectCode(reading, 'INTERRUPTED');
  });
});
