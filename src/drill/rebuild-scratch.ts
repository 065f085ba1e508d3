/** The folder a rebuild works in, and what stands in it. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { openScratchFolder, type ScratchFolder } from '../base/scratch-folder.js';
import { onDisk } from '../base/system-errors.js';

export interface RebuildScratch extends ScratchFolder {
  /** Where exports are restored. */
  readonly lake: string;
  /** For what does not fit into memory. */
  readonly tmp: string;
}

/** @param base a folder; made where it is missing. @throws DISK_FULL, PERMISSION_DENIED. */
export async function openRebuildScratch(base: string): Promise<RebuildScratch> {
  const scratch = await openScratchFolder(base);
  const [lake, tmp] = [path.join(scratch.folder, 'lake'), path.join(scratch.folder, 'tmp')];
  await onDisk(scratch.folder, async () => {
    await mkdir(lake);
    await mkdir(tmp);
  });
  return { ...scratch, lake, tmp };
}
