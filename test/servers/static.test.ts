import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startStaticServer, type StaticServer } from './static.js';
import { makeCertificate, tlsMissing } from './tls.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'lakepack-static-'));
let server: StaticServer;

beforeAll(async () => {
  writeFileSync(path.join(folder, 'file'), '0123456789');
  server = await startStaticServer(folder);
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

describe('the static server', () => {
  const ask = (name: string, headers: Record<string, string> = {}) => fetch(`${server.endpoint}/${name}`, { headers });

  test('gives files and ranges of them, and no listing', async () => {
    server.change({});
    const range = await ask('file', { range: 'bytes=2-4' });
    expect([range.status, range.headers.get('content-range'), await range.text()]).toEqual([
      206,
      'bytes 2-4/10',
      '234',
    ]);
    expect(await (await ask('file', { range: 'bytes=-3' })).text()).toBe('789');
    expect((await ask('file', { range: 'bytes=10-' })).status).toBe(416);
    expect((await ask('')).status).toBe(404);
    expect((await ask('../../etc/passwd')).status).toBe(404);
    expect(server.requests[0]).toEqual({ method: 'GET', path: '/file', range: 'bytes=2-4' });
  });

  test('does what it is told to do wrong', async () => {
    server.change({ ignoresRange: true, pageForMissing: true });
    const whole = await ask('file', { range: 'bytes=2-4' });
    expect([whole.status, await whole.text()]).toEqual([200, '0123456789']);
    const page = await ask('missing');
    expect([page.status, await page.text()]).toEqual([200, expect.stringMatching(/^<!doctype html>/)]);
    server.change({ truncateAt: 4 });
    await expect(ask('file').then((answer) => answer.text())).rejects.toThrow();
    server.change({ status: 503 });
    expect((await ask('file')).status).toBe(503);
    server.change({ gzip: true });
    const [answer] = (await once(
      http.get(`${server.endpoint}/file`, { headers: { 'accept-encoding': 'gzip' } }),
      'response',
    )) as [http.IncomingMessage];
    expect(gunzipSync(await buffer(answer)).toString()).toBe('0123456789');
  });

  test.skipIf(tlsMissing() !== undefined)('speaks https for those who trust its authority', async () => {
    const certificate = makeCertificate();
    const secure = await startStaticServer(folder, { tls: certificate });
    const status = (ca?: string) =>
      new Promise((resolve, reject) => {
        https
          .get(`${secure.endpoint}/file`, { ca }, (answer) => resolve(answer.resume().statusCode))
          .on('error', reject);
      });
    expect(await status(certificate.caText)).toBe(200);
    await expect(status()).rejects.toThrow(/certificate/);
    await secure.close();
    certificate.remove();
  });
});
