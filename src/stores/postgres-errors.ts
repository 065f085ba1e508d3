/** Turns what PostgreSQL and the way to it report into LakepackErrors. Nothing that is said here has a password in it. */
import { interrupted, LakepackError, type ErrorCode, systemErrorCode } from '../base/errors.js';
import { shownServer, type PostgresTarget } from './postgres-target.js';

interface Meaning {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly retryable?: boolean;
}

const START_HINT = 'check that the server runs and that host and port are right (PGHOST, PGPORT)';
const AGAIN_HINT = 'run the same command again';
const UNREACHABLE: Meaning = { code: 'STORE_UNAVAILABLE', hint: START_HINT, retryable: true };
const BUSY: Meaning = { code: 'STORE_UNAVAILABLE', hint: AGAIN_HINT, retryable: true };
const LOCKED_OUT: Meaning = {
  code: 'STORE_UNAVAILABLE',
  hint: 'check the role (PGUSER) and its password (PGPASSWORD or ~/.pgpass), and pg_hba.conf of the server',
};

/** By SQLSTATE, longest first: https://www.postgresql.org/docs/15/errcodes-appendix.html */
const BY_STATE: readonly (readonly [state: string, meaning: Meaning])[] = [
  ['3D000', { code: 'STORE_UNAVAILABLE', hint: 'create the database, or name another (PGDATABASE)' }],
  ['42501', { code: 'STORE_UNAVAILABLE', hint: 'the role must be let: GRANT CREATE ON DATABASE … TO …, or its owner' }],
  ['25006', { code: 'STORE_UNAVAILABLE', hint: 'this server is a read-only standby: name the primary' }],
  ['53100', { code: 'DISK_FULL', hint: 'free some space on the disk of the server and run the same command again' }],
  ['53300', BUSY],
  ['57P', BUSY],
  [
    '55P03',
    { code: 'STORE_REFUSED', hint: 'somebody works in the schema: run the same command again', retryable: true },
  ],
  ['40', { code: 'STORE_REFUSED', hint: AGAIN_HINT, retryable: true }],
  ['28', LOCKED_OUT],
  ['08', UNREACHABLE],
];

/** What Node calls a way that does not lead to a server. */
const NETWORK = /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EPIPE|EHOST|ENET|ENOENT|EACCES)/;
/** The driver's own words, which have no code. */
const LOST = /connection terminated|timeout expired|not queryable|client was closed|connection error/i;
const NO_PASSWORD = /client password must be a string|SCRAM|SASL/;
const NO_SSL = /does not support SSL/;

/**
 * The LakepackError for what failed at the server. `subject` is what it was about. An abort is INTERRUPTED, whatever
 * the server made of it.
 */
export function fromPostgresError(
  error: unknown,
  subject: string,
  target: PostgresTarget,
  signal?: AbortSignal,
): LakepackError {
  if (error instanceof LakepackError) return error;
  if (signal?.aborted === true) return interrupted(signal.reason);
  const meaning = meaningOf(error, target);
  const where = meaning.code === 'STORE_UNAVAILABLE' ? shownServer(target) : subject;
  const { retryable, hint } = meaning;
  return new LakepackError(meaning.code, `${where}: ${spoken(error)}`, {
    hint,
    cause: error,
    ...(retryable === undefined ? {} : { retryable }),
  });
}

/** SQLSTATE of an error that the server sent. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = systemErrorCode(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !NETWORK.test(code) ? code : undefined;
}

function meaningOf(error: unknown, target: PostgresTarget): Meaning {
  const state = sqlStateOf(error);
  if (state !== undefined) {
    return BY_STATE.find(([prefix]) => state.startsWith(prefix))?.[1] ?? { code: 'STORE_REFUSED', hint: REFUSED_HINT };
  }
  const message = spoken(error);
  if (NO_PASSWORD.test(message)) return LOCKED_OUT;
  if (NO_SSL.test(message)) return { code: 'STORE_UNAVAILABLE', hint: SSL_HINT };
  if (isCertificateFault(error)) return { code: 'STORE_UNAVAILABLE', hint: CERTIFICATE_HINT };
  if (NETWORK.test(systemErrorCode(firstOf(error)) ?? '') || LOST.test(message)) return UNREACHABLE;
  return { code: 'STORE_REFUSED', hint: `look into the log of the server ${target.host}` };
}

const REFUSED_HINT = 'the message is the server’s own: mend the recipe or the server';
const SSL_HINT = 'say sslmode=disable where the way to the server is your own';
const CERTIFICATE_HINT = 'name the certificate authority in PGSSLROOTCERT, or say sslmode=require to check nothing';

function isCertificateFault(error: unknown): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/.test(systemErrorCode(error) ?? '');
}

/** A host with several addresses fails with an error for each. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError ? error.errors[0] : error;
}

function spoken(error: unknown): string {
  const first = firstOf(error);
  const text = first instanceof Error ? first.message : String(first);
  const detail = first instanceof Error && 'detail' in first && typeof first.detail === 'string' ? first.detail : '';
  return [text, detail]
    .filter((part) => part !== '')
    .join(': ')
    .replace(/\.$/, '')
    .slice(0, 400);
}
