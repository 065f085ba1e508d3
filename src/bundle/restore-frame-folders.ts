/** A job: makes the names in folders durable. By synchronous calls: on a thread they cost least. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { platform } from 'node:os';
import { cannotSyncFolders, fromSystemError } from '../base/system-errors.js';

/** @param input disk paths. Throws the error of the first folder that could not be synced, if it could be. */
export function syncFolders({ folders }: { readonly folders: readonly string[] }): void {
  // Windows has no such call.
  if (platform() === 'win32') return;
  for (const folder of folders) {
    try {
      syncFolder(folder);
    } catch (error) {
      if (!cannotSyncFolders(error)) throw fromSystemError(error, folder);
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
