/** The remotes that have a name: those that everybody knows and those of a configuration. Asks nobody, shows no key. */
import type { RemoteContext } from '../remote/location.js';
import { BUILT_IN_NAMES, isBuiltIn, builtInOf, keysOfPrefix, variablesOf, type KeyFacts } from '../remote/named.js';
import { profileOf } from '../remote/providers/profiles.js';
import type { RemoteConfig } from '../schema/remote-config.js';

export interface NamedRemote {
  readonly name: string;
  /** Where it was defined. */
  readonly from: 'environment' | 'configuration';
  readonly kind: 'folder' | 'https' | 's3';
  /** As people write it: `Cloudflare R2`; absent for folders and addresses. */
  readonly provider?: string;
  /** The folder, the address, or the endpoint and bucket as far as they are known. */
  readonly where: string;
  /** Names of the variables, or the profile, that the key comes from; never a key. */
  readonly keyFrom?: string;
  /** `chain`: one of the sources of the AWS chain may have one. */
  readonly key: 'set' | 'missing' | 'chain' | 'command' | 'none needed';
  /** Variables that are not set and would have to be; empty where it can be used. */
  readonly missing: readonly string[];
  readonly fallback: readonly string[];
}

export interface RemoteListing {
  readonly remotes: readonly NamedRemote[];
}

export function listRemotes({ environment, remotes }: RemoteContext): RemoteListing {
  const names = [...new Set([...BUILT_IN_NAMES, ...remotes.keys()])].sort();
  return {
    remotes: names.map((name) => {
      const config = remotes.get(name);
      const from = config === undefined ? 'environment' : 'configuration';
      return { name, from, fallback: config?.fallback ?? [], ...placeOf(name, config ?? {}, environment) };
    }),
  };
}

type Place = Omit<NamedRemote, 'name' | 'from' | 'fallback'>;

function placeOf(name: string, config: RemoteConfig, environment: RemoteContext['environment']): Place {
  const { path: folder, url } = config;
  if (folder !== undefined) return { kind: 'folder', where: folder, key: 'none needed', missing: [] };
  if (url !== undefined) return { kind: 'https', where: url, key: 'none needed', missing: [] };
  const builtIn = isBuiltIn(name) ? name : builtInOf(config.provider);
  const variables = variablesOf(builtIn, environment, config.region);
  const endpoint = config.endpoint ?? variables.endpoint;
  const bucket = config.bucket ?? (isBuiltIn(name) ? variables.bucket : undefined);
  const keys = keysOf(config, variables, environment);
  const provider = profileOf(config.provider ?? (isBuiltIn(name) ? name : 'generic'));
  return {
    kind: 's3',
    provider: provider.label,
    where: [endpoint ?? config.region ?? variables.region ?? '', bucket, config.prefix].filter(Boolean).join('/'),
    ...keys,
    missing: [...(endpoint === undefined ? variables.missingEndpoint : []), ...keys.missing],
  };
}

/** What is said of a key without saying it. */
type KeySource = Pick<NamedRemote, 'keyFrom' | 'key' | 'missing'>;

function keysOf(config: RemoteConfig, variables: KeyFacts, environment: RemoteContext['environment']): KeySource {
  if (config.anonymous === true) return { key: 'none needed', missing: [] };
  if (config.credentialProcess !== undefined) return { keyFrom: 'credentialProcess', key: 'command', missing: [] };
  if (config.profile !== undefined) return { keyFrom: `the AWS profile ${config.profile}`, key: 'chain', missing: [] };
  const facts = config.environment === undefined ? variables : keysOfPrefix(config.environment, environment);
  const key = facts.credentials === undefined ? 'missing' : facts.credentials.type === 'chain' ? 'chain' : 'set';
  return { keyFrom: facts.credentialsFrom, key, missing: facts.missingKeys };
}
