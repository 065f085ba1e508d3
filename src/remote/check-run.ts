/**
 * Runs the probes of a check one after the other and makes results of what they saw. What is tried, and what an error
 * means, is the business of the checks.
 */
import { setMaxListeners } from 'node:events';
import { interrupted, throwIfAborted } from '../base/errors.js';
import type { ProbeNeed, ProbeOutcome, ProbeResult } from './check-report.js';

/** Longest time for one probe, of which each asks a handful of small requests; a part of 5 MiB needs the most. */
const PROBE_TIMEOUT_MS = 120_000;
/** One probe sends this many requests at once, and each listens to the signal. */
const MAX_LISTENERS = 200;

/** What one probe saw. */
export interface Seen {
  readonly outcome: ProbeOutcome;
  readonly note?: string;
  readonly instead?: string;
  readonly fix?: string;
  readonly problem?: ProbeResult['problem'];
  readonly code?: ProbeResult['code'];
}

/** One thing that is tried. `C`: what the probes of a check share; `signal` is that of the probe. */
export interface CheckProbe<C> {
  readonly id: string;
  readonly tries: string;
  readonly neededFor: ProbeNeed;
  /** Said where it does not work. */
  readonly instead?: string;
  readonly fix?: string;
  /** Probes that must have worked before. */
  readonly after: readonly string[];
  /** True where objects are made, which a bucket with a retention of its own would keep. */
  readonly stores?: boolean;
  run(check: C): Promise<Seen>;
}

export interface ProbeRun<C, P extends CheckProbe<C>> {
  readonly probes: readonly P[];
  /** What the probes share, with a signal that fires when the person stops or the probe takes too long. */
  readonly checkWith: (signal: AbortSignal) => C;
  /** What an error that a probe ended with says. */
  readonly seenOf: (error: unknown, probe: P) => Seen;
  /** Why a probe is not tried, beside those it needs. */
  readonly reasonToSkip: (probe: P) => string | undefined;
  readonly signal: AbortSignal;
  readonly onProbe: (result: ProbeResult) => void;
}

export function works(note?: string): Seen {
  return { outcome: 'works', ...(note !== undefined && { note }) };
}

export function missing(note?: string): Seen {
  return { outcome: 'missing', ...(note !== undefined && { note }) };
}

export function failed(note: string): Seen {
  return { outcome: 'failed', note };
}

export function skipped(note: string): Seen {
  return { outcome: 'skipped', note };
}

/** Runs the probes in order. Throws INTERRUPTED; what a probe fails with is its outcome. */
export async function runProbes<C, P extends CheckProbe<C>>(run: ProbeRun<C, P>): Promise<readonly ProbeResult[]> {
  const results = new Map<string, ProbeResult>();
  for (const probe of run.probes) {
    throwIfAborted(run.signal);
    const without = probe.after.find((id) => results.get(id)?.outcome !== 'works');
    const why = without === undefined ? run.reasonToSkip(probe) : `needs ${without}`;
    const result = resultOf(probe, why === undefined ? await tryOne(probe, run) : skipped(why));
    results.set(probe.id, result);
    run.onProbe(result);
  }
  return [...results.values()];
}

async function tryOne<C, P extends CheckProbe<C>>(probe: P, run: ProbeRun<C, P>): Promise<Seen> {
  const timeout = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  const signal = AbortSignal.any([run.signal, timeout]);
  setMaxListeners(MAX_LISTENERS, signal);
  try {
    return await probe.run(run.checkWith(signal));
  } catch (error) {
    if (run.signal.aborted) throw interrupted(error);
    if (timeout.aborted) return { ...failed('no answer within two minutes'), code: 'REMOTE_UNAVAILABLE' };
    return run.seenOf(error, probe);
  }
}

function resultOf<C>(probe: CheckProbe<C>, seen: Seen): ProbeResult {
  const isFine = seen.outcome === 'works' || seen.outcome === 'skipped';
  // Of a refusal the probe knows best what to allow.
  const own = isFine ? undefined : probe.fix;
  const instead = seen.instead ?? (isFine ? undefined : probe.instead);
  const fix = seen.outcome === 'refused' ? (own ?? seen.fix) : (seen.fix ?? own);
  return {
    ...{ id: probe.id, tries: probe.tries, outcome: seen.outcome, neededFor: probe.neededFor },
    ...(seen.note !== undefined && { note: seen.note }),
    ...(instead !== undefined && { instead }),
    ...(fix !== undefined && { fix }),
    ...(seen.problem !== undefined && { problem: seen.problem }),
    ...(seen.code !== undefined && { code: seen.code }),
  };
}
