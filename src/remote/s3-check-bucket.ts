/** Probes of what the bucket does by itself, and of who else may read: nothing here changes anything. */
import {
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  type LifecycleRule,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { askPlainly } from './check-reach.js';
import { failed, nameOf, skipped, works, type Probe, type S3Check, type Seen } from './s3-check-run.js';

const LINK_SECONDS = 60;

/** Asked before anything is written: what is put into a bucket with a retention cannot be removed. */
export const RETENTION_PROBES: readonly Probe[] = [
  {
    id: 'versioning',
    action: 'GetBucketVersioning',
    tries: 'versioning is asked for',
    neededFor: 'nothing',
    after: ['bucket'],
    run: tryVersioning,
  },
  {
    id: 'object-lock',
    action: 'GetBucketObjectLockConfiguration',
    tries: 'object lock is asked for',
    neededFor: 'nothing',
    after: ['bucket'],
    run: tryObjectLock,
  },
  {
    id: 'lifecycle',
    action: 'GetLifecycleConfiguration',
    tries: 'lifecycle rules are asked for',
    neededFor: 'nothing',
    after: ['bucket'],
    run: tryLifecycle,
  },
];

export const LINK_PROBES: readonly Probe[] = [
  {
    ...{
      id: 'link',
      action: 'GetObject',
      tries: 'a link with an end of time reads one object',
      neededFor: 'nothing',
      after: ['get'],
    },
    ...{ instead: '`remote share` cannot be used', run: tryLink },
  },
  {
    ...{
      id: 'public',
      action: 'GetObject',
      tries: 'an object is read without a key',
      neededFor: 'nothing',
      after: ['link'],
    },
    run: tryPublic,
  },
];

async function tryVersioning({ client, settings, signal }: S3Check): Promise<Seen> {
  const command = new GetBucketVersioningCommand({ Bucket: settings.bucket });
  const { Status: status } = await client.send(command, { abortSignal: signal });
  if (status === 'Enabled') return works('on: what is removed stays as an old version, and is billed');
  return works(status === undefined ? 'off' : status.toLowerCase());
}

async function tryObjectLock({ client, settings, signal, facts }: S3Check): Promise<Seen> {
  const command = new GetObjectLockConfigurationCommand({ Bucket: settings.bucket });
  try {
    const { ObjectLockConfiguration: lock } = await client.send(command, { abortSignal: signal });
    if (lock?.ObjectLockEnabled !== 'Enabled') return works('off');
    const kept = lock.Rule?.DefaultRetention;
    if (kept?.Mode === undefined) return works('on, without a retention of its own');
    facts.retention = `${kept.Mode} for ${kept.Days ?? kept.Years ?? 0} ${kept.Days === undefined ? 'years' : 'days'}`;
    return works(`on, every object is kept: ${facts.retention}`);
  } catch (error) {
    if (!['ObjectLockConfigurationNotFoundError', 'NoSuchObjectLockConfiguration'].includes(nameOf(error))) throw error;
    return works('off');
  }
}

async function tryLifecycle({ client, settings, signal }: S3Check): Promise<Seen> {
  const command = new GetBucketLifecycleConfigurationCommand({ Bucket: settings.bucket });
  try {
    const { Rules: rules = [] } = await client.send(command, { abortSignal: signal });
    return lifecycleOf(
      rules.filter((rule) => rule.Status === 'Enabled'),
      settings.prefix,
    );
  } catch (error) {
    if (nameOf(error) !== 'NoSuchLifecycleConfiguration') throw error;
    return works('none: abandoned uploads stay until `lakepack prune --uploads`');
  }
}

/** Whether rules reach what lakepack stores below the prefix. Tags are not looked at: such a rule may reach it. */
export function lifecycleOf(rules: readonly LifecycleRule[], prefix: string): Seen {
  const reaching = rules.filter((rule) => reaches(prefixOfRule(rule), prefix));
  const days = (pick: (rule: LifecycleRule) => number | undefined): number | undefined =>
    reaching.map(pick).find((one) => one !== undefined);
  const aborts = days((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation);
  const uploads = aborts === undefined ? 'abandoned uploads stay' : `uploads are given up after ${aborts} days`;
  const expires = reaching.find((rule) => rule.Expiration?.Days !== undefined || rule.Expiration?.Date !== undefined);
  if (expires === undefined) return works(uploads);
  const when =
    expires.Expiration?.Days === undefined ? 'on a date' : `${expires.Expiration.Days} days after they are written`;
  return {
    ...works(`objects are REMOVED ${when}; ${uploads}`),
    fix: 'take the prefix of the archive out of that rule, unless exports shall go',
    ...{ problem: 'warning', code: 'REMOTE_MISCONFIGURED' },
  };
}

function prefixOfRule(rule: LifecycleRule): string {
  // Older rules have the prefix in the rule itself; many stores still answer so.
  const { Prefix: old } = rule as { readonly Prefix?: string };
  return rule.Filter?.Prefix ?? rule.Filter?.And?.Prefix ?? old ?? '';
}

/** True when something below `prefix` begins with the prefix of the rule. */
function reaches(rulePrefix: string, prefix: string): boolean {
  const folder = prefix === '' ? '' : `${prefix}/`;
  return folder.startsWith(rulePrefix) || rulePrefix.startsWith(folder);
}

async function linkTo({ client, settings }: S3Check, key: string): Promise<string> {
  return await getSignedUrl(client, new GetObjectCommand({ Bucket: settings.bucket, Key: key }), {
    expiresIn: LINK_SECONDS,
  });
}

async function tryLink(check: S3Check): Promise<Seen> {
  const key = check.facts.object?.key ?? check.facts.sample?.key;
  if (key === undefined) return skipped('nothing is there to read');
  if (check.settings.credentials.type === 'anonymous') return skipped('there is no key to sign it with');
  const { status } = await askFirstByte(check, await linkTo(check, key));
  return status === 206 || status === 200 ? works() : failed(`status ${status}`);
}

async function tryPublic(check: S3Check): Promise<Seen> {
  const key = check.facts.object?.key ?? check.facts.sample?.key;
  if (key === undefined) return skipped('nothing is there to read');
  const url = new URL(await linkTo(check, key));
  url.search = '';
  const { status } = await askFirstByte(check, url.href);
  if (status === 206 || status === 200) return works('public: anybody who knows a name can read it');
  return status === 401 || status === 403 || status === 400 ? works('private') : failed(`status ${status}`);
}

async function askFirstByte({ settings, signal }: S3Check, address: string): Promise<{ readonly status: number }> {
  const reach = { signal, timeoutMs: settings.timeouts.idleMs };
  return await askPlainly(new URL(address), reach, { range: 'bytes=0-0' });
}
