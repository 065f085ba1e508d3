/** The shared hostile archives and golden frames: unpacked into a scratch folder, or absent. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { makeFolderFor } from '../support/made-folders.js';

const shared = path.resolve(import.meta.dirname, '../../../shared/data');

/** Said by suites that are skipped. */
export function reasonWithout(name: string): string {
  return hasMaterial(name) ? '' : ` (skipped: needs ../shared/data/${name}.tar.zst, tar and zstd)`;
}

export function hasMaterial(name: string): boolean {
  const programs = ['tar', 'zstd'].every((program) => spawnSync(program, ['--version']).status === 0);
  return programs && fs.existsSync(path.join(shared, `${name}.tar.zst`));
}

export function unpackMaterial(name: string): string {
  const folder = scratchFolder();
  execFileSync('tar', ['--zstd', '-xf', path.join(shared, `${name}.tar.zst`), '-C', folder]);
  return folder;
}

/** A folder that is removed when the tests of the file have run. */
export function scratchFolder(): string {
  return makeFolderFor('hostile');
}

/** Everything below a folder, with what it holds: `path type mode size content`. Links are not followed. */
export function treeOf(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((item) => {
      const full = path.join(item.parentPath, item.name);
      const stats = fs.lstatSync(full);
      const content = item.isFile() ? fs.readFileSync(full).toString('base64').slice(0, 4_096) : '';
      return `${path.relative(folder, full)} ${(stats.mode & 0o170000).toString(8)} ${item.isFile() ? stats.size : ''} ${content}`;
    })
    .sort();
}
