/** What a caller of `pack` says and is told. Types only. */
import type { ArchivePlace } from '../../archive/archive.js';
import type { Finding } from '../../base/findings.js';
import type { ProgressListener } from '../../base/progress.js';
import type { Grouping } from '../../schema/export-manifest.js';
import type { LakeSelector } from '../selection.js';

export interface PackOptions {
  /** The lake's folder. */
  readonly lake: string;
  /** Where the exports go: a folder or remote, or an open archive. Default: the lake itself. */
  readonly to?: ArchivePlace;
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
  /** A file that changes while it is packed: `fail` its export, or `retry` it from a new scan. Default `fail`. */
  readonly onChange?: 'fail' | 'retry';
  /** What cannot be stored (links, sockets, names that are not UTF-8): see docs/decisions/0010. */
  readonly unsupported?: 'default' | 'refuse' | 'skip';
  /** How deep packing looks into files: `full` decompresses gzip, `quick` looks at both ends. Default `full`. */
  readonly inspect?: 'full' | 'quick';
  /** Plans, samples and writes nothing. */
  readonly dryRun?: boolean;
  /** Where journals and caches go. Default: see `base/state-dir.ts`. */
  readonly stateDir?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
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
  readonly findings: readonly Finding[];
}

export interface PackReport {
  readonly lake: string;
  readonly archive: string;
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
  };
  readonly elapsedMs: number;
}
