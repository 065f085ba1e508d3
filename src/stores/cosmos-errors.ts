/**
 * What a failed Cosmos request means to a caller. It answers for the code, for what may be tried again and for the
 * hint; no key is in what it says, because the service's words about refused signatures are left out.
 */
import { interrupted, isLakepackError, LakepackError } from '../base/errors.js';

/** Answers after which the same upsert may succeed, and does no harm when the first one did. */
const PASSING_STATUS: ReadonlySet<unknown> = new Set([408, 410, 449, 500, 502, 503, 504]);
const PASSING_WORDS: ReadonlySet<unknown> = new Set(['ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'TimeoutError']);
const UNREACHABLE: ReadonlySet<unknown> = new Set([
  ...PASSING_WORDS,
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'REQUEST_SEND_ERROR',
]);
const SHOWN_LETTERS = 300;

/** The answer's status, or the word of a failed connection. */
export function cosmosCode(error: unknown): number | string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'number' || typeof error.code === 'string' ? error.code : undefined;
}

export function mayPassAgain(error: unknown): boolean {
  const code = cosmosCode(error);
  return PASSING_STATUS.has(code) || PASSING_WORDS.has(code);
}

/**
 * @param subject what was being done to what: `table vulns, cve_id=CVE-2024-1`.
 * @returns STORE_UNAVAILABLE, STORE_REFUSED or INTERRUPTED; anything that is not from Cosmos as it is.
 */
export function storeError(error: unknown, subject: string, signal?: AbortSignal): unknown {
  if (isLakepackError(error)) return error;
  if (signal?.aborted === true) return interrupted(signal.reason);
  const code = cosmosCode(error);
  if (code === undefined) return error;
  if (code === 401 || code === 403) return refusedCredentials(error, code, subject);
  if (code === 429) return tooManyRequests(error, subject);
  if (PASSING_STATUS.has(code)) return unavailable(error, `${subject}: cosmos answered ${code}`);
  if (UNREACHABLE.has(code)) return unavailable(error, `${subject}: cosmos cannot be reached: ${code}`);
  return refused(error, code, subject);
}

function refusedCredentials(cause: unknown, code: number, subject: string): LakepackError {
  return new LakepackError('STORE_UNAVAILABLE', `${subject}: cosmos refused the credentials: ${code}`, {
    hint: 'check COSMOS_ENDPOINT and COSMOS_KEY (a read-write key), and the firewall of the account',
    retryable: false,
    cause,
  });
}

function tooManyRequests(cause: unknown, subject: string): LakepackError {
  return new LakepackError('STORE_UNAVAILABLE', `${subject}: cosmos answered 429 until patience ran out`, {
    hint: 'raise the throughput of the database, or set maxRequestUnitsPerSecond in the recipe below it',
    retryable: true,
    cause,
  });
}

function unavailable(cause: unknown, message: string): LakepackError {
  return new LakepackError('STORE_UNAVAILABLE', message, {
    hint: 'see whether the account answers at COSMOS_ENDPOINT, then run the same command again',
    retryable: true,
    cause,
  });
}

function refused(cause: unknown, code: number | string, subject: string): LakepackError {
  if (code === 413) {
    return new LakepackError('STORE_REFUSED', `${subject}: the item is too large for cosmos: expected at most 2 MB`, {
      hint: 'leave a large column out of the table, or keep this table in another store',
      cause,
    });
  }
  const words = cause instanceof Error ? (cause.message.split('\n')[0] ?? '').slice(0, SHOWN_LETTERS) : '';
  return new LakepackError('STORE_REFUSED', `${subject}: cosmos refused it: ${code} ${words}`.trimEnd(), { cause });
}
