/** Which exports a drill takes, and in which order, once it is known which there are. Pure. */
import type { ExportRef } from '../archive/layout.js';
import { comparePathBytes } from '../base/paths.js';
import { samplePicker, seededRandom } from '../base/random.js';
import { factsOfExportPath } from '../lake/export-path.js';
import type { ExportSelector } from '../operations/selection.js';
import type { DrillPick } from './contract.js';

/** When exports were last proven, by export id. */
export type ProvenAt = ReadonlyMap<string, { readonly at: string; readonly path: string }>;

/**
 * @param refs the newest exports of their partition paths, or those that were named, by path.
 * @param seed of `random`.
 * @returns in the order in which they are pulled.
 */
export function pickExports(
  refs: readonly ExportRef[],
  pick: DrillPick,
  proven: ProvenAt,
  seed: number,
): readonly ExportRef[] {
  switch (pick.how) {
    case 'latest':
      return refs;
    case 'quick':
      return newestOfEachDataset(refs);
    case 'random':
      return randomShare(refs, pick.share, seed);
    case 'oldest-unproven':
      return oldestUnproven(refs, proven);
  }
}

/** How the pick is told in evidence: `random 5 % of latest, asOf 2026-01-01`. */
export function pickText(pick: DrillPick): string {
  const how = pick.how === 'random' ? `random ${Number((pick.share * 100).toPrecision(6))} %` : pick.how;
  const conditions = Object.entries(pick.select ?? {}) as [keyof ExportSelector, unknown][];
  const told = conditions
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) =>
      value === true ? name : `${name} ${Array.isArray(value) ? value.join(' ') : String(value)}`,
    );
  return [how, ...told].join(', ');
}

export interface Sized {
  readonly storedBytes: number;
}

/** In order, those that fit; one that is too large for what is left does not keep a smaller one after it away. */
export function fitBytes<T extends Sized>(all: readonly T[], maxBytes: number): readonly T[] {
  let left = maxBytes;
  return all.filter(({ storedBytes }) => {
    if (storedBytes > left) return false;
    left -= storedBytes;
    return true;
  });
}

/** Within one second, as one pack makes them, the last path is the newest: paths end with dates. */
function newestOfEachDataset(refs: readonly ExportRef[]): readonly ExportRef[] {
  const newest = new Map<string, ExportRef>();
  for (const ref of refs) {
    const name = datasetOf(ref);
    const other = newest.get(name);
    if (other === undefined || isLater(ref, other)) newest.set(name, ref);
  }
  return [...newest.values()];
}

function isLater(a: ExportRef, b: ExportRef): boolean {
  const difference = a.createdAt.getTime() - b.createdAt.getTime();
  return difference > 0 || (difference === 0 && comparePathBytes(a.path, b.path) > 0);
}

/** Whole runs, and loose files of a folder, are one dataset each. */
function datasetOf({ path }: ExportRef): string {
  const { layer, dataset, runId } = factsOfExportPath(path);
  if (path.startsWith('runs/') && runId !== undefined) return 'runs/';
  const isLoose = /(^|\/)_(files|rest)$/.test(path);
  return dataset === undefined || isLoose ? path : `${layer ?? ''}/${dataset}`;
}

function randomShare(refs: readonly ExportRef[], share: number, seed: number): readonly ExportRef[] {
  const isPicked = samplePicker(Math.ceil(refs.length * share), refs.length, seededRandom(seed));
  return refs.filter(() => isPicked());
}

/** Never proven first, the oldest of them first; then by the time of their last proof. */
function oldestUnproven(refs: readonly ExportRef[], proven: ProvenAt): readonly ExportRef[] {
  const provenAt = ({ exportId, path }: ExportRef): string => {
    const found = proven.get(exportId);
    return found?.path === path ? found.at : '';
  };
  return refs
    .map((ref) => ({ ref, at: provenAt(ref) }))
    .sort((a, b) => compareText(a.at, b.at) || a.ref.createdAt.getTime() - b.ref.createdAt.getTime())
    .map(({ ref }) => ref);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
