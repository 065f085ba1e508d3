/**
 * Where an object of a folder archive is on this disk, and what becomes of folders without objects. It answers for no
 * key reaching a temporary file.
 */
import { rmdir } from 'node:fs/promises';
import path from 'node:path';
import { LakepackError, systemErrorCode } from '../base/errors.js';
import { toDiskPath } from '../base/paths.js';
import { isTemporaryName } from '../base/temporary-name.js';

/** @throws PATH_UNSAFE for what is no lake path, and for a name that is kept for temporaries. */
export function objectPath(root: string, key: string): string {
  const disk = toDiskPath(root, key);
  if (!isTemporaryName(path.basename(disk))) return disk;
  throw new LakepackError('PATH_UNSAFE', `${root}: the key ${JSON.stringify(key)} has the name of a temporary file`);
}

/**
 * Folders that a deletion leaves empty go too, but never the top one (`exports`, `manifests`): in a lake it may be
 * the user's own, and empty folders are data.
 */
export async function removeEmptyFolders(root: string, key: string): Promise<void> {
  const segments = key.split('/').slice(0, -1);
  for (let depth = segments.length; depth > 1; depth -= 1) {
    try {
      await rmdir(path.join(root, ...segments.slice(0, depth)));
    } catch (error) {
      // Not empty, a link, a mount, not permitted: an empty folder means nothing in an archive, so it may stay.
      if (systemErrorCode(error) !== 'ENOENT') return;
    }
  }
}
