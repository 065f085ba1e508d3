/**
 * The named remotes of a configuration file. It answers for paths in it being meant from where the file stands; which
 * file is read, and whether it is trusted, is the caller's decision.
 */
import path from 'node:path';
import { LakepackError } from '../base/errors.js';
import type { RemoteConfig } from '../schema/remote-config.js';
import { readConfigText } from './config-text.js';
import { asObject, checkKeys, type FaultList, invalid, parseJson } from './json-fields.js';
import { ROOT_KEYS } from './parse-lake-config.js';
import { type RemotesTrust, remotesOf } from './parse-remotes.js';

export type { RemotesTrust } from './parse-remotes.js';

export type NamedRemotes = ReadonlyMap<string, RemoteConfig>;

/**
 * Undefined when there is no such file and it is not trusted; one that was named on purpose must be there.
 * @throws CONFIG_INVALID with every fault, NOT_FOUND, PERMISSION_DENIED, REMOTE_UNAVAILABLE.
 */
export async function readRemotes(file: string, trust: RemotesTrust): Promise<NamedRemotes | undefined> {
  const text = await readConfigText(file, file);
  if (text !== undefined) return parseRemotes(text, file, trust);
  if (!trust.trusted) return undefined;
  throw new LakepackError('NOT_FOUND', `${file}: there is no such configuration`, {
    hint: 'it was named with --config or LAKEPACK_CONFIG',
  });
}

/** @param file what paths in it are relative to the folder of; also how it is called in messages. */
export function parseRemotes(text: string, file: string, trust: RemotesTrust): NamedRemotes {
  const faults: FaultList = [];
  const root = asObject(parseJson(text, file), '', faults);
  checkKeys(root, '', ROOT_KEYS, faults);
  const remotes = remotesOf(root['remotes'], trust, faults);
  if (faults.length > 0) throw invalid(file, faults);
  return new Map([...remotes].map(([name, config]) => [name, fromFolder(config, path.dirname(file))]));
}

function fromFolder(config: RemoteConfig, folder: string): RemoteConfig {
  return config.path === undefined ? config : { ...config, path: path.resolve(folder, config.path) };
}
