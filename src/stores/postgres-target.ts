/**
 * Reads where a PostgreSQL store shall stand: a schema, and the server, the role and the database it is reached by. It
 * makes no connection. Passwords come from the environment or from `~/.pgpass`, never from a target.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { LakepackError } from '../base/errors.js';
import { fromSystemError } from '../base/system-errors.js';

export type SslMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface PostgresTarget {
  readonly schema: string;
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: string | undefined;
  readonly sslMode: SslMode;
  /** PEM text of the certificates that may have signed the server's. */
  readonly sslRootCertificate: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const SSL_MODES: readonly SslMode[] = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'];
const DEFAULT_PORT = 5432;
const HIGHEST_PORT = 65_535;
/** PostgreSQL cuts names after so many bytes without an error. */
export const NAME_BYTES = 63;
const SETTINGS = ['schema', 'sslmode', 'host'];

/** Throws USAGE for a target that is none, or that has a password in it. */
export function parsePostgresTarget(into: string, environment: Environment): PostgresTarget {
  const url = /^postgres(ql)?:/i.test(into) ? parseUrl(into) : undefined;
  const user = decoded(url?.username) ?? environment.PGUSER ?? os.userInfo().username;
  return {
    schema: checkedSchema(url === undefined ? into : url.searchParams.get('schema')),
    host: url?.searchParams.get('host') ?? decoded(url?.hostname) ?? environment.PGHOST ?? 'localhost',
    port: checkedPort(filled(url?.port) ?? environment.PGPORT ?? String(DEFAULT_PORT)),
    user,
    database: decoded(url?.pathname.slice(1)) ?? environment.PGDATABASE ?? user,
    password: filled(environment.PGPASSWORD),
    sslMode: checkedSslMode(url?.searchParams.get('sslmode') ?? environment.PGSSLMODE ?? 'prefer'),
    sslRootCertificate: readCertificate(filled(environment.PGSSLROOTCERT)),
  };
}

/** For a reader: no secret is in it. */
export function shownServer(target: PostgresTarget): string {
  return `postgres://${target.user}@${target.host}:${target.port}/${target.database}`;
}

function parseUrl(into: string): URL {
  const url = URL.canParse(into) ? new URL(into) : undefined;
  // Not even a broken address is repeated: what looks wrong may be a password with an @ in it.
  if (url === undefined) throw usage('the address of the postgres store cannot be read', ADDRESS_HINT);
  if (url.password !== '' || url.searchParams.has('password')) {
    throw usage('the address of the postgres store has a password in it', PASSWORD_HINT);
  }
  const unknown = [...url.searchParams.keys()].find((name) => !SETTINGS.includes(name));
  if (unknown !== undefined) {
    throw usage(
      `the address of the postgres store: unknown setting: expected ${SETTINGS.join(', ')}, got ${unknown}`,
      ADDRESS_HINT,
    );
  }
  return url;
}

const ADDRESS_HINT = 'give a schema, or postgres://user@host:5432/database?schema=NAME';
const PASSWORD_HINT =
  'take it out and put it into PGPASSWORD or ~/.pgpass: command lines are seen by everybody on the machine';

function checkedSchema(schema: string | null): string {
  if (schema === null) throw usage('the address of the postgres store names no schema', 'add ?schema=NAME');
  if (!/^[\p{L}_][\p{L}\p{N}_$-]*$/u.test(schema) || Buffer.byteLength(schema) > NAME_BYTES) {
    throw usage(
      `the schema of the postgres store: expected a letter or _, then letters, digits, _ and -, at most ${NAME_BYTES} bytes, got ${JSON.stringify(schema)}`,
      ADDRESS_HINT,
    );
  }
  if (/^pg_/i.test(schema) || schema === 'information_schema') {
    throw usage(`the schema ${schema} belongs to PostgreSQL itself`, 'choose another name');
  }
  return schema;
}

function checkedPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port <= HIGHEST_PORT) return port;
  throw usage(`the port of the postgres store: expected 1 to ${HIGHEST_PORT}, got ${text}`, 'check PGPORT');
}

function checkedSslMode(text: string): SslMode {
  // `allow` differs from `prefer` only in what is tried first.
  const mode = SSL_MODES.find((known) => known === (text === 'allow' ? 'prefer' : text));
  if (mode !== undefined) return mode;
  throw usage(`sslmode of the postgres store: expected ${SSL_MODES.join(', ')}, got ${text}`, 'check PGSSLMODE');
}

function readCertificate(file: string | undefined): string | undefined {
  if (file === undefined || file === 'system') return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw fromSystemError(error, file);
  }
}

function decoded(part: string | undefined): string | undefined {
  const text = filled(part);
  // The URL has taken brackets as part of an IPv6 address.
  return text === undefined ? undefined : decodeURIComponent(text).replace(/^\[(.*)\]$/, '$1');
}

function filled(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

function usage(message: string, hint: string): LakepackError {
  return new LakepackError('USAGE', message, { hint });
}
