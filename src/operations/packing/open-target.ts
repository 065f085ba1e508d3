/**
 * Opens the archive that a pack writes to, and says which one it is: by a name that is the same however the archive
 * was spelled, since a lock and a journal hang on it.
 */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { Archive, archiveAt, showPlace, type ArchivePlace } from '../../archive/archive.js';
import { isLakepackError, LakepackError } from '../../base/errors.js';
import { onDisk, unlessAbsent } from '../../base/system-errors.js';
import { isFileRemote, openFileRemote } from '../../remote/file.js';
import { folderAt } from '../../remote/open.js';
import { readOnly } from '../../remote/read-only.js';
import type { PackSettings } from './pack-settings.js';

/**
 * A dry run makes no folder: an archive that is not there is read as an empty one.
 * Throws USAGE for an archive inside the lake, and as `openArchive`.
 */
export async function openTarget({ lake, to, dryRun }: PackSettings): Promise<Archive> {
  await assertOutside(lake, to);
  if (!dryRun) return await archiveAt(to, { mode: 'write' });
  try {
    return await archiveAt(to, { mode: 'read' });
  } catch (error) {
    const folder = to instanceof Archive ? undefined : folderAt(to);
    if (!isLakepackError(error, 'NOT_FOUND') || folder === undefined) throw error;
    return new Archive(readOnly(openFileRemote(folder)));
  }
}

/** One name for one archive: `./archive`, its absolute path and a link to it are the same. */
export async function targetName({ remote }: Archive): Promise<string> {
  return isFileRemote(remote) ? await physicalPath(remote.folder) : remote.identity;
}

/** An archive below the lake would be packed with it, again and again. The lake itself knows what is its own. */
async function assertOutside(lake: string, to: ArchivePlace): Promise<void> {
  const folder = to instanceof Archive ? folderOfOpen(to) : folderAt(to);
  if (folder === undefined) return;
  const physical = await onDisk(folder, () => physicalPath(folder));
  if (!physical.startsWith(`${lake}${path.sep}`)) return;
  throw new LakepackError('USAGE', `${showPlace(to)}: the archive is inside the lake, and would be packed with it`, {
    hint: 'leave out --to: the lake is an archive itself; or give a folder outside of it',
  });
}

function folderOfOpen({ remote }: Archive): string | undefined {
  return isFileRemote(remote) ? remote.folder : undefined;
}

/** Absolute, the links of what is there resolved. */
async function physicalPath(folder: string): Promise<string> {
  const absolute = path.resolve(folder);
  const found = await unlessAbsent(() => realpath(absolute));
  if (found !== undefined || absolute === path.dirname(absolute)) return found ?? absolute;
  return path.join(await physicalPath(path.dirname(absolute)), path.basename(absolute));
}
