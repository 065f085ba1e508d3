/** What a caller of drills, rebuilds and recipes says and is told. Types only. */
import type { ArchivePlace } from '../archive/archive.js';
import type { Finding } from '../base/findings.js';
import type { ProgressListener } from '../base/progress.js';
import type { ExportSelector } from '../operations/selection.js';
import type { DrillRecord } from '../schema/drill-record.js';
import type { Recipe } from '../schema/recipe.js';

/** Which exports a drill takes. */
export type DrillPick =
  /** The newest export of every partition path (`--all`); `select` narrows, also to a date (`asOf`) or one export. */
  | { readonly how: 'latest'; readonly select?: ExportSelector }
  /** The newest export of each dataset (`--quick`). */
  | { readonly how: 'quick'; readonly select?: ExportSelector }
  /** A share of the newest exports of every partition path, over 0 and up to 1. */
  | { readonly how: 'random'; readonly share: number; readonly seed?: number; readonly select?: ExportSelector }
  /** The newest exports of every partition path, those proven longest ago (or never) first. For budgets. */
  | { readonly how: 'oldest-unproven'; readonly select?: ExportSelector };

export interface DrillBudget {
  /** Stored bytes to pull. */
  readonly maxBytes?: number;
  /** Minutes: no export is begun after them. */
  readonly maxMinutes?: number;
}

export interface DrillAssertion {
  readonly name: string;
  /** Name of a store in the recipe, of an engine with SQL. */
  readonly store: string;
  /** One query that gives one row with one column. */
  readonly sql: string;
  /** The value must equal it, or lie between. */
  readonly equals?: string | number | boolean | null;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** What a plan file holds (schemas/drill-plan.v1.schema.json); places are words, as on the command line. */
export interface DrillPlan {
  readonly planVersion: 1;
  readonly name?: string;
  readonly pick: DrillPick;
  readonly budget?: DrillBudget;
  /** Names of the recipe's stores to rebuild. Absent: all. Empty: none, files only. */
  readonly stores?: readonly string[];
  readonly assertions?: readonly DrillAssertion[];
}

export interface DrillOptions {
  readonly from: ArchivePlace;
  readonly plan: DrillPlan;
  /** Default: the one packed with the newest of the picked exports. None at all: files only. */
  readonly recipe?: Recipe;
  /** Another archive whose exports must all be in this one, as after a migration. */
  readonly sameAs?: ArchivePlace;
  /** A folder to work in. Default: the system's temporary folder. Only a new folder in it is touched. */
  readonly scratch?: string;
  /** What the drill made stays: on a failure (default), always, never. */
  readonly keep?: 'on-failure' | 'always' | 'never';
  /** Where evidence goes. Default: the archive itself. */
  readonly evidence?: ArchivePlace | NoEvidence;
  /** Environment variables: connections of stores. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly concurrency?: number;
  readonly stateDir?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** Nothing is left behind, for trying things out. */
export interface NoEvidence {
  readonly kind: 'none';
}

export interface DrillReport {
  readonly record: DrillRecord;
  /** Key of the evidence in `evidenceIn`; absent where it was not stored. */
  readonly evidenceKey?: string;
  readonly evidenceIn?: string;
  /** What did not go as it should beside the drill itself: evidence that could not be stored … */
  readonly findings: readonly Finding[];
}

export interface RebuildOptions {
  /** Archive; or `lake`, a folder that is there already. One of the two. */
  readonly from?: ArchivePlace;
  readonly lake?: string;
  readonly select?: ExportSelector;
  /** Default: the one in the lake, or packed with the newest of the exports. */
  readonly recipe?: Recipe;
  /** Name of the store in the recipe. */
  readonly store: string;
  /** Where it shall stand: see `OpenStoreOptions.into`. */
  readonly into: string;
  /** Replace what stands there. Default: refuse. */
  readonly replace?: boolean;
  /** Compare with the fingerprints before anything is swapped in. Default true. */
  readonly compare?: boolean;
  readonly scratch?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

export interface RebuildReport {
  readonly store: string;
  readonly engine: string;
  /** As it is shown. */
  readonly into: string;
  readonly tables: readonly {
    readonly name: string;
    readonly rows: number;
    readonly compared: 'manifest' | 'files' | 'no';
  }[];
  readonly steps: readonly { readonly name: string; readonly elapsedMs: number }[];
  readonly elapsedMs: number;
}
