/**
 * What should be in an archive and is not: exports without their manifest, exports that were proven once and are gone,
 * exports that another archive has. A listing alone looks whole without them.
 */
import type { Archive } from '../archive/archive.js';
import { type ExportRef, exportPrefix, manifestKey, parseBundleKey, parseManifestKey } from '../archive/layout.js';
import { isNewer, newestOfEach } from '../archive/select-exports.js';
import { isLakepackError } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import { findExports } from '../operations/export-selection.js';
import type { ExportSelector } from '../operations/selection.js';
import type { ObjectInfo } from '../remote/remote.js';
import type { DrillReason } from '../schema/drill-record.js';
import { narrowedTo } from './narrowed-archive.js';
import type { ProvenAt } from './pick-exports.js';

export interface LossSearch {
  readonly archive: Archive;
  /** Every export that the archive lists. */
  readonly listed: readonly ExportRef[];
  readonly select: ExportSelector;
  /** Keys of uploads in parts that nobody has completed, where they can be listed. */
  readonly uploads: () => AsyncIterable<string>;
  /** Told of every object of an export that has a manifest. */
  readonly onStored: (ref: ExportRef, object: ObjectInfo) => void;
  readonly signal: AbortSignal;
}

/** So much is read of a SHA256SUMS: 100,000 bundles, some 400 TB. */
const MAX_CHECKSUM_BYTES = 16 * MIB;

/**
 * Bundles that no manifest names, where they would be the newest of their path: older ones are garbage. With all that
 * their SHA256SUMS names beside them nothing but the manifest is missing; else nobody had finished writing them.
 */
export async function lostManifests(search: LossSearch): Promise<readonly DrillReason[]> {
  const { archive, listed, signal } = search;
  const committed = new Set(listed.map((ref) => ref.manifestKey));
  const orphans = new Map<string, Orphan>();
  const orphanOf = (ref: ExportRef): Orphan => {
    const orphan = orphans.get(ref.manifestKey) ?? { ref, keys: new Set<string>() };
    orphans.set(ref.manifestKey, orphan);
    return orphan;
  };
  for await (const object of archive.remote.list('exports/', { signal })) {
    const ref = refOfStored(object.key);
    if (ref === undefined) continue;
    if (committed.has(ref.manifestKey)) search.onStored(ref, object);
    else orphanOf(ref).keys.add(object.key);
  }
  // What is being sent is no object yet.
  for await (const key of search.uploads()) {
    const ref = refOfStored(key);
    if (ref !== undefined && !committed.has(ref.manifestKey)) orphanOf(ref);
  }
  const refs = [...orphans.values()].map(({ ref }) => ref);
  const lost = notReplaced(await selected(refs, search), listed);
  const reasons: DrillReason[] = [];
  for (const ref of lost) {
    const isWhole = await hasAllBundles(search, orphans.get(ref.manifestKey)?.keys ?? new Set());
    reasons.push(isWhole ? manifestMissing(ref) : unfinished(ref));
  }
  return reasons;
}

interface Orphan {
  readonly ref: ExportRef;
  /** Of its objects below `exports/`. */
  readonly keys: Set<string>;
}

/** Bundles and checksums are sent side by side: that the checksums are there does not say that the bundles came. */
async function hasAllBundles({ archive, signal }: LossSearch, keys: ReadonlySet<string>): Promise<boolean> {
  const sums = [...keys].find((key) => key.endsWith('/SHA256SUMS'));
  if (sums === undefined) return false;
  const text = (await archive.remote.read(sums, MAX_CHECKSUM_BYTES, { signal })).toString('utf8');
  const names = text.split('\n').flatMap((line) => /^[0-9a-f]{64} [ *](.+)$/.exec(line)?.[1] ?? []);
  const folder = sums.slice(0, sums.lastIndexOf('/') + 1);
  return names.length > 0 && names.every((name) => keys.has(`${folder}${name}`));
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
    message: `${nameOf(ref)}: some of its objects are there, or parts of them, and not all that it must have: nobody finished writing it`,
    where: nameOf(ref),
    hint: 'run the pack or the transfer that was stopped again; while one runs, drill after it',
  };
}

function nameOf({ path, exportId }: ExportRef): string {
  return `${path}/${exportId}`;
}
