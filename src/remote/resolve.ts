/**
 * What a location means: a folder, an S3 store with whole settings, or a read-only address. It answers for names being
 * looked up in the configuration and the environment, and for never repeating what may hold a password. Pure; asks nobody.
 */
import path from 'node:path';
import { LakepackError } from '../base/errors.js';
import type { RemoteConfig } from '../schema/remote-config.js';
import { folderByForm, schemeOf } from './folder-location.js';
import type { RemoteContext, RemoteEnvironment, RemoteLocation } from './location.js';
import { awsChain, BUILT_IN_NAMES, builtInOf, isBuiltIn, keysOfPrefix, type KeyFacts } from './named.js';
import { parseS3Location, prefixOf, secretInLocation } from './s3-location.js';
import { DEFAULT_S3_TIMEOUTS, type S3Settings, type S3Timeouts } from './s3-settings.js';
import { type S3Wish, settleS3 } from './settle-s3.js';

export type RemotePlace =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'https'; readonly base: string }
  | { readonly kind: 's3'; readonly settings: S3Settings };

/** A text alone has no environment and no configuration. */
const NO_CONTEXT: RemoteContext = { environment: {}, remotes: new Map() };

/** @throws USAGE, ARCHIVE_UNSUPPORTED, REMOTE_MISCONFIGURED, CREDENTIALS_INVALID. */
export function resolveRemote(given: string | RemoteLocation, timeouts: S3Timeouts = DEFAULT_S3_TIMEOUTS): RemotePlace {
  const { location, context = NO_CONTEXT } = typeof given === 'string' ? { location: given } : given;
  const folder = folderByForm(location);
  if (folder !== undefined) return { kind: 'folder', folder };
  const name = schemeOf(location) ?? '';
  if (name === 'http' || name === 'https') return { kind: 'https', base: webBase(location, name) };
  if (name === 's3') {
    return {
      kind: 's3',
      settings: settleS3(wishOfLocation(location, context.environment), context.environment, timeouts),
    };
  }
  const config = context.remotes.get(name) ?? (isBuiltIn(name) ? { provider: name } : undefined);
  if (config === undefined) throw unknownName(name, context);
  const rest = location.slice(name.length + 1).replace(/^\/+/, '');
  assertPlain(rest, name);
  return placeOfConfig(name, config, rest, context.environment, timeouts);
}

/** The folder a location means, also through a configuration; undefined when it is none. @throws as `resolveRemote`. */
export function folderAt(given: string | RemoteLocation): string | undefined {
  const { location, context = NO_CONTEXT } = typeof given === 'string' ? { location: given } : given;
  const folder = folderByForm(location);
  if (folder !== undefined) return folder;
  const place = context.remotes.get(schemeOf(location) ?? '')?.path === undefined ? undefined : resolveRemote(given);
  return place?.kind === 'folder' ? place.folder : undefined;
}

function placeOfConfig(
  name: string,
  config: RemoteConfig,
  rest: string,
  environment: RemoteEnvironment,
  timeouts: S3Timeouts,
): RemotePlace {
  if (config.path !== undefined) {
    return { kind: 'folder', folder: rest === '' ? config.path : path.join(config.path, prefixOf(rest, name)) };
  }
  if (config.url !== undefined) {
    const below = prefixOf(rest, name).split('/').map(encodeURIComponent).join('/');
    return { kind: 'https', base: webBase(`${config.url.replace(/\/+$/, '')}/${below}`, name) };
  }
  return { kind: 's3', settings: settleS3(wishOfConfig(name, config, rest, environment), environment, timeouts) };
}

function wishOfConfig(name: string, config: RemoteConfig, rest: string, environment: RemoteEnvironment): S3Wish {
  const { provider, endpoint, region, bucket, prefix = '', pathStyle, encryption, kmsKeyId } = config;
  return {
    named: name,
    shown: `${name}:${rest.replace(/\/+$/, '')}`,
    variables: isBuiltIn(name) ? name : builtInOf(provider),
    bucketFromEnvironment: isBuiltIn(name),
    provider: provider ?? (isBuiltIn(name) && name !== 'aws' ? name : undefined),
    ...{ endpoint, region, bucket, prefix, rest, pathStyle },
    keys: keysOfConfig(config, environment),
    encryption: encryption && { type: encryption, kmsKeyId },
    storageClass: config.storageClass,
    tags: config.tags ?? {},
    cacheControl: config.cacheControl,
  };
}

/** Undefined where the configuration leaves it to the variables. */
function keysOfConfig(config: RemoteConfig, environment: RemoteEnvironment): KeyFacts | undefined {
  const { anonymous, environment: variables, profile, credentialProcess: command } = config;
  if (anonymous === true) return ANONYMOUS;
  if (variables !== undefined) return keysOfPrefix(variables, environment);
  if (profile !== undefined) return awsChain(environment, profile);
  if (command === undefined) return undefined;
  return { credentials: { type: 'command', command }, credentialsFrom: 'credentialProcess', missingKeys: [] };
}

const ANONYMOUS: KeyFacts = { credentials: { type: 'anonymous' }, credentialsFrom: 'no key', missingKeys: [] };

function wishOfLocation(location: string, environment: RemoteEnvironment): S3Wish {
  const { anonymous, ...said } = parseS3Location(location);
  return {
    ...{ named: 's3', variables: 'aws', bucketFromEnvironment: false, rest: '' },
    ...said,
    keys: anonymous ? ANONYMOUS : awsChain(environment),
    ...{ encryption: undefined, storageClass: undefined, tags: {}, cacheControl: undefined },
  };
}

/** A base is shown in messages: nothing that could be a secret may stand in it. */
function webBase(location: string, named: string): string {
  const url = URL.canParse(location) ? new URL(location) : undefined;
  if (url === undefined || !/^https?:\/\//i.test(location)) {
    throw new LakepackError('USAGE', `archive: the ${named}: location is not an address`, {
      hint: 'such as https://example.org/archive',
    });
  }
  if (url.username !== '' || url.password !== '') throw secretInLocation(named);
  if (url.search !== '' || url.hash !== '') {
    throw new LakepackError('USAGE', `archive: the ${named}: location has a query or a fragment`, {
      hint: 'an archive is a base that names are put behind; a signed address of one file cannot be one',
    });
  }
  return url.href.replace(/\/+$/, '');
}

function assertPlain(rest: string, name: string): void {
  // Anywhere: a secret may itself hold a slash.
  if (/:[^@]*@/.test(rest)) throw secretInLocation(name);
  if (!rest.includes('?')) return;
  throw new LakepackError('USAGE', `archive: the ${name}: location has a query`, {
    hint: `what is said of ${name} stands in the configuration; s3://bucket/prefix?endpoint=… says it in place`,
  });
}

/** Names the name only: what follows it may hold a password. */
function unknownName(name: string, { remotes }: RemoteContext): LakepackError {
  const known = [...new Set([...BUILT_IN_NAMES, ...remotes.keys()])].sort();
  return new LakepackError(
    'ARCHIVE_UNSUPPORTED',
    `archive: ${name}: is not a known remote: expected one of ${known.join(', ')}`,
    {
      hint: `name it in lakepack.config.json, give s3://bucket/prefix, an https: address or a folder; a folder whose name begins so is written ./${name}:…`,
      retryable: false,
    },
  );
}
