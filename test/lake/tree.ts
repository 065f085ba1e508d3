/** Makes folder trees from literals, scans them, and unpacks the shared data where it is present. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { SourceEntry, SourceEntryList } from '../../src/lake/contract.js';
import { scanLake, type ScanOptions, type ScanResult } from '../../src/lake/scan.js';
import { makeFolderFor } from '../support/made-folders.js';

/** Text or bytes make a file, null an empty folder, `link` a symbolic link. */
export type Tree = Readonly<Record<string, string | Buffer | null | { readonly link: string }>>;

/** A new folder, removed when the tests of the file are over. */
export function makeFolder(): string {
  return makeFolderFor('test');
}

/** A new folder with that in it; all files have the mtime 2024-06-01T00:00:00Z. */
export function makeTree(tree: Tree, root = makeFolder()): string {
  for (const [name, content] of Object.entries(tree)) {
    const target = path.join(root, name);
    fs.mkdirSync(content === null ? target : path.dirname(target), { recursive: true });
    if (content === null) continue;
    if (typeof content === 'object' && 'link' in content) {
      fs.symlinkSync(content.link, target);
    } else {
      fs.writeFileSync(target, content);
      fs.utimesSync(target, 1_717_200_000, 1_717_200_000);
    }
  }
  return root;
}

/** Scans, and gives every selection's paths by its archive path. */
export async function scanTree(root: string, options: Partial<ScanOptions> = {}): Promise<Record<string, string[]>> {
  const result = await scanLake(root, { scratchFolder: os.tmpdir(), ...options });
  const groups: Record<string, string[]> = {};
  for (const selection of result.selections) groups[selection.path] = await pathsOf(selection.entries);
  result.dispose();
  return groups;
}

export async function scan(root: string, options: Partial<ScanOptions> = {}): Promise<ScanResult> {
  return scanLake(root, { scratchFolder: os.tmpdir(), ...options });
}

export async function entriesOf(list: SourceEntryList): Promise<SourceEntry[]> {
  const entries: SourceEntry[] = [];
  for await (const entry of list) entries.push(entry);
  return entries;
}

/** An empty folder's path ends with a slash here. */
export async function pathsOf(list: SourceEntryList): Promise<string[]> {
  return (await entriesOf(list)).map((entry) => (entry.type === 'directory' ? `${entry.path}/` : entry.path));
}

/** Data that is not part of the project and may be absent. */
export const sharedData = path.resolve(import.meta.dirname, '../../../shared/data');

export function hasShared(name: string): boolean {
  return fs.existsSync(path.join(sharedData, name));
}

/** Unpacks `<name>.tar.zst` of the shared data into a scratch folder. */
export function unpackShared(name: string): string {
  const folder = makeFolder();
  execFileSync('tar', ['--zstd', '-xf', path.join(sharedData, `${name}.tar.zst`), '-C', folder]);
  const inner = path.join(folder, name);
  return fs.existsSync(inner) ? inner : folder;
}

/** Like {@link unpackShared}, for the paths that match, and with every file empty: for what looks at names only. */
export function unpackNames(name: string, wanted: RegExp): string {
  const archive = path.join(sharedData, `${name}.tar.zst`);
  const names = execFileSync('tar', ['--zstd', '-tf', archive], { maxBuffer: 64 << 20 })
    .toString()
    .split('\n')
    .map((one) => one.replace(`${name}/`, ''))
    .filter((one) => wanted.test(one) && !one.endsWith('/'));
  return makeTree(Object.fromEntries(names.map((one) => [one, ''])));
}
