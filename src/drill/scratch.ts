/**
 * The folder a drill works in: made by it, guarded by a marker file, removed after. Nothing without the marker is ever
 * removed. What a drill makes is written down before it is made (`made-places.ts`), so that the next drill removes what
 * a killed one has left.
 */
import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LakepackError } from '../base/errors.js';
import { removeMarkedFolder } from '../base/scratch-folder.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';

const NAME = /^lakepack-drill-\d{8}T\d{6}Z-[0-9a-f]{8}$/;
const MARKER = '.lakepack-drill';

export interface Scratch {
  readonly folder: string;
  readonly archive: string;
  readonly lake: string;
  readonly stores: string;
  readonly tmp: string;
  readonly state: string;
}

export function scratchOf(base: string, drillId: string): Scratch {
  const folder = path.join(base, `lakepack-drill-${drillId}`);
  const below = (name: string): string => path.join(folder, name);
  return {
    folder,
    archive: below('archive'),
    lake: below('lake'),
    stores: below('stores'),
    tmp: below('tmp'),
    state: below('state'),
  };
}

/** Makes the folder, which must not be there. Throws DISK_FULL, PERMISSION_DENIED, OBJECT_EXISTS. */
export async function makeScratch({ folder, stores, tmp }: Scratch): Promise<void> {
  await onDisk(folder, async () => {
    await mkdir(path.dirname(folder), { recursive: true });
    // Nobody else reads what was in an archive that they may have no right to.
    await mkdir(folder, { mode: 0o700 });
    await writeFile(path.join(folder, MARKER), `${path.basename(folder)}\n`, { flag: 'wx' });
    await mkdir(stores);
    await mkdir(tmp);
  });
}

/** Removes a drill's folder. One that is gone is none; throws INTERNAL for one that no drill made. */
export async function removeScratch(folder: string): Promise<void> {
  const stats = await onDisk(folder, () => unlessAbsent(() => lstat(folder)));
  if (stats === undefined) return;
  const marker = await onDisk(folder, () => unlessAbsent(() => readFile(path.join(folder, MARKER), 'utf8')));
  const isOurs = NAME.test(path.basename(folder)) && stats.isDirectory();
  if (!isOurs || (marker !== `${path.basename(folder)}\n` && !(await isBare(folder, marker)))) {
    throw new LakepackError('INTERNAL', `${folder}: is not the folder of a drill: nothing was removed`);
  }
  await removeMarkedFolder(folder, MARKER);
}

/** Killed between making the folder and its marker: there is nothing in it, or a part of the marker. */
async function isBare(folder: string, marker: string | undefined): Promise<boolean> {
  const names = await readdir(folder);
  return names.every((name) => name === MARKER) && (marker === undefined || marker === '');
}
