/** What a caller of `prune` says and is told. Types only. */
import type { ArchivePlace } from '../../archive/archive.js';

export interface PruneOptions {
  readonly archive: ArchivePlace;
  /** Abandoned uploads, instead of objects without a manifest. Default false. */
  readonly uploads?: boolean;
  /** Objects without a manifest stay that long after they were stored. Default 7 days. */
  readonly graceMs?: number;
  /** Uploads that only the store remembers stay that long after they were begun; 0: none stays. Default 24 hours. */
  readonly olderThanMs?: number;
  /** Says what would be removed; removes nothing. */
  readonly dryRun?: boolean;
  /** Where journals are. Default: see `base/state-dir.ts`. */
  readonly stateDir?: string;
  readonly signal?: AbortSignal;
}

export interface PrunedObject {
  readonly kind: 'bundle' | 'checksums' | 'index' | 'upload';
  readonly key: string;
  /** Of an upload: of its parts. */
  readonly bytes: number;
  /** When it was stored or begun, where that is known; RFC 3339. */
  readonly at?: string;
  /** `refused`: the store does not let it go. */
  readonly status: 'removed' | 'planned' | 'kept' | 'refused';
  /** Why it was kept or refused. */
  readonly reason?: string;
}

export interface PruneReport {
  readonly archive: string;
  readonly dryRun: boolean;
  readonly what: 'objects' | 'uploads';
  readonly rows: readonly PrunedObject[];
  readonly totals: {
    readonly removed: number;
    readonly planned: number;
    readonly kept: number;
    readonly refused: number;
    /** Of what was removed, or would be. */
    readonly bytes: number;
    /** Unfinished files of processes that are gone, in an archive that is a folder. */
    readonly temporaries: number;
  };
  readonly elapsedMs: number;
}
