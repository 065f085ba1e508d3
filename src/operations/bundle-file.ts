/** Opens a bundle file that was given by its path, for whoever verifies, restores or measures it by itself. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { LakepackError } from '../base/errors.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import { openFileSource, type ByteSource } from '../bundle/byte-source.js';

/** Throws NOT_FOUND, USAGE for a folder or a pipe that would be waited for, PERMISSION_DENIED. */
export async function openBundleFile(file: string): Promise<ByteSource> {
  const stats = await onDisk(file, () => unlessAbsent(() => stat(file)));
  if (stats === undefined) throw new LakepackError('NOT_FOUND', `${file}: there is no such file`);
  if (!stats.isFile()) throw new LakepackError('USAGE', `${file}: is no regular file: expected a bundle file`);
  return await onDisk(file, () => openFileSource(file, path.basename(file)));
}
