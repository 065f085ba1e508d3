/**
 * Finds the run manifests of a lake that describe an export, for its provenance. It answers for which and how many;
 * what one manifest says is read in `run-manifest-file.ts`.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfAborted } from '../base/errors.js';
import { KIB, MIB } from '../base/limits.js';
import { comparePathBytes } from '../base/paths.js';
import { parseExportPath } from './export-path.js';
import { readFolder, type FolderLister } from './folder-listing.js';
import { parsePartitionPath, partitionOf } from './partition-path.js';
import {
  describedFolder,
  findRunManifests,
  readRunManifest,
  RUN_MANIFEST_SUFFIX,
  type RunManifestFacts,
} from './run-manifest-file.js';

/** One manifest larger than this is left out of an export's provenance, and counted. */
export const MAX_PROVENANCE_MANIFEST_BYTES = 64 * KIB;
export const MAX_PROVENANCE_MANIFESTS = 16;
export const MAX_PROVENANCE_BYTES = 256 * KIB;
/** One nested deeper than this is left out, and counted: what reads the export's manifest need not bear it. */
const MAX_PROVENANCE_DEPTH = 64;
/** A manifest larger than this is known by its name only. */
const MAX_READ_BYTES = 1 * MIB;
const READS_PER_TURN = 64;

export interface FoundRunManifests {
  /** Sorted by path bytes; the contents are parsed JSON, unchanged. */
  readonly manifests: readonly { readonly path: string; readonly content: unknown }[];
  /** How many more describe the export and were left out: too large, too many, or not readable as JSON. */
  readonly omitted: number;
}

export interface RunManifestIndex {
  /**
   * The manifests that describe the export at a partition path of an archive. A manifest does when it names the
   * export's run; when a file it lists is in the export; when the partition it names (by `dataset` and `partition`, or by
   * standing at `manifests/<layer>/<dataset>/<partition>.manifest.json`) or an artifact it lists is in the export,
   * or has the export in it.
   */
  describing(exportPath: string): FoundRunManifests;
}

export interface RunManifestIndexOptions {
  readonly signal?: AbortSignal | undefined;
  readonly listFolder?: FolderLister;
}

/**
 * Reads every run manifest of the lake once, up to 1 MiB each, and keeps what it describes, not what it says: one
 * pass, whatever the number of exports asked for. Throws what a walk does.
 */
export async function indexRunManifests(
  root: string,
  options: RunManifestIndexOptions = {},
): Promise<RunManifestIndex> {
  const { signal, listFolder = readFolder } = options;
  const paths = await findRunManifests(root, { unsupported: 'skip', signal, wants: () => true, listFolder });
  const index = new DescriptionIndex();
  for (const [count, path] of paths.entries()) {
    if (count % READS_PER_TURN === 0) await nextTurn();
    throwIfAborted(signal);
    index.add(path, readRunManifest(root, path, MAX_READ_BYTES));
  }
  return { describing: (exportPath) => readBounded(root, index.find(exportPath)) };
}

/** Which manifests describe which folder and which run. Looking up costs a few steps, whatever is in it. */
class DescriptionIndex {
  readonly #byRun = new Map<string, Set<string>>();
  /** By the folder itself. */
  readonly #exact = new Map<string, Set<string>>();
  /** By the folder itself and each above it. */
  readonly #within = new Map<string, Set<string>>();
  /** By the folder itself, where a manifest means all that is below it. */
  readonly #whole = new Map<string, Set<string>>();

  add(path: string, facts: RunManifestFacts | undefined): void {
    const name = path.slice(path.lastIndexOf('/') + 1, -RUN_MANIFEST_SUFFIX.length);
    for (const runId of new Set([name, facts?.runId ?? name])) addTo(this.#byRun, runId, path);
    const partitions = new Set((facts?.files ?? []).map((file) => partitionOf(file).path));
    const named = [...foldersNamed(path, name), ...(facts?.described ?? []), ...(facts?.artifacts ?? [])];
    for (const folder of named) addTo(this.#whole, folder, path);
    for (const folder of [...partitions, ...named]) {
      addTo(this.#exact, folder, path);
      for (const above of withParents(folder)) addTo(this.#within, above, path);
    }
  }

  /** The paths of manifests, sorted. */
  find(exportPath: string): readonly string[] {
    const scope = parseExportPath(exportPath);
    if (scope.type === 'run') return sorted(this.#byRun.get(scope.runId) ?? []);
    if (scope.type === 'lake') return sorted(this.#within.get('') ?? []);
    const inIt = (scope.type === 'folder' ? this.#within : this.#exact).get(scope.folder) ?? [];
    const around = withParents(scope.folder).flatMap((folder) => [...(this.#whole.get(folder) ?? [])]);
    const { runId } = parsePartitionPath(scope.folder);
    const ofRun = runId === undefined ? [] : (this.#byRun.get(runId) ?? []);
    return sorted([...inIt, ...around, ...ofRun]);
  }
}

/** The folder named by a manifest's own place `manifests/<layer>/<dataset>/<partition>.manifest.json`. */
function foldersNamed(path: string, name: string): readonly string[] {
  const [top, ...dataset] = path.split('/').slice(0, -1);
  return top === 'manifests' && dataset.length > 0 ? [describedFolder(dataset.join('/'), name)] : [];
}

function addTo(map: Map<string, Set<string>>, key: string, path: string): void {
  const paths = map.get(key);
  if (paths === undefined) map.set(key, new Set([path]));
  else paths.add(path);
}

/** The folder, each folder above it, and the root. */
function withParents(folder: string): readonly string[] {
  const names = folder === '' ? [] : folder.split('/');
  return Array.from({ length: names.length + 1 }, (_, up) => names.slice(0, names.length - up).join('/'));
}

function sorted(paths: Iterable<string>): readonly string[] {
  return [...new Set(paths)].sort(comparePathBytes);
}

function readBounded(root: string, paths: readonly string[]): FoundRunManifests {
  const manifests: { path: string; content: unknown }[] = [];
  let bytesLeft = MAX_PROVENANCE_BYTES;
  for (const path of paths) {
    if (manifests.length === MAX_PROVENANCE_MANIFESTS) break;
    const found = readRunManifest(root, path, Math.min(bytesLeft, MAX_PROVENANCE_MANIFEST_BYTES));
    if (found === undefined || !isShallow(found.content, MAX_PROVENANCE_DEPTH)) continue;
    bytesLeft -= found.bytes;
    manifests.push({ path, content: found.content });
  }
  return { manifests, omitted: paths.length - manifests.length };
}

function isShallow(value: unknown, depthLeft: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depthLeft > 0 && Object.values(value).every((inner) => isShallow(inner, depthLeft - 1));
}
