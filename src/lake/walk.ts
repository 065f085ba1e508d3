/**
 * Walks a lake in the byte order of full lake paths and says what is there: files, empty folders, and findings for
 * what is left out or warned of. It reads names and facts, never content, and follows no link below the root.
 *
 * Memory: the names of the folders from the root to where the walk stands, and nothing else.
 */
import fs from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LakepackError, systemErrorCode, throwIfAborted } from '../base/errors.js';
import { showPath } from '../base/paths.js';
import { mayHoldArchiveOwn } from './archive-own.js';
import type { SourceEntry } from './contract.js';
import {
  changedKindFinding,
  specialFileFinding,
  unreadableFinding,
  type SpecialKind,
  type UnsupportedPolicy,
} from './file-policy.js';
import {
  childOf,
  diskPathOf,
  listFolder,
  stepOf,
  type Listing,
  type ListingOptions,
  type PlacedFinding,
} from './folder-listing.js';

export type WalkItem =
  { readonly type: 'entry'; readonly entry: SourceEntry } | ({ readonly type: 'finding' } & PlacedFinding);

export interface WalkOptions extends ListingOptions {
  readonly signal: AbortSignal | undefined;
}

const STEPS_PER_TURN = 512;

/**
 * Yields every wanted file and empty folder, sorted by path bytes; the findings about names come where their folder is
 * entered. A folder is empty when nothing at all stands in it. A file that vanishes while the walk goes on was
 * never there. What lakepack wrote (`archive-own.ts`) is not seen, nor are empty folders in the folders it writes to.
 *
 * Throws NOT_FOUND or LAKE_UNREADABLE for the root itself, INTERRUPTED.
 */
export async function* walkLake(root: string, options: WalkOptions): AsyncGenerator<WalkItem> {
  for await (const items of walkLakeInBatches(root, options)) yield* items;
}

/** The same items, some at a time: a promise for each costs more than finding it. */
export async function* walkLakeInBatches(root: string, options: WalkOptions): AsyncGenerator<readonly WalkItem[]> {
  assertLake(root);
  throwIfAborted(options.signal);
  let items: WalkItem[] = [];
  let steps = 0;
  for (const item of walkFolders(root, options)) {
    if (item !== undefined) items.push(item);
    if (++steps % STEPS_PER_TURN > 0) continue;
    yield items;
    items = [];
    // Sync calls are several times faster than a promise for each file; here the event loop gets its turn.
    await nextTurn();
    throwIfAborted(options.signal);
  }
  yield items;
}

function assertLake(root: string): void {
  try {
    fs.accessSync(root, fs.constants.R_OK | fs.constants.X_OK);
    if (fs.statSync(root).isDirectory()) return;
  } catch (cause) {
    const code = systemErrorCode(cause) === 'ENOENT' ? 'NOT_FOUND' : 'LAKE_UNREADABLE';
    const got = systemErrorCode(cause) ?? 'an error';
    throw new LakepackError(code, `${showPath(root)}: cannot be read: expected a folder, got ${got}`, { cause });
  }
  throw new LakepackError('LAKE_UNREADABLE', `${showPath(root)}: is not a lake: expected a folder, got a file`);
}

/** A folder on the way from the root to where the walk stands. */
interface Level {
  readonly folder: string;
  readonly listing: Listing;
  next: number;
  /** What a probe has listed already, by name. */
  readonly probed: Map<string, Listing>;
}

/** Undefined stands for a step without an item, so that a long barren stretch can be interrupted too. */
function* walkFolders(root: string, options: WalkOptions): Generator<WalkItem | undefined> {
  const levels = [enter('', listFolder(root, '', options))];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    if (level.next === 0) yield* level.listing.findings.map((placed) => ({ type: 'finding', ...placed }) as const);
    const key = level.listing.keys[level.next++];
    if (key === undefined) {
      levels.pop();
      continue;
    }
    const { type, name } = stepOf(key);
    const lakePath = childOf(level.folder, name);
    if (type === 'file') {
      yield lookAt(root, lakePath, 'file', options.unsupported);
      continue;
    }
    const listing = level.probed.get(name) ?? listFolder(root, lakePath, options);
    if (listing.isEmpty) yield emptyFolder(root, lakePath, options.unsupported);
    if (type === 'folder') levels.push(enter(lakePath, listing));
    // An empty folder was yielded by its probe: it must not be so again.
    if (type === 'probe') level.probed.set(name, { ...listing, isEmpty: false });
    else level.probed.delete(name);
  }
}

function enter(folder: string, listing: Listing): Level {
  return { folder, listing, next: 0, probed: new Map() };
}

function emptyFolder(root: string, lakePath: string, unsupported: UnsupportedPolicy): WalkItem | undefined {
  return mayHoldArchiveOwn(lakePath) ? undefined : lookAt(root, lakePath, 'directory', unsupported);
}

/** Undefined where the thing has vanished since its folder was listed. */
function lookAt(
  root: string,
  lakePath: string,
  type: SourceEntry['type'],
  unsupported: UnsupportedPolicy,
): WalkItem | undefined {
  const isFolder = type === 'directory';
  try {
    const stats = fs.lstatSync(diskPathOf(root, lakePath), { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (stats.isFile() && !isFolder) return { type: 'entry', entry: entryOf(lakePath, type, stats) };
    if (stats.isDirectory() && isFolder) return { type: 'entry', entry: entryOf(lakePath, type, stats) };
    const isPlain = stats.isFile() || stats.isDirectory();
    const finding = isPlain ? changedKindFinding(lakePath) : specialFileFinding(lakePath, kindOf(stats), unsupported);
    return { type: 'finding', finding, isFolder };
  } catch (error) {
    return { type: 'finding', finding: unreadableFinding(lakePath, error), isFolder };
  }
}

function entryOf(path: string, type: SourceEntry['type'], stats: fs.BigIntStats): SourceEntry {
  const isFile = type === 'file';
  const executable = isFile && (stats.mode & 0o111n) !== 0n;
  return { path, type, bytes: isFile ? Number(stats.size) : 0, mtimeNs: stats.mtimeNs, executable };
}

function kindOf(stats: fs.BigIntStats): SpecialKind {
  if (stats.isSymbolicLink()) return 'symbolic link';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return stats.isBlockDevice() || stats.isCharacterDevice() ? 'device' : 'unknown kind of file';
}
