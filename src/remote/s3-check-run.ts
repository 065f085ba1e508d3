/** What the probes of an S3 store share, and what the errors of requests say about the thing that was tried. */
import type { S3Client } from '@aws-sdk/client-s3';
import { isLakepackError, type LakepackError } from '../base/errors.js';
import type { ProbeOutcome } from './check-report.js';
import type { CheckProbe, Seen } from './check-run.js';
import { s3ErrorOf } from './s3-errors.js';
import type { S3Settings } from './s3-settings.js';

export { failed, missing, skipped, works, type Seen } from './check-run.js';

export interface Probe extends CheckProbe<S3Check> {
  /** The S3 operation that it is about, for naming the permission. */
  readonly action: string;
}

/** What the probes of one check share. */
export interface S3Check {
  readonly settings: S3Settings;
  readonly client: S3Client;
  /** Of the probe that runs: it fires when the person stops, or the probe takes too long. */
  readonly signal: AbortSignal;
  /** Prefix in the bucket under which everything is written, with a slash at its end. */
  readonly scratch: string;
  /** Milliseconds by which this machine's clock is taken to be ahead of what it says. */
  readonly clockOffsetMs: number;
  readonly facts: CheckFacts;
}

/** What a probe learned that a later one, or the cleaning, goes by. */
export interface CheckFacts {
  /** Keys of objects that may have been written. */
  readonly keys: Set<string>;
  /** Uploads that may have been begun, by id. */
  readonly uploads: Map<string, string>;
  /** What the first signed request ended with; undefined where it was answered. */
  refusal?: Error | undefined;
  /** An object that was there before the check. */
  sample?: { readonly key: string; readonly bytes: number };
  /** The object that this check wrote, and its bytes. */
  object?: { readonly key: string; readonly bytes: Buffer };
  /** The object that was written in parts. */
  large?: { readonly key: string; readonly bytes: number };
  /** A retention that the bucket gives to everything that is put. */
  retention?: string;
  serverTime?: Date;
}

/** What an error of a request says about the thing that was tried. */
export function seenOfError(error: unknown, settings: S3Settings, action: string): Seen {
  const known = isLakepackError(error) ? error : s3ErrorOf(error, settings, { action });
  const subject = `${settings.shown}: `;
  return {
    outcome: outcomeOf(error, known),
    // What the whole report is about need not be said on every line.
    note: known.message.startsWith(subject) ? known.message.slice(subject.length) : known.message,
    ...(known.hint !== undefined && { fix: known.hint }),
    code: known.code,
  };
}

function outcomeOf(error: unknown, known: LakepackError): ProbeOutcome {
  if (isNotThere(error)) return 'missing';
  return known.code === 'PERMISSION_DENIED' ? 'refused' : 'failed';
}

/** True where the store says that it has no such call. */
function isNotThere(error: unknown): boolean {
  return statusOf(error) === 501 || ['NotImplemented', 'MethodNotAllowed', 'NotSupported'].includes(nameOf(error));
}

/** The S3 code of an error: `NoSuchKey`, `AccessDenied` … */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const { httpStatusCode } = error.$metadata as { readonly httpStatusCode?: number };
  return httpStatusCode;
}
