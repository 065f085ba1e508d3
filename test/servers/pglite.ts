/**
 * PostgreSQL with pgvector embedded in this process, behind a port: PGlite. Debian 12 has no package of pgvector. It is
 * one session for all connections, so a transaction of one of them holds up the others, and session locks keep nobody
 * out. Its socket server knows no COPY FROM STDIN: a proxy before it gathers the rows and has them read as a file.
 */
import type { PGlite } from '@electric-sql/pglite';
import { once } from 'node:events';
import net from 'node:net';
import { freePorts } from './ports.js';
import { environmentOf, type Postgres } from './postgres.js';

/** Takes about 2 s and 500 MB. */
export async function startPglite(): Promise<Postgres> {
  const [{ PGlite: Engine }, { vector }, { PGLiteSocketServer }] = await Promise.all([
    import('@electric-sql/pglite'),
    import('@electric-sql/pglite-pgvector'),
    import('@electric-sql/pglite-socket'),
  ]);
  const database = await Engine.create({ extensions: { vector } });
  await database.exec('CREATE EXTENSION vector');
  const port = await freePorts(2);
  const server = new PGLiteSocketServer({ db: database, host: '127.0.0.1', port: port + 1, maxConnections: 10 });
  await server.start();
  const proxy = net.createServer((client) => pass(client, net.connect(port + 1, '127.0.0.1'), database));
  proxy.listen(port, '127.0.0.1');
  await once(proxy, 'listening');
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return {
    url,
    environment: { ...environmentOf(url, undefined), PGSSLMODE: 'disable' },
    kill: undefined,
    async stop() {
      proxy.close();
      await server.stop();
      await database.close();
    },
  };
}

/** Messages of the protocol, version 3: a letter, a length of 4 bytes that counts itself, and the content. */
function pass(client: net.Socket, upstream: net.Socket, database: PGlite): void {
  let bytes = Buffer.alloc(0);
  let isStarted = false;
  let copy: { readonly sql: string; readonly parts: Buffer[] } | undefined;
  const take = (letters: number): Buffer | undefined => {
    if (bytes.length < letters + 4) return undefined;
    const length = letters + bytes.readUInt32BE(letters);
    if (bytes.length < length) return undefined;
    const message = bytes.subarray(0, length);
    bytes = bytes.subarray(length);
    return message;
  };
  const handle = (message: Buffer): void => {
    const [letter, content] = [String.fromCharCode(message[0] ?? 0), message.subarray(5)];
    const sql = letter === 'Q' ? content.subarray(0, -1).toString() : '';
    if (/^COPY .* FROM STDIN/.test(sql)) {
      copy = { sql: sql.replace('FROM STDIN', "FROM '/dev/blob'"), parts: [] };
      client.write(Buffer.from('470000000700' + '0000', 'hex'));
    } else if (copy !== undefined && letter === 'd') copy.parts.push(Buffer.from(content));
    else if (copy !== undefined && letter === 'c') {
      const { sql: fromBlob, parts } = copy;
      copy = undefined;
      void readBlob(database, fromBlob, parts).then((answer) => client.write(answer));
    } else if (copy !== undefined && letter === 'f') {
      copy = undefined;
      client.write(failure('57014', 'COPY was given up by the client'));
    } else upstream.write(message);
  };
  client.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    // The first message has no letter.
    if (!isStarted) {
      const startup = take(0);
      if (startup === undefined) return;
      upstream.write(startup);
      isStarted = true;
    }
    for (let message = take(1); message !== undefined; message = take(1)) handle(message);
  });
  upstream.pipe(client);
  client.once('close', () => upstream.destroy()).on('error', () => upstream.destroy());
  upstream.on('error', () => client.destroy());
}

async function readBlob(database: PGlite, sql: string, parts: readonly Buffer[]): Promise<Buffer> {
  try {
    const { affectedRows } = await database.query(sql, [], { blob: new Blob([...parts]) });
    return Buffer.concat([message('C', `COPY ${affectedRows ?? 0}\0`), message('Z', 'T')]);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'XX000';
    return failure(code, String(error));
  }
}

function failure(code: string, text: string): Buffer {
  return Buffer.concat([message('E', `SERROR\0C${code}\0M${text}\0\0`), message('Z', 'E')]);
}

function message(letter: string, content: string): Buffer {
  const body = Buffer.from(content);
  const head = Buffer.alloc(5);
  head.write(letter);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
