/**
 * A real PostgreSQL for tests: Debian's, a fresh cluster on a free loopback port, up in under a second.
 * With pgvector: `pglite.ts`. LAKEPACK_TEST_POSTGRES_URL puts another server in the place of the
 * first: `postgres://user@host:port/database`, of a role that may make schemas; its password in PGPASSWORD.
 */
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { startDaemons, type Daemon, type Daemons } from './daemons.js';
import { makeSecret } from './keys.js';
import { freePorts } from './ports.js';
import { hasProgram } from './programs.js';

export interface Postgres {
  /** `postgres://user@127.0.0.1:port/postgres`, without a password. */
  readonly url: string;
  /** What a store and psql get as their environment: PGHOST, PGPORT, PGUSER, PGDATABASE and PGPASSWORD. */
  readonly environment: Readonly<Record<string, string>>;
  /** SIGKILL to the server, as when its machine is lost. Undefined where it is not ours. */
  readonly kill: (() => Promise<void>) | undefined;
  /** Ends it and removes its data. Idempotent. */
  stop(): Promise<void>;
}

const DEBIAN_FOLDER = '/usr/lib/postgresql';
/** The user that Debian's package makes: the server refuses to run as root. */
const SERVER_USER = 'postgres';
const START_MS = 30_000;
const ATTEMPTS = 3;
/** Nothing here has to outlive a crash. */
const FAST = ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off', 'max_connections=40', 'wal_level=minimal'];

/** Why there is no server, or undefined when there is one: for `describe.skipIf(postgresMissing() !== undefined)`. */
export function postgresMissing(): string | undefined {
  if (process.env.LAKEPACK_TEST_POSTGRES_URL !== undefined) return undefined;
  if (programFolder() === undefined) return 'no PostgreSQL server on this machine (Debian package postgresql)';
  if (!isRoot()) return undefined;
  if (!hasProgram('setpriv')) return 'no setpriv on this machine (Debian package util-linux)';
  return serverUser() === undefined ? `no user ${SERVER_USER} on this machine (Debian package postgresql)` : undefined;
}

export async function startPostgres(): Promise<Postgres> {
  const missing = postgresMissing();
  if (missing !== undefined) throw new Error(`PostgreSQL cannot start: ${missing}`);
  const given = process.env.LAKEPACK_TEST_POSTGRES_URL;
  if (given !== undefined) {
    return {
      url: given,
      environment: environmentOf(given, process.env.PGPASSWORD),
      kill: undefined,
      stop: async () => undefined,
    };
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await startCluster(await freePorts(1));
    } catch (error) {
      // Another process may have taken the port in between.
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function startCluster(port: number): Promise<Postgres> {
  const folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'lakepack-postgres-'));
  const user = isRoot() ? serverUser() : undefined;
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const daemons = startDaemons(folder, { ...process.env, PGDATA: undefined, LC_ALL: undefined });
  const password = makeSecret();
  try {
    await initialize(folder, password, daemons);
    const server = daemons.start('server', ...asServerUser('postgres', serverArguments(folder, port)));
    await accepting(port, server);
    const url = `postgres://${SERVER_USER}@127.0.0.1:${port}/postgres`;
    return {
      url,
      environment: environmentOf(url, password),
      kill: () => server.kill(),
      stop: onceOnly(async () => {
        await shutDown(server);
        await daemons.end();
      }),
    };
  } catch (error) {
    await daemons.end();
    throw error;
  }
}

/** Of a url without a password, as libpq and a store read it. */
export function environmentOf(url: string, password: string | undefined): Record<string, string> {
  const { hostname, port, username, pathname } = new URL(url);
  return {
    PGHOST: hostname,
    PGPORT: port === '' ? '5432' : port,
    PGUSER: username,
    PGDATABASE: pathname.slice(1),
    ...(password === undefined ? {} : { PGPASSWORD: password }),
  };
}

async function initialize(folder: string, password: string, daemons: Daemons): Promise<void> {
  const file = path.join(folder, 'credential');
  writeFileSync(file, password, { mode: 0o644 });
  const how = ['-A', 'scram-sha-256', '-U', SERVER_USER, `--pwfile=${file}`, '--no-sync', '-E', 'UTF8'];
  await daemons.run(...asServerUser('initdb', [...how, '--locale=C.UTF-8', '-D', path.join(folder, 'data')]));
  rmSync(file);
}

function serverArguments(folder: string, port: number): readonly string[] {
  const places = ['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`];
  // Shared memory as files of the cluster goes with its folder, whatever ended the server.
  const settings = [...FAST, ...places, 'max_wal_senders=0', 'dynamic_shared_memory_type=mmap'];
  return ['-D', path.join(folder, 'data'), '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
}

function asServerUser(name: string, args: readonly string[]): [string, readonly string[]] {
  const program = path.join(programFolder() ?? '', name);
  if (!isRoot()) return [program, args];
  return ['setpriv', [`--reuid=${SERVER_USER}`, `--regid=${SERVER_USER}`, '--clear-groups', program, ...args]];
}

/** SIGQUIT ends the server and its children at once, with their shared memory, which SIGKILL leaves behind. */
async function shutDown(server: Daemon): Promise<void> {
  if (server.hasEnded()) return;
  process.kill(server.pid, 'SIGQUIT');
  const deadline = Date.now() + START_MS;
  while (!server.hasEnded() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function accepting(port: number, server: Daemon): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (!(await answers(port))) {
    if (server.hasEnded()) throw new Error(`PostgreSQL ended: ${server.lastWords()}`);
    if (Date.now() > deadline) throw new Error(`PostgreSQL did not come up in ${START_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * The port is open before anybody is let in. A first message (protocol 3.0: PostgreSQL 15, 55.7) is answered by a question
 * for the password, `R`, when the server is up, and until then by an error.
 */
function answers(port: number): Promise<boolean> {
  const content = Buffer.from(`\0\x03\0\0user\0${SERVER_USER}\0\0`, 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length + length.length);
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(Buffer.concat([length, content])));
    socket.once('error', () => resolve(false)).once('close', () => resolve(false));
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer.toString('latin1', 0, 1) === 'R');
    });
  });
}

/** Of the newest version that Debian has installed. */
function programFolder(): string | undefined {
  if (!existsSync(DEBIAN_FOLDER)) return undefined;
  const versions = readdirSync(DEBIAN_FOLDER).sort((one, other) => Number(other) - Number(one));
  return versions
    .map((version) => path.join(DEBIAN_FOLDER, version, 'bin'))
    .find((folder) => existsSync(path.join(folder, 'initdb')));
}

function serverUser(): { readonly uid: number; readonly gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${SERVER_USER}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function onceOnly(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= action());
}
