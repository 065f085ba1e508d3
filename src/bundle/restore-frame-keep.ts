/** A job: what of some files an interrupted restore has left right. Their bytes are hashed; nothing else is believed. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, futimesSync, lstatSync, openSync, readFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { platform } from 'node:os';
import { FRAME_MAX_TAR_BYTES, MIB } from '../base/limits.js';
import { toDiskPath } from '../base/paths.js';
import { sha256Of } from '../base/sha256.js';
import { fromSystemError, unlessAbsent } from '../base/system-errors.js';
import { diskTime, type FileRow } from './restore-frame-file.js';

export interface FilesToKeep {
  /** Disk path of the staging folder. */
  readonly root: string;
  /** JSON of {@link FileRow}s. */
  readonly rows: string;
}

const READ_BYTES = 1 * MIB;
/** Windows syncs only what is open for writing. */
const FLAGS = platform() === 'win32' ? 'r+' : 'r';

/** Resolves with the places, among the rows, of the files that are right. They have their times then, and are synced. */
export async function keepFiles({ root, rows }: FilesToKeep): Promise<number[]> {
  const kept: number[] = [];
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (const [index, row] of (JSON.parse(rows) as FileRow[]).entries()) {
    const disk = toDiskPath(root, row[0]);
    try {
      if (await keepFile(disk, row, buffer)) kept.push(index);
    } catch (error) {
      throw fromSystemError(error, disk);
    }
  }
  return kept;
}

async function keepFile(disk: string, row: FileRow, buffer: Buffer): Promise<boolean> {
  const stats = await unlessAbsent(async () => lstatSync(disk, { throwIfNoEntry: false }));
  if (stats?.isFile() !== true || stats.size !== row[2]) return false;
  return stats.size <= FRAME_MAX_TAR_BYTES ? keepSmall(disk, row) : await keepLarge(disk, row, buffer);
}

function keepSmall(disk: string, [, , , sha256, mtime]: FileRow): boolean {
  const fd = openSync(disk, FLAGS);
  try {
    if (sha256Of(readFileSync(fd)) !== sha256) return false;
    const time = diskTime(mtime);
    futimesSync(fd, time, time);
    fsyncSync(fd);
    return true;
  } finally {
    closeSync(fd);
  }
}

async function keepLarge(disk: string, [, , , sha256, mtime]: FileRow, buffer: Buffer): Promise<boolean> {
  const handle = await open(disk, FLAGS);
  try {
    if ((await sha256OfHandle(handle, buffer)) !== sha256) return false;
    const time = diskTime(mtime);
    await handle.utimes(time, time);
    await handle.sync();
    return true;
  } finally {
    await handle.close();
  }
}

async function sha256OfHandle(handle: FileHandle, buffer: Buffer): Promise<string> {
  const hash = createHash('sha256');
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(buffer.subarray(0, bytesRead));
  }
}
