/** Temporary folders of tests. `test/setup.ts` removes them when the tests of the file are over. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const made: string[] = [];

/** A new folder for the tests of this file; its name begins with `lakepack-` and the purpose. */
export function makeFolderFor(purpose: string): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `lakepack-${purpose}-`));
  made.push(folder);
  return folder;
}

export function removeMadeFolders(): void {
  for (const folder of made.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
}
