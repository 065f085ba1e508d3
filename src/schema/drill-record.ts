/**
 * The evidence that a drill leaves, version 1 (docs/drills.md, schemas/drill.v1.schema.json). Types and the closed list
 * of reasons; `parse-drill-record.ts` reads one.
 */
import type { StoreEngine } from './store-engine.js';

export const DRILL_VERSION = 1;

/** `inconclusive`: nobody could look, or not to the end. It is never a pass, and proves nothing against the archive. */
export type DrillOutcome = 'pass' | 'fail' | 'inconclusive';

/** Why a drill did not pass, each with the outcome it leads to. `docs/drills.md` explains each; a test compares. */
export const DRILL_REASONS = {
  // what the archive has is not what it must be
  BUNDLE_MISSING: 'fail',
  BUNDLE_TRUNCATED: 'fail',
  BUNDLE_DAMAGED: 'fail',
  MANIFEST_MISSING: 'fail',
  MANIFEST_DAMAGED: 'fail',
  EXPORT_UNFINISHED: 'fail',
  EXPORTS_MISSING: 'fail',
  RESTORED_DIFFERS: 'fail',
  // what was rebuilt is not what the exports say
  ROWS_DIFFER: 'fail',
  KEYS_DIFFER: 'fail',
  VALUES_DIFFER: 'fail',
  TYPES_DIFFER: 'fail',
  SAMPLES_DIFFER: 'fail',
  VECTORS_DIFFER: 'fail',
  FINGERPRINT_DIFFERS: 'fail',
  ASSERTION_FAILED: 'fail',
  KEYS_NOT_UNIQUE: 'fail',
  RECIPE_INVALID: 'fail',
  STORE_REFUSED: 'fail',
  // nobody could look
  ARCHIVE_UNREACHABLE: 'inconclusive',
  CREDENTIALS_REFUSED: 'inconclusive',
  CREDENTIALS_EXPIRED: 'inconclusive',
  ACCESS_DENIED: 'inconclusive',
  DISK_FULL: 'inconclusive',
  STORE_UNREACHABLE: 'inconclusive',
  STORE_NOT_INSTALLED: 'inconclusive',
  NOTHING_TO_DRILL: 'inconclusive',
  BUDGET_REACHED: 'inconclusive',
  INTERRUPTED: 'inconclusive',
  INTERNAL: 'inconclusive',
} as const satisfies Record<string, DrillOutcome>;

export type DrillReasonCode = keyof typeof DRILL_REASONS;

export interface DrillReason {
  readonly code: DrillReasonCode;
  /** Name of the step in which it was found. */
  readonly step: DrillStepName;
  /** One sentence; no secret is in it. */
  readonly message: string;
  /** Export, table, object: what it is about. */
  readonly where?: string;
  readonly hint?: string;
}

/** In this order. `rebuild`, `compare` and `assert` are done for each store. */
export const DRILL_STEPS = ['pick', 'pull', 'verify', 'unpack', 'rebuild', 'compare', 'assert', 'tear-down'] as const;
export type DrillStepName = (typeof DRILL_STEPS)[number];

export interface DrillStep {
  readonly name: DrillStepName;
  /** Of `rebuild`, `compare` and `assert`: the store's name in the recipe. */
  readonly store?: string;
  readonly outcome: DrillOutcome | 'skipped';
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly elapsedMs: number;
  /** What it worked on: bytes pulled, files restored, rows built or read back. */
  readonly bytes?: number;
  readonly files?: number;
  readonly rows?: number;
}

export interface DrilledExport {
  readonly path: string;
  readonly exportId: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly contentDigest: string;
  readonly files: number;
  readonly bytes: number;
  readonly storedBytes: number;
  /** True: pulled, verified and restored in this drill, every byte compared, and nothing that it feeds differed. */
  readonly proven: boolean;
}

/** Levels of comparison (docs/fingerprints.md, section 4). */
export type FingerprintLevel = 'L0' | 'L1' | 'L2' | 'L3' | 'L4';

/** One thing that differs, with what a person needs to find it. */
export interface TableDifference {
  readonly level: FingerprintLevel;
  readonly reason:
    'ROWS_DIFFER' | 'KEYS_DIFFER' | 'VALUES_DIFFER' | 'TYPES_DIFFER' | 'SAMPLES_DIFFER' | 'VECTORS_DIFFER';
  readonly table: string;
  readonly column?: string;
  /** As people read it: `cve_id=CVE-2024-1, dt=2024-05-01`. Absent when it is about a whole column or table. */
  readonly key?: string;
  readonly expected: string;
  readonly found: string;
}

export interface DrilledTable {
  readonly name: string;
  readonly outcome: DrillOutcome;
  readonly rows: number;
  /** `manifest`: what the exports said when they were packed. `files`: worked out anew from the restored files. */
  readonly expectedFrom: 'manifest' | 'files';
  /** Why not from the manifests, for a reader. */
  readonly expectedFromFilesBecause?: string;
  readonly levels: Readonly<Partial<Record<FingerprintLevel, 'equal' | 'differs' | 'not compared'>>>;
  /** Of L4. */
  readonly recallAt10?: number;
  /** At most 20; `differencesOmitted` counts the others that were found. */
  readonly differences: readonly TableDifference[];
  readonly differencesOmitted: number;
}

export interface DrilledStore {
  readonly name: string;
  readonly engine: StoreEngine;
  readonly outcome: DrillOutcome;
  readonly tables: readonly DrilledTable[];
}

export interface DrilledAssertion {
  readonly name: string;
  readonly store: string;
  readonly sql: string;
  readonly outcome: DrillOutcome;
  readonly expected: string;
  readonly found: string;
}

export interface DrillRecord {
  readonly drillVersion: typeof DRILL_VERSION;
  /** `<UTC yyyyMMddTHHmmssZ>-<8 hex>`. */
  readonly drillId: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly elapsedMs: number;
  readonly tool: { readonly name: string; readonly version: string; readonly node: string };
  /** As it is shown: without secrets. */
  readonly archive: string;
  readonly plan: { readonly name?: string; readonly pick: string; readonly seed?: number };
  readonly recipe?: { readonly sha256: string; readonly from: 'packed' | 'given' };
  readonly outcome: DrillOutcome;
  readonly reasons: readonly DrillReason[];
  readonly steps: readonly DrillStep[];
  readonly exports: readonly DrilledExport[];
  /** Exports that the pick meant and the budget left for another night. */
  readonly exportsLeft: number;
  readonly stores: readonly DrilledStore[];
  readonly assertions: readonly DrilledAssertion[];
  /** Recovery time: from the first byte asked for to the last store built, compare and tear-down apart. */
  readonly rtoMs: number;
  /** Recovery point: age of the newest drilled export when the drill began. Absent where there is none. */
  readonly rpoMs?: number;
  readonly totals: {
    readonly exports: number;
    readonly files: number;
    readonly bytes: number;
    readonly storedBytes: number;
    readonly rows: number;
  };
  /** What stays for a look, on a failure. */
  readonly kept?: { readonly scratch: string; readonly stores: readonly string[] };
  /** The evidence before this one in the same archive; null for the first. */
  readonly previous: { readonly drillId: string; readonly sha256: string } | null;
}
