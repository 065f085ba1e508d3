/** Lists and shows the exports of an archive. */
import type { ExportManifest, FileEntry } from '../schema/export-manifest.js';
import type { ExportSelector } from './selection.js';

export interface CatalogListOptions {
  readonly archive: string;
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
  readonly archive: string;
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

/** One row for each selected export, sorted by partition path and time. @throws SELECTOR_INVALID, NOT_FOUND … */
export async function catalogList(options: CatalogListOptions): Promise<CatalogList> {
  await Promise.resolve();
  throw new Error(`not yet: ${options.archive}`);
}

/** The heads of the selected exports. @throws NOT_FOUND, SELECTOR_AMBIGUOUS, MANIFEST_INVALID … */
export async function catalogShow(options: CatalogShowOptions): Promise<readonly ExportHead[]> {
  await Promise.resolve();
  throw new Error(`not yet: ${options.archive}`);
}

/** The file entries of the selected exports, one at a time, so that ten million need no more memory than ten. */
export async function* catalogFiles(options: CatalogShowOptions): AsyncGenerator<CatalogFile> {
  await Promise.resolve();
  yield* [];
  throw new Error(`not yet: ${options.archive}`);
}
