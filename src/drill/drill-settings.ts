/** The options of a drill made whole: every default, and every refusal that needs no look at an archive. */
import { randomBytes, randomInt } from 'node:crypto';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import type { ArchivePlace } from '../archive/archive.js';
import { LakepackError } from '../base/errors.js';
import { ignoreProgress, type ProgressListener } from '../base/progress.js';
import { sharedSignal } from '../base/shared-signal.js';
import { userStateDir } from '../base/state-dir.js';
import type { Recipe } from '../schema/recipe.js';
import type { DrillOptions, NoEvidence, DrillPlan } from './contract.js';
import { parseDrillPlan } from './drill-plan.js';

export interface DrillSettings {
  /** `<UTC yyyyMMddTHHmmssZ>-<8 hex>`. */
  readonly drillId: string;
  readonly startedAt: Date;
  readonly from: ArchivePlace;
  readonly plan: DrillPlan;
  /** Of a random pick. */
  readonly seed: number;
  readonly recipe: Recipe | undefined;
  readonly sameAs: ArchivePlace | undefined;
  /** The folder in which the drill makes its own. Absolute. */
  readonly scratchBase: string;
  readonly keep: 'on-failure' | 'always' | 'never';
  readonly evidence: ArchivePlace | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly nodeVersion: string;
  readonly concurrency: number;
  readonly stateDir: string;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
}

/** What only a caller above knows: below `cli/` nothing looks at the process. */
export interface DrillCaller {
  /** As Node says it, for the evidence: `v20.19.0`. Default `unknown`. */
  readonly nodeVersion?: string;
}

/** Throws PLAN_INVALID, USAGE. */
export function settingsOfDrill(options: DrillOptions & DrillCaller, now: Date): DrillSettings {
  const plan = parseDrillPlan(options.plan, 'drill plan');
  const { recipe, concurrency = availableParallelism() } = options;
  if (recipe !== undefined) assertStoresKnown(plan, recipe, 'PLAN_INVALID');
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new LakepackError('USAGE', `concurrency: expected a whole number from 1, got ${concurrency}`);
  }
  const evidence = options.evidence ?? options.from;
  return {
    drillId: drillIdAt(now),
    startedAt: now,
    from: options.from,
    plan,
    seed: (plan.pick.how === 'random' ? plan.pick.seed : undefined) ?? randomInt(2 ** 32),
    recipe,
    sameAs: options.sameAs,
    scratchBase: path.resolve(options.scratch ?? tmpdir()),
    keep: options.keep ?? 'on-failure',
    evidence: isNone(evidence) ? undefined : evidence,
    environment: options.environment ?? {},
    nodeVersion: options.nodeVersion ?? 'unknown',
    concurrency,
    stateDir: options.stateDir ?? userStateDir(),
    signal: sharedSignal(options.signal ?? new AbortController().signal),
    onProgress: options.onProgress ?? ignoreProgress,
  };
}

/** Names of the stores to rebuild, in the order of the plan, or of the recipe. */
export function storesOf({ stores }: DrillPlan, recipe: Recipe): readonly string[] {
  return stores ?? Object.keys(recipe.stores);
}

/** Throws `code` for a plan that names a store which the recipe does not have. */
export function assertStoresKnown(plan: DrillPlan, recipe: Recipe, code: 'PLAN_INVALID' | 'RECIPE_INVALID'): void {
  const known = Object.keys(recipe.stores);
  const named = [...storesOf(plan, recipe), ...(plan.assertions ?? []).map(({ store }) => store)];
  const unknown = named.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new LakepackError(code, `the recipe has no store ${unknown}: expected one of ${known.join(', ')}`, {
    hint: 'name stores of the recipe in the plan, or give another recipe',
  });
}

function drillIdAt(at: Date): string {
  const time = at
    .toISOString()
    .replace(/[-:]/g, '')
    .replace(/\.\d+Z$/, 'Z');
  return `${time}-${randomBytes(4).toString('hex')}`;
}

function isNone(place: ArchivePlace | NoEvidence): place is NoEvidence {
  return typeof place === 'object' && 'kind' in place;
}
