/**
 * How safe the data of an archive is: for each partition path the newest export, when a restore of it was last proven,
 * and in how many archives it is. It reads listings and the evidence of drills, and no bundle.
 */
import { type Archive, archiveAt, type ArchivePlace } from '../archive/archive.js';
import type { ExportRef } from '../archive/layout.js';
import { newestOfEach } from '../archive/select-exports.js';
import { LakepackError } from '../base/errors.js';
import { comparePathBytes } from '../base/paths.js';
import { listLake } from '../operations/list-lake.js';
import { addProven, type ProvenExport, readEvidence } from './evidence.js';

export interface StatusOptions {
  /** The first is the one that is judged; in the others copies are counted. At least one. */
  readonly archives: readonly ArchivePlace[];
  /** Where the evidence is. Default: the first archive. */
  readonly evidence?: ArchivePlace;
  /** A proof must not be older, milliseconds. Default: nothing is judged. */
  readonly maxAgeMs?: number;
  /** A lake whose partitions must all have an export. Its files are looked at. */
  readonly lake?: string;
  readonly signal?: AbortSignal;
  /** The time that ages are counted to. Default: now. */
  readonly now?: Date;
}

export interface StatusRow {
  /** Partition path. */
  readonly path: string;
  /** Absent where the lake has it and no export does. */
  readonly lastExport?: { readonly exportId: string; readonly createdAt: string; readonly ageMs: number };
  /** The last proven restore of that very export. */
  readonly lastProven?: {
    readonly at: string;
    readonly ageMs: number;
    readonly drillId: string;
    readonly archive: string;
  };
  /** Of an older export of the path, where the newest was never proven. */
  readonly olderProven?: { readonly at: string; readonly exportId: string };
  /** Archives that list it, the first one among them. */
  readonly copies: number;
  /** With `lake`: the last export holds just this, something changed since, or there is none. */
  readonly lake?: 'current' | 'changed' | 'never';
  /** False: never proven, not within `maxAgeMs`, or never exported. Absent where nothing was judged. */
  readonly ok?: boolean;
}

export interface StatusReport {
  readonly archives: readonly string[];
  readonly maxAgeMs?: number;
  /** By partition path. */
  readonly partitions: readonly StatusRow[];
  readonly totals: {
    readonly partitions: number;
    readonly proven: number;
    readonly neverProven: number;
    /** Proven, and longer ago than allowed. */
    readonly tooOld: number;
    readonly neverExported: number;
  };
  /** True when nothing was judged and found wanting. */
  readonly ok: boolean;
}

/**
 * @throws USAGE without an archive; NOT_FOUND, REMOTE_UNAVAILABLE and what else opening or listing one throws: a copy
 * that cannot be seen is not counted silently.
 */
export async function status(options: StatusOptions): Promise<StatusReport> {
  const [first, ...others] = options.archives;
  if (first === undefined) throw new LakepackError('USAGE', 'archives: is empty: expected at least one');
  const now = options.now ?? new Date();
  const judged = await withArchive(first, async (archive) => ({
    url: archive.url,
    refs: await refsOf(archive, options.signal),
  }));
  const copies: { readonly url: string; readonly keys: ReadonlySet<string> }[] = [];
  for (const place of others) copies.push(await withArchive(place, (archive) => keysOf(archive, options.signal)));
  const proven = await withArchive(options.evidence ?? first, (archive) => provenIn(archive, options.signal));
  const lake = options.lake === undefined ? undefined : await lakeStates(options.lake, first, options.signal);
  const context = { now, maxAgeMs: options.maxAgeMs, proven, copies, lake, older: byPath(judged.refs) };
  const newest = newestOfEach(judged.refs).map((ref) => exportRow(ref, context));
  const partitions = [...newest, ...neverExported(lake, newest)].sort((a, b) => comparePathBytes(a.path, b.path));
  return {
    archives: [judged.url, ...copies.map(({ url }) => url)],
    ...(options.maxAgeMs !== undefined && { maxAgeMs: options.maxAgeMs }),
    partitions,
    totals: totalsOf(partitions, options.maxAgeMs),
    ok: partitions.every((row) => row.ok !== false),
  };
}

interface RowContext {
  readonly now: Date;
  readonly maxAgeMs: number | undefined;
  readonly proven: ReadonlyMap<string, ProvenExport>;
  readonly copies: readonly { readonly keys: ReadonlySet<string> }[];
  readonly lake: LakeStates | undefined;
  readonly older: ReadonlyMap<string, readonly ExportRef[]>;
}

type LakeStates = ReadonlyMap<string, NonNullable<StatusRow['lake']>>;

function exportRow(ref: ExportRef, context: RowContext): StatusRow {
  const proof = proofOf(ref, context.proven);
  const older = proof === undefined ? olderProof(ref, context) : undefined;
  const ageMs = proof === undefined ? undefined : ageAt(context.now, Date.parse(proof.at));
  const inLake = context.lake?.get(ref.path);
  return {
    path: ref.path,
    lastExport: {
      exportId: ref.exportId,
      createdAt: ref.createdAt.toISOString().replace('.000Z', 'Z'),
      ageMs: ageAt(context.now, ref.createdAt.getTime()),
    },
    ...(proof !== undefined && {
      lastProven: { at: proof.at, ageMs: ageMs ?? 0, drillId: proof.drillId, archive: proof.archive },
    }),
    ...(older !== undefined && { olderProven: older }),
    copies: 1 + context.copies.filter(({ keys }) => keys.has(ref.manifestKey)).length,
    ...(inLake !== undefined && { lake: inLake }),
    ...(context.maxAgeMs !== undefined && { ok: ageMs !== undefined && ageMs <= context.maxAgeMs }),
  };
}

/** The path must be the same too: within one second two partitions of equal content may have one id. */
function proofOf(ref: ExportRef, proven: ReadonlyMap<string, ProvenExport>): ProvenExport | undefined {
  const proof = proven.get(ref.exportId);
  return proof?.path === ref.path ? proof : undefined;
}

function olderProof(newest: ExportRef, { older, proven }: RowContext): StatusRow['olderProven'] {
  const refs = [...(older.get(newest.path) ?? [])].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  for (const ref of refs) {
    const proof = proofOf(ref, proven);
    if (proof !== undefined) return { at: proof.at, exportId: ref.exportId };
  }
  return undefined;
}

function neverExported(lake: LakeStates | undefined, rows: readonly StatusRow[]): StatusRow[] {
  const known = new Set(rows.map((row) => row.path));
  const missing = [...(lake?.keys() ?? [])].filter((path) => !known.has(path));
  return missing.map((path) => ({ path, copies: 0, lake: 'never', ok: false }));
}

function totalsOf(rows: readonly StatusRow[], maxAgeMs: number | undefined): StatusReport['totals'] {
  const exported = rows.filter((row) => row.lastExport !== undefined);
  const proven = exported.filter((row) => row.lastProven !== undefined);
  return {
    partitions: rows.length,
    proven: proven.length,
    neverProven: exported.length - proven.length,
    tooOld: proven.filter((row) => maxAgeMs !== undefined && (row.lastProven?.ageMs ?? 0) > maxAgeMs).length,
    neverExported: rows.length - exported.length,
  };
}

/** A clock that went back makes no negative age. */
function ageAt(now: Date, thenMs: number): number {
  return Math.max(0, now.getTime() - thenMs);
}

function byPath(refs: readonly ExportRef[]): ReadonlyMap<string, readonly ExportRef[]> {
  const byPaths = new Map<string, ExportRef[]>();
  for (const ref of refs) {
    const known = byPaths.get(ref.path);
    if (known === undefined) byPaths.set(ref.path, [ref]);
    else known.push(ref);
  }
  return byPaths;
}

async function refsOf(archive: Archive, signal: AbortSignal | undefined): Promise<readonly ExportRef[]> {
  const refs: ExportRef[] = [];
  for await (const ref of archive.list({ ...(signal && { signal }) })) refs.push(ref);
  return refs;
}

async function keysOf(
  archive: Archive,
  signal: AbortSignal | undefined,
): Promise<{ url: string; keys: ReadonlySet<string> }> {
  return { url: archive.url, keys: new Set((await refsOf(archive, signal)).map((ref) => ref.manifestKey)) };
}

async function provenIn(archive: Archive, signal: AbortSignal | undefined): Promise<ReadonlyMap<string, ProvenExport>> {
  const proven = new Map<string, ProvenExport>();
  for await (const one of readEvidence(archive, { ...(signal && { signal }) })) {
    if ('record' in one) addProven(proven, one.record);
  }
  return proven;
}

async function lakeStates(lake: string, archive: ArchivePlace, signal: AbortSignal | undefined): Promise<LakeStates> {
  const { partitions } = await listLake({ lake, archive, ...(signal && { signal }) });
  return new Map(partitions.map(({ path, state }) => [path, state]));
}

async function withArchive<T>(place: ArchivePlace, work: (archive: Archive) => Promise<T>): Promise<T> {
  const archive = await archiveAt(place, { mode: 'read' });
  try {
    return await work(archive);
  } finally {
    await archive.close();
  }
}
