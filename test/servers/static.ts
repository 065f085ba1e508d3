/**
 * A read-only web server over a folder: what a public bucket or a CDN in front of one looks like. Ranges, no listings;
 * switches for what such places do wrong. They may be changed between requests.
 */
import { createReadStream, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { TestCertificate } from './tls.js';

export interface StaticSwitches {
  /** Answers a range request with 200 and the whole file. */
  readonly ignoresRange?: boolean;
  /** A file that is not here is a page of HTML with status 200. */
  readonly pageForMissing?: boolean;
  /** Compresses on the fly for clients that accept it, as CDNs do. */
  readonly gzip?: boolean;
  /** Waits so long before each chunk of a body. */
  readonly delayMs?: number;
  /** Ends the connection after so many bytes of a body, short of its Content-Length. */
  readonly truncateAt?: number;
  /** Answers every request with this status. */
  readonly status?: number;
  /** A redirect to the same path below this address. */
  readonly redirectTo?: string;
}

export interface StaticServer {
  readonly endpoint: string;
  readonly requests: readonly { readonly method: string; readonly path: string; readonly range: string | undefined }[];
  change(switches: StaticSwitches): void;
  close(): Promise<void>;
}

export interface StaticOptions extends StaticSwitches {
  readonly tls?: Pick<TestCertificate, 'cert' | 'key'>;
}

const PAGE = '<!doctype html><title>Not found</title><p>This page does not exist.</p>';

export async function startStaticServer(folder: string, options: StaticOptions = {}): Promise<StaticServer> {
  const { tls, ...first } = options;
  const requests: StaticServer['requests'][number][] = [];
  let switches: StaticSwitches = first;
  const listener: http.RequestListener = (request, response) => {
    requests.push({ method: request.method ?? 'GET', path: request.url ?? '/', range: request.headers.range });
    // A client that goes in the middle of a body is no concern of a web server.
    serve(folder, switches, request, response).catch(() => request.socket.destroy());
  };
  const files = tls === undefined ? undefined : { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
  const server = files === undefined ? http.createServer(listener) : https.createServer(files, listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    change: (changed) => (switches = changed),
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      return closed;
    },
  };
}

async function serve(
  folder: string,
  switches: StaticSwitches,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://static');
  if (switches.redirectTo !== undefined) {
    end(response, 302, { location: `${switches.redirectTo}${url.pathname}` }, '');
    return;
  }
  if (switches.status !== undefined) {
    end(response, switches.status, {}, `status ${switches.status}\n`);
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    end(response, 405, { allow: 'GET, HEAD' }, '');
    return;
  }
  const file = path.join(folder, path.posix.normalize(`/${decodeURIComponent(url.pathname)}`));
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) {
    const isPage = switches.pageForMissing === true;
    end(response, isPage ? 200 : 404, { 'content-type': 'text/html' }, isPage ? PAGE : 'not found\n');
    return;
  }
  return sendFile(file, stat.size, switches, request, response);
}

async function sendFile(
  file: string,
  size: number,
  switches: StaticSwitches,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const range = switches.ignoresRange === true ? undefined : rangeOf(request.headers.range, size);
  if (range === 'unsatisfiable') {
    end(response, 416, { 'content-range': `bytes */${size}` }, '');
    return;
  }
  const { start, last } = range ?? { start: 0, last: size - 1 };
  const isZipped = switches.gzip === true && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    ...(switches.ignoresRange === true ? {} : { 'accept-ranges': 'bytes' }),
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${last}/${size}` }),
    ...(isZipped ? { 'content-encoding': 'gzip' } : { 'content-length': String(last - start + 1) }),
  });
  if (request.method === 'HEAD' || size === 0) {
    response.end();
    return;
  }
  const body = createReadStream(file, { start, end: last });
  const spoiled = spoil(body, switches, response);
  await (isZipped ? pipeline(spoiled, createGzip(), response) : pipeline(spoiled, response));
}

async function* spoil(
  body: AsyncIterable<Buffer>,
  { delayMs = 0, truncateAt = Infinity }: StaticSwitches,
  response: http.ServerResponse,
): AsyncIterable<Buffer> {
  let left = truncateAt;
  for await (const chunk of body) {
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left > 0) continue;
    response.socket?.destroySoon();
    return;
  }
}

function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; last: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null) return undefined;
  const [, first = '', end = ''] = match;
  const start = first === '' ? Math.max(0, size - Number(end)) : Number(first);
  const last = first === '' || end === '' ? size - 1 : Math.min(Number(end), size - 1);
  return start >= size || last < start ? 'unsatisfiable' : { start, last };
}

function end(response: http.ServerResponse, status: number, headers: http.OutgoingHttpHeaders, body: string): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
