/** Lists and shows the exports of an archive. */
import { archiveAt, type Archive, type ArchivePlace } from '../archive/archive.js';
import type { ExportRef } from '../archive/layout.js';
import type { ExportManifest, FileEntry } from '../schema/export-manifest.js';
import { findExports } from './export-selection.js';
import { mapSettled } from './map-settled.js';
import type { ExportSelector } from './selection.js';

export interface CatalogListOptions {
  readonly archive: ArchivePlace;
  /** Default: the newest export of every partition path. */
  readonly select?: ExportSelector;
  readonly signal?: AbortSignal;
}

export interface CatalogRow {
  readonly exportId: string;
  readonly path: string;
  readonly createdAt: string;
  readonly layer?: string;
  readonly dataset?: string;
  readonly runId?: string;
  readonly files: number;
  readonly bytes: number;
  readonly storedBytes: number;
  readonly rows?: number;
  readonly bundles: number;
  readonly contentDigest: string;
}

export interface CatalogList {
  readonly archive: string;
  readonly exports: readonly CatalogRow[];
}

export interface CatalogShowOptions {
  readonly archive: ArchivePlace;
  readonly select: ExportSelector;
  readonly signal?: AbortSignal;
}

/** A manifest without its entries; `catalogFiles` yields those. */
export type ExportHead = Omit<ExportManifest, 'files'> & { readonly manifestKey: string };

export interface CatalogFile extends FileEntry {
  readonly exportId: string;
  readonly partition: string;
  readonly bundleName: string;
}

const READS_AT_ONCE = 16;

/**
 * One row for each selected export, sorted by partition path and time.
 * @throws SELECTOR_INVALID, SELECTOR_AMBIGUOUS, NOT_FOUND, MANIFEST_INVALID, MANIFEST_VERSION, REMOTE_UNAVAILABLE.
 */
export async function catalogList(options: CatalogListOptions): Promise<CatalogList> {
  return await withArchive(options.archive, async (archive) => {
    const refs = await findExports(archive, options.select ?? { all: true }, options.signal);
    const rows = await mapSettled(refs, READS_AT_ONCE, async (ref) =>
      rowOf(ref, await archive.manifest(ref, options.signal)),
    );
    return { archive: archive.url, exports: rows };
  });
}

/** The heads of the selected exports. @throws as `catalogList`. */
export async function catalogShow(options: CatalogShowOptions): Promise<readonly ExportHead[]> {
  return await withArchive(options.archive, async (archive) => {
    const refs = await findExports(archive, options.select, options.signal);
    return await mapSettled(refs, READS_AT_ONCE, async (ref) =>
      headOf(ref, await archive.manifest(ref, options.signal)),
    );
  });
}

/**
 * The file entries of the selected exports, one at a time, so that ten million need no more memory than ten. Throws as
 * `catalogList`; an iteration that throws HASH_MISMATCH has yielded entries of a damaged index.
 */
export async function* catalogFiles(options: CatalogShowOptions): AsyncGenerator<CatalogFile> {
  const archive = await archiveAt(options.archive, { mode: 'read' });
  try {
    for (const ref of await findExports(archive, options.select, options.signal)) {
      const manifest = await archive.manifest(ref, options.signal);
      for await (const entry of archive.entries(ref, manifest, options.signal)) {
        const bundleName = manifest.bundles[entry.bundle - 1]?.name ?? '';
        yield { exportId: ref.exportId, partition: ref.path, bundleName, ...entry };
      }
    }
  } finally {
    await archive.close();
  }
}

async function withArchive<T>(place: ArchivePlace, work: (archive: Archive) => Promise<T>): Promise<T> {
  const archive = await archiveAt(place, { mode: 'read' });
  try {
    return await work(archive);
  } finally {
    await archive.close();
  }
}

function rowOf(ref: ExportRef, { createdAt, source, totals, bundles, contentDigest }: ExportManifest): CatalogRow {
  const { layer, dataset, runId } = source;
  return {
    exportId: ref.exportId,
    path: ref.path,
    createdAt,
    ...(layer !== undefined && { layer }),
    ...(dataset !== undefined && { dataset }),
    ...(runId !== undefined && { runId }),
    files: totals.files,
    bytes: totals.bytes,
    storedBytes: totals.storedBytes,
    ...(totals.rows !== undefined && { rows: totals.rows }),
    bundles: bundles.length,
    contentDigest,
  };
}

function headOf(ref: ExportRef, manifest: ExportManifest): ExportHead {
  const { files: _files, ...head } = manifest;
  return { ...head, manifestKey: ref.manifestKey };
}
