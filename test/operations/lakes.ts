/** Lakes, archives and clocks for tests of operations. Trees are literals; the fixtures lake is made once a file. */
import fs from 'node:fs';
import path from 'node:path';
import { vi } from 'vitest';
import { makeLake } from '../../fixtures/make-lake.js';
import { filesOf, treeOf } from '../../scripts/campaigns/looks.js';
import { Archive } from '../../src/archive/archive.js';
import { isLakepackError } from '../../src/base/errors.js';
import { pack, type PackOptions, type PackReport } from '../../src/index.js';
import { makeFolder, makeTree, type Tree } from '../lake/tree.js';
import { openMemoryRemote, type MemoryRemote } from '../remote/memory.js';

export { differences, filesOf, lookAtArchive, treeOf } from '../../scripts/campaigns/looks.js';
export { makeFolder, makeTree, type Tree } from '../lake/tree.js';

/** Three partitions of two layers, and a text beside them. */
export const SMALL: Tree = {
  'bronze/apps/2025/10/11/run-a/appid=1.json': '{"app":1}\n',
  'bronze/apps/2025/10/11/run-a/appid=2.json': '{"app":2}\n',
  'silver/apps/dt=2025-10-11/part-0.csv': 'id,name\n1,one\n',
  'silver/apps/dt=2025-10-12/part-0.csv': 'id,name\n2,two\n',
  'silver/apps/dt=2025-10-13': null,
};

export interface Place {
  readonly lake: string;
  readonly archive: string;
  readonly stateDir: string;
  /** A folder that is not there yet. */
  readonly into: string;
}

export function placeWith(tree: Tree = SMALL): Place {
  const folder = makeFolder();
  const lake = makeTree(tree, path.join(folder, 'lake'));
  fs.mkdirSync(lake, { recursive: true });
  return {
    lake,
    archive: path.join(folder, 'archive'),
    stateDir: path.join(folder, 'state'),
    into: path.join(folder, 'out'),
  };
}

export function packInto(place: Place, options: Partial<PackOptions> = {}): Promise<PackReport> {
  return pack({ lake: place.lake, to: place.archive, stateDir: place.stateDir, concurrency: 2, ...options });
}

/** `path status` of every export. */
export function statuses(report: PackReport): string[] {
  return report.exports.map((one) => `${one.path} ${one.status}`);
}

/** Writes a file of a lake with a time of its own. */
export function write(root: string, name: string, content: string | Buffer, mtime = 1_760_000_000): void {
  const disk = path.join(root, name);
  fs.mkdirSync(path.dirname(disk), { recursive: true });
  fs.writeFileSync(disk, content);
  fs.utimesSync(disk, mtime, mtime);
}

/** What an operation throws, as its code; fails the test that expected an error and got none. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isLakepackError(error)) return error.code;
    throw error;
  }
  return 'no error';
}

/** Sets the time of day until the test ends, for ids; files keep the disk's own. */
export function at(time: string): void {
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(new Date(time));
}

export function memoryArchive(): { readonly memory: MemoryRemote; readonly archive: Archive } {
  const memory = openMemoryRemote();
  return { memory, archive: new Archive(memory) };
}

export function keysOf({ objects }: MemoryRemote, pattern = /./): string[] {
  return [...objects.keys()].filter((key) => pattern.test(key)).sort();
}

let fixtures: Promise<string> | undefined;

/** The generator's lake; nobody writes to it. */
export async function fixturesLake(): Promise<string> {
  // The folder of an earlier test file went with it.
  if (fixtures === undefined || !fs.existsSync(await fixtures)) {
    const lake = path.join(makeFolder(), 'lake');
    fixtures = makeLake(lake).then(() => lake);
  }
  return fixtures;
}

/** Everything below some folders, for showing that nothing was written. */
export function snapshot(...folders: readonly string[]): Map<string, string> {
  return new Map(folders.flatMap((folder) => [...treeOf(folder)].map(([name, facts]) => [`${folder}/${name}`, facts])));
}

/** Names and texts of the files below a folder. */
export function texts(root: string): Record<string, string> {
  return Object.fromEntries(
    [...filesOf(root).keys()].map((name) => [name, fs.readFileSync(path.join(root, name), 'utf8')]),
  );
}
