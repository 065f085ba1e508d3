/**
 * What the environment says of the remotes that everybody knows: `r2:`, `b2:`, `minio:`, and `aws:` or `s3:`. It answers
 * for which variables are read and for naming those that are missing; it never puts a value into a message.
 */
import { LakepackError } from '../base/errors.js';
import type { ProviderName } from '../schema/remote-config.js';
import { isHostPart } from './endpoint.js';
import type { RemoteEnvironment } from './location.js';
import type { S3Credentials } from './s3-settings.js';

export const BUILT_IN_NAMES = ['aws', 'b2', 'minio', 'r2'] as const;
export type BuiltInName = (typeof BUILT_IN_NAMES)[number];

/** Names that mean a scheme, so that no configuration can give them another meaning. */
export const RESERVED_NAMES = ['file', 'http', 'https', 'rclone', 's3'] as const;

export interface StoreVariables {
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly bucket: string | undefined;
  /** Undefined while `missingKeys` names something. */
  readonly credentials: S3Credentials | undefined;
  readonly credentialsFrom: string;
  /** What would have to be set for an endpoint to be known; empty where none is needed. */
  readonly missingEndpoint: readonly string[];
  readonly missingKeys: readonly string[];
}

export function isBuiltIn(name: string): name is BuiltInName {
  return (BUILT_IN_NAMES as readonly string[]).includes(name);
}

/** Whose variables hold the key of a store of this provider, where nothing else is said. */
export function builtInOf(provider: ProviderName | undefined): BuiltInName {
  return provider === 'r2' || provider === 'b2' || provider === 'minio' ? provider : 'aws';
}

/** @param region as configured; an endpoint may follow from it. */
export function variablesOf(name: BuiltInName, environment: RemoteEnvironment, region?: string): StoreVariables {
  const value = (...names: readonly string[]): string | undefined => firstSet(environment, names);
  switch (name) {
    case 'r2':
      return r2(environment, value);
    case 'b2':
      return b2(environment, value, region);
    case 'minio':
      return {
        endpoint: value('MINIO_ENDPOINT'),
        region: value('MINIO_REGION'),
        bucket: undefined,
        ...keysFrom(environment, { id: ['MINIO_ROOT_USER'], secret: ['MINIO_ROOT_PASSWORD'] }),
        missingEndpoint: ['MINIO_ENDPOINT'],
      };
    case 'aws':
      return {
        endpoint: value('AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'),
        region: value('AWS_REGION', 'AWS_DEFAULT_REGION'),
        bucket: undefined,
        ...awsChain(environment),
        missingEndpoint: [],
      };
  }
}

/** The key of a configured remote: variables of a beginning of its own, and the fixed endings. */
export function keysOfPrefix(prefix: string, environment: RemoteEnvironment): KeyFacts {
  return keysFrom(environment, {
    id: [`${prefix}_ACCESS_KEY_ID`],
    secret: [`${prefix}_SECRET_ACCESS_KEY`],
    token: `${prefix}_SESSION_TOKEN`,
  });
}

/** The AWS chain. Of its sources the environment is read here, because the caller's may not be the process's own. */
export function awsChain(environment: RemoteEnvironment, profile?: string): KeyFacts {
  const chosen = profile ?? firstSet(environment, ['AWS_PROFILE']);
  // As in the chain of the SDK: a profile that was chosen goes before a key in the environment.
  const own = chosen === undefined ? keysOfPrefix('AWS', environment) : undefined;
  if (own?.credentials !== undefined) return own;
  const from = chosen === undefined ? 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY' : `the AWS profile ${chosen}`;
  return {
    credentials: { type: 'chain', profile: chosen },
    credentialsFrom: chosen === undefined ? `${from}, or another source of the AWS chain` : from,
    missingKeys: [],
  };
}

export type KeyFacts = Pick<StoreVariables, 'credentials' | 'credentialsFrom' | 'missingKeys'>;

function r2(environment: RemoteEnvironment, value: Lookup): StoreVariables {
  const account = value('R2_ACCOUNT_ID');
  return {
    endpoint:
      value('R2_ENDPOINT') ?? (account && `https://${hostPart('R2_ACCOUNT_ID', account)}.r2.cloudflarestorage.com`),
    region: undefined,
    bucket: value('R2_BUCKET', 'R2_BUCKET_NAME'),
    ...keysFrom(environment, {
      id: ['R2_ACCESS_KEY_ID', 'R2_ACCESS_KEY'],
      secret: ['R2_SECRET_ACCESS_KEY', 'R2_SECRET_KEY'],
    }),
    missingEndpoint: ['R2_ACCOUNT_ID (or R2_ENDPOINT)'],
  };
}

function b2(environment: RemoteEnvironment, value: Lookup, configured: string | undefined): StoreVariables {
  const region = configured ?? value('B2_REGION');
  return {
    endpoint: value('B2_ENDPOINT') ?? (region && `https://s3.${hostPart('B2_REGION', region)}.backblazeb2.com`),
    region,
    bucket: value('B2_BUCKET'),
    ...keysFrom(environment, { id: ['B2_KEY_ID'], secret: ['B2_APP_KEY'] }),
    missingEndpoint: ['B2_REGION (or B2_ENDPOINT)'],
  };
}

/** It becomes part of a host name: what could end one would send a signed request elsewhere. */
function hostPart(name: string, value: string): string {
  if (isHostPart(value)) return value;
  throw new LakepackError(
    'REMOTE_MISCONFIGURED',
    `${name}: is not what belongs there: expected letters, digits and hyphens`,
    {
      hint: `look at ${name} again; a whole address goes into the variable that ends in _ENDPOINT`,
      retryable: false,
    },
  );
}

type Lookup = (...names: readonly string[]) => string | undefined;

interface KeyNames {
  readonly id: readonly [string, ...string[]];
  readonly secret: readonly [string, ...string[]];
  readonly token?: string;
}

/** The values stay inside the function that reads them: settings that are printed show none. */
function keysFrom(environment: RemoteEnvironment, { id, secret, token }: KeyNames): KeyFacts {
  const accessKeyId = firstSet(environment, id);
  const secretAccessKey = firstSet(environment, secret);
  const sessionToken = token === undefined ? undefined : firstSet(environment, [token]);
  const credentialsFrom = `${id[0]} and ${secret[0]}`;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const missingKeys = [
      ...(accessKeyId === undefined ? [id[0]] : []),
      ...(secretAccessKey === undefined ? [secret[0]] : []),
    ];
    return { credentials: undefined, credentialsFrom, missingKeys };
  }
  const pair = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  return { credentials: { type: 'keys', read: () => pair }, credentialsFrom, missingKeys: [] };
}

/** The first that is set. An empty one is not: that is how CI systems hand on a secret that is not there. */
function firstSet(environment: RemoteEnvironment, names: readonly string[]): string | undefined {
  return names.map((name) => environment[name]?.trim()).find((value) => value !== undefined && value !== '');
}
