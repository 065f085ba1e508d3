/**
 * Carries the requests of the S3 client over sockets. It answers for no request hanging: a connection that is not made
 * in time and a socket that falls silent end in ETIMEDOUT, before the answer and within its body; a slow but moving one
 * never does, nor one whose reader is slow. Signing, retrying and reading answers are not its business.
 */
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import type { S3Timeouts } from './s3-settings.js';

const MAX_SOCKETS = 64;
/** Stores close an idle connection after 20 s (AWS) or later. We do it first: a request never meets a closing one. */
const KEEP_IDLE_SOCKET_MS = 15_000;
/** A body is written in pieces, so that progress can be seen; each has the time of one silence. */
const PIECE_BYTES = 1024 * 1024;
/** Silence is looked for this many times in `idleMs`, so it is noticed at most a quarter later. */
const LOOKS = 4;

/** What goes with a request and is not the client's business. A symbol, because the client copies inputs by name. */
export const BESIDE = Symbol('beside');

export interface Beside {
  readonly headers?: Readonly<Record<string, string>>;
  readonly abortSignal?: AbortSignal;
  /** Replaces `idleMs` for this request: some answers are long in the making. */
  readonly requestTimeout?: number;
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
    readonly body: IncomingMessage;
  };
}

export interface HttpHandler {
  readonly metadata: { readonly handlerProtocol: string };
  handle(request: HttpRequest, options?: HttpOptions): Promise<HttpAnswer>;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
  destroy(): void;
}

interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

export function openHttp(timeouts: S3Timeouts): HttpHandler {
  const settings = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: KEEP_IDLE_SOCKET_MS };
  const agents: Agents = { http: new HttpAgent(settings), https: new HttpsAgent(settings) };
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: (request, options = {}) => exchange(agents, timeouts, request, { ...options, ...request[BESIDE] }),
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: () => {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

/** Rejects with what broke the socket; an answer of any status resolves. */
function exchange(agents: Agents, timeouts: S3Timeouts, from: HttpRequest, options: HttpOptions): Promise<HttpAnswer> {
  const signal = options.abortSignal instanceof AbortSignal ? options.abortSignal : undefined;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortError());
      return;
    }
    const request = begin(agents, from);
    let answer: IncomingMessage | undefined;
    const end = (why: Error): void => void (answer ?? request).destroy(why);
    const onAbort = (): void => end(abortError());
    signal?.addEventListener('abort', onAbort, { once: true });
    const idleMs = options.requestTimeout ?? timeouts.idleMs;
    watch(request, { connectMs: timeouts.connectMs, idleMs }, () => answer, end);
    request.once('close', () => signal?.removeEventListener('abort', onAbort));
    request.on('error', reject);
    request.once('response', (response) => {
      answer = response;
      // Who reads it hears of its errors; one that nobody reads must not end the process.
      response.on('error', () => undefined);
      endEarlyAnswer(request, response);
      resolve(answerOf(response));
    });
    writeBody(request, bodyOf(from.body), () => (answer?.statusCode ?? 200) < 300);
  });
}

function begin(agents: Agents, from: HttpRequest): ClientRequest {
  const isTls = from.protocol === 'https:';
  const options = {
    // The brackets of an IPv6 address belong to the URL, not to the address.
    host: from.hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(from.port === undefined ? {} : { port: from.port }),
    method: from.method,
    path: from.path + queryOf(from.query ?? {}),
    headers: { ...from.headers },
  };
  return isTls ? requestHttps({ ...options, agent: agents.https }) : requestHttp({ ...options, agent: agents.http });
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

function bodyOf(body: unknown): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  throw new TypeError('a request body that is not bytes');
}

/** Piece by piece, each after the one before has left; none after the store has refused. */
function writeBody(request: ClientRequest, body: Buffer, isWanted: () => boolean): void {
  let at = 0;
  function writeNext(error?: Error | null): void {
    if (error || request.destroyed || !isWanted()) return;
    const piece = body.subarray(at, at + PIECE_BYTES);
    at += piece.length;
    if (at === body.length) request.end(piece.length === 0 ? undefined : piece);
    else request.write(piece, writeNext);
  }
  writeNext();
}

/** A refusal that came before the body was sent: the connection is in the middle of a request and is of no more use. */
function endEarlyAnswer(request: ClientRequest, response: IncomingMessage): void {
  response.once('end', () => {
    if (!request.writableEnded) request.destroy();
  });
}

function answerOf(response: IncomingMessage): HttpAnswer {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  return {
    response: { statusCode: response.statusCode ?? 0, reason: response.statusMessage, headers, body: response },
  };
}

/** Watches the socket of a request from the moment it has one. Waiting for a free one is not silence. */
function watch(
  request: ClientRequest,
  timeouts: S3Timeouts,
  answer: () => IncomingMessage | undefined,
  end: (why: Error) => void,
): void {
  request.once('socket', (socket) => {
    const stopConnecting = socket.connecting ? watchConnecting(socket, request, timeouts.connectMs, end) : undefined;
    const stopSilence = watchSilence(socket, timeouts.idleMs, answer, end);
    request.once('close', () => {
      stopConnecting?.();
      stopSilence();
    });
  });
}

/** Covers the look-up of the name, the connection and the TLS handshake. */
function watchConnecting(
  socket: Socket,
  request: ClientRequest,
  connectMs: number,
  end: (why: Error) => void,
): () => void {
  const timer = setTimeout(() => end(timeoutError(`no connection within ${connectMs} ms`)), connectMs);
  const stop = (): void => clearTimeout(timer);
  socket.once(request.protocol === 'https:' ? 'secureConnect' : 'connect', stop);
  return stop;
}

function watchSilence(
  socket: Socket,
  idleMs: number,
  answer: () => IncomingMessage | undefined,
  end: (why: Error) => void,
): () => void {
  let moved = -1;
  let quiet = 0;
  const timer = setInterval(() => {
    const now = socket.bytesRead + socket.bytesWritten;
    // Bytes that wait for their reader: then it is he who is silent, not the store.
    const isReaderSlow = (answer()?.readableLength ?? 0) > 0;
    quiet = now === moved && !isReaderSlow ? quiet + 1 : 0;
    moved = now;
    if (quiet >= LOOKS) end(timeoutError(`nothing moved for ${idleMs} ms`));
  }, idleMs / LOOKS);
  return () => clearInterval(timer);
}

function timeoutError(message: string): Error {
  return Object.assign(new Error(message), { name: 'TimeoutError', code: 'ETIMEDOUT' });
}

function abortError(): Error {
  return Object.assign(new Error('the request was aborted'), { name: 'AbortError' });
}
