/** Tries what a remote can do of what lakepack depends on, and leaves nothing behind. */
import { sharedSignal } from '../base/shared-signal.js';
import type { RemoteCheck } from '../remote/check-report.js';
import type { RemoteLocation } from '../remote/location.js';

export interface CheckRemoteOptions {
  readonly remote: string | RemoteLocation;
  /** True where it shall only be read: that writing is refused is then no problem. Default false. */
  readonly readOnly?: boolean;
  /** Milliseconds that the clock of this machine is taken to be ahead: what would happen if it were. Default 0. */
  readonly clockOffsetMs?: number;
  readonly signal?: AbortSignal;
  /** Told after each probe, by its id. */
  readonly onProbe?: (id: string) => void;
}

export type { CheckProblem, CheckVerdict, ProbeOutcome, ProbeResult } from '../remote/check-report.js';

export interface RemoteCheckReport extends RemoteCheck {
  readonly elapsedMs: number;
}

/**
 * Throws USAGE, ARCHIVE_UNSUPPORTED, REMOTE_MISCONFIGURED or CREDENTIALS_INVALID for a location that is not set up, and
 * INTERRUPTED. Whatever the store does is in the report.
 */
export async function checkRemote(options: CheckRemoteOptions): Promise<RemoteCheckReport> {
  const { checkRemoteAt } = await import('../remote/check.js');
  const { remote, readOnly: isReadOnly = false, clockOffsetMs = 0, onProbe } = options;
  const signal = sharedSignal(options.signal ?? new AbortController().signal);
  const begun = performance.now();
  const check = await checkRemoteAt(remote, { isReadOnly, clockOffsetMs, signal, onProbe: ({ id }) => onProbe?.(id) });
  return { ...check, elapsedMs: performance.now() - begun };
}
