/** Shows what a lake holds, partition by partition, and when each was last exported. */
import type { Finding } from '../base/findings.js';
import type { Grouping } from '../schema/export-manifest.js';
import type { LakeSelector } from './selection.js';

export interface ListLakeOptions {
  readonly lake: string;
  /** The archive to look for exports in. Default: the lake itself. */
  readonly archive?: string;
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

/** @throws LAKE_UNREADABLE, SELECTOR_INVALID, NOT_FOUND. */
export async function listLake(options: ListLakeOptions): Promise<LakeListing> {
  await Promise.resolve();
  throw new Error(`not yet: ${options.lake}`);
}
