/**
 * Maps between folders of a lake and partition paths of an archive: where an export of a partition stands, what an
 * export covers, and what its path alone says. It knows names only; docs/decisions/0011-export-paths.md has the reasons.
 *
 * | archive path | holds |
 * | --- | --- |
 * | `lake` | everything |
 * | `runs/<runId>` | what belongs to a run, over all datasets |
 * | `X/_files`, `_files` | the files of partition X (or of the root) that belong to no deeper partition |
 * | `X/_rest`, `_rest` | packed by run: the files of partition X (or of the root) that belong to no run, where others do |
 * | any other | everything below that folder |
 *
 * A lake folder that looks like one of these words gets one more underscore in front: `runs/2024` of a lake is
 * `_runs/2024` in an archive, a folder `_files` is `__files`, a lone top folder `lake` is `_lake`.
 */
import type { PartitionFacts } from './contract.js';
import { isPartitionShaped, parsePartitionPath, partitionOf } from './partition-path.js';

/** What an archive's partition path holds. */
export type ExportScope =
  | { readonly type: 'lake' }
  | { readonly type: 'run'; readonly runId: string }
  /** `folder` is a lake folder, `''` for the root. */
  | { readonly type: 'folder'; readonly folder: string }
  | { readonly type: 'files'; readonly folder: string }
  | { readonly type: 'rest'; readonly folder: string };

/** The archive's partition path of a scope. The other way round: {@link parseExportPath}. */
export function exportPathOf(scope: ExportScope): string {
  switch (scope.type) {
    case 'lake':
      return 'lake';
    case 'run':
      return `runs/${scope.runId}`;
    case 'folder':
      return escapeFolder(scope.folder);
    case 'files':
    case 'rest':
      return scope.folder === '' ? `_${scope.type}` : `${escapeFolder(scope.folder)}/_${scope.type}`;
  }
}

/** What a partition path of an archive holds. Total: any string is some scope. */
export function parseExportPath(exportPath: string): ExportScope {
  if (exportPath === 'lake') return { type: 'lake' };
  if (exportPath.startsWith('runs/')) return { type: 'run', runId: exportPath.slice('runs/'.length) };
  for (const type of ['files', 'rest'] as const) {
    if (exportPath === `_${type}`) return { type, folder: '' };
    if (exportPath.endsWith(`/_${type}`))
      return { type, folder: unescapeFolder(exportPath.slice(0, -type.length - 2)) };
  }
  return { type: 'folder', folder: unescapeFolder(exportPath) };
}

/**
 * The scope of a partition of a lake. `partitionFolders` are all partition paths found in that lake, sorted by
 * {@link compareFolders}: a partition with another one below it is exported as its loose files only, because
 * otherwise its export and an export of the whole folder would have the same path.
 */
export function partitionScope(folder: string, partitionFolders: readonly string[]): ExportScope {
  const loose = isOutsideDatasets(folder) || hasDeeper(folder, partitionFolders);
  return { type: loose ? 'files' : 'folder', folder };
}

/** Orders folders so that what is below a folder follows it at once. */
export function compareFolders(a: string, b: string): number {
  const left = `${a}/`;
  const right = `${b}/`;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** True for the root and for a first-level folder that is not itself one partition: a layer. */
function isOutsideDatasets(folder: string): boolean {
  return folder === '' || (!folder.includes('/') && folder !== 'manifests' && !isPartitionShaped(folder));
}

function hasDeeper(folder: string, sorted: readonly string[]): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareFolders(sorted[middle] ?? '', folder) <= 0) low = middle + 1;
    else high = middle;
  }
  return sorted[low]?.startsWith(`${folder}/`) === true;
}

/**
 * True when an export of `exportPath` that holds all it should holds the file, or empty folder, `lakePath`. What an
 * export by run holds its path does not say: false.
 */
export function coversFile(exportPath: string, lakePath: string, isFolder = false): boolean {
  const scope = parseExportPath(exportPath);
  switch (scope.type) {
    case 'lake':
      return true;
    case 'run':
    case 'rest':
      return false;
    case 'files':
      return (isFolder ? parsePartitionPath(lakePath) : partitionOf(lakePath)).path === scope.folder;
    case 'folder':
      return lakePath.startsWith(`${scope.folder}/`) || (isFolder && lakePath === scope.folder);
  }
}

/**
 * What an archive's partition path says by itself, for selecting from a listing of keys. `path` is the lake folder,
 * `''` for `lake` and for a run. `sales` alone reads as a layer, even where it was a dataset without one: the
 * manifest knows, the key does not.
 */
export function factsOfExportPath(exportPath: string): PartitionFacts {
  const scope = parseExportPath(exportPath);
  if (scope.type === 'lake') return { path: '', keys: {} };
  if (scope.type === 'run') return { path: '', keys: {}, runId: scope.runId };
  return parsePartitionPath(scope.folder);
}

function escapeFolder(folder: string): string {
  if (/^_*lake$/.test(folder)) return `_${folder}`;
  const names = folder.split('/');
  return names.map((name, at) => (isReserved(name, at) ? `_${name}` : name)).join('/');
}

function unescapeFolder(folder: string): string {
  if (/^_+lake$/.test(folder)) return folder.slice(1);
  const names = folder.split('/');
  // Escaped, a name has two underscores or more, `_runs` at the top one.
  return names.map((name, at) => (isReserved(name, at) && /^_(_|runs)/.test(name) ? name.slice(1) : name)).join('/');
}

function isReserved(name: string, at: number): boolean {
  return /^_+(files|rest)$/.test(name) || (at === 0 && /^_*runs$/.test(name));
}
