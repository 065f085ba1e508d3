/**
 * Makes what was put durable: files and the folders that name them. It answers for `flush` of a folder archive; what
 * was measured and chosen is in docs/decisions/0040.
 */
import { open } from 'node:fs/promises';
import { platform } from 'node:os';
import path from 'node:path';
import { LakepackError } from '../base/errors.js';
import { cannotSyncFolders, fromSystemError } from '../base/system-errors.js';
import { forEachBounded } from './bounded.js';

const CONCURRENCY = 16;

export interface Durability {
  /** The file at this path must be there after a flush. Names are kept, not handles. */
  add(disk: string): void;
  remove(disk: string): void;
  /** @throws REMOTE_UNAVAILABLE, DISK_FULL …: then nothing since the last flush that succeeded is known to be safe. */
  flush(): Promise<void>;
}

export function openDurability(root: string): Durability {
  let pending = new Set<string>();
  let last: Promise<void> = Promise.resolve();
  async function flushBatch(): Promise<void> {
    const batch = pending;
    pending = new Set();
    await syncFiles(root, batch);
  }
  function flush(): Promise<void> {
    // One after the other: a flush also answers for the one under way. And after a failure every later one fails:
    // the kernel forgets the pages it could not write, so a second fsync would say yes to lost data.
    last = last.then(flushBatch);
    last.catch(() => undefined);
    return last;
  }
  return { add: (disk) => void pending.add(disk), remove: (disk) => void pending.delete(disk), flush };
}

async function syncFiles(root: string, files: ReadonlySet<string>): Promise<void> {
  await forEachBounded(files, CONCURRENCY, (file) => syncFile(root, file));
  await forEachBounded(foldersAbove(root, files), CONCURRENCY, (folder) => syncFolder(folder));
}

/** Every folder from the files up to the root: a killed process may have made one and not have synced it. */
function foldersAbove(root: string, files: ReadonlySet<string>): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const file of files) {
    let folder = path.dirname(file);
    while (folder.length >= root.length && !folders.has(folder)) {
      folders.add(folder);
      folder = path.dirname(folder);
    }
  }
  return folders;
}

async function syncFile(root: string, file: string): Promise<void> {
  try {
    // Windows syncs only what is open for writing.
    await sync(file, platform() === 'win32' ? 'r+' : 'r');
  } catch (error) {
    throw notDurable(error, path.relative(root, file));
  }
}

/** Makes the names in a folder durable, where the system can. @throws REMOTE_UNAVAILABLE … */
export async function syncFolder(folder: string): Promise<void> {
  if (platform() === 'win32') return;
  try {
    await sync(folder, 'r');
  } catch (error) {
    if (cannotSyncFolders(error)) return;
    throw notDurable(error, folder);
  }
}

async function sync(disk: string, flags: string): Promise<void> {
  const handle = await open(disk, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function notDurable(error: unknown, subject: string): LakepackError {
  const { code, message } = fromSystemError(error, subject);
  return new LakepackError(code, `${message}: what was written may not survive a power cut`, {
    cause: error,
    retryable: false,
    hint: 'run the same command again; if it fails again, check the disk',
  });
}
