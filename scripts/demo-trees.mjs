/** Lists and compares folders for the demo with plain Node, sharing no code with lakepack: a judge of its own. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** The files below a folder, sorted by name: `/`-separated name, bytes, time of the last change in whole seconds. */
export function filesBelow(folder) {
  return entriesBelow(folder).filter(({ isFolder }) => !isFolder);
}

/** What differs between two folders: names (of folders too), contents, times to the second. */
export function compareTrees(expectedFolder, actualFolder) {
  const expected = entriesBelow(expectedFolder);
  const actual = new Map(entriesBelow(actualFolder).map((entry) => [entry.name, entry]));
  const faults = expected.flatMap((entry) => {
    const other = actual.get(entry.name);
    actual.delete(entry.name);
    return entryFaults(entry, other, expectedFolder, actualFolder);
  });
  faults.push(...[...actual.keys()].map((name) => `unexpected ${name}`));
  const files = expected.filter(({ isFolder }) => !isFolder);
  return { faults, files: files.length, bytes: files.reduce((total, { bytes }) => total + bytes, 0) };
}

function entryFaults(entry, other, expectedFolder, actualFolder) {
  if (other === undefined || other.isFolder !== entry.isFolder) return [`missing ${entry.name}`];
  if (entry.isFolder) return [];
  if (other.bytes !== entry.bytes || !sameContent(entry.name, expectedFolder, actualFolder))
    return [`content of ${entry.name}`];
  return other.mtime === entry.mtime ? [] : [`time of ${entry.name}`];
}

function sameContent(name, expectedFolder, actualFolder) {
  return readFileSync(path.join(expectedFolder, name)).equals(readFileSync(path.join(actualFolder, name)));
}

function entriesBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => describe(folder, name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function describe(folder, name) {
  const stats = statSync(path.join(folder, name));
  const isFolder = stats.isDirectory();
  return {
    name: name.split(path.sep).join('/'),
    isFolder,
    bytes: isFolder ? 0 : stats.size,
    mtime: Math.floor(stats.mtimeMs / 1000),
  };
}
