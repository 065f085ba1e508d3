/** Shows what a lake holds, partition by partition, and when each was last exported. */
import { archiveAt, showPlace, type Archive, type ArchivePlace } from '../archive/archive.js';
import type { ExportRef } from '../archive/layout.js';
import { newestOfEach } from '../archive/select-exports.js';
import { isLakepackError } from '../base/errors.js';
import type { Finding } from '../base/findings.js';
import { inScratchFolder } from '../base/scratch-folder.js';
import { readLakeConfig } from '../config/lake-config.js';
import type { ExportSelection } from '../lake/contract.js';
import { scanLake } from '../lake/scan.js';
import type { Grouping } from '../schema/export-manifest.js';
import { lakeFolder, lakeSelect } from './lake-selection.js';
import type { LakeSelector } from './selection.js';

export interface ListLakeOptions {
  readonly lake: string;
  /** The archive to look for exports in. Default: the lake itself. */
  readonly archive?: ArchivePlace;
  readonly select?: LakeSelector;
  readonly by?: Grouping;
  readonly signal?: AbortSignal;
}

export interface LakePartition {
  readonly path: string;
  readonly layer?: string;
  readonly dataset?: string;
  readonly keys: Readonly<Record<string, string>>;
  readonly runId?: string;
  readonly files: number;
  readonly directories: number;
  readonly bytes: number;
  /** RFC 3339; absent for a partition of empty folders only. */
  readonly newestChange?: string;
  readonly lastExport?: { readonly exportId: string; readonly createdAt: string };
  /** `current`: the last export holds just this; `changed`: something changed since; `never`: no export. */
  readonly state: 'current' | 'changed' | 'never';
}

export interface LakeListing {
  readonly lake: string;
  readonly archive: string;
  readonly partitions: readonly LakePartition[];
  readonly findings: readonly Finding[];
}

/** @throws LAKE_UNREADABLE, NOT_FOUND, SELECTOR_INVALID, USAGE, REMOTE_UNAVAILABLE, INTERRUPTED. */
export async function listLake(options: ListLakeOptions): Promise<LakeListing> {
  const lake = await lakeFolder(options.lake);
  const { pack: defaults } = await readLakeConfig(lake);
  const location = options.archive ?? lake;
  const newest = await newestExports(location, options.signal);
  return await inScratchFolder(async (scratchFolder) => {
    const select = lakeSelect(options.select ?? {}, new Date());
    const by = options.by ?? defaults.by ?? 'partition';
    const scan = await scanLake(lake, { select, by, scratchFolder, signal: options.signal });
    try {
      const partitions = scan.selections.map((selection) => partitionOf(selection, newest.get(selection.path)));
      const findings = [...scan.findings, ...scan.selections.flatMap((selection) => selection.findings)];
      return { lake: options.lake, archive: showPlace(location), partitions, findings };
    } finally {
      scan.dispose();
    }
  });
}

/** A place that is no archive yet holds no exports. */
async function newestExports(place: ArchivePlace, signal: AbortSignal | undefined): Promise<Map<string, ExportRef>> {
  let archive: Archive;
  try {
    archive = await archiveAt(place, { mode: 'read' });
  } catch (error) {
    if (isLakepackError(error, 'NOT_FOUND')) return new Map();
    throw error;
  }
  try {
    const refs: ExportRef[] = [];
    for await (const ref of archive.list({ ...(signal && { signal }) })) refs.push(ref);
    return new Map(newestOfEach(refs).map((ref) => [ref.path, ref]));
  } finally {
    await archive.close();
  }
}

function partitionOf(selection: ExportSelection, last: ExportRef | undefined): LakePartition {
  const { facts, entries } = selection;
  const { layer, dataset, keys, runId } = facts;
  return {
    path: selection.path,
    ...(layer !== undefined && { layer }),
    ...(dataset !== undefined && { dataset }),
    keys,
    ...(runId !== undefined && { runId }),
    files: entries.files,
    directories: entries.directories,
    bytes: entries.bytes,
    // Of empty folders the time says nothing: it changes whenever something was in one for a while.
    ...(entries.files > 0 && entries.newestMtime !== undefined && { newestChange: timeText(entries.newestMtime) }),
    ...(last && { lastExport: { exportId: last.exportId, createdAt: timeText(last.createdAt.getTime() / 1000) } }),
    state: stateOf(entries.scanDigest, last),
  };
}

/** By the id alone, which has the first 32 bits of the scan digest; `pack` compares the whole. */
function stateOf(scanDigest: string, last: ExportRef | undefined): LakePartition['state'] {
  if (last === undefined) return 'never';
  return scanDigest.startsWith(last.scanDigestStart) ? 'current' : 'changed';
}

/** A file may carry any time; one that no calendar has is told as the nearest there is. */
function timeText(seconds: number): string {
  const limit = 8_640_000_000_000;
  const date = new Date(Math.min(limit, Math.max(-limit, seconds)) * 1000);
  return date.toISOString().replace(/\.000Z$/, 'Z');
}
