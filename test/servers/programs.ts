/** Which programs this machine has: tests that need one that is not here skip themselves and say so. */
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

export function hasProgram(name: string): boolean {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return folders.some((folder) => path.isAbsolute(folder) && isProgram(path.join(folder, name)));
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // Not there or not ours to run: either way it is no program for us.
    return false;
  }
}
