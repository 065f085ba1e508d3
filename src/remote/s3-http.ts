/**
 * Carries the requests of the S3 client over sockets. It answers for no request hanging: a connection that is not made
 * in time and a socket that falls silent end in ETIMEDOUT, before the answer and within its body; a slow but moving one
 * never does, nor one whose reader is slow. Signing, retrying and reading answers are not its business.
 */
import { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import { openDirect, type DirectHttp } from './s3-direct.js';
import type { S3Timeouts } from './s3-settings.js';

const MAX_SOCKETS = 64;
/** Stores close an idle connection after 20 s (AWS) or later. We do it first: a request never meets a closing one. */
const KEEP_IDLE_SOCKET_MS = 15_000;
/** A body is written in pieces, so that progress can be seen; each has the time of one silence. */
const PIECE_BYTES = 1024 * 1024;

/** What goes with a request and is not the client's business. A symbol, because the client copies inputs by name. */
export const BESIDE = Symbol('beside');

export interface Beside {
  readonly headers?: Readonly<Record<string, string>>;
  readonly abortSignal?: AbortSignal;
  /** Replaces `idleMs` for this request: some answers are long in the making. */
  readonly requestTimeout?: number;
  /** A large answer is expected: its body is a `DirectBody` where that can be. */
  readonly isLarge?: boolean;
}

/** What the client hands over: a signed request. */
export interface HttpRequest {
  readonly [BESIDE]?: Beside;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface HttpOptions {
  readonly abortSignal?: unknown;
  /** Replaces `idleMs` for this request: some answers are long in the making. */
  readonly requestTimeout?: number;
}

export interface HttpAnswer {
  readonly response: {
    readonly statusCode: number;
    readonly reason: string | undefined;
    readonly headers: Record<string, string>;
    readonly body: Readable;
  };
}

export interface HttpHandler {
  readonly metadata: { readonly handlerProtocol: string };
  handle(request: HttpRequest, options?: HttpOptions): Promise<HttpAnswer>;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
  destroy(): void;
}

export function openHttp(timeouts: S3Timeouts): HttpHandler {
  const agent = new Agent({
    connections: MAX_SOCKETS,
    connect: { timeout: timeouts.connectMs },
    keepAliveTimeout: KEEP_IDLE_SOCKET_MS,
    keepAliveMaxTimeout: KEEP_IDLE_SOCKET_MS,
    headersTimeout: timeouts.idleMs,
    bodyTimeout: timeouts.idleMs,
  });
  const direct = openDirect(timeouts);
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: async (request, options = {}) => {
      const all = { ...options, ...request[BESIDE] };
      const answer = all.isLarge === true ? await readDirect(direct, request, all) : undefined;
      return answer ?? (await exchange(agent, request, all));
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: () => {
      direct.destroy();
      void agent.destroy();
    },
  };
}

async function readDirect(
  direct: DirectHttp,
  from: HttpRequest,
  { abortSignal }: HttpOptions,
): Promise<HttpAnswer | undefined> {
  const isTls = from.protocol === 'https:';
  const answer = await direct.get({
    // An address of version 6 stands in brackets.
    origin: { isTls, hostname: from.hostname.replace(/^\[|\]$/g, ''), port: from.port ?? (isTls ? 443 : 80) },
    path: from.path + queryOf(from.query ?? {}),
    headers: from.headers,
    signal: abortSignal instanceof AbortSignal ? abortSignal : undefined,
  });
  // Who reads it hears of its errors; one that nobody reads must not end the process.
  answer?.body.on('error', () => undefined);
  return answer === undefined ? undefined : { response: { ...answer, reason: undefined } };
}

/** Rejects with what broke the socket; an answer of any status resolves. */
async function exchange(agent: Agent, from: HttpRequest, options: HttpOptions): Promise<HttpAnswer> {
  const { abortSignal, requestTimeout } = options;
  const answer = await agent.request({
    origin: `${from.protocol}//${from.hostname}${from.port === undefined ? '' : `:${from.port}`}`,
    path: from.path + queryOf(from.query ?? {}),
    method: from.method,
    headers: from.headers,
    body: bodyOf(from.body),
    ...(abortSignal instanceof AbortSignal ? { signal: abortSignal } : {}),
    ...(requestTimeout === undefined ? {} : { headersTimeout: requestTimeout, bodyTimeout: requestTimeout }),
  });
  // Who reads it hears of its errors; one that nobody reads must not end the process.
  answer.body.on('error', () => undefined);
  return answerOf(answer);
}

/** As the signature was made: RFC 3986, in the order of the names. */
function queryOf(query: NonNullable<HttpRequest['query']>): string {
  const terms = Object.keys(query)
    .toSorted()
    .flatMap((name) => {
      const value = query[name] ?? null;
      if (value === null) return [escapeUri(name)];
      const values = typeof value === 'string' ? [value] : value;
      return values.map((one) => `${escapeUri(name)}=${escapeUri(one)}`);
    });
  return terms.length === 0 ? '' : `?${terms.join('&')}`;
}

function escapeUri(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function bodyOf(body: unknown): Buffer | Readable | null {
  if (body === undefined || body === null) return null;
  if (typeof body === 'string') return Buffer.from(body);
  if (!(body instanceof Uint8Array)) throw new TypeError('a request body that is not bytes');
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return bytes.length > PIECE_BYTES ? Readable.from(piecesOf(bytes)) : bytes;
}

function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

function answerOf({ statusCode, headers: given, body }: Dispatcher.ResponseData): HttpAnswer {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  return { response: { statusCode, reason: undefined, headers, body } };
}
