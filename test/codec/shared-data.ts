/** The optional test material beside the project: unpacked once per test file into a scratch folder, or absent. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';

/** Said by tests that are skipped. */
export const WITHOUT_DATA = 'skipped where ../shared/data is absent';

/** The folder with what `../shared/data/<name>.tar.zst` holds; undefined where that, or `tar --zstd`, is absent. */
export function unpackShared(name: string): string | undefined {
  const archive = path.resolve('..', 'shared', 'data', `${name}.tar.zst`);
  if (!existsSync(archive) || !hasProgram('zstd')) return undefined;
  const folder = scratchFolder();
  execFileSync('tar', ['--zstd', '-xf', archive, '-C', folder]);
  return folder;
}

/** A folder that is removed when the tests of the file have run. */
export function scratchFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'lakepack-codec-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name]).status === 0;
}
