/** A job: makes the names in folders durable. By synchronous calls: on a thread they cost least. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { platform } from 'node:os';
import { systemErrorCode } from '../base/errors.js';
import { fromSystemError } from '../base/system-errors.js';

/** What a file system that cannot sync a folder answers; it then has no separate folder to lose. */
const NO_FOLDER_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** @param input disk paths. Throws the error of the first folder that could not be synced, if it could be. */
export function syncFolders({ folders }: { readonly folders: readonly string[] }): void {
  // Windows has no such call.
  if (platform() === 'win32') return;
  for (const folder of folders) {
    try {
      syncFolder(folder);
    } catch (error) {
      if (!NO_FOLDER_SYNC.has(systemErrorCode(error) ?? '')) throw fromSystemError(error, folder);
    }
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
