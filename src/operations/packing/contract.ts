/** What a caller of `pack` says and is told. Types only. */
import type { ArchivePlace } from '../../archive/archive.js';
import type { ProofKind, ProofMode } from '../../archive/contract.js';
import type { Finding } from '../../base/findings.js';
import type { ProgressListener } from '../../base/progress.js';
import type { Grouping } from '../../schema/export-manifest.js';
import type { LakeSelector } from '../selection.js';
import type { ExportFingerprinter } from './export-fingerprints.js';

export type { ExportDescription, ExportFingerprinter, FedExport } from './export-fingerprints.js';

export interface PackOptions {
  /** The lake's folder. */
  readonly lake: string;
  /**
   * Where the exports go: a folder or remote, or an open archive. Of several, the first is packed into, and what it
   * then has of this lake is transferred to the others. Default: the lake itself.
   */
  readonly to?: ArchivePlace | readonly ArchivePlace[];
  readonly select?: LakeSelector;
  /** How much goes into one export. Default `partition`. */
  readonly by?: Grouping;
  /** zstd level, 1–19. Default 3. */
  readonly level?: number;
  /** What a bundle may weigh (format 4.8), bytes. Default 4 GiB, or what the profile says. */
  readonly bundleSizeBytes?: number;
  /** `cdn` keeps every object at most 500 MB. */
  readonly profile?: 'default' | 'cdn';
  /** Exports, and frames, that are worked on at once. Default: the number of cores. */
  readonly concurrency?: number;
  readonly licence?: string;
  readonly note?: string;
  /**
   * How a bundle in a distant archive is proven before its manifest is written. Default `auto`. A folder is believed:
   * what was written there went through this machine alone.
   */
  readonly proof?: ProofMode;
  /**
   * Deletes the packed files from the lake, once their export was proven in `copies` archives by this run. Files that
   * are not what was packed stay, with all of their export, and a finding.
   */
  readonly removeSource?: boolean;
  /** In how many of the archives an export must be proven before its files are deleted. Default: all of them. */
  readonly copies?: number;
  /** A file that changes while it is packed: `fail` its export, or `retry` it from a new scan. Default `fail`. */
  readonly onChange?: 'fail' | 'retry';
  /** What cannot be stored (links, sockets, names that are not UTF-8): see docs/decisions/0010. */
  readonly unsupported?: 'default' | 'refuse' | 'skip';
  /** How deep packing looks into files: `full` decompresses gzip, `quick` looks at both ends. Default `full`. */
  readonly inspect?: 'full' | 'quick';
  /**
   * Says what the tables made of these files contain; that goes into the manifests. An export that is unchanged but
   * says nothing of a table that it feeds is packed again. `drill/pack-with-fingerprints.ts` opens one.
   */
  readonly fingerprint?: ExportFingerprinter;
  /** Plans, samples and writes nothing. */
  readonly dryRun?: boolean;
  /** Where journals and caches go. Default: see `base/state-dir.ts`. */
  readonly stateDir?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** An archive that has an export. */
export interface PackedCopy {
  /** As it is shown to people. */
  readonly archive: string;
  /** What is known of it there; absent where this run did not look. */
  readonly proof?: ProofKind;
}

export interface PackedExport {
  readonly path: string;
  /** `planned` in a dry run. */
  readonly status: 'packed' | 'unchanged' | 'failed' | 'planned';
  /** Absent for a failed or planned export that got none. */
  readonly exportId?: string;
  readonly files: number;
  readonly directories: number;
  readonly bytes: number;
  /** Stored bytes; an estimate from samples in a dry run; 0 when nothing was written. */
  readonly storedBytes: number;
  readonly bundles: number;
  readonly contentDigest?: string;
  /** Nothing changed; it is packed again for fingerprints of these tables, which its last export does not have. */
  readonly againForTables?: readonly string[];
  /** Where it stands now. Absent where there is one archive only, and nothing is removed. */
  readonly copies?: readonly PackedCopy[];
  /** What was deleted from the lake. Absent where nothing was to be. */
  readonly removed?: { readonly files: number; readonly bytes: number };
  readonly findings: readonly Finding[];
}

export interface PackReport {
  readonly lake: string;
  readonly archive: string;
  /** The other archives the exports were transferred to. */
  readonly copiedTo: readonly string[];
  readonly dryRun: boolean;
  readonly exports: readonly PackedExport[];
  /** Findings that belong to no export. */
  readonly findings: readonly Finding[];
  readonly totals: {
    readonly packed: number;
    readonly unchanged: number;
    readonly failed: number;
    readonly planned: number;
    /** Of the packed or planned exports. */
    readonly files: number;
    readonly bytes: number;
    readonly storedBytes: number;
    /** Deleted from the lake, also by going on with an interrupted run. */
    readonly removedFiles: number;
    readonly removedBytes: number;
  };
  readonly elapsedMs: number;
}
