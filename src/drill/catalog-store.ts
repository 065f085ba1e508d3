/** The catalog of an archive as a Parquet file: one row for each file of the exports that are selected. */
import { stat } from 'node:fs/promises';
import { type Archive, archiveAt, type ArchivePlace } from '../archive/archive.js';
import type { ExportRef } from '../archive/layout.js';
import { LakepackError } from '../base/errors.js';
import { ignoreProgress, type ProgressListener } from '../base/progress.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import { findExports } from '../operations/export-selection.js';
import type { ExportSelector } from '../operations/selection.js';
import type { ExportManifest, FileEntry } from '../schema/export-manifest.js';
import { type CatalogFileRow, writeParquetCatalog } from '../stores/parquet-catalog.js';

export interface WriteCatalogOptions {
  readonly from: ArchivePlace;
  /** The Parquet file. Its folder must be there. */
  readonly into: string;
  /** Default: every export, not only the newest of each partition path. */
  readonly select?: ExportSelector;
  /** A file that stands there may be replaced. Else it must be absent. */
  readonly replace: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: ProgressListener;
}

export interface WrittenCatalog {
  readonly exports: number;
  readonly rows: number;
}

/**
 * Directories have no row. Memory does not grow with the number of files.
 * @throws TARGET_NOT_EMPTY, NOT_FOUND, SELECTOR_INVALID, SELECTOR_AMBIGUOUS, MANIFEST_INVALID, MANIFEST_VERSION,
 * HASH_MISMATCH (a damaged list of files), DISK_FULL, PERMISSION_DENIED, REMOTE_UNAVAILABLE, INTERRUPTED.
 */
export async function writeCatalogOf(options: WriteCatalogOptions): Promise<WrittenCatalog> {
  const { into, signal, onProgress = ignoreProgress } = options;
  await assertFree(into, options.replace);
  const archive = await archiveAt(options.from, { mode: 'read' });
  try {
    const refs = await findExports(archive, options.select ?? { history: true }, signal);
    const { rows } = await writeParquetCatalog(rowsOf(archive, refs, signal, onProgress), into, { signal });
    return { exports: refs.length, rows };
  } finally {
    await archive.close();
  }
}

async function assertFree(file: string, replace: boolean): Promise<void> {
  const found = await onDisk(file, () => unlessAbsent(() => stat(file)));
  if (found === undefined || (replace && found.isFile())) return;
  const what = found.isFile() ? 'a file stands there' : 'something that is no file stands there';
  throw new LakepackError('TARGET_NOT_EMPTY', `${file}: ${what}: expected nothing`, {
    hint: found.isFile() ? 'choose another name, or say that it may be replaced (--replace)' : 'choose another name',
  });
}

async function* rowsOf(
  archive: Archive,
  refs: readonly ExportRef[],
  signal: AbortSignal,
  onProgress: ProgressListener,
): AsyncGenerator<CatalogFileRow> {
  for (const ref of refs) {
    const manifest = await archive.manifest(ref, signal);
    const ofExport = exportColumns(ref, manifest);
    for await (const entry of archive.entries(ref, manifest, signal)) {
      if (entry.type !== 'directory') yield { ...ofExport, ...fileColumns(entry, manifest) };
    }
    onProgress({ type: 'advance', files: manifest.totals.files, bytes: manifest.totals.bytes });
  }
}

type ExportColumn = 'partitionPath' | 'exportId' | 'createdAt' | 'layer' | 'dataset' | 'keys' | 'runId';

function exportColumns(ref: ExportRef, { createdAt, source }: ExportManifest): Pick<CatalogFileRow, ExportColumn> {
  return {
    partitionPath: ref.path,
    exportId: ref.exportId,
    createdAt: new Date(createdAt),
    layer: source.layer ?? null,
    dataset: source.dataset ?? null,
    keys: source.keys === undefined ? null : JSON.stringify(source.keys),
    runId: source.runId ?? null,
  };
}

function fileColumns(entry: FileEntry, { bundles }: ExportManifest): Omit<CatalogFileRow, ExportColumn> {
  const bundle = bundles[entry.bundle - 1];
  return {
    path: entry.path,
    bytes: entry.bytes,
    sha256: entry.sha256 ?? '',
    mtime: new Date(entry.mtime * 1000),
    format: entry.content?.format ?? null,
    compression: entry.content?.compression ?? null,
    rows: entry.content?.rows ?? null,
    bundle: bundle?.name ?? '',
    bundleSha256: bundle?.sha256 ?? '',
    offset: entry.offset,
    storedOffset: entry.stored.offset,
    storedLength: entry.stored.length,
    skip: entry.stored.skip,
  };
}
