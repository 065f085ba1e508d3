/**
 * A proxy between an S3 client and a real server that does to requests what networks and stores do to them. Plain http on
 * loopback; the Host header goes on as it came, because it is signed. Which request gets which fault follows from the
 * seed alone (`faults.ts`), or from a plan of the test's own, so that a run can be made again.
 */
import http from 'node:http';
import type net from 'node:net';
import { DRAWN_BY_NAME, FAULT_KINDS, drawFault, fits, operationOf, requestKey } from './faults.js';
import type { FaultKind, ProxiedRequest } from './faults.js';
import { answerWith, type Exchange } from './fault-acts.js';
import type { TestKeys } from './keys.js';

export { FAULT_KINDS, type FaultKind, type ProxiedRequest } from './faults.js';

export interface FaultProxyOptions {
  readonly seed?: number;
  /** The part of all requests that is hit, 0 to 1. Default 0. */
  readonly rate?: number;
  /** What is drawn from. Default: all but those that end a run or take its whole patience (`DRAWN_BY_NAME`). */
  readonly kinds?: readonly FaultKind[];
  /** Goes before the drawing. `'none'` lets the request pass in any case. A fault that does not fit is not made. */
  readonly plan?: (request: ProxiedRequest) => FaultKind | 'none' | undefined;
  /** Makes `canary` change uploads too: they are signed again with these keys. */
  readonly resignWith?: TestKeys;
  /** How long a `slow` answer takes, about. Default 200. */
  readonly slowMs?: number;
}

export interface FaultHit {
  readonly kind: FaultKind;
  readonly operation: string;
  /** The request, without what differs from run to run. */
  readonly key: string;
  readonly nth: number;
  readonly index: number;
}

export interface FaultProxy {
  readonly endpoint: string;
  /** What was done, in the order in which requests came. */
  readonly hits: readonly FaultHit[];
  /** Requests that came, hit or not. */
  readonly requests: readonly ProxiedRequest[];
  /** What is drawn from now on. */
  change(options: Pick<FaultProxyOptions, 'rate' | 'kinds' | 'plan'>): void;
  close(): Promise<void>;
}

export async function startFaultProxy(target: string, options: FaultProxyOptions = {}): Promise<FaultProxy> {
  const hits: FaultHit[] = [];
  const requests: ProxiedRequest[] = [];
  const seen = new Map<string, number>();
  const listings = new Map<string, Buffer>();
  const agent = new http.Agent({ keepAlive: true });
  let settings = options;

  const server = http.createServer((request, response) => {
    const seenRequest = describe(request, requests.length, seen);
    requests.push(seenRequest);
    const kind = faultFor(seenRequest, settings);
    if (kind !== undefined) {
      const { operation, key, nth, index } = seenRequest;
      hits.push({ kind, operation, key, nth, index });
    }
    const exchange: Exchange = { request, response, agent, target: new URL(target), listings };
    const { slowMs = 200, resignWith } = options;
    answerWith(kind, exchange, { slowMs, resignWith, operation: seenRequest.operation }).catch(() => {
      // The server or the client went away: for the client that is a connection that was reset.
      reset(request.socket);
    });
  });
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    ...{ hits, requests },
    change: (changed) => (settings = { ...settings, ...changed }),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      agent.destroy();
      await closed;
    },
  };
}

function describe(request: http.IncomingMessage, index: number, seen: Map<string, number>): ProxiedRequest {
  const url = new URL(request.url ?? '/', 'http://proxy');
  const method = request.method ?? 'GET';
  const key = requestKey(method, url, request.headers.range);
  const nth = seen.get(key) ?? 0;
  seen.set(key, nth + 1);
  const { headers } = request;
  const hasBody = Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
  const operation = operationOf(method, url, headers);
  return { index, nth, key, method, path: url.pathname, query: url.searchParams, operation, headers, hasBody };
}

function faultFor(request: ProxiedRequest, options: FaultProxyOptions): FaultKind | undefined {
  const planned = options.plan?.(request);
  if (planned === 'none') return undefined;
  const kinds = options.kinds ?? FAULT_KINDS.filter((kind) => !DRAWN_BY_NAME.includes(kind));
  const kind = planned ?? drawFault(options.seed ?? 1, options.rate ?? 0, kinds, request);
  if (kind === undefined || !fits(kind, request)) return undefined;
  // Without a key the proxy cannot make a changed upload fit its signature.
  if (kind === 'canary' && request.method === 'PUT' && options.resignWith === undefined) return undefined;
  return kind;
}

/** Node takes the socket away from a request whose connection is gone, whatever its type says. */
function reset(socket: net.Socket | null): void {
  if (socket?.destroyed === false) socket.resetAndDestroy();
}
