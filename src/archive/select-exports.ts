/** Picks exports out of a listing (selectors of the command line). Pure: it looks at ids and partition paths only. */
import { LakepackError } from '../base/errors.js';
import { comparePathBytes, lakePathFault } from '../base/paths.js';
import type { PartitionFacts } from '../lake/contract.js';
import { factsOfExportPath } from '../lake/export-path.js';
import { type ExportRef, manifestKey, parseManifestKey } from './layout.js';

export interface ExportConditions {
  /** Export ids, unique prefixes of ids, partition paths, `PARTITION/EXPORT-ID`; alternatives to each other. */
  readonly names: readonly string[];
  /** Keep every export, not only the newest of each partition path. */
  readonly history: boolean;
  /** Exports made at this instant or later do not exist. */
  readonly before: Date | undefined;
  readonly matches: (facts: PartitionFacts) => boolean;
}

const SHORTEST_PREFIX = 4;

/**
 * The selected exports, sorted by partition path and time. Throws NOT_FOUND when a name, or the whole selection, fits
 * nothing, SELECTOR_AMBIGUOUS when an id prefix fits several.
 */
export function selectExports(all: readonly ExportRef[], conditions: ExportConditions, archive: string): ExportRef[] {
  const { names, history, before, matches } = conditions;
  const inTime = before === undefined ? all : all.filter((ref) => ref.createdAt < before);
  const named = names.length === 0 ? inTime : names.flatMap((name) => byName(inTime, name, history, archive));
  const fitting = named.filter((ref) => matches(factsOfExportPath(ref.path)));
  const picked = history || names.length > 0 ? fitting : newestOfEach(fitting);
  if (picked.length === 0) throw nothingFits(all, archive);
  return unique(picked).sort(byPathAndTime);
}

/** The export that `PARTITION/EXPORT-ID` names without a listing; undefined for every other name. */
export function refOfWholeName(name: string): ExportRef | undefined {
  const slash = name.lastIndexOf('/');
  if (slash < 0 || lakePathFault(name) !== undefined) return undefined;
  return parseManifestKey(manifestKey(name.slice(0, slash), name.slice(slash + 1)));
}

/** The newest export of every partition path. */
export function newestOfEach(refs: readonly ExportRef[]): ExportRef[] {
  const newest = new Map<string, ExportRef>();
  for (const ref of refs) {
    const other = newest.get(ref.path);
    if (other === undefined || isNewer(ref, other)) newest.set(ref.path, ref);
  }
  return [...newest.values()];
}

/** By time, and within one second by id, so that the order is total. */
export function isNewer(a: ExportRef, b: ExportRef): boolean {
  return a.createdAt.getTime() === b.createdAt.getTime() ? a.exportId > b.exportId : a.createdAt > b.createdAt;
}

function byName(refs: readonly ExportRef[], name: string, history: boolean, archive: string): ExportRef[] {
  const path = name.replace(/\/+$/, '');
  const exact = refs.filter(
    (ref) => ref.exportId === name || ref.path === path || `${ref.path}/${ref.exportId}` === path,
  );
  if (exact.length > 0) return history ? exact : newestOfEach(exact);
  const below = refs.filter((ref) => ref.path.startsWith(`${path}/`));
  if (below.length > 0) return history ? below : newestOfEach(below);
  const prefixed = name.length < SHORTEST_PREFIX ? [] : refs.filter((ref) => ref.exportId.startsWith(name));
  if (prefixed.length > 1) throw ambiguous(name, prefixed);
  if (prefixed.length === 1) return prefixed;
  throw new LakepackError('NOT_FOUND', `${name}: no export has this id, id prefix or partition path in ${archive}`, {
    hint: 'lakepack catalog list --history shows every export',
  });
}

function ambiguous(name: string, refs: readonly ExportRef[]): LakepackError {
  const some = refs.slice(0, 5).map((ref) => `${ref.exportId} (${ref.path})`);
  return new LakepackError(
    'SELECTOR_AMBIGUOUS',
    `${name}: fits ${refs.length} exports: ${some.join(', ')}${refs.length > some.length ? ' …' : ''}`,
    { hint: 'give more of the id, or its partition path' },
  );
}

function nothingFits(all: readonly ExportRef[], archive: string): LakepackError {
  const what = all.length === 0 ? 'it holds no export' : `none of its ${all.length} exports fits the selection`;
  return new LakepackError('NOT_FOUND', `${archive}: ${what}`, {
    hint:
      all.length === 0
        ? 'is it the right folder? exports are made with lakepack export pack'
        : 'lakepack catalog list --history shows what is there',
  });
}

function unique(refs: readonly ExportRef[]): ExportRef[] {
  return [...new Map(refs.map((ref) => [ref.manifestKey, ref])).values()];
}

function byPathAndTime(a: ExportRef, b: ExportRef): number {
  return comparePathBytes(a.path, b.path) || (isNewer(a, b) ? 1 : -1);
}
