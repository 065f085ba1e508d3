/**
 * The log of a drill: its steps with their times, and the reasons that were found in each. A step that throws is a
 * reason, not the end: what comes after it is decided by the drill.
 */
import { isLakepackError } from '../base/errors.js';
import type { ProgressListener } from '../base/progress.js';
import {
  DRILL_STEPS,
  type DrillOutcome,
  type DrillReason,
  type DrillReasonCode,
  type DrillStep,
  type DrillStepName,
} from '../schema/drill-record.js';
import { outcomeOf, reasonOfError } from './outcome.js';

/** An archive of 100,000 damaged exports must not make evidence of gigabytes: the others of a code are counted. */
const MAX_REASONS_OF_A_CODE = 50;

/** What a step worked on; see `DrillStep`. */
export type StepCounts = Pick<DrillStep, 'bytes' | 'files' | 'rows'>;

export interface StepClock {
  readonly now: () => Date;
  /** Milliseconds, only ever forwards. */
  readonly clockMs: () => number;
}

interface Current {
  readonly name: DrillStepName;
  readonly store: string | undefined;
  readonly reasons: DrillReason[];
}

export class StepLog {
  readonly #clock: StepClock;
  readonly #onProgress: ProgressListener;
  readonly #steps: DrillStep[] = [];
  readonly #reasons: DrillReason[] = [];
  /** By code: those that were found, kept or not, and what the last of them said. */
  readonly #found = new Map<DrillReasonCode, { count: number; readonly step: DrillStepName }>();
  #current: Current | undefined;

  constructor(clock: StepClock, onProgress: ProgressListener) {
    this.#clock = clock;
    this.#onProgress = onProgress;
  }

  /**
   * Runs one step. What it throws becomes a reason, unless `passes` says that it is for the caller.
   * @returns false where it threw.
   */
  async step(
    name: DrillStepName,
    store: string | undefined,
    work: () => Promise<StepCounts | undefined>,
    passes: (error: unknown) => boolean = () => false,
  ): Promise<boolean> {
    const startedAt = this.#clock.now().toISOString();
    const started = this.#clock.clockMs();
    this.#current = { name, store, reasons: [] };
    this.#onProgress({ type: 'phase', phase: name, ...(store !== undefined && { detail: store }) });
    let counts: StepCounts = {};
    let isWhole = true;
    try {
      counts = (await work()) ?? {};
    } catch (error) {
      if (passes(error)) throw error;
      isWhole = false;
      this.add(reasonOfError(error, name, store));
    }
    const outcome = outcomeOf(this.#current.reasons);
    const elapsedMs = Math.max(0, Math.round(this.#clock.clockMs() - started));
    this.#steps.push({ name, ...(store !== undefined && { store }), outcome, startedAt, elapsedMs, ...counts });
    this.#current = undefined;
    return isWhole;
  }

  /** A reason found in the step that runs. The same one twice is one. */
  add(reason: DrillReason): void {
    this.#current?.reasons.push(reason);
    const isKnown = this.#reasons.some((one) => one.code === reason.code && one.message === reason.message);
    if (isKnown) return;
    const found = this.#found.get(reason.code) ?? { count: 0, step: reason.step };
    found.count += 1;
    this.#found.set(reason.code, found);
    if (found.count <= MAX_REASONS_OF_A_CODE) this.#reasons.push(reason);
  }

  /** As `add`, for what was thrown. */
  addError(error: unknown, where?: string): void {
    this.add(reasonOfError(error, this.#current?.name ?? 'tear-down', where));
  }

  /** The worst that was found in the step that runs. */
  get currentOutcome(): DrillOutcome {
    return outcomeOf(this.#current?.reasons ?? []);
  }

  has(...codes: readonly DrillReasonCode[]): boolean {
    return codes.some((code) => this.#found.has(code));
  }

  get outcome(): DrillOutcome {
    return outcomeOf(this.#reasons);
  }

  get reasons(): readonly DrillReason[] {
    const more = [...this.#found].flatMap(([code, { count, step }]) =>
      count <= MAX_REASONS_OF_A_CODE
        ? []
        : [{ code, step, message: `and ${count - MAX_REASONS_OF_A_CODE} more like it` }],
    );
    return [...this.#reasons, ...more];
  }

  /** Those that ran, in order, and those that were not reached. */
  steps(stores: readonly string[], assertedStores: ReadonlySet<string>): readonly DrillStep[] {
    const ran = new Map(this.#steps.map((step) => [stepKey(step.name, step.store), step]));
    // What kept all stores from being rebuilt is a step without a store.
    const wanted = ran.has(stepKey('rebuild', undefined))
      ? DRILL_STEPS.filter((name) => name !== 'compare' && name !== 'assert').map((name): StepId => ({ name }))
      : wantedSteps(stores, assertedStores);
    const at = this.#clock.now().toISOString();
    return wanted.map(({ name, store }) => {
      const skipped = { name, ...(store !== undefined && { store }), outcome: 'skipped' as const };
      return ran.get(stepKey(name, store)) ?? { ...skipped, startedAt: at, elapsedMs: 0 };
    });
  }

  /** Milliseconds spent in all steps of these names. */
  elapsedMs(...names: readonly DrillStepName[]): number {
    return this.#steps.filter(({ name }) => names.includes(name)).reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
  }
}

type StepId = Pick<DrillStep, 'name'> & { readonly store?: string };

function wantedSteps(stores: readonly string[], assertedStores: ReadonlySet<string>): readonly StepId[] {
  return DRILL_STEPS.flatMap((name): readonly StepId[] => {
    if (name === 'compare' || name === 'assert') return [];
    if (name !== 'rebuild') return [{ name }];
    return stores.flatMap((store): readonly StepId[] => [
      { name: 'rebuild', store },
      { name: 'compare', store },
      ...(assertedStores.has(store) ? [{ name: 'assert' as const, store }] : []),
    ]);
  });
}

function stepKey(name: DrillStepName, store: string | undefined): string {
  return `${name} ${store ?? ''}`;
}

/** What is wrong with how the drill was called is told to the caller, and is no result of a drill. */
export function isOfCaller(error: unknown): boolean {
  return OF_CALLER.some((code) => isLakepackError(error, code));
}

const OF_CALLER = ['USAGE', 'SELECTOR_INVALID', 'SELECTOR_AMBIGUOUS', 'CONFIG_INVALID', 'PLAN_INVALID'] as const;
