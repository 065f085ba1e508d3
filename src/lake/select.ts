/**
 * Says what a selection takes of a lake: which folders a walk must look at, and which exports are wanted. A selection
 * chooses among whole exports and never cuts one in two: docs/decisions/0012-selection.md has the reason.
 */
import { LakepackError } from '../base/errors.js';
import { lakePathFault, showPath } from '../base/paths.js';
import type { Grouping } from '../schema/export-manifest.js';
import type { PartitionFacts } from './contract.js';
import { parseExportPath } from './export-path.js';
import { fieldsOfWhere, matchesWhere, type Where } from './where.js';

/** Kinds are joined by and, the members of a list by or; an empty list or undefined asks for nothing. */
export interface LakeSelect {
  /** Lake folders or partition paths of an archive (`silver`, `silver/vulns/dt=2024-06-20`, `silver/_files`). */
  readonly partitions: readonly string[];
  /** `vulns`, `silver/vulns`, `marts/finance`. */
  readonly datasets: readonly string[];
  readonly layers: readonly string[];
  /** One run, over all datasets: one export `runs/<run>`. Goes with no other kind. */
  readonly run: string | undefined;
  readonly where: Where | undefined;
  /** Exports with a change at this instant or later. */
  readonly since: Date | undefined;
}

export const SELECT_ALL: LakeSelect = {
  partitions: [],
  datasets: [],
  layers: [],
  run: undefined,
  where: undefined,
  since: undefined,
};

/** What each grouping's exports have to be selected by. */
const SELECTABLE: Readonly<
  Record<Grouping, { readonly kinds: readonly string[]; readonly fields: readonly string[] | 'any' }>
> = {
  partition: { kinds: ['partition', 'dataset', 'layer', 'run'], fields: 'any' },
  run: { kinds: ['run'], fields: ['run'] },
  dataset: { kinds: ['partition', 'dataset', 'layer'], fields: ['dataset', 'layer', 'path'] },
  layer: { kinds: ['partition', 'layer'], fields: ['layer', 'path'] },
  lake: { kinds: [], fields: [] },
};

/**
 * The selection with its paths cleaned of slashes at the end. Throws SELECTOR_INVALID for what is no lake path or run
 * id, USAGE where it asks for less than an export of this grouping holds.
 */
export function checkSelect(select: LakeSelect, by: Grouping): LakeSelect {
  const { kinds, fields } = SELECTABLE[by];
  const wrongKind = kindsOf(select).find((kind) => !kinds.includes(kind));
  if (wrongKind !== undefined) throw tooNarrow(by, wrongKind);
  const asked = select.where === undefined ? [] : [...fieldsOfWhere(select.where)];
  const wrongField = fields === 'any' ? undefined : asked.find((field) => !fields.includes(field));
  if (wrongField !== undefined) throw tooNarrow(by, `where ${wrongField}`);
  if (select.run !== undefined) checkRun(select, select.run);
  return { ...select, partitions: select.partitions.map(checkPartition) };
}

function checkPartition(text: string): string {
  const cleaned = text.replace(/\/+$/, '');
  const fault = lakePathFault(cleaned);
  if (fault === undefined) return cleaned;
  throw new LakepackError(
    'SELECTOR_INVALID',
    `partition: ${showPath(text)} ${fault}: expected a folder of the lake, relative to it`,
  );
}

function kindsOf(select: LakeSelect): readonly string[] {
  return [
    ...(select.partitions.length > 0 ? ['partition'] : []),
    ...(select.datasets.length > 0 ? ['dataset'] : []),
    ...(select.layers.length > 0 ? ['layer'] : []),
    ...(select.run === undefined ? [] : ['run']),
  ];
}

function tooNarrow(by: Grouping, kind: string): LakepackError {
  const message = `selection: --${showPath(kind)} asks for a part of an export: expected what --by ${by} packs whole`;
  return new LakepackError('USAGE', message, { hint: 'leave out one of the two' });
}

function checkRun(select: LakeSelect, run: string): void {
  if (kindsOf(select).length > 1 || select.where !== undefined || select.since !== undefined) {
    throw new LakepackError(
      'USAGE',
      'selection: --run takes everything of the run: expected no other selection with it',
    );
  }
  if (run !== '' && run !== '.' && run !== '..' && !/[/\0]/.test(run) && run.isWellFormed()) return;
  throw new LakepackError('SELECTOR_INVALID', `run: is not a run id: expected one folder name, got ${showPath(run)}`);
}

/** False for what need not be looked at to find all that is selected, whole. */
export type Wants = (lakePath: string, isFolder: boolean) => boolean;

export function wantsOf(select: LakeSelect): Wants {
  const folders = select.partitions.flatMap(foldersMeantBy);
  return (lakePath, isFolder) =>
    (folders.length === 0 || folders.some((folder) => isOnTheWay(lakePath, isFolder, folder))) &&
    (select.layers.length === 0 || select.layers.some((layer) => isOnTheWay(lakePath, isFolder, layer))) &&
    (select.datasets.length === 0 || select.datasets.some((dataset) => mayBeInDataset(lakePath, isFolder, dataset)));
}

/** A text may be both a lake folder and an archive's path, as `_runs/2024` is; then either is meant. */
function foldersMeantBy(text: string): readonly string[] {
  const scope = parseExportPath(text);
  return 'folder' in scope ? [text, scope.folder] : [text];
}

function isOnTheWay(lakePath: string, isFolder: boolean, folder: string): boolean {
  return isWithin(lakePath, folder) || (isFolder && isWithin(folder, lakePath));
}

function isWithin(lakePath: string, folder: string): boolean {
  return folder === '' || lakePath === folder || lakePath.startsWith(`${folder}/`);
}

/** By the dataset's first name, at the top (no layer) or below a layer: the rest is seen when partitions are known. */
function mayBeInDataset(lakePath: string, isFolder: boolean, dataset: string): boolean {
  const [top, second] = lakePath.split('/', 2);
  const first = dataset.split('/', 1)[0];
  return second === undefined ? isFolder : top === first || second === first;
}

/** True when an export is selected; `since` is for {@link isSince}. `exportPath` is its path in an archive. */
export function matchesSelect(select: LakeSelect, exportPath: string, facts: PartitionFacts): boolean {
  const { partitions, datasets, layers, run, where } = select;
  return (
    (partitions.length === 0 || partitions.some((text) => isPartitionMeant(text, exportPath, facts))) &&
    (datasets.length === 0 || datasets.some((name) => isDatasetMeant(name, facts))) &&
    (layers.length === 0 || (facts.layer !== undefined && layers.includes(facts.layer))) &&
    (run === undefined || facts.runId === run) &&
    (where === undefined || matchesWhere(where, facts))
  );
}

function isPartitionMeant(text: string, exportPath: string, facts: PartitionFacts): boolean {
  if (text === exportPath || isWithin(facts.path, text)) return true;
  const scope = parseExportPath(text);
  return scope.type === 'folder' && isWithin(facts.path, scope.folder);
}

function isDatasetMeant(name: string, { layer, dataset }: PartitionFacts): boolean {
  return dataset !== undefined && (dataset === name || (layer !== undefined && `${layer}/${dataset}` === name));
}

/** Throws SELECTOR_INVALID when a selected partition is only a part of the export found at `facts`. */
export function assertNotInside(select: LakeSelect, exportPath: string, facts: PartitionFacts): void {
  const inner = select.partitions.find((text) => text !== facts.path && isWithin(text, facts.path));
  if (inner === undefined || facts.path === '' || isPartitionMeant(inner, exportPath, facts)) return;
  throw new LakepackError(
    'SELECTOR_INVALID',
    `partition: ${showPath(inner)} is only a part of an export: expected ${showPath(exportPath)} or a folder above it`,
  );
}

/** True when the newest change is at `since` or later, or nothing is asked. */
export function isSince(select: LakeSelect, newestMtimeNs: bigint | undefined): boolean {
  if (select.since === undefined) return true;
  return newestMtimeNs !== undefined && newestMtimeNs >= BigInt(select.since.getTime()) * 1_000_000n;
}
