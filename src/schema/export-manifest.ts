/**
 * The shape of an export manifest and of its file entries, format version 1 (docs/format.md, section 5). Types
 * only: `parse-manifest.ts` is the one place that reads one, `serialize-manifest.ts` the one that writes one.
 * Unknown fields are kept by both.
 */

import type { ExportFingerprints } from './fingerprint.js';

export const FORMAT_VERSION = 1;

/** How much of the lake goes into one export. */
export type Grouping = 'partition' | 'run' | 'dataset' | 'layer' | 'lake';

export interface ExportManifest {
  readonly formatVersion: typeof FORMAT_VERSION;
  /** `<UTC yyyyMMddTHHmmssZ>-<8 hex of the scan digest>`. */
  readonly exportId: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  readonly tool: ToolFacts;
  readonly source: ExportSource;
  readonly provenance: Provenance;
  /** SHA-256 over `<hex>␠␠<lake path>\n` of all payload files, sorted by path bytes (format 5.2). */
  readonly contentDigest: string;
  readonly totals: ExportTotals;
  readonly bundles: readonly BundleFacts[];
  /** The entries, in tar order, when there are at most 2,000; else `filesIndex` names the object that has them. */
  readonly files?: readonly FileEntry[];
  readonly filesIndex?: FilesIndexFacts;
  /** What tables made of these files must contain (format 5.7). Absent where it was not asked for. */
  readonly fingerprints?: ExportFingerprints;
  readonly parent?: string;
  readonly expiresAt?: string;
  readonly signature?: unknown;
}

export interface ToolFacts {
  readonly name: string;
  readonly version?: string;
  readonly zstdVersion: string;
  readonly level: number;
}

export interface ExportSource {
  readonly by: Grouping;
  /** Partition path: the folder under `exports/` and `manifests/`. */
  readonly path: string;
  readonly layer?: string;
  readonly dataset?: string;
  /** Hive keys and date parts, as they stand in the path (never percent-decoded). */
  readonly keys?: Readonly<Record<string, string>>;
  readonly runId?: string;
  /** SHA-256 of the scan: path, size and mtime of every file (format 3.2). */
  readonly scanDigest?: string;
}

export interface Provenance {
  readonly licence?: string;
  readonly note?: string;
  /** The lake's own run manifests that describe this data, unchanged. */
  readonly runManifests?: readonly { readonly path: string; readonly content: unknown }[];
  /** Run manifests that belong here and were left out, because of their size or number. */
  readonly runManifestsOmitted?: number;
}

export interface ExportTotals {
  readonly files: number;
  readonly directories: number;
  readonly bytes: number;
  readonly storedBytes: number;
  /** Absent unless the rows of at least one file are known; then the sum of those. */
  readonly rows?: number;
}

export interface BundleFacts {
  /** Object name: `<exportId>-00001.tar.zst`. */
  readonly name: string;
  readonly storedBytes: number;
  /** SHA-256 of the stored bytes. */
  readonly sha256: string;
  /** Every block but the last has `size` bytes; the SHA-256 of each, in order. */
  readonly blocks: { readonly size: number; readonly sha256: readonly string[] };
  readonly tarBytes: number;
  readonly frames: number;
  /** Where the skippable frame with the seek table stands in the stored bytes. */
  readonly seekTable: { readonly offset: number; readonly bytes: number };
  /** Payload of this bundle, as its Payload-Oxum says. */
  readonly payload: { readonly files: number; readonly bytes: number };
}

export interface FilesIndexFacts {
  /** Object name beside the manifest: `<exportId>.files.jsonl.zst`. */
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly entries: number;
}

/** One payload file, or one empty directory. Entries stand in tar order: by bundle, then by path bytes. */
export interface FileEntry {
  /** Lake path. */
  readonly path: string;
  /** Absent for a regular file. */
  readonly type?: 'directory';
  /** 0 for a directory. */
  readonly bytes: number;
  /** Absent for a directory. */
  readonly sha256?: string;
  /** Whole seconds since 1970-01-01T00:00:00Z; may be negative. */
  readonly mtime: number;
  /** Present and true where the tar mode is 0755. */
  readonly executable?: true;
  /** Number of the bundle, from 1. */
  readonly bundle: number;
  /** Offset of the first payload byte in the tar stream of the bundle. */
  readonly offset: number;
  /**
   * The frames that hold the payload: one range of stored bytes to read. `skip` bytes of what they decompress to
   * come before the payload. For an entry without payload bytes: the frame that holds the end of its header.
   */
  readonly stored: { readonly offset: number; readonly length: number; readonly skip: number };
  readonly content?: FileContent;
}

/** What a look into the file found (format 5.5). */
export interface FileContent {
  readonly format: 'parquet' | 'json' | 'jsonl' | 'csv' | 'other';
  readonly compression?: 'gzip' | 'zstd';
  readonly rows?: number;
  readonly rowGroups?: number;
  readonly columns?: readonly ColumnFacts[];
  /** True where the look found the file damaged or half-written; it was packed byte for byte all the same. */
  readonly damaged?: true;
}

export interface ColumnFacts {
  readonly name: string;
  readonly type: string;
}

/** An entry as the bundle itself carries it in `lakepack/files.jsonl`: less positions (format 4.6). */
export type EmbeddedFileEntry = Omit<FileEntry, 'bundle' | 'offset' | 'stored'>;

/** What a bundle carries in `lakepack/export.json`: the sidecar less ids, times and positions (format 4.6). */
export interface EmbeddedManifest {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly tool: Omit<ToolFacts, 'version'>;
  readonly source: Omit<ExportSource, 'scanDigest'>;
  readonly provenance: Provenance;
  /** Number of this bundle in its export, from 1. */
  readonly bundle: number;
  readonly totals: {
    readonly files: number;
    readonly directories: number;
    readonly bytes: number;
    readonly rows?: number;
  };
}
