/**
 * Reads layer, dataset, partition keys and run id out of a lake path. It knows names only: no disk is touched, and
 * where a partition goes in an archive is `export-path.ts`.
 *
 * `<layer>/<dataset>/<partition-shaped folders>/<anything>`; partition-shaped are hive `key=value` folders, date
 * folders `yyyy[/MM[/dd]]` and `run-…` folders.
 */
import type { PartitionFacts } from './contract.js';

/** The lake's own run manifests stand in a folder of this name: at the top, or in a layer. It is never split. */
const MANIFESTS = 'manifests';

/** The partition a file belongs to. `filePath` is a lake path; its last segment is the file's name. */
export function partitionOf(filePath: string): PartitionFacts {
  return factsOf(filePath.split('/').slice(0, -1));
}

/**
 * The partition a folder is, or is in; `''` is the lake root. `silver/vulns/dt=2024-06-20/sub` gives the facts of
 * `silver/vulns/dt=2024-06-20`. Hive values are taken as they stand: a `%2F` stays a `%2F`. Where a key comes twice,
 * the deeper folder wins.
 */
export function parsePartitionPath(folderPath: string): PartitionFacts {
  return factsOf(folderPath === '' ? [] : folderPath.split('/'));
}

/** True for a folder name that begins a partition: `key=value`, a year, `run-…`. */
export function isPartitionShaped(name: string): boolean {
  return shapeAt([name], 0) !== undefined;
}

function factsOf(folders: readonly string[]): PartitionFacts {
  if (folders[0] === MANIFESTS) return { path: MANIFESTS, dataset: MANIFESTS, keys: {} };
  const start = folders[1] === MANIFESTS ? -1 : folders.findIndex((_, at) => shapeAt(folders, at) !== undefined);
  return start < 0 ? wholeDataset(folders.slice(0, 2)) : partOfDataset(folders, start);
}

/** No partition-shaped folder on the way: the dataset is not split, or the file stands outside of any dataset. */
function wholeDataset(folders: readonly string[]): PartitionFacts {
  const [layer, dataset] = folders;
  return { path: folders.join('/'), ...definedOf({ layer, dataset }), keys: {} };
}

function partOfDataset(folders: readonly string[], start: number): PartitionFacts {
  const { end, keys, runId } = shapesFrom(folders, start);
  // A partition right below the first folder: this lake has no layer there, the first folder is the dataset.
  const layer = start >= 2 ? folders[0] : undefined;
  const dataset = start === 0 ? undefined : folders.slice(start === 1 ? 0 : 1, start).join('/');
  // fromEntries, not assignment: a key named __proto__ must become a key.
  return {
    path: folders.slice(0, end).join('/'),
    ...definedOf({ layer, dataset }),
    keys: Object.fromEntries(keys),
    ...(runId === undefined ? {} : { runId }),
  };
}

function definedOf(names: { layer: string | undefined; dataset: string | undefined }): {
  layer?: string;
  dataset?: string;
} {
  return {
    ...(names.layer === undefined ? {} : { layer: names.layer }),
    ...(names.dataset === undefined ? {} : { dataset: names.dataset }),
  };
}

interface Shapes {
  readonly end: number;
  readonly keys: readonly (readonly [string, string])[];
  readonly runId?: string;
}

/** The consecutive partition-shaped folders from `start` on. A run folder is the last of them. */
function shapesFrom(folders: readonly string[], start: number): Shapes {
  const keys: (readonly [string, string])[] = [];
  let end = start;
  for (let shape = shapeAt(folders, end); shape !== undefined; shape = shapeAt(folders, end)) {
    end += shape.length;
    if (shape.runId !== undefined) return { end, keys, runId: shape.runId };
    if (shape.key !== undefined) keys.push(shape.key);
  }
  return { end, keys };
}

interface Shape {
  /** Number of folders it takes. */
  readonly length: number;
  readonly key?: readonly [string, string];
  readonly runId?: string;
}

function shapeAt(folders: readonly string[], at: number): Shape | undefined {
  const name = folders[at];
  if (name === undefined) return undefined;
  const equals = name.indexOf('=');
  if (equals > 0) return { length: 1, key: [name.slice(0, equals), name.slice(equals + 1)] };
  if (/^run-./.test(name)) return { length: 1, runId: name };
  return /^(19|2[01])\d\d$/.test(name) ? dateShape(folders, at) : undefined;
}

function dateShape(folders: readonly string[], at: number): Shape {
  const hasMonth = /^(0[1-9]|1[0-2])$/.test(folders[at + 1] ?? '');
  const hasDay = hasMonth && /^(0[1-9]|[12]\d|3[01])$/.test(folders[at + 2] ?? '');
  const length = 1 + Number(hasMonth) + Number(hasDay);
  return { length, key: ['date', folders.slice(at, at + length).join('-')] };
}
