/** What `fault-proxy.ts` does for each kind of fault: the forwarding of one request and its answer. */
import { once } from 'node:events';
import http from 'node:http';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import type { FaultKind } from './faults.js';
import type { TestKeys } from './keys.js';
import { mapHeaders, resign, withChecksums, type RawHeaders } from './sigv4.js';

export interface Exchange {
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
  readonly agent: http.Agent;
  readonly target: URL;
  /** The last answer to each listing. */
  readonly listings: Map<string, Buffer>;
}

export interface ActOptions {
  readonly slowMs: number;
  readonly resignWith: TestKeys | undefined;
  readonly operation: string;
}

const REFUSALS: Partial<Record<FaultKind, readonly [number, string, string]>> = {
  '500': [500, 'InternalError', 'We encountered an internal error. Please try again.'],
  '503-slow-down': [503, 'SlowDown', 'Please reduce your request rate.'],
  '429': [429, 'TooManyRequests', 'Too many requests.'],
  '403-expired-token': [403, 'ExpiredToken', 'The provided token has expired.'],
  '403-clock-skew': [
    403,
    'RequestTimeTooSkewed',
    'The difference between the request time and the current time is too large.',
  ],
  'error-in-200': [200, 'InternalError', 'We encountered an internal error. Please try again.'],
};

/** Settles when the exchange is over; rejects when a side went away, which the client must see as a reset. */
export async function answerWith(kind: FaultKind | undefined, exchange: Exchange, options: ActOptions): Promise<void> {
  const refusal = kind === undefined ? undefined : REFUSALS[kind];
  if (refusal !== undefined) return refuse(exchange, refusal);
  switch (kind) {
    case 'hang':
      await buffer(exchange.request);
      await once(exchange.request.socket, 'close');
      return;
    case 'reset-before': {
      resetClient(exchange);
      return;
    }
    case 'reset-in-request':
      return resetWithinRequest(exchange);
    case 'empty-complete':
      await buffer(exchange.request);
      exchange.response.writeHead(200, { 'content-length': 0 }).end();
      return;
    case 'corrupted-request': {
      const body = flipped(await buffer(exchange.request), 0.5);
      return passOn(exchange, await forward(exchange, exchange.request.rawHeaders, body));
    }
    case 'canary':
      return canary(exchange, options);
    case undefined:
      return pass(exchange, options);
    default:
      return spoilAnswer(kind, exchange, options);
  }
}

/** No fault: bytes go through as they come. */
async function pass(exchange: Exchange, { operation }: ActOptions): Promise<void> {
  const { request, response, listings } = exchange;
  const forwarded = begin(exchange, request.rawHeaders);
  const answered = answerTo(forwarded);
  // Either the body is all sent, or the server answers before that (a refusal) and the rest of it is of no use.
  await Promise.race([pipeline(request, forwarded), answered]);
  const answer = await answered;
  if (operation === 'ListObjectsV2' && answer.statusCode === 200) {
    const body = await buffer(answer);
    listings.set(request.url ?? '', body);
    return passOn(exchange, { answer, body });
  }
  response.writeHead(answer.statusCode ?? 500, [...endToEnd(answer.rawHeaders)]);
  response.flushHeaders();
  await pipeline(answer, response);
}

interface Answer {
  readonly answer: http.IncomingMessage;
  readonly body: Buffer;
}

async function spoilAnswer(kind: FaultKind, exchange: Exchange, { slowMs }: ActOptions): Promise<void> {
  const { request, response, listings } = exchange;
  const sent = await buffer(request);
  const { answer, body } = await forward(exchange, request.rawHeaders, sent);
  const half = body.subarray(0, Math.floor(body.length / 2));
  const headers = [...endToEnd(answer.rawHeaders)];
  const status = answer.statusCode ?? 500;
  switch (kind) {
    case 'lost-answer': {
      resetClient(exchange);
      return;
    }
    case 'reset-after-headers':
      response.writeHead(status, headers);
      response.flushHeaders();
      {
        resetClient(exchange);
        return;
      }
    case 'reset-in-answer':
      response.writeHead(status, headers);
      await write(response, half);
      {
        resetClient(exchange);
        return;
      }
    case 'truncated-answer':
      response.writeHead(status, headers);
      await write(response, half);
      request.socket.destroySoon();
      return;
    case 'corrupted-answer':
      return passOn(exchange, { answer, body: isGood(answer) ? flipped(body, 0.5) : body });
    case 'wrong-etag': {
      const changed = mapHeaders(headers, (name, value) => (name === 'etag' ? `"${'0'.repeat(32)}"` : value));
      response.writeHead(status, [...changed]).end(body);
      return;
    }
    case 'stale-listing':
      return passOn(exchange, { answer, body: listings.get(request.url ?? '') ?? withoutNewest(body) }, true);
    case 'slow':
      return trickle(exchange, { answer, body }, slowMs);
    default:
      throw new Error(`the proxy cannot do ${kind}`);
  }
}

/** Changes one byte and makes everything that speaks about it fit. */
async function canary(exchange: Exchange, { resignWith }: ActOptions): Promise<void> {
  const { request, response } = exchange;
  const sent = await buffer(request);
  if (request.method === 'PUT' && resignWith !== undefined) {
    const body = flipped(sent, 0.5);
    const headers = resign('PUT', request.url ?? '', request.rawHeaders, body, resignWith);
    return passOn(exchange, await forward(exchange, headers, body));
  }
  const { answer, body } = await forward(exchange, request.rawHeaders, sent);
  if (!isGood(answer)) return passOn(exchange, { answer, body });
  const changed = flipped(body, 0.5);
  response.writeHead(answer.statusCode ?? 500, [...withChecksums(endToEnd(answer.rawHeaders), changed)]).end(changed);
}

async function refuse(
  { request, response }: Exchange,
  [status, code, text]: readonly [number, string, string],
): Promise<void> {
  await buffer(request);
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${text}</Message></Error>`;
  response.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function resetWithinRequest(exchange: Exchange): Promise<void> {
  const body = await buffer(exchange.request);
  const forwarded = begin(exchange, exchange.request.rawHeaders);
  forwarded.on('error', () => undefined); // Its connection ends half way, on purpose.
  await write(forwarded, body.subarray(0, Math.floor(body.length / 2)));
  forwarded.destroy();
  resetClient(exchange);
}

async function trickle(exchange: Exchange, { answer, body }: Answer, slowMs: number): Promise<void> {
  const { response } = exchange;
  const steps = 10;
  const size = Math.max(1, Math.ceil(body.length / steps));
  response.writeHead(answer.statusCode ?? 500, [...endToEnd(answer.rawHeaders)]);
  response.flushHeaders();
  for (let offset = 0; offset < Math.max(body.length, 1); offset += size) {
    await new Promise((resolve) => setTimeout(resolve, slowMs / steps));
    if (offset < body.length) await write(response, body.subarray(offset, offset + size));
  }
  response.end();
}

function begin({ request, agent, target }: Exchange, headers: RawHeaders): http.ClientRequest {
  const { hostname, port } = target;
  const { method, url: path } = request;
  return http.request({ agent, hostname, port, method, path, headers: endToEnd(headers) as string[] });
}

async function forward(exchange: Exchange, headers: RawHeaders, body: Buffer): Promise<Answer> {
  const forwarded = begin(exchange, headers);
  const answered = answerTo(forwarded);
  forwarded.end(body);
  const answer = await answered;
  return { answer, body: await buffer(answer) };
}

function answerTo(forwarded: http.ClientRequest): Promise<http.IncomingMessage> {
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    forwarded.once('response', resolve).once('error', reject);
  });
  answered.catch(() => undefined); // Whoever waits for it is told as well.
  return answered;
}

async function passOn({ request, response }: Exchange, { answer, body }: Answer, isResized = false): Promise<void> {
  const headers = mapHeaders(endToEnd(answer.rawHeaders), (name, value) =>
    isResized && name === 'content-length' ? String(body.length) : value,
  );
  response.writeHead(answer.statusCode ?? 500, [...headers]);
  response.end(request.method === 'HEAD' ? undefined : body);
}

function resetClient({ request }: Exchange): void {
  if (!request.socket.destroyed) request.socket.resetAndDestroy();
}

/** Resolves when the bytes are with the system, so that what comes after them comes after them. */
function write(stream: http.ServerResponse | http.ClientRequest, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) =>
    stream.write(bytes, (error?: Error | null) => (error instanceof Error ? reject(error) : resolve())),
  );
}

/** Headers that speak about one connection are not passed on. */
function endToEnd(headers: RawHeaders): RawHeaders {
  const own = new Set(['connection', 'keep-alive', 'expect', 'proxy-connection']);
  return headers.filter((_, index) => !own.has((headers[index - (index % 2)] ?? '').toLowerCase()));
}

function isGood(answer: http.IncomingMessage): boolean {
  return answer.statusCode === 200 || answer.statusCode === 206;
}

function flipped(body: Buffer, where: number): Buffer {
  const copy = Buffer.from(body);
  const at = Math.floor(copy.length * where);
  if (at < copy.length) copy[at] = copy.readUInt8(at) ^ 1;
  return copy;
}

function withoutNewest(listing: Buffer): Buffer {
  const text = listing.toString('utf8');
  const entries = text.match(/<Contents>.*?<\/Contents>/gs) ?? [];
  const time = (entry: string) => /<LastModified>(.*?)</.exec(entry)?.[1] ?? '';
  const newest = entries.reduce((best, entry) => (time(entry) >= time(best) ? entry : best), entries[0] ?? '');
  const fewer = text.replace(newest, '').replace(/<KeyCount>\d+/, `<KeyCount>${Math.max(0, entries.length - 1)}`);
  return Buffer.from(fewer);
}
