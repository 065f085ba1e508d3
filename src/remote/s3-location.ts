/**
 * Reads `s3://bucket/prefix?endpoint=…&region=…&provider=…&pathStyle=…&anonymous=…`, and `s3:bucket/prefix`. It answers
 * for nothing secret being accepted in one; what is not said comes from the environment (`settle-s3.ts`).
 */
import { LakepackError } from '../base/errors.js';
import { lakePathFault } from '../base/paths.js';
import { PROVIDER_NAMES, type ProviderName } from '../schema/remote-config.js';
import { endpointOf } from './endpoint.js';

export interface S3Location {
  readonly bucket: string;
  /** `''`, or a lake path. */
  readonly prefix: string;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly provider: ProviderName | undefined;
  readonly pathStyle: boolean | undefined;
  readonly anonymous: boolean;
  /** The same location in one spelling. */
  readonly shown: string;
}

const QUERY_KEYS = ['endpoint', 'region', 'provider', 'pathStyle', 'anonymous'];

/** @throws USAGE, which names only what is known not to be a secret; REMOTE_MISCONFIGURED for an endpoint. */
export function parseS3Location(location: string): S3Location {
  const [place, queryText] = splitAt(location.replace(/^s3:(\/\/)?/i, ''), '?');
  // The second, anywhere: a secret may itself hold a slash.
  if (/^[^/]*@/.test(place) || /:[^@]*@/.test(place)) throw secretInLocation('s3');
  const { bucket, prefix } = bucketAndPrefix(place, 's3');
  const query = queryOf(queryText);
  const endpoint = query.get('endpoint');
  const region = query.get('region');
  if (region !== undefined && !/^[a-z0-9-]+$/i.test(region)) throw usage('region is not a region', 'such as eu-west-1');
  const said = {
    endpoint: endpoint === undefined ? undefined : endpointOf(endpoint, 's3'),
    region,
    provider: providerOf(query.get('provider')),
    pathStyle: flagOf('pathStyle', query.get('pathStyle')),
    anonymous: flagOf('anonymous', query.get('anonymous')) ?? false,
  };
  return { bucket, prefix, ...said, shown: `s3://${joinKeys(bucket, prefix)}${shownQuery(said)}` };
}

/** A URL with `user:password@` in it. Nothing of it is repeated. */
export function secretInLocation(scheme: string): LakepackError {
  return new LakepackError('USAGE', `archive: the ${scheme}: location holds a user or a password`, {
    hint: 'a command line can be read by others: keys come from environment variables, the AWS chain or a command; see docs/remotes.md',
  });
}

/** Splits `bucket/prefix`. `named`: how the remote is called in messages. @throws USAGE. */
export function bucketAndPrefix(place: string, named: string): { readonly bucket: string; readonly prefix: string } {
  const [bucket, rest = ''] = splitAt(place, '/');
  if (bucket === '') {
    throw new LakepackError('USAGE', `${named}: the bucket is missing`, { hint: `write ${named}:BUCKET/PREFIX` });
  }
  assertBucket(bucket, named);
  return { bucket, prefix: prefixOf(rest, named) };
}

/** 3 to 63 letters, as every store has it. A bucket may become part of a host name. @throws USAGE. */
export function assertBucket(bucket: string, named: string): void {
  if (/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i.test(bucket)) return;
  throw new LakepackError('USAGE', `${named}: what stands for the bucket is not a bucket name`, {
    hint: 'a bucket has 3 to 63 letters, digits, dots and hyphens; keys never stand in a location',
  });
}

/** A prefix of keys, without slashes at its ends. @throws USAGE. */
export function prefixOf(text: string, named: string): string {
  const prefix = text.replace(/^\/+|\/+$/g, '');
  const fault = prefix === '' ? undefined : lakePathFault(prefix);
  if (fault === undefined) return prefix;
  throw new LakepackError('USAGE', `${named}: what stands for the prefix of the keys ${fault}`);
}

export function joinKeys(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('/');
}

function queryOf(text: string | undefined): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(text ?? '')) {
    // A key of the query that is not known may be a secret by mistake: only its place is told.
    if (!QUERY_KEYS.includes(key)) throw usage('has an unknown key in its query', `known are ${QUERY_KEYS.join(', ')}`);
    if (query.has(key)) throw usage(`has ${key} twice in its query`, 'say it once');
    if (value === '') throw usage(`has no value for ${key}`, `write ${key}=VALUE, or leave it out`);
    query.set(key, value);
  }
  return query;
}

function providerOf(text: string | undefined): ProviderName | undefined {
  const found = PROVIDER_NAMES.find((name) => name === text);
  if (text === undefined || found !== undefined) return found;
  throw usage('has an unknown provider', `known are ${PROVIDER_NAMES.join(', ')}`);
}

function flagOf(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (text === 'true' || text === 'false') return text === 'true';
  throw usage(`has another value for ${name} than true or false`, `write ${name}=true`);
}

function shownQuery(said: Omit<S3Location, 'bucket' | 'prefix' | 'shown'>): string {
  const shown = QUERY_KEYS.flatMap((key) => {
    const value = said[key as keyof typeof said];
    if (value === undefined || (key === 'anonymous' && value === false)) return [];
    // Slashes and colons may stand in a query as they are, and read better so.
    return [`${key}=${encodeURIComponent(value).replaceAll('%3A', ':').replaceAll('%2F', '/')}`];
  });
  return shown.length === 0 ? '' : `?${shown.join('&')}`;
}

function splitAt(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function usage(says: string, hint: string): LakepackError {
  return new LakepackError('USAGE', `archive: the s3: location ${says}`, { hint });
}
