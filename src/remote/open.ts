/**
 * Opens a remote by its location: a path, a `file:` URL, `s3://bucket/prefix`, `NAME:prefix` of the environment or a
 * configuration, or `https://…`. What stands for a network is loaded only when it is asked for, and opening one makes
 * no request.
 */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { LakepackError } from '../base/errors.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import { syncFolder } from './file-flush.js';
import { openFileRemote } from './file.js';
import type { RemoteLocation } from './location.js';
import { readOnly } from './read-only.js';
import type { Remote } from './remote.js';
import { resolveRemote } from './resolve.js';
import { DEFAULT_S3_TIMEOUTS, type S3Settings, type S3Timeouts } from './s3-settings.js';

export { folderAt } from './resolve.js';

export interface OpenRemoteOptions {
  /** `read`: a folder must be there, and the remote refuses to write. `write`: a folder is made. */
  readonly mode: 'read' | 'write';
  /** Of remotes behind a network. Default `DEFAULT_S3_TIMEOUTS`. */
  readonly timeouts?: S3Timeouts;
}

/**
 * @throws USAGE, ARCHIVE_UNSUPPORTED, NOT_FOUND, TARGET_CONFLICT, PERMISSION_DENIED, DISK_FULL, REMOTE_UNAVAILABLE,
 * REMOTE_MISCONFIGURED, CREDENTIALS_INVALID.
 */
export async function openRemote(location: string | RemoteLocation, options: OpenRemoteOptions): Promise<Remote> {
  const { mode, timeouts = DEFAULT_S3_TIMEOUTS } = options;
  const place = resolveRemote(location, timeouts);
  switch (place.kind) {
    case 'folder':
      return await openFolder(place.folder, mode);
    case 'https':
      return await openAddress(place.base, mode, timeouts);
    case 's3':
      return await openStore(place.settings, mode);
  }
}

async function openFolder(folder: string, mode: OpenRemoteOptions['mode']): Promise<Remote> {
  if (mode === 'write') await makeFolder(folder);
  else await requireFolder(folder);
  const remote = openFileRemote(folder);
  return mode === 'write' ? remote : readOnly(remote);
}

async function openStore(settings: S3Settings, mode: OpenRemoteOptions['mode']): Promise<Remote> {
  const [{ openS3Remote }, { withRetry }] = await Promise.all([import('./s3.js'), import('./with-retry.js')]);
  const remote = withRetry(openS3Remote(settings));
  return mode === 'write' ? remote : readOnly(remote);
}

async function openAddress(base: string, mode: OpenRemoteOptions['mode'], timeouts: S3Timeouts): Promise<Remote> {
  if (mode === 'write') {
    throw new LakepackError('ARCHIVE_UNSUPPORTED', `${base}: an address can only be read`, {
      hint: 'write into the bucket behind it: s3://bucket/prefix or a named remote',
      retryable: false,
    });
  }
  const [{ openHttpsRemote }, { withRetry }] = await Promise.all([import('./https.js'), import('./with-retry.js')]);
  return withRetry(openHttpsRemote(base, timeouts));
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
