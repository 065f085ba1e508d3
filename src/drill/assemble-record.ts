/** The record of a drill, from what its steps found. Pure but for the version of this package. */
import { TOOL_NAME, toolVersion } from '../base/version.js';
import { DRILL_VERSION, type DrilledExport, type DrillRecord } from '../schema/drill-record.js';
import { recipeDigest } from '../schema/parse-recipe.js';
import type { Recipe } from '../schema/recipe.js';
import type { DrillSettings } from './drill-settings.js';
import type { StepLog } from './drill-steps.js';
import type { PickedExport } from './look-at-archive.js';
import { pickText } from './pick-exports.js';
import type { StoreRun } from './store-steps.js';

/** The recipe of a drill, and where it came from. */
export interface DrilledRecipe {
  readonly content: Recipe;
  readonly from: 'packed' | 'given';
}

export interface DrillFacts {
  readonly settings: DrillSettings;
  readonly log: StepLog;
  readonly archive: string;
  readonly finishedAt: Date;
  readonly elapsedMs: number;
  readonly picked: readonly PickedExport[];
  /** Manifest keys of those that are proven. */
  readonly proven: ReadonlySet<string>;
  readonly left: number;
  readonly recipe: DrilledRecipe | undefined;
  readonly storeNames: readonly string[];
  readonly stores: StoreRun | undefined;
  readonly kept: DrillRecord['kept'];
}

/** All but the link to the record before it, which is known when it is stored. */
export function assembleRecord(facts: DrillFacts): Omit<DrillRecord, 'previous'> {
  const { settings, log, picked, stores, recipe, kept } = facts;
  const { drillId, startedAt, plan, seed } = settings;
  const asserted = new Set((plan.assertions ?? []).map(({ store }) => store));
  const rpoMs = recoveryPointMs(picked, startedAt);
  const sum = (of: (one: PickedExport) => number): number => picked.reduce((total, one) => total + of(one), 0);
  return {
    drillVersion: DRILL_VERSION,
    drillId,
    startedAt: startedAt.toISOString(),
    finishedAt: facts.finishedAt.toISOString(),
    elapsedMs: facts.elapsedMs,
    tool: { name: TOOL_NAME, version: toolVersion(), node: settings.nodeVersion },
    archive: facts.archive,
    plan: {
      ...(plan.name !== undefined && { name: plan.name }),
      pick: pickText(plan.pick),
      ...(plan.pick.how === 'random' && { seed }),
    },
    ...(recipe !== undefined && { recipe: { sha256: recipeDigest(recipe.content), from: recipe.from } }),
    outcome: log.outcome,
    reasons: log.reasons,
    steps: log.steps(facts.storeNames, asserted),
    exports: picked.map((one) => drilledExport(one, facts.proven)),
    exportsLeft: facts.left,
    stores: stores?.stores ?? [],
    assertions: stores?.assertions ?? [],
    rtoMs: log.elapsedMs('pull', 'verify', 'unpack', 'rebuild'),
    ...(rpoMs !== undefined && { rpoMs }),
    totals: {
      exports: picked.length,
      files: sum((one) => one.files),
      bytes: sum((one) => one.bytes),
      storedBytes: sum((one) => one.storedBytes),
      rows: stores?.rows ?? 0,
    },
    ...(kept !== undefined && { kept }),
  };
}

function drilledExport(one: PickedExport, proven: ReadonlySet<string>): DrilledExport {
  const { ref, createdAt, contentDigest, files, bytes, storedBytes } = one;
  const { path, exportId, manifestKey } = ref;
  return { path, exportId, createdAt, contentDigest, files, bytes, storedBytes, proven: proven.has(manifestKey) };
}

/** A clock that was behind when the export was made gives no negative age. */
function recoveryPointMs(picked: readonly PickedExport[], startedAt: Date): number | undefined {
  if (picked.length === 0) return undefined;
  const newest = picked.reduce((latest, { ref }) => Math.max(latest, ref.createdAt.getTime()), 0);
  return Math.max(0, startedAt.getTime() - newest);
}
