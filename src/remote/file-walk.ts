/**
 * Walks a folder archive in the byte order of keys. It answers for completeness: what cannot be read is an error,
 * and only what no key can name is passed over. Temporaries are told apart, not hidden: a sweep needs them.
 *
 * Links are followed, to folders and to files, because `exports` or one dataset may stand on another disk; a link
 * that leads back into a folder it stands in is passed over: its objects are listed under their own keys.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { throwIfAborted } from '../base/errors.js';
import { comparePathBytes, lakePathFault } from '../base/paths.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import { forEachBounded } from './bounded.js';
import { splitPrefix } from './keys.js';
import { isTemporaryName } from '../base/temporary-name.js';

export interface FoundFile {
  readonly key: string;
  readonly disk: string;
  readonly name: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly isTemporary: boolean;
}

interface Folder {
  /** Key of the folder, `''` for the root. */
  readonly key: string;
  readonly disk: string;
  /** The folders this one stands in, itself last, as the disk knows them. */
  readonly identities: readonly string[];
}

interface Child {
  readonly name: string;
  readonly isFolder: boolean;
  readonly identity: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

const STAT_CONCURRENCY = 16;

/** The regular files whose key begins with `prefix`. @throws PATH_UNSAFE, PERMISSION_DENIED, REMOTE_UNAVAILABLE … */
export async function* walkFiles(
  root: string,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<FoundFile> {
  const { folder, partial } = splitPrefix(prefix, root);
  const start = await enter(root, folder === '' ? [] : folder.split('/'));
  if (start !== undefined) yield* walk(start, partial, signal);
}

/** Follows the folder part of a prefix; undefined when it is not there. */
async function enter(root: string, segments: readonly string[]): Promise<Folder | undefined> {
  const identities: string[] = [];
  let disk = root;
  for (const segment of ['', ...segments]) {
    disk = segment === '' ? root : path.join(disk, segment);
    const found = await onDisk(disk, () => unlessAbsent(() => stat(disk, { bigint: true })));
    if (found?.isDirectory() !== true) return undefined;
    identities.push(identityOf(found));
  }
  return { key: segments.join('/'), disk, identities };
}

async function* walk(folder: Folder, partial: string, signal: AbortSignal | undefined): AsyncGenerator<FoundFile> {
  for (const child of await readFolder(folder, partial, signal)) {
    throwIfAborted(signal);
    const key = keyOf(folder, child.name);
    const disk = path.join(folder.disk, child.name);
    const { name, bytes, modifiedMs, identity } = child;
    if (!child.isFolder) {
      yield { key, disk, name, bytes, modifiedMs, isTemporary: isTemporaryName(name) };
    } else if (!folder.identities.includes(identity)) {
      yield* walk({ key, disk, identities: [...folder.identities, identity] }, '', signal);
    }
  }
}

/** The children that can belong to a key, in key order: a folder sorts as its name and a slash. */
async function readFolder(folder: Folder, partial: string, signal: AbortSignal | undefined): Promise<readonly Child[]> {
  // Whatever is removed by another process while we read has no objects any more.
  const names = (await onDisk(folder.disk, () => unlessAbsent(() => readdir(folder.disk)))) ?? [];
  const wanted = names.filter((name) => belongs(folder, name, partial));
  const children: Child[] = [];
  await forEachBounded(wanted, STAT_CONCURRENCY, async (name) => {
    throwIfAborted(signal);
    const child = await readChild(path.join(folder.disk, name), name);
    if (child !== undefined) children.push(child);
  });
  return children.sort((a, b) => comparePathBytes(sortName(a), sortName(b)));
}

function belongs(folder: Folder, name: string, partial: string): boolean {
  // The name of a temporary begins with a dot and then the name of its object.
  const matches = name.startsWith(partial) || (isTemporaryName(name) && name.startsWith(`.${partial}`));
  return matches && lakePathFault(keyOf(folder, name)) === undefined;
}

async function readChild(disk: string, name: string): Promise<Child | undefined> {
  const found = await onDisk(disk, () => unlessAbsent(() => stat(disk, { bigint: true })));
  if (found === undefined || !(found.isFile() || found.isDirectory())) return undefined;
  return {
    name,
    isFolder: found.isDirectory(),
    identity: identityOf(found),
    bytes: Number(found.size),
    modifiedMs: Number(found.mtimeMs),
  };
}

function identityOf(found: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${found.dev}:${found.ino}`;
}

function keyOf(folder: Folder, name: string): string {
  return folder.key === '' ? name : `${folder.key}/${name}`;
}

function sortName(child: Child): string {
  return child.isFolder ? `${child.name}/` : child.name;
}
