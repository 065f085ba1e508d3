/**
 * Checks an S3 store: tries what lakepack depends on, one probe after the other, under a prefix of its own, and removes
 * what it wrote however it ends. Answers for the order; what is tried stands in the `s3-check-…` files beside it.
 */
import { randomBytes } from 'node:crypto';
import { reportOf, type CheckOptions, type ProbeResult, type RemoteCheck } from './check-report.js';
import { runProbes } from './check-run.js';
import { ACCESS_PROBES } from './s3-check-access.js';
import { LINK_PROBES, RETENTION_PROBES } from './s3-check-bucket.js';
import { cleanUp } from './s3-check-clean.js';
import { GUARD_PROBES } from './s3-check-guards.js';
import { NAME_PROBES } from './s3-check-names.js';
import { OBJECT_PROBES } from './s3-check-objects.js';
import { PART_PROBES } from './s3-check-parts.js';
import { REACH_PROBES } from './s3-check-reach.js';
import { seenOfError, type CheckFacts, type Probe } from './s3-check-run.js';
import { createS3Client } from './s3-client.js';
import type { S3Settings } from './s3-settings.js';

/** Longest time that removing what was written may take, also after Ctrl-C. */
const CLEAN_TIMEOUT_MS = 60_000;

export const S3_PROBES: readonly Probe[] = [
  ...[...REACH_PROBES, ...ACCESS_PROBES, ...RETENTION_PROBES],
  ...[...OBJECT_PROBES, ...GUARD_PROBES, ...NAME_PROBES, ...PART_PROBES, ...LINK_PROBES],
];

/** Throws INTERRUPTED; everything else that goes wrong is in the result. */
export async function checkS3(settings: S3Settings, options: CheckOptions): Promise<RemoteCheck> {
  const { clockOffsetMs, signal, onProbe } = options;
  const client = createS3Client(settings);
  client.config.systemClockOffset = clockOffsetMs;
  const facts: CheckFacts = { keys: new Set(), uploads: new Map() };
  const scratch = `${settings.prefix === '' ? '' : `${settings.prefix}/`}lakepack-check-${randomBytes(6).toString('hex')}/`;
  const check = { settings, client, scratch, clockOffsetMs, facts };
  let probes: readonly ProbeResult[] = [];
  let leftBehind: readonly string[] = [];
  try {
    probes = await runProbes({
      ...{ probes: S3_PROBES, signal, onProbe },
      checkWith: (own) => ({ ...check, signal: own }),
      seenOf: (error, { action }) => seenOfError(error, settings, action),
      reasonToSkip: (probe) => (probe.stores === true ? keptReason(facts) : undefined),
    });
  } finally {
    leftBehind = await cleanUp({ ...check, signal: AbortSignal.timeout(CLEAN_TIMEOUT_MS) });
    client.destroy();
  }
  const place = { remote: settings.shown, kind: 's3' as const, provider: settings.provider.name };
  return reportOf(place, probes, leftBehind, options.isReadOnly);
}

function keptReason({ retention }: CheckFacts): string | undefined {
  return retention === undefined ? undefined : `the bucket keeps every object (${retention}): nothing was written`;
}
