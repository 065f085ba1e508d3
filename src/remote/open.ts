/**
 * Opens a remote by its location: the one place that knows schemes. A location is a path, a `file:` URL, or (in a later
 * version) a URL of a store or the name of one.
 */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { LakepackError } from '../base/errors.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import { syncFolder } from './file-flush.js';
import { openFileRemote } from './file.js';
import { readOnly } from './read-only.js';
import type { Remote } from './remote.js';

export interface OpenRemoteOptions {
  /** `read`: the folder must be there, and the remote refuses to write. `write`: the folder is made. */
  readonly mode: 'read' | 'write';
}

/** @throws USAGE, ARCHIVE_UNSUPPORTED, NOT_FOUND, TARGET_CONFLICT, PERMISSION_DENIED, DISK_FULL, REMOTE_UNAVAILABLE. */
export async function openRemote(location: string, options: OpenRemoteOptions): Promise<Remote> {
  const folder = folderOf(location);
  if (options.mode === 'write') await makeFolder(folder);
  else await requireFolder(folder);
  const remote = openFileRemote(folder);
  return options.mode === 'write' ? remote : readOnly(remote);
}

/**
 * The folder a location means, as it was written. Pure. A scheme has two letters or more: one letter is a Windows
 * drive. @throws USAGE, ARCHIVE_UNSUPPORTED.
 */
export function folderOf(location: string): string {
  if (location === '' || location.includes('\0')) {
    throw new LakepackError('USAGE', `archive: ${JSON.stringify(location)} is not a location`, {
      hint: 'give a folder, or a file: URL',
    });
  }
  const scheme = /^([a-z][a-z0-9+._-]+):/i.exec(location)?.[1]?.toLowerCase();
  if (scheme === undefined) return location;
  if (scheme === 'file') return folderOfUrl(location);
  throw unsupported(scheme);
}

/** `file:///x`, `file:/x`, `file://localhost/x`, and `file:x` relative to the working folder. */
function folderOfUrl(location: string): string {
  try {
    const url = /^file:[/\\]/i.test(location)
      ? new URL(location)
      : new URL(location.slice('file:'.length), pathToFileURL(`${path.resolve('.')}${path.sep}`));
    if (url.search !== '' || url.hash !== '') throw new TypeError('it has a query or a fragment');
    return fileURLToPath(url);
  } catch (error) {
    throw new LakepackError('USAGE', `archive: ${JSON.stringify(location)} does not name a folder`, {
      cause: error,
      hint: 'write file:///absolute/folder, file:relative/folder, or just the path; %, ? and # must be escaped in a URL',
    });
  }
}

/** Names the scheme only: what follows it may hold a password. */
function unsupported(scheme: string): LakepackError {
  return new LakepackError(
    'ARCHIVE_UNSUPPORTED',
    `archive: ${scheme}: cannot be opened: this version reads and writes folders`,
    { hint: `give a folder or a file: URL; a folder whose name begins so is written ./${scheme}:…`, retryable: false },
  );
}

async function requireFolder(folder: string): Promise<void> {
  const found = await onDisk(folder, () => unlessAbsent(() => stat(folder)));
  if (found === undefined) {
    throw new LakepackError('NOT_FOUND', `${folder}: there is no such archive`, {
      hint: 'check the path, and that the disk is mounted; packing into it makes it',
    });
  }
  if (!found.isDirectory()) throw notAFolder(folder, 'NOT_FOUND');
}

async function makeFolder(folder: string): Promise<void> {
  const found = await onDisk(folder, () => unlessAbsent(() => stat(folder)));
  if (found?.isDirectory() === true) return;
  if (found !== undefined) throw notAFolder(folder, 'TARGET_CONFLICT');
  const topmost = await onDisk(folder, () => mkdir(folder, { recursive: true }));
  if (topmost !== undefined) await syncFoldersAbove(path.resolve(folder), path.resolve(topmost));
}

/** The names of the new folders stand in the folders above them: those are made durable at once, they are few. */
async function syncFoldersAbove(folder: string, topmost: string): Promise<void> {
  for (let above = path.dirname(folder); above.length >= path.dirname(topmost).length; above = path.dirname(above)) {
    await syncFolder(above);
    if (above === path.dirname(above)) return;
  }
}

function notAFolder(folder: string, code: 'NOT_FOUND' | 'TARGET_CONFLICT'): LakepackError {
  return new LakepackError(code, `${folder}: an archive is a folder, this is a file`, {
    hint: 'a lone bundle is given to verify and unpack as a bundle file',
  });
}
