/**
 * A Cosmos server in this process, on a free loopback port, with a proxy in front that counts requests and refuses some
 * as the real service does: 429 with a time to wait, or any other status. How the server differs from the real service
 * is in docs/cosmos.md.
 */
import http from 'node:http';
import type net from 'node:net';
import { createHttpServer } from '@vercel/cosmosdb-server';

export interface CosmosServer {
  readonly endpoint: string;
  readonly key: string;
  /** What a store is opened with. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export interface SeenRequest {
  readonly method: string;
  /** Path, decoded. */
  readonly path: string;
  readonly isUpsert: boolean;
  readonly body: string;
}

/** What the proxy answers by itself. `reset`: the server did as it was told, and the answer is lost. */
export type Refusal = { readonly status: number; readonly retryAfterMs?: number } | 'reset';

export interface CosmosProxy extends CosmosServer {
  /** Requests that came, refused or not. */
  readonly requests: readonly SeenRequest[];
  /** How many of them were refused. */
  refused(): number;
}

/** Any base64 does: the server checks no signature. */
const KEY = Buffer.from('a key that no message may show').toString('base64');
const HOST = '127.0.0.1';

export async function startCosmos(): Promise<CosmosServer> {
  const server = createHttpServer({ keepAlive: true });
  return await listening(server);
}

/** @param refuse asked for each request; undefined lets it pass. */
export async function startCosmosProxy(
  target: CosmosServer,
  refuse: (request: SeenRequest, index: number) => Refusal | undefined,
): Promise<CosmosProxy> {
  const requests: SeenRequest[] = [];
  let refused = 0;
  const agent = new http.Agent({ keepAlive: true });
  const server = http.createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const seen = describe(request, body);
      const refusal = refuse(seen, requests.push(seen) - 1);
      if (refusal !== undefined) refused += 1;
      return act(refusal, { target, agent, request, body, response });
    });
  });
  const own = await listening(server);
  return {
    ...own,
    requests,
    refused: () => refused,
    stop: async () => {
      await own.stop();
      agent.destroy();
    },
  };
}

async function listening(server: http.Server): Promise<CosmosServer> {
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const endpoint = `http://${HOST}:${(server.address() as net.AddressInfo).port}`;
  return {
    endpoint,
    key: KEY,
    environment: { COSMOS_ENDPOINT: endpoint, COSMOS_KEY: KEY },
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function describe(request: http.IncomingMessage, body: Buffer): SeenRequest {
  return {
    method: request.method ?? '',
    path: decodeURIComponent((request.url ?? '').replace(/^\/+/, '/')),
    isUpsert: String(request.headers['x-ms-documentdb-is-upsert']).toLowerCase() === 'true',
    body: body.toString(),
  };
}

async function bodyOf(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function answer(response: http.ServerResponse, { status, retryAfterMs }: Exclude<Refusal, 'reset'>): void {
  if (retryAfterMs !== undefined) response.setHeader('x-ms-retry-after-ms', String(retryAfterMs));
  response.writeHead(status, { 'content-type': 'application/json', 'x-ms-request-charge': '0.38' });
  response.end(JSON.stringify({ code: String(status), message: 'refused by the proxy' }));
}

interface Exchange {
  readonly target: CosmosServer;
  readonly agent: http.Agent;
  readonly request: http.IncomingMessage;
  readonly body: Buffer;
  readonly response: http.ServerResponse;
}

async function act(refusal: Refusal | undefined, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  if (typeof refusal === 'object') {
    answer(response, refusal);
    return;
  }
  const { head, body } = await forward(exchange);
  if (refusal === 'reset') request.socket.destroy();
  else response.writeHead(head.statusCode ?? 500, head.headers).end(body);
}

async function forward(exchange: Exchange): Promise<{ readonly head: http.IncomingMessage; readonly body: Buffer }> {
  const { target, agent, request, body } = exchange;
  const head = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const options = { method: request.method, headers: request.headers, agent };
    const outgoing = http.request(`${target.endpoint}${request.url ?? '/'}`, options);
    outgoing.on('response', resolve).on('error', reject).end(body);
  });
  return { head, body: await bodyOf(head) };
}
