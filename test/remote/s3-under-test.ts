/** Remotes on the S3 server of the run, for the tests of `src/remote/s3…`. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { profileOf } from '../../src/remote/providers/profiles.js';
import type { S3Settings } from '../../src/remote/s3-settings.js';
import { sharedCeph } from '../servers/ceph.js';

let bucket: Promise<string> | undefined;

/** Settings for a prefix of its own in a bucket of this process. */
export async function s3Settings(changes: Partial<S3Settings> = {}): Promise<S3Settings> {
  const server = await sharedCeph();
  bucket ??= server.createBucket();
  return settingsFor({
    endpoint: server.endpoint,
    region: server.region,
    bucket: await bucket,
    credentials: { type: 'keys', read: () => server.keys },
    ...changes,
  });
}

/** Settings without a server behind them. */
export function settingsFor(changes: Partial<S3Settings> = {}): S3Settings {
  return {
    shown: 'ceph:test',
    provider: profileOf('ceph'),
    endpoint: 'http://127.0.0.1:9',
    region: 'us-east-1',
    bucket: 'bucket',
    prefix: `test-${randomBytes(6).toString('hex')}/a b`,
    pathStyle: true,
    credentials: { type: 'keys', read: () => ({ accessKeyId: 'made-up-id', secretAccessKey: 'made-up-secret' }) },
    credentialsFrom: 'TEST_ACCESS_KEY_ID and TEST_SECRET_ACCESS_KEY',
    encryption: undefined,
    storageClass: undefined,
    tags: {},
    cacheControl: undefined,
    timeouts: { connectMs: 2_000, idleMs: 10_000 },
    ...changes,
  };
}

export interface Answering {
  readonly endpoint: string;
  /** `METHOD /path?query` of every request, in order. */
  readonly requests: readonly string[];
  readonly headers: readonly NodeJS.Dict<string | string[]>[];
}

/** A server that answers as the test says, on a port of its own, until the test ends. Bodies are read first. */
export async function answering(
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<Answering> {
  const requests: string[] = [];
  const headers: NodeJS.Dict<string | string[]>[] = [];
  const server = createServer((request, response) => {
    const count = requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    headers.push(request.headers);
    request.resume().once('end', () => answer(request, response, count));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, headers };
}

/** The error answer of a store. */
export function refuse(response: ServerResponse, status: number, code: string, more = ''): void {
  const xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message>${more}</Error>`;
  response.writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': 'request-7' }).end(xml);
}
