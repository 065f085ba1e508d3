/**
 * Lists the files of a lake for whoever makes tables of them: lake paths, as a pack would find them. What lakepack
 * itself wrote, and what a bundle cannot hold (links, sockets, names that are not UTF-8), is left out.
 */
import { LakepackError } from '../base/errors.js';
import { readFolder } from '../lake/folder-listing.js';
import { walkLake } from '../lake/walk.js';

/**
 * Lake paths sorted by their bytes.
 * @param folder the lake's folder on this disk.
 * @throws NOT_FOUND, LAKE_UNREADABLE (also for a folder in it: a table made without it would look whole), INTERRUPTED.
 */
export async function listLakeFiles(folder: string, signal: AbortSignal): Promise<readonly string[]> {
  const files: string[] = [];
  const walk = walkLake(folder, { unsupported: 'skip', signal, wants: () => true, listFolder: readFolder });
  for await (const item of walk) {
    if (item.type === 'entry') {
      if (item.entry.type === 'file') files.push(item.entry.path);
    } else if (item.finding.severity === 'error') {
      const { message, repair } = item.finding;
      throw new LakepackError('LAKE_UNREADABLE', message, { ...(repair !== undefined && { hint: repair }) });
    }
  }
  return files;
}
