/** What a caller of `transfer` says and is told. Types only. Push, pull and migrate are transfers. */
import type { ArchivePlace } from '../../archive/archive.js';
import type { ProofKind, ProofMode } from '../../archive/contract.js';
import type { Finding } from '../../base/findings.js';
import type { ProgressListener } from '../../base/progress.js';
import type { ExportSelector } from '../selection.js';

export interface TransferOptions {
  readonly from: ArchivePlace;
  readonly to: ArchivePlace;
  /**
   * Default: every export that is not in the target yet, with its history; filters narrow that. `all` and names mean
   * the newest of a partition, as everywhere, unless `history` is said.
   */
  readonly select?: ExportSelector;
  /** How what was stored is proven before its manifest is written. Default `auto`. */
  readonly proof?: ProofMode;
  /** Says what would be sent, and in how many requests; writes nothing. */
  readonly dryRun?: boolean;
  /** Exports under way at once; `memoryBytes` bounds what they hold. Default 16 where a side is distant, else the cores. */
  readonly concurrency?: number;
  /** Most bytes of parts held in memory at once. Default 64 MiB; at least one part. */
  readonly memoryBytes?: number;
  /** Both directions together, bytes a second. Default: no bound. */
  readonly bandwidthBytesPerSecond?: number;
  /** Also evidence of drills; and a cut-over report at the end. Default false; `migrate` says true. */
  readonly wholeArchive?: boolean;
  /** Deletes from the source what this run, or an earlier one that it goes on with, proved in the target. */
  readonly deleteSource?: boolean;
  /** Where journals go. Default: see `base/state-dir.ts`. */
  readonly stateDir?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

export interface TransferredExport {
  readonly exportId: string;
  readonly path: string;
  /** `present`: the target has it already, with the same manifest. `planned` in a dry run. */
  readonly status: 'transferred' | 'present' | 'failed' | 'planned';
  readonly bundles: number;
  /** Stored bytes of its bundles. */
  readonly bytes: number;
  /** Bytes sent by this run, parts sent again included; 0 for what the store copied by itself. */
  readonly sentBytes: number;
  /** Bytes of parts that an interrupted run had sent. */
  readonly resumedBytes: number;
  /** True where the store copied the bundles by itself. */
  readonly copied: boolean;
  /** What the proof of its bundles rests on; undefined where there was none to make. */
  readonly proof?: ProofKind;
  readonly sourceDeleted: boolean;
  readonly findings: readonly Finding[];
}

export interface CutOver {
  /** Exports by archive, compared by their manifests: counts, and the first hundred of each. */
  readonly onlyInSource: ExportNames;
  readonly onlyInTarget: ExportNames;
  readonly equal: ExportNames;
  readonly different: ExportNames;
}

export interface ExportNames {
  readonly count: number;
  /** `PATH/EXPORT-ID`. */
  readonly names: readonly string[];
}

export interface TransferReport {
  readonly from: string;
  readonly to: string;
  readonly dryRun: boolean;
  readonly exports: readonly TransferredExport[];
  /** Findings that belong to no export of this run, such as what a fallback healed. */
  readonly findings: readonly Finding[];
  readonly totals: {
    readonly transferred: number;
    readonly present: number;
    readonly failed: number;
    readonly planned: number;
    readonly objects: number;
    readonly bytes: number;
    readonly sentBytes: number;
    readonly resumedBytes: number;
    /** Requests planned (dry run), by what providers bill: writes and lists (class A), reads (class B). */
    readonly requests: { readonly write: number; readonly read: number };
    readonly sourceDeleted: number;
  };
  readonly cutOver?: CutOver;
  readonly elapsedMs: number;
}
