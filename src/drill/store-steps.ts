/**
 * Rebuild, compare and assert, for each store of the drill: built under a name that no live store has, read back,
 * compared with what the exports say, asked the plan's own questions. Nothing is ever published.
 */
import type { ProgressListener } from '../base/progress.js';
import type {
  DrilledAssertion,
  DrilledStore,
  DrilledTable,
  DrillReason,
  TableDifference,
} from '../schema/drill-record.js';
import { definitionOf } from '../schema/parse-recipe.js';
import type { Recipe, RecipeStore } from '../schema/recipe.js';
import type { TableCheck } from '../stores/check-table.js';
import type { DerivedStore, StoreCall } from '../stores/contract.js';
import type { LakeTables } from '../stores/duckdb-source.js';
import { checkAssertion, outcomeOfAssertions } from './assertions.js';
import { buildStore, tablesOfStore } from './build-store.js';
import type { DrillSettings } from './drill-settings.js';
import type { StepCounts, StepLog } from './drill-steps.js';
import type { DrillTools } from './drill-tools.js';
import { type Expectation, expectationFor, type RestoredExport } from './expectations.js';
import { inputsDigestOf } from './inputs-digest.js';
import { listLakeFiles } from './list-lake-files.js';
import type { PlacesJournal } from './made-places.js';
import { outcomeOf, reasonOfError, worstOf } from './outcome.js';
import type { Scratch } from './scratch.js';
import { storePlace } from './store-place.js';

export interface StoreContext {
  readonly settings: DrillSettings;
  readonly tools: DrillTools;
  readonly scratch: Scratch;
  readonly log: StepLog;
  readonly journal: PlacesJournal;
  readonly recipe: Recipe;
  readonly restored: readonly RestoredExport[];
}

/** What came of it so far; tear-down needs it however the steps end. */
export class StoreRun {
  readonly stores: DrilledStore[] = [];
  readonly assertions: DrilledAssertion[] = [];
  /** Tables that differ, or could not be built as the recipe says: nothing that feeds one is proven. */
  readonly badTables = new Set<string>();
  /** Open, or closed by tear-down. */
  readonly opened: DerivedStore[] = [];
  /** Rows built, of all stores. */
  rows = 0;
  readonly #context: StoreContext;
  readonly #call: StoreCall;
  readonly #expectations = new Map<string, Promise<Expectation>>();
  #tables: LakeTables | undefined;

  constructor(context: StoreContext) {
    this.#context = context;
    this.#call = { signal: context.settings.signal };
  }

  async run(names: readonly string[]): Promise<void> {
    const { log, recipe } = this.#context;
    for (const [index, name] of names.entries()) {
      const settings = recipe.stores[name];
      if (settings === undefined || log.has('INTERRUPTED')) continue;
      await this.#runStore(name, index, settings);
    }
  }

  async closeTables(): Promise<void> {
    await this.#tables?.close();
    this.#tables = undefined;
  }

  async #runStore(name: string, index: number, settings: RecipeStore): Promise<void> {
    const { log, recipe, settings: drill } = this.#context;
    const tables = tablesOfStore(recipe, settings);
    const assertions = (drill.plan.assertions ?? []).filter(({ store }) => store === name);
    const checked: DrilledTable[] = [];
    const before = log.reasons.length;
    let store: DerivedStore | undefined;
    const isBuilt = await log.step('rebuild', name, async () => {
      try {
        store = await this.#open(name, index, settings);
        return await this.#build(store, tables);
      } catch (error) {
        if (outcomeOf([reasonOfError(error, 'rebuild')]) === 'fail') tables.forEach((one) => this.badTables.add(one));
        throw error;
      }
    });
    const built = store;
    let isCompared = false;
    if (isBuilt && built !== undefined) {
      isCompared = await log.step('compare', name, () => this.#compare(built, tables, checked));
    }
    if (isCompared && built !== undefined && assertions.length > 0) {
      await log.step('assert', name, () => this.#assert(built, assertions));
    }
    const ofTables = worstOf(checked.map((table) => table.outcome));
    const ofAssertions = outcomeOfAssertions(this.assertions.filter((one) => one.store === name));
    const ofSteps = outcomeOf(log.reasons.slice(before));
    const outcome = worstOf([ofTables, ofAssertions, ofSteps, ...(isCompared ? [] : ['inconclusive' as const])]);
    this.stores.push({ name, engine: settings.engine, outcome, tables: checked });
  }

  async #open(name: string, index: number, settings: RecipeStore): Promise<DerivedStore> {
    const { settings: drill, scratch, tools, journal } = this.#context;
    const { drillId, environment, signal } = drill;
    const place = storePlace({ drillId, scratch, name, index, settings, environment });
    const { into, marker, isOutside } = place;
    if (isOutside) await journal.add({ into, marker, settings });
    const store = await tools.openStore({
      into,
      settings,
      environment: place.environment,
      replace: false,
      marker,
      scratchDir: scratch.tmp,
      signal,
    });
    this.opened.push(store);
    return store;
  }

  async #build(store: DerivedStore, tables: readonly string[]): Promise<StepCounts> {
    const lakeTables = await this.#lakeTables();
    const onProgress: ProgressListener = this.#context.settings.onProgress;
    const built = await buildStore({ store, lakeTables, tables, call: this.#call, onProgress });
    const rows = [...built.values()].reduce((sum, one) => sum + one, 0);
    this.rows += rows;
    return { rows };
  }

  async #lakeTables(): Promise<LakeTables> {
    if (this.#tables !== undefined) return this.#tables;
    const { scratch, recipe, tools, settings } = this.#context;
    const { signal } = settings;
    const files = await listLakeFiles(scratch.lake, signal);
    this.#tables = await tools.openTables({ lake: scratch.lake, recipe, files, scratchDir: scratch.tmp, signal });
    return this.#tables;
  }

  async #compare(store: DerivedStore, tables: readonly string[], checked: DrilledTable[]): Promise<StepCounts> {
    const { tools, log, settings } = this.#context;
    const lakeTables = await this.#lakeTables();
    let rows = 0;
    for (const table of tables) {
      const said = await this.#expectation(table, lakeTables);
      const expected = 'content' in said ? said.content : undefined;
      const check = await tools.checkTable({ store, rows: lakeTables.rows(table), expected, call: this.#call });
      const { storeEqualsFiles, ...drilled } = check;
      checked.push({ ...drilled, ...('because' in said && { expectedFromFilesBecause: said.because }) });
      rows += check.rows;
      settings.onProgress({ type: 'item', name: table, status: check.outcome, detail: `${check.rows} rows` });
      if (check.outcome === 'pass') continue;
      this.badTables.add(table);
      reasonsOfTable(check, store.engine).forEach((reason) => log.add(reason));
    }
    return { rows };
  }

  #expectation(table: string, lakeTables: LakeTables): Promise<Expectation> {
    const known = this.#expectations.get(table);
    if (known !== undefined) return known;
    const { recipe, restored, scratch, settings } = this.#context;
    const spec = lakeTables.specs.get(table);
    const definition = recipe.tables[table];
    const files = lakeTables.inputFiles(table);
    const scope = lakeTables.scopeOf(table);
    const asked: Promise<Expectation> =
      spec === undefined || definition === undefined
        ? Promise.resolve({ because: 'the recipe does not define it' })
        : expectationFor(table, spec, scope, definitionOf(definition), restored, files, () =>
            inputsDigestOf(scratch.lake, files, settings.signal),
          );
    this.#expectations.set(table, asked);
    return asked;
  }

  async #assert(store: DerivedStore, assertions: Parameters<typeof checkAssertion>[1][]): Promise<undefined> {
    const { log } = this.#context;
    for (const assertion of assertions) {
      const checked = await checkAssertion(store, assertion, this.#call);
      this.assertions.push(checked);
      if (checked.outcome === 'pass') continue;
      const { name, expected, found, store: where } = checked;
      const message = `${name}: expected ${expected}, got ${found}`;
      log.add({ code: 'ASSERTION_FAILED', step: 'assert', message, where });
    }
    return undefined;
  }
}

/** One reason for each kind of difference, with the first of its kind. */
function reasonsOfTable(check: TableCheck, engine: string): readonly DrillReason[] {
  const { name, differences, storeEqualsFiles } = check;
  const where = `${engine} ${name}`;
  const step = 'compare' as const;
  if (storeEqualsFiles) {
    const message = `${name}: the store has what the restored files have, and that is not what the exports said when they were packed`;
    const hint =
      'the files are those that were packed, byte for byte: look for what changed between the two versions of lakepack or of the engine that reads them';
    return [{ code: 'FINGERPRINT_DIFFERS', step, message, where, hint }];
  }
  const first = new Map<TableDifference['reason'], TableDifference>();
  for (const one of differences) if (!first.has(one.reason)) first.set(one.reason, one);
  if (first.size === 0) {
    const message = `${name}: the rebuilt table is not what the exports say`;
    return [{ code: 'VALUES_DIFFER', step, message, where }];
  }
  return [...first].map(([code, { column, key, expected, found }]) => {
    const place = [name, column, key].filter((one) => one !== undefined).join(', ');
    return { code, step, message: `${place}: expected ${expected}, got ${found}`, where };
  });
}
