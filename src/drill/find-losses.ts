/**
 * What should be in an archive and is not: exports without their manifest, exports that were proven once and are gone,
 * exports that another archive has. A listing alone looks whole without them.
 */
import type { Archive } from '../archive/archive.js';
import {
  type ExportRef,
  checksumKey,
  exportPrefix,
  manifestKey,
  parseBundleKey,
  parseManifestKey,
} from '../archive/layout.js';
import { isNewer, newestOfEach } from '../archive/select-exports.js';
import { isLakepackError } from '../base/errors.js';
import { findExports } from '../operations/export-selection.js';
import type { ExportSelector } from '../operations/selection.js';
import type { DrillReason } from '../schema/drill-record.js';
import { narrowedTo } from './narrowed-archive.js';
import type { ProvenAt } from './pick-exports.js';

export interface LossSearch {
  readonly archive: Archive;
  /** Every export that the archive lists. */
  readonly listed: readonly ExportRef[];
  readonly select: ExportSelector;
  readonly signal: AbortSignal;
}

/**
 * Bundles that no manifest names, where they would be the newest of their path: older ones are garbage. With their
 * SHA256SUMS beside them nothing but the manifest is missing; without, nobody had finished writing them.
 */
export async function lostManifests(search: LossSearch): Promise<readonly DrillReason[]> {
  const { archive, listed, signal } = search;
  const committed = new Set(listed.map((ref) => ref.manifestKey));
  const orphans = new Map<string, ExportRef>();
  const summed = new Set<string>();
  for await (const { key } of archive.remote.list('exports/', { signal })) {
    const ref = refOfStored(key);
    if (ref === undefined || committed.has(ref.manifestKey)) continue;
    orphans.set(ref.manifestKey, ref);
    if (key === checksumKey(ref.path, ref.exportId)) summed.add(ref.manifestKey);
  }
  const lost = notReplaced(await selected([...orphans.values()], search), listed);
  return lost.map((ref) => (summed.has(ref.manifestKey) ? manifestMissing(ref) : unfinished(ref)));
}

/** Exports that evidence names as proven in this archive, and that are neither there nor replaced by a newer one. */
export async function lostProven(search: LossSearch, proven: ProvenAt): Promise<readonly DrillReason[]> {
  const committed = new Set(search.listed.map((ref) => ref.manifestKey));
  const gone = [...proven]
    .flatMap(([exportId, { path }]) => parseManifestKey(manifestKey(path, exportId)) ?? [])
    .filter((ref) => !committed.has(ref.manifestKey));
  const lost = notReplaced(newestOfEach(await selected(gone, search)), search.listed);
  return lost.map((ref) => ({
    code: 'MANIFEST_MISSING',
    step: 'pick',
    message: `${nameOf(ref)}: was proven by a drill on ${proven.get(ref.exportId)?.at ?? ''}, and is not in the archive any more`,
    where: nameOf(ref),
    hint: 'bring it back from another copy: lakepack import pull',
  }));
}

/** Exports of another archive that this one does not have. */
export async function missingBeside(search: LossSearch, other: Archive): Promise<readonly DrillReason[]> {
  const here = new Set(search.listed.map((ref) => ref.manifestKey));
  const there: ExportRef[] = [];
  for await (const ref of other.list({ signal: search.signal })) there.push(ref);
  const missing = (await selected(there, search)).filter((ref) => !here.has(ref.manifestKey));
  if (missing.length === 0) return [];
  const some = missing.slice(0, 3).map(nameOf).join(', ');
  const count = `${missing.length} ${missing.length === 1 ? 'export' : 'exports'}`;
  return [
    {
      code: 'EXPORTS_MISSING',
      step: 'pick',
      message: `${count} of ${other.url} ${missing.length === 1 ? 'is' : 'are'} not here: ${some}${missing.length > 3 ? ' …' : ''}`,
      hint: `run the migration from ${other.url} again: it goes on where it was`,
    },
  ];
}

/** Those that the selector means, were they in an archive; by the one code that decides this. */
async function selected(
  refs: readonly ExportRef[],
  { archive, select, signal }: LossSearch,
): Promise<readonly ExportRef[]> {
  if (refs.length === 0) return [];
  try {
    return await findExports(narrowedTo(archive, refs), { ...select, all: false, history: true }, signal);
  } catch (error) {
    // Nothing of what is lost was meant.
    if (isLakepackError(error, 'NOT_FOUND')) return [];
    throw error;
  }
}

function notReplaced(refs: readonly ExportRef[], listed: readonly ExportRef[]): readonly ExportRef[] {
  const newest = new Map(newestOfEach(listed).map((ref) => [ref.path, ref]));
  return refs.filter((ref) => {
    const other = newest.get(ref.path);
    return other === undefined || isNewer(ref, other);
  });
}

/** The export below whose folder an object stands; undefined for objects of nobody's. */
function refOfStored(key: string): ExportRef | undefined {
  const bundle = parseBundleKey(key);
  if (bundle !== undefined) return parseManifestKey(manifestKey(bundle.path, bundle.exportId));
  const parts = key.split('/');
  const ref = parseManifestKey(manifestKey(parts.slice(1, -2).join('/'), parts.at(-2) ?? ''));
  return ref !== undefined && key.startsWith(exportPrefix(ref.path, ref.exportId)) ? ref : undefined;
}

function manifestMissing(ref: ExportRef): DrillReason {
  return {
    code: 'MANIFEST_MISSING',
    step: 'pick',
    message: `${nameOf(ref)}: its bundles and their checksums are there, its manifest is not`,
    where: nameOf(ref),
    hint: 'copy the manifest from another copy of the archive, or pack the partition again; while a pack or a transfer runs, drill after it',
  };
}

function unfinished(ref: ExportRef): DrillReason {
  return {
    code: 'EXPORT_UNFINISHED',
    step: 'pick',
    message: `${nameOf(ref)}: bundles are there, and neither their checksums nor a manifest: nobody finished writing it`,
    where: nameOf(ref),
    hint: 'run the pack or the transfer that was stopped again; while one runs, drill after it',
  };
}

function nameOf({ path, exportId }: ExportRef): string {
  return `${path}/${exportId}`;
}
