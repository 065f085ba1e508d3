/**
 * A word of the command line that names an archive, with what gives names their meaning: the environment and the
 * configuration. It decides which configuration is read and how far it is trusted (docs/decisions/0092).
 */
import path from 'node:path';
import type { ArchiveLocation } from '../archive/contract.js';
import { LAKE_CONFIG_NAME } from '../config/lake-config.js';
import { type NamedRemotes, readRemotes } from '../config/remotes-config.js';
import { schemeOf } from '../remote/folder-location.js';
import type { RemoteContext } from '../remote/location.js';
import type { CommandContext } from './command.js';
import { onDisk } from './selectors.js';

export interface PlaceOptions {
  /** The folder of the lake that the command is about: its configuration is looked at before the working folder's. */
  readonly lake?: string;
  /** Words that name the archives to read from when this one fails. A word may hold several, with commas. */
  readonly fallback?: readonly string[];
}

type PlaceContext = Pick<CommandContext, 'args' | 'io'>;

/** Where a word says that an archive is. @throws CONFIG_INVALID, NOT_FOUND, PERMISSION_DENIED. */
export async function archivePlace(
  word: string,
  context: PlaceContext,
  options: PlaceOptions = {},
): Promise<ArchiveLocation> {
  const fallback = options.fallback?.flatMap((one) => one.split(',')).filter((one) => one !== '');
  const words = [word, ...(fallback ?? [])];
  const remotes = words.some(isNamed) || isConfigured(context) ? await namedRemotes(context, options) : new Map();
  return {
    location: locationOf(word, context),
    context: { environment: context.io.env, remotes },
    ...(fallback === undefined ? {} : { fallback: fallback.map((one) => locationOf(one, context)) }),
  };
}

/** As `archivePlace`, for a word that may be absent. */
export async function archivePlaceIfGiven(
  word: string | undefined,
  context: PlaceContext,
  options: PlaceOptions = {},
): Promise<ArchiveLocation | undefined> {
  return word === undefined ? undefined : await archivePlace(word, context, options);
}

/** All named remotes, and the environment. For commands that are about remotes. */
export async function remoteContext(context: PlaceContext, options: PlaceOptions = {}): Promise<RemoteContext> {
  return { environment: context.io.env, remotes: await namedRemotes(context, options) };
}

/** A folder as it is reached from the command line's working folder; every other location as it is. */
function locationOf(word: string, { io }: PlaceContext): string {
  return schemeOf(word) === undefined ? onDisk(word, io.cwd) : word;
}

/** True for what only a configuration or the environment gives a meaning: a broken file that nobody needs is not read. */
function isNamed(word: string): boolean {
  const scheme = schemeOf(word);
  return scheme !== undefined && !['file', 'http', 'https', 's3'].includes(scheme);
}

function isConfigured({ args, io }: PlaceContext): boolean {
  return (args.text('config') ?? io.env['LAKEPACK_CONFIG'] ?? '') !== '';
}

/** One that was named on purpose is the only one, and trusted. Otherwise the first that is found and names a remote. */
async function namedRemotes({ args, io }: PlaceContext, { lake }: PlaceOptions): Promise<NamedRemotes> {
  const chosen = args.text('config') ?? io.env['LAKEPACK_CONFIG'] ?? '';
  if (chosen !== '') return (await readRemotes(onDisk(chosen, io.cwd), { trusted: true })) ?? new Map();
  const folders = [...(lake === undefined ? [] : [onDisk(lake, io.cwd)]), io.cwd];
  for (const folder of folders) {
    const found = await readRemotes(path.join(folder, LAKE_CONFIG_NAME), { trusted: false });
    if (found !== undefined && found.size > 0) return found;
  }
  return new Map();
}
