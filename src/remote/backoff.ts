/**
 * When a failed call is made again, and when it is given up. It answers for the counting, the waiting and the last
 * error; what is safe to make again is known in `with-retry.ts`. Reasons: docs/decisions/0091.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { interrupted, isLakepackError, LakepackError, throwIfAborted } from '../base/errors.js';

export interface RetryOptions {
  /** Attempts of one call, the first included; of streams and lists, attempts that bring nothing new. Default 6. */
  readonly attempts?: number;
  /** Longest wait before the second attempt; twice that before each one more. Default 250 ms. */
  readonly baseDelayMs?: number;
  /** Default 20 s. */
  readonly maxDelayMs?: number;
  /** From the first failure in a row to the beginning of the last attempt. Default 5 min. */
  readonly maxTotalMs?: number;
  /** From 0 up to 1. */
  readonly random?: () => number;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
  /** Ends with INTERRUPTED when the signal fires. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  /** Told before each wait. */
  readonly onRetry?: (retry: RetryNotice) => void;
}

export interface RetryNotice {
  /** Name of the call in the contract: `put`, `parts.send` … */
  readonly call: string;
  readonly key: string;
  /** Attempts that have failed in a row. */
  readonly failed: number;
  readonly delayMs: number;
  readonly error: LakepackError;
}

/** The same, whole. */
export type RetrySettings = Required<RetryOptions>;

export const DEFAULT_RETRIES: RetrySettings = {
  attempts: 6,
  baseDelayMs: 250,
  maxDelayMs: 20_000,
  maxTotalMs: 5 * 60_000,
  random: Math.random,
  now: () => performance.now(),
  sleep: sleepUntilAborted,
  onRetry: () => undefined,
};

/** The attempts of one call. */
export interface Attempts {
  /** Attempts that have failed since the beginning, or since the last progress. */
  readonly failed: () => number;
  /** What came is kept: the count begins again. */
  readonly progress: () => void;
  /** Resolves when the call is to be made again. @throws the error when it is not, and INTERRUPTED. */
  readonly again: (error: unknown) => Promise<void>;
}

export function openAttempts(
  settings: RetrySettings,
  call: string,
  key: string,
  signal: AbortSignal | undefined,
): Attempts {
  let failed = 0;
  let firstFailureMs = 0;
  async function again(error: unknown): Promise<void> {
    if (!isRetryable(error)) throw error;
    throwIfAborted(signal);
    if (failed === 0) firstFailureMs = settings.now();
    failed += 1;
    const delayMs = Math.round(settings.random() * longestDelay(settings, failed));
    const isLate = settings.now() - firstFailureMs + delayMs > settings.maxTotalMs;
    if (failed >= settings.attempts || isLate) throw givenUp(error, failed);
    settings.onRetry({ call, key, failed, delayMs, error });
    await settings.sleep(delayMs, signal);
  }
  return { failed: () => failed, progress: () => void (failed = 0), again };
}

function isRetryable(error: unknown): error is LakepackError {
  return isLakepackError(error) && error.retryable === true && error.code !== 'INTERRUPTED';
}

/** Full jitter: many that failed together do not come back together. */
function longestDelay({ baseDelayMs, maxDelayMs }: RetrySettings, failed: number): number {
  return Math.min(maxDelayMs, baseDelayMs * 2 ** (failed - 1));
}

function givenUp(error: LakepackError, failed: number): LakepackError {
  if (failed === 1) return error;
  return new LakepackError(error.code, `${error.message} (tried ${failed} times)`, {
    cause: error,
    ...(error.hint !== undefined && { hint: error.hint }),
    ...(error.retryable !== undefined && { retryable: error.retryable }),
  });
}

/** @throws INTERRUPTED, as soon as the signal fires. */
export async function sleepUntilAborted(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    throw interrupted(signal?.reason ?? error);
  }
}
