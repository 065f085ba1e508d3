/** Probes of what the key may see: one signed listing tells the key, the region, the bucket and the permission apart. */
import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { failed, nameOf, seenOfError, skipped, works, type Probe, type S3Check, type Seen } from './s3-check-run.js';
import { errorOf } from './s3-check-objects.js';
import { createS3Client } from './s3-client.js';

const KEY_FAULTS = [
  ...['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'ExpiredTokenException', 'InvalidToken'],
  ...['TokenRefreshRequired', 'RequestTimeTooSkewed', 'CredentialsProviderError', 'MissingAuthenticationToken'],
  ...['InvalidSecurity', 'Unauthorized'],
];
const REGION_FAULTS = [
  ...['AuthorizationHeaderMalformed', 'PermanentRedirect', 'TemporaryRedirect', 'IllegalLocationConstraintException'],
  ...['InvalidRegion', 'AuthorizationQueryParametersError', 'Redirect'],
];

export const ACCESS_PROBES: readonly Probe[] = [
  {
    id: 'key',
    action: 'ListObjectsV2',
    tries: 'the key is accepted',
    neededFor: 'everything',
    after: ['s3'],
    run: tryKey,
  },
  {
    id: 'region',
    action: 'ListObjectsV2',
    tries: 'the region is right',
    neededFor: 'everything',
    after: ['key'],
    run: tryRegion,
  },
  {
    ...{
      id: 'bucket',
      action: 'ListObjectsV2',
      tries: 'the bucket is there',
      neededFor: 'everything',
      after: ['region'],
      run: tryBucket,
    },
  },
  {
    ...{
      id: 'addressing',
      action: 'ListObjectsV2',
      tries: 'the bucket is addressed as the store wants it',
      neededFor: 'nothing',
    },
    ...{ after: ['region'], run: tryAddressing },
  },
  {
    ...{
      id: 'list',
      action: 'ListObjectsV2',
      tries: 'objects may be listed',
      neededFor: 'reading',
      after: ['bucket'],
      run: tryList,
    },
    fix: 'allow s3:ListBucket on the bucket',
  },
];

async function tryKey(check: S3Check): Promise<Seen> {
  const { settings, facts } = check;
  facts.refusal = await firstListing(check);
  const isKey = KEY_FAULTS.includes(nameOf(facts.refusal));
  if (isKey) return { ...seenOfError(facts.refusal, settings, 'ListObjectsV2'), outcome: 'failed' };
  if (facts.refusal !== undefined && isUnclear(facts.refusal)) throw facts.refusal;
  if (settings.credentials.type === 'anonymous') return works('none: only what is public can be read');
  return works();
}

/** What the first listing ends with. A clock that is off is corrected by the client after one refusal. */
async function firstListing(check: S3Check): Promise<Error | undefined> {
  const error = await errorOf(list(check, check.client));
  return nameOf(error) === 'RequestTimeTooSkewed' ? await errorOf(list(check, check.client)) : error;
}

async function list({ settings, signal, facts }: S3Check, client: S3Client): Promise<void> {
  const prefix = settings.prefix === '' ? '' : `${settings.prefix}/`;
  const command = new ListObjectsV2Command({ Bucket: settings.bucket, Prefix: prefix, MaxKeys: 50 });
  const { Contents: objects = [] } = await client.send(command, { abortSignal: signal });
  const found = objects.find((one) => (one.Size ?? 0) > 0);
  if (found?.Key !== undefined) facts.sample = { key: found.Key, bytes: found.Size ?? 0 };
}

/** Neither an answer of S3 nor one of the refusals that the next probes tell apart: a socket, a page, a 5xx. */
function isUnclear(error: unknown): boolean {
  const known = [...REGION_FAULTS, 'NoSuchBucket', 'AccessDenied', 'AllAccessDisabled', 'Forbidden'];
  return !known.includes(nameOf(error));
}

async function tryRegion({ settings, facts }: S3Check): Promise<Seen> {
  if (!REGION_FAULTS.includes(nameOf(facts.refusal))) return works(settings.region);
  return { ...seenOfError(facts.refusal, settings, 'ListObjectsV2'), outcome: 'failed' };
}

async function tryBucket({ settings, facts }: S3Check): Promise<Seen> {
  if (nameOf(facts.refusal) !== 'NoSuchBucket') return works(settings.bucket);
  return { ...seenOfError(facts.refusal, settings, 'ListObjectsV2'), outcome: 'failed' };
}

async function tryAddressing(check: S3Check): Promise<Seen> {
  const { settings, facts } = check;
  const now = settings.pathStyle ? 'path style' : 'virtual host';
  if (nameOf(facts.refusal) !== 'NoSuchBucket') return works(now);
  const other = createS3Client({ ...settings, pathStyle: !settings.pathStyle });
  try {
    await list(check, other);
  } catch {
    // The bucket is not there the other way either: then the style is not what is wrong.
    return skipped('the bucket is found neither way');
  } finally {
    other.destroy();
  }
  const fix = `set pathStyle to ${String(!settings.pathStyle)}`;
  return { ...failed(`not found as ${now}, but the other way`), fix, problem: 'error', code: 'REMOTE_MISCONFIGURED' };
}

async function tryList({ facts }: S3Check): Promise<Seen> {
  if (facts.refusal === undefined) return works();
  throw facts.refusal;
}
