/**
 * The first step of a drill: which exports there are, which of them are taken, and what should be there and is not.
 * It reads listings, evidence and manifests; nothing is written.
 */
import type { Archive } from '../archive/archive.js';
import { archiveAt, type ArchivePlace } from '../archive/archive.js';
import type { ExportRef } from '../archive/layout.js';
import { isLakepackError, tellsDamage } from '../base/errors.js';
import { finding, type Finding } from '../base/findings.js';
import { findExports } from '../operations/export-selection.js';
import { mapSettled } from '../operations/map-settled.js';
import type { ObjectInfo } from '../remote/remote.js';
import type { ExportManifest } from '../schema/export-manifest.js';
import type { DrillReason } from '../schema/drill-record.js';
import type { DrillSettings } from './drill-settings.js';
import { addProven, readEvidence, type ProvenExport } from './evidence.js';
import { lostManifests, lostProven, missingBeside, type LossSearch } from './find-losses.js';
import { narrowedTo } from './narrowed-archive.js';
import { oddStored } from './odd-stored.js';
import { reasonOfError } from './outcome.js';
import { fitBytes, pickExports } from './pick-exports.js';

/** What the manifest of a picked export says, without its files. */
export interface PickedExport {
  readonly ref: ExportRef;
  readonly createdAt: string;
  readonly contentDigest: string;
  readonly files: number;
  readonly bytes: number;
  readonly storedBytes: number;
}

export interface ArchiveLook {
  /** In the order in which they are pulled. */
  readonly picked: readonly PickedExport[];
  /** Meant, and left for another night. */
  readonly left: number;
  /** Stores in the recipe that is packed with them, at most; 0 where there is none. */
  readonly storesPacked: number;
  /** Manifest keys of exports that are not as they must be in the archive, though they can be pulled. */
  readonly damaged: ReadonlySet<string>;
  readonly reasons: readonly DrillReason[];
  readonly findings: readonly Finding[];
}

const READS_AT_ONCE = 16;
/**
 * A proof older than this says nothing of what must be there still: retention may have taken it. Else an export that
 * was removed on purpose would fail every drill for ever.
 */
const LOSS_WATCH_DAYS = 90;
const DAY_MS = 86_400_000;

/** Throws what the archive throws; SELECTOR_INVALID, SELECTOR_AMBIGUOUS. */
export async function lookAtArchive(archive: Archive, settings: DrillSettings): Promise<ArchiveLook> {
  const { plan, signal, seed } = settings;
  const select = plan.pick.select ?? {};
  const listed = await listAll(archive, signal);
  const refs = await meant(listed === undefined ? archive : narrowedTo(archive, listed), settings);
  const findings: Finding[] = [];
  const proven = listed === undefined ? new Map<string, ProvenExport>() : await readProofs(settings, findings);
  const wanted = pickExports(refs, plan.pick, proven, seed);
  const stored = new StoredObjects(wanted);
  const reasons: DrillReason[] = [];
  if (listed !== undefined) {
    const { onStored } = stored;
    const search = { archive, listed, select, signal, onStored, uploads: () => unfinishedUploads(settings) };
    reasons.push(...(await lossesOf(search, proven, settings)));
  }
  const read = await readManifests(archive, wanted, stored, signal, reasons);
  const maxBytes = plan.budget?.maxBytes;
  const picked = maxBytes === undefined ? read.picked : fitBytes(read.picked, maxBytes);
  const left = read.picked.length - picked.length;
  return { picked, left, storesPacked: read.storesPacked, damaged: read.damaged, reasons, findings };
}

/** Undefined where the place cannot be listed (a web address): then only what is named whole can be drilled. */
async function listAll(archive: Archive, signal: AbortSignal): Promise<readonly ExportRef[] | undefined> {
  const refs: ExportRef[] = [];
  try {
    for await (const ref of archive.list({ signal })) refs.push(ref);
    return refs;
  } catch (error) {
    if (isLakepackError(error, 'ARCHIVE_UNSUPPORTED')) return undefined;
    throw error;
  }
}

async function meant(archive: Archive, { plan, signal, startedAt }: DrillSettings): Promise<readonly ExportRef[]> {
  try {
    return await findExports(archive, plan.pick.select ?? {}, signal, startedAt);
  } catch (error) {
    // What is not there is told by what is looked for next, and at last as nothing to drill.
    if (isLakepackError(error, 'NOT_FOUND')) return [];
    throw error;
  }
}

async function lossesOf(
  search: LossSearch,
  proven: ReadonlyMap<string, ProvenExport>,
  settings: DrillSettings,
): Promise<readonly DrillReason[]> {
  const since = settings.startedAt.getTime() - LOSS_WATCH_DAYS * DAY_MS;
  const { url } = search.archive;
  const watched = [...proven].filter(([, one]) => one.archive === url && Date.parse(one.at) >= since);
  return [
    ...(await lostManifests(search)),
    ...(await lostProven(search, new Map(watched))),
    ...(await besides(search, settings)),
  ];
}

/**
 * Opened as for writing, because a reader has no uploads; nothing is written. A key or a place that may not list them
 * is as good as one without: what they would become is missing only if nothing else is there, and a drill by a key that
 * only reads must not fail for that.
 */
async function* unfinishedUploads({ from, signal }: DrillSettings): AsyncGenerator<string> {
  try {
    const archive = await archiveAt(from, { mode: 'write' });
    try {
      for await (const { key } of archive.remote.parts?.listUploads('exports/', { signal }) ?? []) yield key;
    } finally {
      await archive.close();
    }
  } catch (error) {
    if (!UPLOADS_NOT_TOLD.some((code) => isLakepackError(error, code))) throw error;
  }
}

const UPLOADS_NOT_TOLD = ['PERMISSION_DENIED', 'ARCHIVE_UNSUPPORTED', 'REMOTE_MISCONFIGURED'] as const;

/** Another archive that cannot be read is a reason of its own: whether all is here, nobody could see. */
async function besides(search: LossSearch, { sameAs }: DrillSettings): Promise<readonly DrillReason[]> {
  if (sameAs === undefined) return [];
  try {
    return await withArchive(sameAs, (other) => missingBeside(search, other));
  } catch (error) {
    if (isLakepackError(error, 'INTERRUPTED')) throw error;
    return [reasonOfError(error, 'pick')];
  }
}

/** What is proven, by export id. Evidence that cannot be read proves nothing, and is said. */
async function readProofs(
  { evidence, signal, plan, startedAt }: DrillSettings,
  findings: Finding[],
): Promise<ReadonlyMap<string, ProvenExport>> {
  const proven = new Map<string, ProvenExport>();
  if (evidence === undefined) return proven;
  // Only who goes by age needs them all.
  const since = plan.pick.how === 'oldest-unproven' ? 0 : startedAt.getTime() - LOSS_WATCH_DAYS * DAY_MS;
  try {
    await withArchive(evidence, async (place) => {
      for await (const one of readEvidence(place, { newestFirst: true, signal })) {
        if ('fault' in one) findings.push(brokenEvidence(one.fault, one.key));
        else if (Date.parse(one.record.startedAt) < since) return;
        else addProven(proven, one.record);
      }
    });
  } catch (error) {
    if (!isLakepackError(error) || error.code === 'INTERRUPTED') throw error;
    // A place for evidence that is not there yet has none.
    if (error.code !== 'NOT_FOUND') findings.push(brokenEvidence(`evidence cannot be read: ${error.message}`));
  }
  return proven;
}

function brokenEvidence(message: string, key?: string): Finding {
  return finding('EVIDENCE_BROKEN', message, key === undefined ? {} : { path: key }, {
    severity: 'warning',
    repair: 'lakepack drill history tells what is wrong with it',
  });
}

async function withArchive<T>(place: ArchivePlace, work: (archive: Archive) => Promise<T>): Promise<T> {
  const archive = await archiveAt(place, { mode: 'read' });
  try {
    return await work(archive);
  } finally {
    await archive.close();
  }
}

interface ReadManifests {
  readonly picked: readonly PickedExport[];
  readonly storesPacked: number;
  readonly damaged: ReadonlySet<string>;
}

/** Sizes of the objects of the wanted exports, from the listing that is made anyway. */
class StoredObjects {
  readonly #sizes: ReadonlyMap<string, Map<string, number>>;

  constructor(wanted: readonly ExportRef[]) {
    this.#sizes = new Map(wanted.map(({ manifestKey }) => [manifestKey, new Map<string, number>()]));
  }

  readonly onStored = ({ manifestKey }: ExportRef, { key, bytes }: ObjectInfo): void => {
    this.#sizes.get(manifestKey)?.set(key, bytes);
  };

  of({ manifestKey }: ExportRef): ReadonlyMap<string, number> {
    return this.#sizes.get(manifestKey) ?? new Map<string, number>();
  }
}

/** Damaged manifests are reasons, added to `reasons`; the others go on. */
async function readManifests(
  archive: Archive,
  refs: readonly ExportRef[],
  stored: StoredObjects,
  signal: AbortSignal,
  reasons: DrillReason[],
): Promise<ReadManifests> {
  let storesPacked = 0;
  const damaged = new Set<string>();
  const read = await mapSettled(refs, READS_AT_ONCE, async (ref) => {
    try {
      const manifest = await archive.manifest(ref, signal);
      storesPacked = Math.max(storesPacked, storesIn(manifest));
      const odd = oddStored(ref, manifest, stored.of(ref));
      if (odd.length > 0) damaged.add(ref.manifestKey);
      reasons.push(...odd);
      return [factsOf(ref, manifest)];
    } catch (error) {
      if (!tellsDamage(error)) throw error;
      const where = `${ref.path}/${ref.exportId}`;
      const reason = reasonOfError(error, 'pick', where);
      const code = error.code === 'NOT_FOUND' ? ('MANIFEST_MISSING' as const) : ('MANIFEST_DAMAGED' as const);
      reasons.push({ ...reason, code });
      return [];
    }
  });
  return { picked: read.flat(), storesPacked, damaged };
}

function storesIn({ fingerprints }: ExportManifest): number {
  const content = fingerprints?.recipe.content;
  if (typeof content !== 'object' || content === null || !('stores' in content)) return 0;
  return Object.keys(content.stores ?? {}).length;
}

function factsOf(ref: ExportRef, { createdAt, contentDigest, totals }: ExportManifest): PickedExport {
  const { files, bytes, storedBytes } = totals;
  return { ref, createdAt, contentDigest, files, bytes, storedBytes };
}
