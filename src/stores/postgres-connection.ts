/**
 * One connection to PostgreSQL, set up so that values come as text in one form whatever the server's own settings are.
 * The driver is loaded when a connection is asked for. An abort cancels what runs at the server.
 */
import type pg from 'pg';
import { interrupted, LakepackError, systemErrorCode, throwIfAborted } from '../base/errors.js';
import { fromPostgresError } from './postgres-errors.js';
import type { PostgresTarget } from './postgres-target.js';

/** Values of a row as the server writes them: null, or text. */
export type TextRow = readonly (string | null)[];

export interface PostgresConnection {
  readonly target: PostgresTarget;
  /** The driver's client, for COPY. */
  readonly client: pg.Client;
  /** Runs one statement and gives its rows as texts. `subject` is what an error is about. */
  run(sql: string, options: RunOptions): Promise<StatementResult>;
  /** Runs `action`; an abort meanwhile cancels what the server does, and the errors become those of the contract. */
  guard<T>(action: () => Promise<T>, options: GuardOptions): Promise<T>;
  /** False after the server or the network ended it. */
  readonly isOpen: () => boolean;
  end(): Promise<void>;
}

export interface GuardOptions {
  readonly subject: string;
  readonly signal?: AbortSignal | undefined;
}

export interface RunOptions extends GuardOptions {
  /** Values of $1, $2 …: a statement with them, also with none, is sent alone: a second one after `;` is refused. */
  readonly values?: readonly (string | null)[];
}

export interface StatementResult {
  readonly rows: readonly TextRow[];
  readonly fields: readonly { readonly name: string; readonly typeId: number }[];
}

const CONNECT_TIMEOUT_MS = 15_000;
const INSTALL_HINT = 'npm install pg@8 pg-copy-streams@7';
const AS_TEXT: pg.CustomTypesConfig = { getTypeParser: () => (text: string) => text };

/** Forms of values; and no limits of the server's for what takes long here. */
const SESSION = `SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex';
SET extra_float_digits = 1; SET TimeZone = 'UTC'; SET standard_conforming_strings = on; SET client_encoding = 'UTF8';
SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;`;

/** Throws STORE_NOT_INSTALLED, STORE_UNAVAILABLE, INTERRUPTED. */
export async function connect(target: PostgresTarget, signal?: AbortSignal): Promise<PostgresConnection> {
  throwIfAborted(signal);
  const client = await connectedClient(target, signal);
  let open = true;
  // A connection that breaks between two statements says so here; the next statement fails by itself.
  client.on('error', () => (open = false));
  client.on('end', () => (open = false));
  const connection: PostgresConnection = {
    target,
    client,
    isOpen: () => open,
    guard: (action, options) => guarded(client, target, action, options),
    run: (sql, options) => connection.guard(() => runText(client, sql, options.values), options),
    async end() {
      open = false;
      await client.end();
    },
  };
  await connection.run(SESSION, { subject: 'a new connection', signal });
  return connection;
}

/** Loads a package that the user may not have. Throws STORE_NOT_INSTALLED. */
export async function loadOptional<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (systemErrorCode(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new LakepackError('STORE_NOT_INSTALLED', `the package ${name} is not installed`, {
      hint: INSTALL_HINT,
      cause: error,
    });
  }
}

async function connectedClient(target: PostgresTarget, signal: AbortSignal | undefined): Promise<pg.Client> {
  try {
    return await attempt(target, target.sslMode !== 'disable' && !target.host.startsWith('/'));
  } catch (error) {
    const isPlainServer = error instanceof Error && /does not support SSL/.test(error.message);
    if (isPlainServer && target.sslMode === 'prefer') {
      return await attempt(target, false).catch((second: unknown) => {
        throw fromPostgresError(second, 'connection', target, signal);
      });
    }
    throw fromPostgresError(error, 'connection', target, signal);
  }
}

async function attempt(target: PostgresTarget, ssl: boolean): Promise<pg.Client> {
  const { default: driver } = await loadOptional('pg', async () => await import('pg'));
  const { host, port, user, database, password } = target;
  const client = new driver.Client({
    ...{ host, port, user, database, password },
    ssl: ssl ? sslOptions(target) : false,
    application_name: 'lakepack',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  // Without a listener an error while connecting ends the process, beside the rejection.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

function sslOptions({ sslMode, sslRootCertificate }: PostgresTarget) {
  const ca = sslRootCertificate === undefined ? {} : { ca: sslRootCertificate };
  if (sslMode === 'verify-full') return ca;
  if (sslMode === 'verify-ca') return { ...ca, checkServerIdentity: () => undefined };
  return { rejectUnauthorized: false };
}

async function runText(
  client: pg.Client,
  sql: string,
  values: readonly (string | null)[] | undefined,
): Promise<StatementResult> {
  const query: pg.QueryArrayConfig = { text: sql, rowMode: 'array', types: AS_TEXT };
  const alone = { ...query, values: [...(values ?? [])], queryMode: 'extended' };
  const result: pg.QueryArrayResult<(string | null)[]> = await client.query(values === undefined ? query : alone);
  // Several statements in one text give several results, which nobody asks for.
  if (Array.isArray(result)) return { rows: [], fields: [] };
  return { rows: result.rows, fields: result.fields.map(({ name, dataTypeID }) => ({ name, typeId: dataTypeID })) };
}

async function guarded<T>(
  client: pg.Client,
  target: PostgresTarget,
  action: () => Promise<T>,
  { subject, signal }: GuardOptions,
): Promise<T> {
  throwIfAborted(signal);
  const cancelling: Promise<void>[] = [];
  const onAbort = () => cancelling.push(cancel(client, target));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const result = await action();
    if (signal?.aborted === true) throw interrupted(signal.reason);
    return result;
  } catch (error) {
    throw fromPostgresError(error, subject, target, signal);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    // A cancel that arrives late would hit the next statement.
    await Promise.all(cancelling);
  }
}

/** By a second connection, as PostgreSQL has it. Where that fails the first is cut, which ends its statement too. */
async function cancel(client: pg.Client, target: PostgresTarget): Promise<void> {
  const processId: unknown = 'processID' in client ? client.processID : undefined;
  try {
    const second = await attempt(target, client.ssl);
    await second.query('SELECT pg_cancel_backend($1)', [processId]);
    await second.end();
  } catch {
    // It is cut below: the server ends what nobody listens to.
    client.connection.stream.destroy();
  }
}
