/**
 * A bound on request units a second. Cosmos says what a request cost only afterwards, so each reserves what its like
 * cost of late, and the difference is settled when the answer is there. What Cosmos itself refuses as too much (429)
 * is waited for by its client.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { interrupted, throwIfAborted } from '../base/errors.js';

/** Requests that cost about the same. */
export type RequestKind = 'write' | 'page';

export interface Pace {
  /** Resolves when a request may be sent; what it cost is told to what it gives. @throws INTERRUPTED. */
  begin(kind: RequestKind, signal: AbortSignal): Promise<(requestUnits: number) => void>;
  /** Request units told so far. */
  spent(): number;
}

export interface PaceOptions {
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Before the first answer: of an item of 1 KB and of a page of them, about. */
const FIRST_GUESS: Readonly<Record<RequestKind, number>> = { write: 10, page: 50 };
/** How much of the guess the newest answer makes up. */
const NEWEST_SHARE = 0.2;

/** @param requestUnitsPerSecond undefined: no bound. */
export function openPace(requestUnitsPerSecond: number | undefined, options: PaceOptions = {}): Pace {
  const { now = () => performance.now(), sleep = sleepUntilAborted } = options;
  const guesses = { ...FIRST_GUESS };
  let total = 0;
  /** When all units that were reserved until now have had their time. */
  let paidUntilMs = now();
  const msFor = (units: number): number => (units / (requestUnitsPerSecond ?? Number.POSITIVE_INFINITY)) * 1_000;
  return {
    begin: async (kind, signal) => {
      throwIfAborted(signal);
      const reserved = guesses[kind];
      const startMs = Math.max(paidUntilMs, now());
      paidUntilMs = startMs + msFor(reserved);
      const waitMs = startMs - now();
      if (waitMs > 0) await sleep(waitMs, signal);
      return (units) => {
        total += units;
        paidUntilMs += msFor(units - reserved);
        guesses[kind] += NEWEST_SHARE * (units - guesses[kind]);
      };
    },
    spent: () => total,
  };
}

async function sleepUntilAborted(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    throw interrupted(signal.reason ?? error);
  }
}
