/** What the end-to-end tests share: the command line over the real library, and trees compared file by file. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { comparePathBytes } from '../../src/base/paths.js';
import * as library from '../../src/index.js';
import { runCli, type CliRun } from '../cli/run-cli.js';
import { makeFolderFor } from '../support/made-folders.js';

/** A folder that is removed when the tests of the file have run. */
export function scratchFolder(): string {
  return makeFolderFor('messy');
}

export async function lakepack(scratch: string, ...words: readonly string[]): Promise<CliRun> {
  const env = { LAKEPACK_STATE_DIR: path.join(scratch, 'state') };
  return await runCli(words, library, { env, cwd: scratch });
}

export interface TreeItem {
  readonly path: string;
  readonly kind: 'file' | 'empty folder' | 'other';
  /** Whole seconds, cut towards the past; of files only. */
  readonly mtime?: number;
  readonly executable?: boolean;
  readonly sha256?: string;
}

/** Files, empty folders and whatever else there is, sorted by path. Nothing is followed; names that are not UTF-8 are left out. */
export function treeOf(root: string): TreeItem[] {
  const items: TreeItem[] = [];
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const names = fs.readdirSync(path.join(root, folder), { encoding: 'buffer' });
    if (names.length === 0) items.push({ path: folder, kind: 'empty folder' });
    for (const bytes of names) {
      const name = bytes.toString();
      if (!Buffer.from(name).equals(bytes)) continue;
      const lakePath = folder === '' ? name : `${folder}/${name}`;
      const stats = fs.lstatSync(path.join(root, lakePath), { bigint: true });
      if (stats.isDirectory()) folders.push(lakePath);
      else if (stats.isFile()) items.push(fileItem(root, lakePath, stats));
      else items.push({ path: lakePath, kind: 'other' });
    }
  }
  return items.sort((a, b) => comparePathBytes(a.path, b.path));
}

function fileItem(root: string, lakePath: string, stats: fs.BigIntStats): TreeItem {
  const whole = stats.mtimeNs / 1_000_000_000n;
  const mtime = Number(stats.mtimeNs % 1_000_000_000n < 0n ? whole - 1n : whole);
  const isReadable = process.getuid?.() === 0 || (stats.mode & 0o400n) !== 0n;
  const content = isReadable ? fs.readFileSync(path.join(root, lakePath)) : 'not for us';
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { path: lakePath, kind: 'file', mtime, executable: (stats.mode & 0o111n) !== 0n, sha256 };
}

/** Bundles of an archive, as files on the disk. */
export function bundlesOf(archive: string): string[] {
  return fs
    .readdirSync(path.join(archive, 'exports'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.tar.zst'))
    .map((name) => path.join(archive, 'exports', name))
    .sort();
}

export const hasStockTools = ['tar', 'zstd'].every((name) => spawnSync(name, ['--version']).status === 0);

/** Restores every bundle with GNU tar and zstd alone, and joins the payloads. */
export function restoreWithTar(archive: string, into: string): string {
  const [bags, joined] = [path.join(into, 'bags'), path.join(into, 'joined')];
  fs.mkdirSync(bags, { recursive: true });
  fs.mkdirSync(joined);
  for (const bundle of bundlesOf(archive)) {
    const { status, stderr } = spawnSync('tar', ['--zstd', '-xf', bundle, '-C', bags], { encoding: 'utf8' });
    expect({ status, stderr }, bundle).toEqual({ status: 0, stderr: '' });
  }
  for (const bag of fs.readdirSync(bags)) {
    const data = path.join(bags, bag, 'data');
    if (fs.existsSync(data))
      fs.cpSync(data, joined, { recursive: true, preserveTimestamps: false, force: false, errorOnExist: true });
  }
  return bags;
}
