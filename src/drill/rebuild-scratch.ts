/**
 * The folder a rebuild works in: made by it, told by its name and a marker file, removed after. What killed ones left
 * beside it is removed too, when their process is gone.
 */
import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isLakepackError } from '../base/errors.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import { isAbandoned, newTemporaryId } from '../remote/temporary-name.js';

const PREFIX = 'lakepack-rebuild-';
const MARKER = '.lakepack-rebuild';

export interface RebuildScratch {
  readonly folder: string;
  /** Where exports are restored. */
  readonly lake: string;
  /** For what does not fit into memory. */
  readonly tmp: string;
  remove(): Promise<void>;
}

/** @param base a folder; made where it is missing. @throws DISK_FULL, PERMISSION_DENIED. */
export async function openRebuildScratch(base: string): Promise<RebuildScratch> {
  const folder = path.join(base, `${PREFIX}${newTemporaryId()}`);
  const [lake, tmp] = [path.join(folder, 'lake'), path.join(folder, 'tmp')];
  await onDisk(folder, async () => {
    await mkdir(base, { recursive: true });
    await removeAbandoned(base);
    // Nobody else reads what was in an archive that they may have no right to.
    await mkdir(folder, { mode: 0o700 });
    await writeFile(path.join(folder, MARKER), markerOf(folder), { flag: 'wx' });
    await mkdir(lake);
    await mkdir(tmp);
  });
  return { folder, lake, tmp, remove: () => onDisk(folder, () => rm(folder, { recursive: true, force: true })) };
}

async function removeAbandoned(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    const folder = path.join(base, name);
    if (name.startsWith(PREFIX) && (await isLeftOver(folder))) {
      // Another's leftover in a shared folder stays: it is theirs to remove.
      await onDisk(folder, () => rm(folder, { recursive: true, force: true })).catch(unlessDenied);
    }
  }
}

async function isLeftOver(folder: string): Promise<boolean> {
  const stats = await unlessAbsent(() => lstat(folder));
  if (stats?.isDirectory() !== true) return false;
  const id = path.basename(folder).slice(PREFIX.length);
  if (!isAbandoned(`.rebuild.${id}.partial`, stats.mtimeMs, Date.now(), false)) return false;
  return (await readMarker(folder)) === markerOf(folder);
}

/** Undefined where it cannot be read either. */
async function readMarker(folder: string): Promise<string | undefined> {
  try {
    return await onDisk(folder, () => unlessAbsent(() => readFile(path.join(folder, MARKER), 'utf8')));
  } catch (error) {
    unlessDenied(error);
    return undefined;
  }
}

function markerOf(folder: string): string {
  return `${path.basename(folder)}\n`;
}

function unlessDenied(error: unknown): void {
  if (!isLakepackError(error, 'PERMISSION_DENIED')) throw error;
}
