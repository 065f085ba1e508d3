/**
 * Reads a lake into the exports it makes: which there are, what is in each, what was found wrong. It reads names and
 * file facts, and run manifests where runs are asked for; no other content.
 */
import type { Finding } from '../base/findings.js';
import { ignoreProgress, type ProgressListener } from '../base/progress.js';
import type { Grouping } from '../schema/export-manifest.js';
import type { ExportSelection } from './contract.js';
import { MAX_ENTRIES_IN_MEMORY, openEntryStore } from './entry-list.js';
import type { UnsupportedPolicy } from './file-policy.js';
import { listFolder, readFolder, stepOf, type FolderLister } from './folder-listing.js';
import { GroupedLake, type GroupingPlan } from './grouped-lake.js';
import { isLayerless } from './grouping.js';
import { claimsOfAllRuns, claimsOfRun, type RunOfPath } from './run-claims.js';
import { findRunManifests } from './run-manifest-file.js';
import { checkSelect, SELECT_ALL, wantsOf, type LakeSelect } from './select.js';
import { walkLakeInBatches, type WalkItem, type WalkOptions } from './walk.js';

export interface ScanOptions {
  /** Default: everything. */
  readonly select?: LakeSelect;
  /** Default: `partition`; a selected run is always one export of its own. */
  readonly by?: Grouping;
  /** Default: `default`. */
  readonly unsupported?: UnsupportedPolicy;
  /** A folder that exists, for lists of files that do not fit into memory. Nothing stays in it. */
  readonly scratchFolder: string;
  readonly signal?: AbortSignal | undefined;
  /** Gets `advance` for what was looked at. Default: nobody. */
  readonly onProgress?: ProgressListener;
  /** Default: this disk. Tests shuffle. */
  readonly listFolder?: FolderLister;
  /** Default: {@link MAX_ENTRIES_IN_MEMORY}. */
  readonly maxEntriesInMemory?: number;
}

export interface ScanResult {
  /** Sorted by path bytes. Those with a finding of severity `error` must not be committed. */
  readonly selections: readonly ExportSelection[];
  /** What was found where no selection is: folders that could not be read, links beside partitions. */
  readonly findings: readonly Finding[];
  /** Gives the scratch space back; no entry list can be read after it. */
  dispose(): void;
}

/**
 * Throws NOT_FOUND and LAKE_UNREADABLE for the lake itself, USAGE and SELECTOR_INVALID for the selection,
 * LIMIT_EXCEEDED, DISK_FULL (scratch), INTERRUPTED. A selection that nothing answers to gives no selections.
 */
export async function scanLake(root: string, options: ScanOptions): Promise<ScanResult> {
  const select = checkSelect(options.select ?? SELECT_ALL, options.by ?? 'partition');
  const by = select.run === undefined ? (options.by ?? 'partition') : 'run';
  const walk: WalkOptions = {
    unsupported: options.unsupported ?? 'default',
    signal: options.signal,
    wants: wantsOf(select),
    listFolder: options.listFolder ?? readFolder,
  };
  const plan: GroupingPlan = {
    by,
    select,
    lake: { layerless: by === 'dataset' ? findLayerless(root, walk) : new Set() },
    runOf: by === 'run' ? await readClaims(root, select, walk) : () => undefined,
  };
  const store = openEntryStore(options.scratchFolder, options.maxEntriesInMemory ?? MAX_ENTRIES_IN_MEMORY);
  try {
    const lake = new GroupedLake(plan, store);
    const onProgress = options.onProgress ?? ignoreProgress;
    for await (const items of walkLakeInBatches(root, walk)) {
      for (const item of items) lake.add(item);
      tellProgress(items, onProgress);
    }
    return { ...lake.toResult(), dispose: () => store.dispose() };
  } catch (error) {
    store.dispose();
    throw error;
  }
}

/** Grouping by dataset must know before the first file which first-level folders are datasets, not layers. */
function findLayerless(root: string, walk: WalkOptions): ReadonlySet<string> {
  const all = { ...walk, wants: () => true };
  const foldersIn = (folder: string): readonly string[] =>
    listFolder(root, folder, all)
      .keys.map(stepOf)
      .flatMap(({ type, name }) => (type === 'folder' ? [name] : []));
  return new Set(foldersIn('').filter((folder) => isLayerless(folder, foldersIn(folder))));
}

async function readClaims(root: string, select: LakeSelect, walk: WalkOptions): Promise<RunOfPath> {
  const manifests = await findRunManifests(root, walk);
  return select.run === undefined
    ? claimsOfAllRuns(root, manifests, walk.signal)
    : claimsOfRun(root, select.run, manifests, walk.signal);
}

function tellProgress(items: readonly WalkItem[], onProgress: ProgressListener): void {
  let files = 0;
  let bytes = 0;
  for (const item of items) {
    if (item.type !== 'entry' || item.entry.type !== 'file') continue;
    files++;
    bytes += item.entry.bytes;
  }
  if (files > 0) onProgress({ type: 'advance', files, bytes });
}
