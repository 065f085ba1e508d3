import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import type net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { notify, type NotifyOptions } from '../../src/drill/notify.js';
import type { DrillRecord } from '../../src/schema/drill-record.js';
import { DRILL_ID, drillRecord } from './drill-records.js';

const FAILED: DrillRecord = drillRecord({
  outcome: 'fail',
  reasons: [
    { code: 'ROWS_DIFFER', step: 'compare', message: 'a row of vulns is gone' },
    { code: 'ROWS_DIFFER', step: 'compare', message: 'a row of matches is gone' },
    { code: 'BUNDLE_MISSING', step: 'pull', message: 'a bundle is missing' },
  ],
});

let folder: string;
let server: http.Server;
let address: string;
let bodies: string[];
/** What the n-th request is answered with. */
let answers: readonly { readonly status: number; readonly location?: string }[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lakepack-notify-'));
  bodies = [];
  answers = [];
  server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const { status, location } = answers[bodies.push(body) - 1] ?? { status: 200 };
      response.writeHead(status, location === undefined ? {} : { location }).end('taken');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}/hooks/a-secret`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function tell(more: Partial<NotifyOptions>): ReturnType<typeof notify> {
  return await notify({
    record: FAILED,
    environment: { PATH: '/usr/bin:/bin' },
    signal: new AbortController().signal,
    retryDelayMs: 1,
    ...more,
  });
}

describe('a webhook', () => {
  test('gets the summary of every drill, without rows', async () => {
    expect(await tell({ webhook: address, record: drillRecord() })).toEqual([]);
    expect(await tell({ webhook: address })).toEqual([]);
    expect(JSON.parse(bodies[0]!)).toMatchObject({ drillId: DRILL_ID, outcome: 'pass', reasons: [] });
    expect(JSON.parse(bodies[1]!)).toMatchObject({
      text: 'lakepack drill of s3://lake-backups/prod: fail: ROWS_DIFFER: a row of vulns is gone',
      reasons: [{ code: 'ROWS_DIFFER', step: 'compare' }, {}, {}],
    });
    expect(bodies[1]).not.toContain('differences');
  });

  test('that is busy is told again, and one that refuses is not', async () => {
    answers = [{ status: 503 }, { status: 429 }, { status: 204 }];
    expect(await tell({ webhook: address })).toEqual([]);
    expect(bodies).toHaveLength(3);
    answers = [...answers, { status: 404 }];
    expect(await tell({ webhook: address })).toMatchObject([{ code: 'NOTIFY_FAILED', severity: 'warning' }]);
    expect(bodies).toHaveLength(4);
  });

  test('that stays busy is a finding that does not show its path', async () => {
    answers = [{ status: 500 }, { status: 500 }, { status: 500 }];
    const [finding] = await tell({ webhook: address });
    expect(finding?.message).toMatch(/^the webhook at 127\.0\.0\.1:\d+ was not told: it answered 500$/);
    expect(bodies).toHaveLength(3);
  });

  test('is followed to another path of its host, never to another host', async () => {
    answers = [{ status: 308, location: '/moved' }];
    expect(await tell({ webhook: address })).toEqual([]);
    expect(bodies[1]).toBe(bodies[0]);
    answers = [...answers, { status: 200 }, { status: 307, location: 'http://localhost:9/' }];
    expect(await tell({ webhook: address })).toMatchObject([{ message: expect.stringMatching(/another host/) }]);
    expect(bodies).toHaveLength(3);
  });

  test.each(['file:///etc/passwd', 'not an address'])('cannot be %s', async (webhook) => {
    expect(await tell({ webhook })).toMatchObject([{ message: expect.stringMatching(/not http or https/) }]);
  });

  test('that is not there, or says nothing, is given up', async () => {
    server.removeAllListeners('request');
    expect(await tell({ webhook: address, requestTimeoutMs: 20 })).toMatchObject([
      { message: expect.stringMatching(/no answer in 20 ms/) },
    ]);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await tell({ webhook: address })).toMatchObject([{ message: expect.stringMatching(/ECONNREFUSED/) }]);
  });
});

describe('the command on failure', () => {
  test('is told of the drill by its environment and its input', async () => {
    const out = path.join(folder, 'out');
    const onFailure = `{ echo "$LAKEPACK_DRILL_ID $LAKEPACK_DRILL_OUTCOME $LAKEPACK_DRILL_REASONS"; cat; } > "$OUT"`;
    expect(await tell({ onFailure, environment: { PATH: '/usr/bin:/bin', OUT: out } })).toEqual([]);
    const [first, second] = (await readFile(out, 'utf8')).split('\n');
    expect(first).toBe(`${DRILL_ID} fail ROWS_DIFFER,BUNDLE_MISSING`);
    expect(JSON.parse(second!)).toEqual(JSON.parse(JSON.stringify(FAILED)));
  });

  test('is not run when the drill passed, and is when nobody could look', async () => {
    expect(await tell({ onFailure: 'exit 9', record: drillRecord() })).toEqual([]);
    const inconclusive = drillRecord({ outcome: 'inconclusive' });
    expect(await tell({ onFailure: 'exit 9', record: inconclusive })).toMatchObject([
      { code: 'NOTIFY_FAILED', message: 'the command of --on-failure ended with 9' },
    ]);
  });

  test('is ended with all that it started when it takes too long, or the drill is interrupted', async () => {
    expect(await tell({ onFailure: 'sleep 60; true', commandTimeoutMs: 50 })).toMatchObject([
      { message: expect.stringMatching(/not done in 50 ms/) },
    ]);
    expect(await tell({ onFailure: 'sleep 60; true', signal: AbortSignal.abort() })).toMatchObject([
      { message: expect.stringMatching(/interrupted/) },
    ]);
  });
});
