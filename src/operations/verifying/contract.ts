/** What a caller of `verify` says and is told. Types only. */
import type { ArchivePlace } from '../../archive/archive.js';
import type { Finding } from '../../base/findings.js';
import type { ProgressListener } from '../../base/progress.js';
import type { ExportSelector } from '../selection.js';

/** `manifest`: what the manifest says, and that the objects are there. `stored`: every stored byte too. `contents`: every file too. */
export type VerifyDepth = 'manifest' | 'stored' | 'contents';

export interface VerifyOptions {
  /** Where the exports are. Needed unless only bundle files are given. */
  readonly archive?: ArchivePlace;
  /** Default: every export. */
  readonly select?: ExportSelector;
  /** Paths of bundle files to check by themselves, without a sidecar. */
  readonly bundleFiles?: readonly string[];
  /** Default `contents`. */
  readonly depth?: VerifyDepth;
  /** Share of blocks (stored) or files (contents) to look at, over 0 and up to 1. Default 1. */
  readonly sample?: number;
  /** Makes a sample repeatable. Default: random, and told in the report. */
  readonly sampleSeed?: number;
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

export interface VerifiedExport {
  /** Export id, or the name of a lone bundle. */
  readonly name: string;
  readonly path: string;
  readonly ok: boolean;
  readonly bundles: number;
  readonly files: number;
  /** Bytes that were read and checked, stored and decompressed. */
  readonly storedBytesRead: number;
  readonly contentBytesRead: number;
  readonly findings: readonly Finding[];
}

export interface VerifyReport {
  readonly archive?: string;
  readonly depth: VerifyDepth;
  readonly sample: number;
  readonly sampleSeed?: number;
  readonly exports: readonly VerifiedExport[];
  readonly ok: boolean;
  readonly totals: {
    readonly exports: number;
    readonly damaged: number;
    readonly findings: number;
    readonly files: number;
    readonly storedBytesRead: number;
    readonly contentBytesRead: number;
  };
  readonly elapsedMs: number;
}
