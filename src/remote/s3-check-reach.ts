/** Probes of the way to an S3 store, before any key is shown to it. */
import { isIP } from 'node:net';
import { askPlainly, hostOf, lookupFault, seeClock, seeName, seePort, seeTls, timeOf } from './check-reach.js';
import { failed, works, type Probe, type S3Check, type Seen } from './s3-check-run.js';
import type { S3Settings } from './s3-settings.js';

const action = 'ListObjectsV2';

const WITHOUT_TLS = 'requests are signed and bytes are compared with their hashes, but others on the way can read them';

export const REACH_PROBES: readonly Probe[] = [
  {
    ...{ id: 'name', action, tries: 'the name of the store resolves', neededFor: 'everything', after: [] },
    run: ({ settings }) => seeName(addressOf(settings), () => fixOfUnknownName(settings)),
  },
  {
    ...{ id: 'connect', action, tries: 'something listens on its port', neededFor: 'everything', after: ['name'] },
    run: (check) => seePort(addressOf(check.settings), reach(check)),
  },
  {
    ...{ id: 'tls', action, tries: 'the connection is encrypted', neededFor: 'nothing', after: ['connect'] },
    run: (check) => seeTls(addressOf(check.settings), reach(check), WITHOUT_TLS),
  },
  {
    ...{ id: 's3', action, tries: 'it answers as S3 does', neededFor: 'everything', after: ['connect'] },
    run: tryAnswer,
  },
  {
    ...{ id: 'clock', action, tries: 'its clock and the one here agree', neededFor: 'nothing', after: ['s3'] },
    instead: 'after the first refusal requests are signed with the time of the store',
    run: async ({ facts, clockOffsetMs }) => seeClock(facts.serverTime, Date.now() + clockOffsetMs),
  },
];

/** The address that requests of these settings go to. */
export function addressOf({ endpoint, region, bucket, pathStyle }: S3Settings): URL {
  const url = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`);
  if (!pathStyle && isIP(hostOf(url)) === 0) url.hostname = `${bucket}.${url.hostname}`;
  return url;
}

function reach({ signal, settings }: S3Check): { readonly signal: AbortSignal; readonly timeoutMs: number } {
  return { signal, timeoutMs: settings.timeouts.connectMs };
}

async function fixOfUnknownName(settings: S3Settings): Promise<string> {
  const plain = hostOf(addressOf({ ...settings, pathStyle: true }));
  const isStyle = !settings.pathStyle && (await lookupFault(plain)) === undefined;
  return isStyle
    ? `${plain} is known, the name of the bucket below it is not: set pathStyle to true`
    : 'check how the endpoint is spelled, and the account and the region in it';
}

async function tryAnswer(check: S3Check): Promise<Seen> {
  const answer = await askPlainly(addressOf(check.settings), reach(check));
  const time = timeOf(answer);
  if (time !== undefined) check.facts.serverTime = time;
  const type = answer.headers['content-type'] ?? '';
  const isS3 = type.includes('xml') || Object.keys(answer.headers).some((name) => name.startsWith('x-amz-'));
  if (isS3) return works();
  const got = type === '' ? 'no content type' : type;
  const fix = 'the endpoint is the address of the S3 API, not of a console or a web site';
  return {
    ...failed(`the answer is not one of S3 (HTTP ${answer.status}, ${got})`),
    fix,
    code: 'REMOTE_MISCONFIGURED',
  };
}
