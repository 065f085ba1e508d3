/** Checks an address that is only read: the way to it, whether it can be listed, and whether it answers ranges. */
import { isLakepackError } from '../base/errors.js';
import { askPlainly, seeClock, seeName, seePort, seeTls, timeOf } from './check-reach.js';
import { reportOf, type CheckOptions, type RemoteCheck } from './check-report.js';
import { failed, missing, runProbes, skipped, works, type CheckProbe, type Seen } from './check-run.js';
import { openHttpsRemote } from './https.js';
import type { ObjectInfo, Remote } from './remote.js';
import { DEFAULT_S3_TIMEOUTS } from './s3-settings.js';

interface AddressCheck {
  readonly url: URL;
  readonly remote: Remote;
  readonly clockOffsetMs: number;
  readonly signal: AbortSignal;
  readonly facts: { serverTime?: Date; sample?: ObjectInfo };
}

const WITHOUT_TLS = 'bytes are compared with the hashes of the manifest; nobody vouches for the manifest';
const NOTHING_KNOWN = 'no object is known: the address cannot be listed, or is empty';

const PROBES: readonly CheckProbe<AddressCheck>[] = [
  {
    ...{ id: 'name', tries: 'the name resolves', neededFor: 'everything', after: [] },
    run: ({ url }) => seeName(url, async () => 'check how the address is spelled'),
  },
  {
    ...{ id: 'connect', tries: 'something listens on its port', neededFor: 'everything', after: ['name'] },
    run: (check) => seePort(check.url, reach(check)),
  },
  {
    ...{ id: 'tls', tries: 'the connection is encrypted', neededFor: 'nothing', after: ['connect'] },
    run: (check) => seeTls(check.url, reach(check), WITHOUT_TLS),
  },
  { id: 'answer', tries: 'it answers', neededFor: 'everything', after: ['connect'], run: tryAnswer },
  {
    ...{ id: 'clock', tries: 'its clock and the one here agree', neededFor: 'nothing', after: ['answer'] },
    run: async ({ facts, clockOffsetMs }) => seeClock(facts.serverTime, Date.now() + clockOffsetMs),
  },
  {
    ...{ id: 'list', tries: 'it can be listed', neededFor: 'nothing', after: ['answer'], run: tryList },
    instead: 'exports are named as PARTITION/EXPORT-ID',
  },
  { id: 'head', tries: 'the size of an object is told', neededFor: 'reading', after: ['answer'], run: tryHead },
  {
    ...{ id: 'range', tries: 'a part of an object can be read', neededFor: 'reading', after: ['answer'] },
    ...{ fix: 'the server must answer Range requests with 206, and send bytes as they are', run: tryRange },
  },
];

/** @param base as `resolveRemote` gives it. Throws INTERRUPTED. */
export async function checkAddress(base: string, options: CheckOptions): Promise<RemoteCheck> {
  const { clockOffsetMs, signal, onProbe } = options;
  const remote = openHttpsRemote(base, DEFAULT_S3_TIMEOUTS);
  const facts = {};
  const probes = await runProbes<AddressCheck, CheckProbe<AddressCheck>>({
    ...{ probes: PROBES, signal, onProbe, reasonToSkip: () => undefined },
    checkWith: (own) => ({ url: new URL(base), remote, clockOffsetMs, signal: own, facts }),
    seenOf: seenOfError,
  });
  await remote.close();
  // Nobody writes to an address: that it cannot be is no problem.
  return reportOf({ remote: base, kind: 'https' }, probes, [], true);
}

function reach({ signal }: AddressCheck): { readonly signal: AbortSignal; readonly timeoutMs: number } {
  return { signal, timeoutMs: DEFAULT_S3_TIMEOUTS.connectMs };
}

function seenOfError(error: unknown): Seen {
  if (!isLakepackError(error)) throw error;
  const { code, message, hint } = error;
  const outcome = code === 'PERMISSION_DENIED' ? 'refused' : code === 'ARCHIVE_UNSUPPORTED' ? 'missing' : 'failed';
  return { outcome, note: message, code, ...(hint !== undefined && { fix: hint }) };
}

async function tryAnswer(check: AddressCheck): Promise<Seen> {
  const answer = await askPlainly(check.url, reach(check)).catch(() => undefined);
  if (answer === undefined)
    return { ...failed('the connection is closed without an answer'), code: 'REMOTE_UNAVAILABLE' };
  const time = timeOf(answer);
  if (time !== undefined) check.facts.serverTime = time;
  return works(`HTTP ${answer.status}`);
}

async function tryList({ remote, signal, facts }: AddressCheck): Promise<Seen> {
  for await (const object of remote.list('manifests/', { signal })) {
    facts.sample = object;
    return works();
  }
  return missing('nothing below manifests/');
}

async function tryHead({ remote, signal, facts: { sample } }: AddressCheck): Promise<Seen> {
  if (sample === undefined) return skipped(NOTHING_KNOWN);
  const found = await remote.head(sample.key, { signal });
  return found?.bytes === sample.bytes
    ? works()
    : failed(`expected ${sample.bytes} bytes, got ${found?.bytes ?? 'none'}`);
}

async function tryRange({ remote, signal, facts: { sample } }: AddressCheck): Promise<Seen> {
  if (sample === undefined) return skipped(NOTHING_KNOWN);
  const length = Math.min(10, sample.bytes);
  const bytes = await remote.readRange(sample.key, { offset: sample.bytes - length, length }, { signal });
  return bytes.length === length ? works() : failed(`expected ${length} bytes, got ${bytes.length}`);
}
