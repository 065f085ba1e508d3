/**
 * Decides which export an entry goes into, by `--by`. It knows partition facts only; reading the lake is `scan.ts`.
 */
import type { Grouping } from '../schema/export-manifest.js';
import type { PartitionFacts } from './contract.js';
import { exportPathOf, factsOfExportPath, partitionScope, type ExportScope } from './export-path.js';
import { isPartitionShaped, parsePartitionPath } from './partition-path.js';

/**
 * Where an entry goes. A `partition` is an export of its folder or of its loose files only: which of the two is known
 * when all partitions are, and {@link scopeOfGroup} says it.
 */
export type Group = ExportScope | { readonly type: 'partition'; readonly folder: string };

/** What a grouping needs to know of the lake. */
export interface GroupingFacts {
  /** First-level folders with a partition right below: datasets without a layer. */
  readonly layerless: ReadonlySet<string>;
}

/**
 * The group of an entry. `runId` is the run it belongs to, if any. By dataset, what stands outside of any dataset
 * goes by partition; a dataset is a folder right below its layer, so that `marts/finance` goes with `marts` and no
 * export of a dataset lies inside another's.
 */
export function groupOf(by: Grouping, facts: PartitionFacts, runId: string | undefined, lake: GroupingFacts): Group {
  switch (by) {
    case 'lake':
      return { type: 'lake' };
    case 'layer':
      return facts.path === '' ? partition(facts) : { type: 'folder', folder: firstOf(facts.path) };
    case 'dataset':
      return datasetGroup(facts, lake);
    case 'run':
      return runId === undefined ? partition(facts) : { type: 'run', runId };
    case 'partition':
      return partition(facts);
  }
}

function datasetGroup(facts: PartitionFacts, lake: GroupingFacts): Group {
  const top = firstOf(facts.path);
  if (lake.layerless.has(top)) return { type: 'folder', folder: top };
  if (facts.dataset === undefined) return partition(facts);
  return { type: 'folder', folder: facts.layer === undefined ? top : `${facts.layer}/${firstOf(facts.dataset)}` };
}

function partition(facts: PartitionFacts): Group {
  return { type: 'partition', folder: facts.path };
}

function firstOf(path: string): string {
  return path.split('/', 1)[0] ?? '';
}

/** True for a first-level folder that is a dataset without a layer, by the names of the folders in it. */
export function isLayerless(folder: string, foldersIn: readonly string[]): boolean {
  return !isPartitionShaped(folder) && foldersIn.some(isPartitionShaped);
}

/** `partitionFolders` as for {@link partitionScope}; of `sharedWithRuns`, some files went to runs. */
export function scopeOfGroup(
  group: Group,
  partitionFolders: readonly string[],
  sharedWithRuns: ReadonlySet<string>,
): ExportScope {
  if (group.type !== 'partition') return group;
  if (sharedWithRuns.has(group.folder)) return { type: 'rest', folder: group.folder };
  return partitionScope(group.folder, partitionFolders);
}

/** What holds for all that is in a group: what a selection may ask of it. */
export function factsOfGroup(group: Group, by: Grouping): PartitionFacts {
  if (group.type === 'lake' || group.type === 'run') return factsOfExportPath(exportPathOf(group));
  const facts = parsePartitionPath(group.folder);
  const isLayerlessDataset = by === 'dataset' && group.type === 'folder' && facts.dataset === undefined;
  return isLayerlessDataset ? { path: group.folder, dataset: group.folder, keys: {} } : facts;
}

/** One text for a group, for finding it again. */
export function groupKey(group: Group): string {
  switch (group.type) {
    case 'lake':
      return 'lake';
    case 'run':
      return `run:${group.runId}`;
    default:
      return `${group.type}:${group.folder}`;
  }
}
