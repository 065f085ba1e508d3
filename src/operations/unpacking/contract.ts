/** What a caller of `unpack` says and is told. Types only. */
import type { ArchivePlace } from '../../archive/archive.js';
import type { Finding } from '../../base/findings.js';
import type { ProgressListener } from '../../base/progress.js';
import type { ExportSelector } from '../selection.js';

export interface UnpackOptions {
  /** The archive that holds the exports, and its fallbacks. Needed unless only bundle files are given. */
  readonly from?: ArchivePlace;
  readonly select?: ExportSelector;
  /** Paths of bundle files to restore by themselves, without a sidecar. */
  readonly bundleFiles?: readonly string[];
  /** The folder to restore into: absent, empty, or a lake. */
  readonly into: string;
  /** Restore only lake paths that match one of these globs (`*`, `**`, `?`). */
  readonly paths?: readonly string[];
  /** Overwrite files that differ. Default: refuse. */
  readonly replace?: boolean;
  /** Accept a target that has other content. Default: refuse. */
  readonly merge?: boolean;
  /** Accept tar and tar.zst files that are not lakepack bundles, and so carry no checksums. */
  readonly foreign?: boolean;
  /** Plan, check conflicts and space; write nothing. */
  readonly dryRun?: boolean;
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

export interface UnpackedExport {
  /** Export id, or the name of a lone bundle. */
  readonly name: string;
  readonly path: string;
  /** Files restored by this run. */
  readonly files: number;
  readonly bytes: number;
  /** Files that were there already, equal byte for byte. */
  readonly kept: number;
  readonly replaced: number;
}

/** What one archive gave because another could not give it whole. */
export interface HealedSum {
  /** The archive that failed, and the one that had it, as they are shown. */
  readonly from: string;
  readonly by: string;
  /** Blocks of bundles. */
  readonly blocks: number;
  /** Manifests, lists of files and listings. */
  readonly objects: number;
}

export interface UnpackReport {
  readonly into: string;
  readonly dryRun: boolean;
  readonly exports: readonly UnpackedExport[];
  readonly findings: readonly Finding[];
  /** What came from fallbacks; each with a finding HEALED. */
  readonly healed: readonly HealedSum[];
  readonly totals: {
    readonly exports: number;
    readonly files: number;
    readonly bytes: number;
    readonly kept: number;
    readonly replaced: number;
    /** Files taken over from an interrupted run, hashed again. */
    readonly resumed: number;
  };
  readonly elapsedMs: number;
}
