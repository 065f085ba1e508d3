/**
 * Reads the `remotes` section of a configuration. It answers for no key being kept in one, for nothing of a value being
 * repeated in a message, and for a file that nobody named on purpose saying less (docs/decisions/0092).
 */
import { lakePathFault } from '../base/paths.js';
import { PROVIDER_NAMES, type RemoteConfig } from '../schema/remote-config.js';
import { type FaultList, join, type Json, withoutAbsent } from './json-fields.js';
import { nearestKey } from './nearest-key.js';

export interface RemotesTrust {
  /** True for a file that was named on purpose (`--config`, `LAKEPACK_CONFIG`). */
  readonly trusted: boolean;
}

const KEYS = [
  ...['path', 'url', 'provider', 'endpoint', 'region', 'bucket', 'prefix', 'pathStyle'],
  ...['environment', 'profile', 'anonymous', 'credentialProcess'],
  ...['encryption', 'kmsKeyId', 'storageClass', 'tags', 'cacheControl', 'fallback'],
];
/** Said of a folder or an address, too. */
const COMMON_KEYS = ['path', 'url', 'fallback'];
const KEY_SOURCES = ['environment', 'profile', 'anonymous', 'credentialProcess'];
/** Names that mean a scheme; the same as in `remote/named.ts`, which this folder must not know. */
const RESERVED = ['file', 'http', 'https', 'rclone', 's3'];
const BUILT_IN = ['aws', 'b2', 'minio', 'r2'];
const SECRET = /access.?key|secret|password|passwd|token|app.?key|key.?id$|credential|^key$|^pass$/i;
const MAX_TEXT = 1_000;
const WHERE_KEYS_BELONG =
  'keys belong into environment variables ("environment": "OFFSITE" reads OFFSITE_ACCESS_KEY_ID and OFFSITE_SECRET_ACCESS_KEY), a profile of the AWS chain, or a command';

export function remotesOf(value: unknown, trust: RemotesTrust, faults: FaultList): ReadonlyMap<string, RemoteConfig> {
  if (value === undefined) return new Map();
  const entries = Object.entries(objectOf(value, 'remotes', faults));
  return new Map(
    entries.map(([name, fields]): [string, RemoteConfig] => {
      const at = join('remotes', name);
      checkName(name, at, trust, faults);
      return [name, remoteOf(objectOf(fields, at, faults), at, name, trust, faults)];
    }),
  );
}

function checkName(name: string, at: string, { trusted }: RemotesTrust, faults: FaultList): void {
  if (!/^[a-z][a-z0-9._-]{1,63}$/.test(name)) {
    faults.push({
      path: at,
      says: 'a name has 2 to 64 small letters, digits, dots, hyphens, and begins with a letter',
    });
  }
  if (RESERVED.includes(name)) faults.push({ path: at, says: 'this name is kept for a scheme' });
  if (trusted || !BUILT_IN.includes(name)) return;
  faults.push({
    path: at,
    says: `another meaning of ${name}: is accepted only in a file given with --config or LAKEPACK_CONFIG`,
    hint: 'give the remote a name of its own: this file may have come with somebody else’s data',
  });
}

function remoteOf(fields: Json, at: string, name: string, trust: RemotesTrust, faults: FaultList): RemoteConfig {
  checkRemoteKeys(fields, at, faults);
  const read = reader(fields, at, faults);
  const config = withoutAbsent<{ [K in keyof RemoteConfig]: RemoteConfig[K] | undefined }>({
    path: read.text('path'),
    url: addressOf(read, 'url'),
    provider: read.choice('provider', PROVIDER_NAMES),
    endpoint: addressOf(read, 'endpoint'),
    region: read.text('region', /^[a-z0-9-]+$/i, 'a region such as eu-west-1'),
    bucket: read.text('bucket', /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i, 'a bucket name of 3 to 63 letters'),
    prefix: prefixOf(read, at, faults),
    pathStyle: read.flag('pathStyle'),
    environment: read.text(
      'environment',
      /^[A-Z][A-Z0-9_]*[A-Z0-9]$/,
      'the beginning of the names of variables, such as OFFSITE',
    ),
    profile: read.text('profile', /^[\w.@ +-]+$/, 'the name of a profile'),
    anonymous: read.flag('anonymous'),
    credentialProcess: read.text('credentialProcess'),
    encryption: read.choice('encryption', ['AES256', 'aws:kms'] as const),
    kmsKeyId: read.text('kmsKeyId'),
    storageClass: read.text('storageClass', /^[\w-]+$/, 'a storage class such as STANDARD_IA'),
    tags: tagsOf(fields['tags'], at, faults),
    cacheControl: read.text('cacheControl', /^[\x20-\x7e]+$/, 'a header of ASCII letters'),
    fallback: fallbackOf(fields['fallback'], at, faults),
  });
  checkTogether(config, at, name, trust, faults);
  return config;
}

function checkRemoteKeys(fields: Json, at: string, faults: FaultList): void {
  for (const key of Object.keys(fields).filter((one) => !KEYS.includes(one))) {
    const path = join(at, key);
    if (SECRET.test(key)) {
      faults.push({ path, says: 'a key does not belong into a configuration', hint: WHERE_KEYS_BELONG });
      continue;
    }
    const nearest = nearestKey(key, KEYS);
    const hint = nearest === undefined ? `known keys are ${KEYS.join(', ')}` : `did you mean ${join(at, nearest)}?`;
    faults.push({ path, says: 'is not a known key', hint });
  }
}

/** What is right for itself and wrong together. */
function checkTogether(config: RemoteConfig, at: string, name: string, trust: RemotesTrust, faults: FaultList): void {
  const given = (keys: readonly string[]): string[] => keys.filter((key) => key in config);
  const isFolderOrSite = config.path !== undefined || config.url !== undefined;
  if (config.path !== undefined && config.url !== undefined) {
    faults.push({ path: at, says: 'has both path and url: expected one of them' });
  } else if (isFolderOrSite) {
    const others = given(KEYS.filter((key) => !COMMON_KEYS.includes(key)));
    const kind = config.path === undefined ? 'an address' : 'a folder';
    if (others.length > 0) faults.push({ path: at, says: `${kind} has no ${others.join(', ')}` });
  } else if (config.provider === undefined && config.endpoint === undefined && !BUILT_IN.includes(name)) {
    faults.push({ path: at, says: 'expected a path, a url, a provider or an endpoint' });
  }
  const sources = given(KEY_SOURCES).filter((key) => config[key as keyof RemoteConfig] !== false);
  if (sources.length > 1) faults.push({ path: at, says: `expected one source of the key, got ${sources.join(', ')}` });
  if (config.kmsKeyId !== undefined && config.encryption !== 'aws:kms') {
    faults.push({ path: join(at, 'kmsKeyId'), says: 'goes with "encryption": "aws:kms" only' });
  }
  if (config.credentialProcess === undefined || trust.trusted) return;
  faults.push({
    path: join(at, 'credentialProcess'),
    says: 'is accepted only in a file given with --config or LAKEPACK_CONFIG',
    hint: 'a configuration that was found by itself may have come with somebody else’s data, and must not run commands',
  });
}

/** As `asObject`, but silent about what stands there instead. */
function objectOf(value: unknown, path: string, faults: FaultList): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  faults.push({ path, says: 'expected an object' });
  return {};
}

interface Reader {
  text(key: string, form?: RegExp, expected?: string): string | undefined;
  choice<const T extends string>(key: string, choices: readonly T[]): T | undefined;
  flag(key: string): boolean | undefined;
  fault(key: string, says: string, hint?: string): void;
}

/** No fault repeats a value: it may be a key that was put into the wrong place. */
function reader(fields: Json, at: string, faults: FaultList): Reader {
  function fault(key: string, says: string, hint?: string): void {
    faults.push({ path: join(at, key), says, ...(hint === undefined ? {} : { hint }) });
  }
  /** The value where it is right; what is neither right nor absent is a fault. */
  function right<T>(key: string, isRight: (value: unknown) => value is T, expected: string): T | undefined {
    const value = fields[key];
    if (isRight(value)) return value;
    if (value !== undefined) fault(key, `expected ${expected}`);
    return undefined;
  }
  return {
    fault,
    text: (key, form = /^[^\p{Cc}]+$/u, expected = `a text of 1 to ${MAX_TEXT} characters`) =>
      right(
        key,
        (value): value is string => typeof value === 'string' && value.length <= MAX_TEXT && form.test(value),
        expected,
      ),
    choice: <T extends string>(key: string, choices: readonly T[]) =>
      right(key, (value): value is T => choices.some((one) => one === value), `one of ${choices.join(', ')}`),
    flag: (key) => right(key, (value) => typeof value === 'boolean', 'true or false'),
  };
}

/** An `http(s):` address without user, query and fragment. */
function addressOf(read: Reader, key: 'url' | 'endpoint'): string | undefined {
  const text = read.text(key);
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) read.fault(key, 'expected an https: address');
  else if (url.username !== '' || url.password !== '') {
    read.fault(key, 'holds a user or a password', WHERE_KEYS_BELONG);
  } else if (url.search !== '' || url.hash !== '') read.fault(key, 'has a query or a fragment');
  return text;
}

function prefixOf(read: Reader, at: string, faults: FaultList): string | undefined {
  const text = read.text('prefix')?.replace(/^\/+|\/+$/g, '');
  const fault = text === undefined || text === '' ? undefined : lakePathFault(text);
  if (fault !== undefined) faults.push({ path: join(at, 'prefix'), says: fault });
  return text;
}

const MAX_TAGS = 10;

function tagsOf(value: unknown, at: string, faults: FaultList): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return undefined;
  const path = join(at, 'tags');
  const entries = Object.entries(objectOf(value, path, faults));
  const isTag = ([key, text]: readonly [string, unknown]): boolean =>
    key.length >= 1 && key.length <= 128 && typeof text === 'string' && text.length <= 256;
  if (entries.length > MAX_TAGS) faults.push({ path, says: `expected at most ${MAX_TAGS} tags` });
  if (!entries.every(isTag)) faults.push({ path, says: 'a tag has a key of 1 to 128 letters and a text of up to 256' });
  return Object.fromEntries(entries) as Record<string, string>;
}

function fallbackOf(value: unknown, at: string, faults: FaultList): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.every((one): one is string => typeof one === 'string' && one !== '') && list.length <= 16) return list;
  faults.push({ path: join(at, 'fallback'), says: 'expected a list of up to 16 locations' });
  return undefined;
}
