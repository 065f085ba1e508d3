/**
 * Makes the settings of an S3 remote whole: from what a location or a configuration says, the environment, and the
 * provider's profile. It answers for all that is missing being named at once.
 */
import { LakepackError } from '../base/errors.js';
import type { ProviderName } from '../schema/remote-config.js';
import { endpointOf, guessProvider, needsPathStyle, regionOf } from './endpoint.js';
import type { RemoteEnvironment } from './location.js';
import { type BuiltInName, type KeyFacts, type StoreVariables, variablesOf } from './named.js';
import { profileOf } from './providers/profiles.js';
import { assertBucket, bucketAndPrefix, joinKeys, prefixOf } from './s3-location.js';
import type { S3Settings, S3Timeouts } from './s3-settings.js';

/** What was said of a store, in a location or a configuration. What is undefined comes from elsewhere. */
export interface S3Wish extends Pick<S3Settings, 'encryption' | 'storageClass' | 'tags' | 'cacheControl'> {
  /** How the remote is called in messages: `r2`, `s3`, `offsite`. */
  readonly named: string;
  readonly shown: string;
  /** Whose variables fill in what is not said. */
  readonly variables: BuiltInName;
  /** True where those variables may also name the bucket. */
  readonly bucketFromEnvironment: boolean;
  readonly provider: ProviderName | undefined;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly bucket: string | undefined;
  /** Below the bucket. */
  readonly prefix: string;
  /** What follows the name: a prefix where the bucket is named, else the bucket and a prefix. */
  readonly rest: string;
  readonly pathStyle: boolean | undefined;
  /** Where the key is; undefined: in the variables. */
  readonly keys: KeyFacts | undefined;
}

/** @throws USAGE, REMOTE_MISCONFIGURED, CREDENTIALS_INVALID. */
export function settleS3(wish: S3Wish, environment: RemoteEnvironment, timeouts: S3Timeouts): S3Settings {
  const variables = variablesOf(wish.variables, environment, wish.region);
  const keys = wish.keys ?? variables;
  const given = wish.endpoint ?? variables.endpoint;
  const endpoint = given === undefined ? undefined : endpointOf(given, wish.named);
  const provider = profileOf(wish.provider ?? guessProvider(endpoint));
  const region = wish.region ?? variables.region ?? regionOf(endpoint) ?? provider.region;
  const missing = missingOf(wish, variables, endpoint, region);
  if (missing.length > 0 || region === undefined || keys.credentials === undefined) {
    throw notSetUp(wish.named, missing, keys.missingKeys);
  }
  const { bucket, prefix } = placeOf(wish, variables.bucket);
  return {
    shown: wish.shown,
    provider,
    endpoint,
    region,
    bucket,
    prefix,
    pathStyle: wish.pathStyle ?? (provider.pathStyle || needsPathStyle(endpoint, bucket)),
    credentials: keys.credentials,
    credentialsFrom: keys.credentialsFrom,
    encryption: wish.encryption,
    storageClass: wish.storageClass,
    tags: wish.tags,
    cacheControl: wish.cacheControl,
    timeouts,
  };
}

function missingOf(
  wish: S3Wish,
  variables: StoreVariables,
  endpoint: string | undefined,
  region: string | undefined,
): readonly string[] {
  // Only AWS's own stores are found by their region alone.
  const isAws = (wish.provider ?? 'aws') === 'aws' && variables.missingEndpoint.length === 0;
  if (endpoint === undefined && !isAws) {
    return variables.missingEndpoint.length > 0 ? variables.missingEndpoint : ['AWS_ENDPOINT_URL_S3 (or an endpoint)'];
  }
  return region === undefined ? [regionVariable(wish.variables)] : [];
}

function regionVariable(name: BuiltInName): string {
  return name === 'aws' ? 'AWS_REGION (or a region in the location or configuration)' : `${name.toUpperCase()}_REGION`;
}

/** The rest is a prefix where the bucket is named already. Otherwise the bucket stands first in it. */
function placeOf(wish: S3Wish, fromEnvironment: string | undefined): { bucket: string; prefix: string } {
  const bucket = wish.bucket ?? (wish.bucketFromEnvironment ? fromEnvironment : undefined);
  if (bucket !== undefined) {
    assertBucket(bucket, wish.named);
    return { bucket, prefix: joinKeys(prefixOf(wish.prefix, wish.named), prefixOf(wish.rest, wish.named)) };
  }
  const place = bucketAndPrefix(wish.rest.replace(/^\/+/, ''), wish.named);
  return { bucket: place.bucket, prefix: joinKeys(prefixOf(wish.prefix, wish.named), place.prefix) };
}

function notSetUp(named: string, settings: readonly string[], keys: readonly string[]): LakepackError {
  const names = [...settings, ...keys];
  const code = settings.length > 0 ? 'REMOTE_MISCONFIGURED' : 'CREDENTIALS_INVALID';
  const verb = names.length === 1 ? 'is' : 'are';
  return new LakepackError(code, `${named}: not set up: ${names.join(', ')} ${verb} not set`, {
    hint: `set the environment variable${names.length === 1 ? '' : 's'}; docs/remotes.md shows how to make a key for one bucket`,
    retryable: false,
  });
}
