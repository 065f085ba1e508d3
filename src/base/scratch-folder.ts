/**
 * A folder that one run works in: made by it, told by its name and a marker file, removed after it. What killed runs left
 * beside it is removed too, when their process is gone. Nothing without the marker is ever touched.
 */
import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isLakepackError } from './errors.js';
import { onDisk, unlessAbsent } from './system-errors.js';
import { isAbandoned, newTemporaryId } from './temporary-name.js';

const PREFIX = 'lakepack-scratch-';
const MARKER = '.lakepack-scratch';

export interface ScratchFolder {
  readonly folder: string;
  /** May be called again. Throws what removing throws. */
  remove(): Promise<void>;
}

/** @param base a folder; made where it is missing. Default: the system's temporary one. @throws DISK_FULL, PERMISSION_DENIED. */
export async function openScratchFolder(base: string = tmpdir()): Promise<ScratchFolder> {
  const folder = path.join(base, `${PREFIX}${newTemporaryId()}`);
  await onDisk(folder, async () => {
    await mkdir(base, { recursive: true });
    await removeAbandoned(base);
    // Nobody else reads what was in an archive that they may have no right to.
    await mkdir(folder, { mode: 0o700 });
    await writeFile(path.join(folder, MARKER), markerOf(folder), { flag: 'wx' });
  });
  return { folder, remove: () => removeMarkedFolder(folder, MARKER) };
}

/** Removes what is in a folder, its marker file last: killed in between, it still says whose it was. One that is gone is none. */
export async function removeMarkedFolder(folder: string, marker: string): Promise<void> {
  await onDisk(folder, async () => {
    const names = (await unlessAbsent(() => readdir(folder))) ?? [];
    const everything = { recursive: true, force: true, maxRetries: 3 };
    for (const name of names) if (name !== marker) await rm(path.join(folder, name), everything);
    await rm(folder, everything);
  });
}

/** Runs with a scratch folder, which is gone afterwards whatever happened. */
export async function inScratchFolder<T>(work: (folder: string) => Promise<T>, base?: string): Promise<T> {
  const scratch = await openScratchFolder(base);
  try {
    return await work(scratch.folder);
  } finally {
    await scratch.remove();
  }
}

async function removeAbandoned(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    const folder = path.join(base, name);
    if (!name.startsWith(PREFIX)) continue;
    try {
      if (await isLeftOver(folder)) await removeMarkedFolder(folder, MARKER);
    } catch (error) {
      // Another's leftover in a shared folder stays: it is theirs to remove.
      if (!isLakepackError(error, 'PERMISSION_DENIED')) throw error;
    }
  }
}

async function isLeftOver(folder: string): Promise<boolean> {
  const stats = await onDisk(folder, () => unlessAbsent(() => lstat(folder)));
  if (stats?.isDirectory() !== true) return false;
  const id = path.basename(folder).slice(PREFIX.length);
  if (!isAbandoned(id, stats.mtimeMs, Date.now(), false)) return false;
  const marker = await onDisk(folder, () => unlessAbsent(() => readFile(path.join(folder, MARKER), 'utf8')));
  return marker === markerOf(folder) || (await isBare(folder, marker));
}

/** Killed between making the folder and its marker: there is nothing in it, or a part of the marker. */
async function isBare(folder: string, marker: string | undefined): Promise<boolean> {
  const names = await onDisk(folder, () => readdir(folder));
  return names.every((name) => name === MARKER) && markerOf(folder).startsWith(marker ?? '');
}

function markerOf(folder: string): string {
  return `${path.basename(folder)}\n`;
}
