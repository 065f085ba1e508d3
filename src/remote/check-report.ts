/** What a check of a remote tries and says. Types, and the one place that makes a verdict of the probes. */
import type { ErrorCode } from '../base/errors.js';

/**
 * `works`: as tried. `missing`: the store does not have it. `refused`: this key may not. `failed`: tried, and something
 * else happened. `skipped`: not tried, and the note says why.
 */
export type ProbeOutcome = 'works' | 'missing' | 'refused' | 'failed' | 'skipped';

/** What cannot be done at all without this probe's working. `nothing`: lakepack has another way. */
export type ProbeNeed = 'everything' | 'reading' | 'writing' | 'nothing';

export interface ProbeResult {
  readonly id: string;
  /** What was tried. */
  readonly tries: string;
  readonly outcome: ProbeOutcome;
  readonly neededFor: ProbeNeed;
  /** What was seen, where the outcome alone does not say it. */
  readonly note?: string;
  /** What lakepack does where it does not work. */
  readonly instead?: string;
  /** What to do about it, where it matters. */
  readonly fix?: string;
  /** Said at the top although nothing else depends on it: a clock that is wrong, a rule that removes objects. */
  readonly problem?: 'error' | 'warning';
  /** The error that it ended with. */
  readonly code?: ErrorCode;
}

export type CheckVerdict = 'writing' | 'reading' | 'unusable';

export interface RemoteCheck {
  readonly remote: string;
  /** The kind of store: `s3`, `folder`, `https`. */
  readonly kind: 'folder' | 'https' | 's3';
  /** The profile of the provider that lakepack goes by. */
  readonly provider?: string;
  readonly verdict: CheckVerdict;
  /** True when the remote can do what it was checked for, and nothing is wrong around it. */
  readonly ok: boolean;
  /** What stands in the way, the first cause first. */
  readonly problems: readonly CheckProblem[];
  readonly probes: readonly ProbeResult[];
  /** What could not be removed again. */
  readonly leftBehind: readonly string[];
}

export interface CheckProblem {
  readonly probe: string;
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

export interface CheckOptions {
  /** True where the remote shall only be read: what writing would need is tried all the same, and no problem. */
  readonly isReadOnly: boolean;
  /** Milliseconds that this machine's clock is taken to be ahead, for trying what a wrong one does. */
  readonly clockOffsetMs: number;
  readonly signal: AbortSignal;
  readonly onProbe: (result: ProbeResult) => void;
}

/** Makes the whole of what probes saw. */
export function reportOf(
  place: Pick<RemoteCheck, 'remote' | 'kind' | 'provider'>,
  probes: readonly ProbeResult[],
  leftBehind: readonly string[],
  isReadOnly: boolean,
): RemoteCheck {
  const problems = problemsOf(probes, isReadOnly);
  const ok = !problems.some((one) => one.severity === 'error');
  return { ...place, verdict: verdictOf(probes), ok, problems, probes, leftBehind };
}

const BLOCKING: Readonly<Record<ProbeNeed, readonly CheckVerdict[]>> = {
  everything: ['writing', 'reading'],
  reading: ['writing', 'reading'],
  writing: ['writing'],
  nothing: [],
};

/** What a remote can be used for. A probe that was skipped stands in nobody's way: what it waited for does. */
export function verdictOf(probes: readonly ProbeResult[]): CheckVerdict {
  const blocked = probes.filter(isFault).flatMap((probe) => BLOCKING[probe.neededFor]);
  if (!blocked.includes('writing') && probes.some((one) => one.neededFor === 'writing' && one.outcome === 'works')) {
    return 'writing';
  }
  return blocked.includes('reading') ? 'unusable' : 'reading';
}

/** The probes that stand in the way of what was asked for, as problems. */
export function problemsOf(probes: readonly ProbeResult[], isReadOnly: boolean): readonly CheckProblem[] {
  return probes.flatMap((probe) => {
    const severity = probe.problem ?? (isFault(probe) && matters(probe.neededFor, isReadOnly) ? 'error' : undefined);
    if (severity === undefined) return [];
    const says = probe.note ?? probe.outcome;
    const { id, code = 'REMOTE_MISCONFIGURED', fix } = probe;
    return [{ probe: id, severity, code, message: `${id}: ${says}`, ...(fix !== undefined && { hint: fix }) }];
  });
}

function isFault({ outcome }: ProbeResult): boolean {
  return outcome === 'missing' || outcome === 'refused' || outcome === 'failed';
}

function matters(need: ProbeNeed, isReadOnly: boolean): boolean {
  return need === 'writing' ? !isReadOnly : need !== 'nothing';
}
