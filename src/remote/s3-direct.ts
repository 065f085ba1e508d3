/**
 * Asks for large answers over connections of its own, and reads them straight into the memory where they are wanted:
 * a client for all of HTTP copies every byte twice on its way, and makes garbage of both. Only plain answers of a known
 * length are read so; whoever gets none here asks once more in the ordinary way. Reading may be repeated.
 */
import { DirectBody } from './s3-direct-body.js';
import { DirectSocket, type Origin } from './s3-direct-socket.js';
import type { S3Timeouts } from './s3-settings.js';

/** Stores send a few hundred bytes. */
const MAX_HEAD_BYTES = 64 * 1024;
const HEAD_PIECE_BYTES = 16 * 1024;
/** Each may have a chunk of 1 MiB in memory. More at once than these are read in the ordinary way, which has less. */
const MAX_BUSY = 16;
/** Shorter than what stores wait (AWS 20 s): a request never meets a connection that is closing. */
const REST_MS = 15_000;

export interface DirectRequest {
  readonly origin: Origin;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

export interface DirectAnswer {
  readonly statusCode: number;
  /** Names in lower case. */
  readonly headers: Record<string, string>;
  readonly body: DirectBody;
}

export interface DirectHttp {
  /**
   * The answer to a GET, of any status; undefined where it cannot be read here. @throws what kept a new connection from
   * being made or broke it, with its system code, or AbortError.
   */
  get(request: DirectRequest): Promise<DirectAnswer | undefined>;
  destroy(): void;
}

interface Resting {
  readonly place: string;
  readonly isReady: boolean;
  readonly until: NodeJS.Timeout | undefined;
}

export function openDirect(timeouts: S3Timeouts): DirectHttp {
  const pool = new Pool(timeouts);
  return {
    get: async (request) => {
      const isAborted = (): boolean => request.signal?.aborted === true;
      if (isAborted()) throw aborted();
      if (pool.isFull) return undefined;
      const { socket, isNew } = pool.take(request.origin);
      try {
        return await exchange(pool, socket, request);
      } catch (error) {
        // The store may have closed a connection that rested, in the moment in which it was used again.
        if (!isNew && !isAborted()) return undefined;
        throw error;
      }
    },
    destroy: () => pool.destroy(),
  };
}

async function exchange(pool: Pool, socket: DirectSocket, request: DirectRequest): Promise<DirectAnswer | undefined> {
  const { origin, signal } = request;
  const abort = (): void => socket.destroy(aborted());
  signal?.addEventListener('abort', abort, { once: true });
  function end(mayGoOn: boolean): void {
    signal?.removeEventListener('abort', abort);
    pool.giveBack(socket, origin, mayGoOn);
  }
  try {
    const head = await headOf(socket, request);
    if (head === undefined) {
      end(false);
      return undefined;
    }
    const { statusCode, headers, bytes } = head;
    const isKept = headers['connection']?.toLowerCase() !== 'close';
    const fill = (target: Buffer): Promise<void> => socket.fill(target);
    const body = new DirectBody({ fill, end: (isWhole) => end(isWhole && isKept) }, bytes);
    return { statusCode, headers, body };
  } catch (error) {
    end(false);
    throw error;
  }
}

/** Connections, by where they lead to. */
class Pool {
  readonly #timeouts: S3Timeouts;
  readonly #busy = new Set<DirectSocket>();
  readonly #resting = new Map<DirectSocket, Resting>();

  constructor(timeouts: S3Timeouts) {
    this.#timeouts = timeouts;
  }

  get isFull(): boolean {
    return this.#busy.size >= MAX_BUSY;
  }

  take(origin: Origin): { readonly socket: DirectSocket; readonly isNew: boolean } {
    const rested = this.#rested(placeOf(origin));
    const socket = rested ?? this.#connect(origin);
    this.#busy.add(socket);
    return { socket, isNew: rested === undefined };
  }

  giveBack(socket: DirectSocket, origin: Origin, mayGoOn: boolean): void {
    this.#busy.delete(socket);
    if (!mayGoOn || socket.isGone || socket.hasEarly) {
      socket.destroy(given());
      return;
    }
    this.#resting.set(socket, { place: placeOf(origin), isReady: false, until: undefined });
    socket.rest();
    // What follows the answer without being asked for is seen in the next turn: it must not be taken for another answer.
    setImmediate(() => {
      if (!this.#resting.has(socket)) return;
      const until = setTimeout(() => socket.destroy(given()), REST_MS).unref();
      this.#resting.set(socket, { place: placeOf(origin), isReady: true, until });
    });
  }

  destroy(): void {
    for (const socket of [...this.#busy, ...this.#resting.keys()]) socket.destroy(given());
  }

  #connect(origin: Origin): DirectSocket {
    const socket = new DirectSocket(origin, this.#timeouts, () => this.#leave(socket));
    return socket;
  }

  #rested(wanted: string): DirectSocket | undefined {
    for (const [socket, { place, isReady }] of this.#resting) {
      if (place !== wanted || !isReady) continue;
      this.#leave(socket);
      socket.wake();
      return socket;
    }
    return undefined;
  }

  #leave(socket: DirectSocket): void {
    clearTimeout(this.#resting.get(socket)?.until);
    this.#resting.delete(socket);
  }
}

function placeOf({ isTls, hostname, port }: Origin): string {
  return `${isTls ? 'https' : 'http'}://${hostname}:${port}`;
}

interface Head {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  /** Length of the body. */
  readonly bytes: number;
}

async function headOf(socket: DirectSocket, { path, headers }: DirectRequest): Promise<Head | undefined> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`GET ${path} HTTP/1.1`, ...lines, 'connection: keep-alive'];
  // Nothing of a request may end its line: it would be another request.
  if (head.some((line) => /[\r\n\0]/.test(line))) return undefined;
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  let got: Buffer = Buffer.alloc(0);
  for (;;) {
    got = Buffer.concat([got, await socket.some(HEAD_PIECE_BYTES)]);
    const end = got.indexOf('\r\n\r\n');
    if (end >= 0) {
      socket.unread(got.subarray(end + 4));
      return parseHead(got.toString('latin1', 0, end));
    }
    if (got.length > MAX_HEAD_BYTES) return undefined;
  }
}

/** RFC 9112. Undefined for what has no length, or may have another one than it says. */
function parseHead(text: string): Head | undefined {
  const [first = '', ...lines] = text.split('\r\n');
  const statusCode = Number(/^HTTP\/1\.1 ([2-5]\d\d)(?: |$)/.exec(first)?.[1]);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    const before = headers[name.toLowerCase()];
    headers[name.toLowerCase()] = before === undefined ? value : `${before},${value}`;
  }
  const length = headers['content-length'] ?? '';
  const isPlain = Number.isInteger(statusCode) && statusCode !== 204 && statusCode !== 304;
  if (!isPlain || !/^\d{1,15}$/.test(length) || headers['transfer-encoding'] !== undefined) return undefined;
  return { statusCode, headers, bytes: Number(length) };
}

function aborted(): Error {
  return Object.assign(new Error('the request was aborted'), { name: 'AbortError', code: 'ABORT_ERR' });
}

function given(): Error {
  return Object.assign(new Error('the connection was given up'), { code: 'ERR_SOCKET_CLOSED' });
}
