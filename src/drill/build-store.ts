/**
 * Builds the tables of one store from lake files: the step that a rebuild for real and a drill share. It neither
 * compares nor publishes.
 */
import { throwIfAborted } from '../base/errors.js';
import type { ProgressListener } from '../base/progress.js';
import type { RecipeStore } from '../schema/recipe.js';
import type { Recipe } from '../schema/recipe.js';
import type { DerivedStore, StoreCall } from '../stores/contract.js';
import type { LakeTables } from '../stores/duckdb-source.js';

export interface BuildStoreOptions {
  /** Open, and empty. */
  readonly store: DerivedStore;
  readonly lakeTables: LakeTables;
  /** Names of tables, in the order in which they are built. */
  readonly tables: readonly string[];
  readonly call: StoreCall;
  /** Gets an `item` for each table that stands. */
  readonly onProgress: ProgressListener;
}

/** Rows by table. */
export type BuiltRows = ReadonlyMap<string, number>;

/**
 * Makes sure that keys are unique, builds each table and seals the store. What it throws leaves the store to be
 * discarded by the caller.
 * @throws KEYS_NOT_UNIQUE, RECIPE_INVALID, SOURCE_UNREADABLE, STORE_UNAVAILABLE, STORE_REFUSED, DISK_FULL, INTERRUPTED.
 */
export async function buildStore(options: BuildStoreOptions): Promise<BuiltRows> {
  const { store, lakeTables, tables, call, onProgress } = options;
  const built = new Map<string, number>();
  for (const table of tables) {
    throwIfAborted(call.signal);
    // An engine would overwrite one of two rows with the same key, or refuse them in words of its own.
    await lakeTables.assertKeysUnique(table, call);
    const { rows } = await store.build(lakeTables.rows(table), call);
    built.set(table, rows);
    onProgress({ type: 'item', name: table, status: 'built', detail: `${rows} rows` });
  }
  await store.seal(call);
  return built;
}

/** The tables that a store of the recipe has, in the order of the recipe. */
export function tablesOfStore(recipe: Recipe, { tables }: RecipeStore): readonly string[] {
  const all = Object.keys(recipe.tables);
  return tables === undefined ? all : all.filter((name) => tables.includes(name));
}
