/** Which stores a new recipe has. Only asked-for engines: a drill of a store whose server nobody has proves nothing. */
import type { Recipe, RecipeStore, RecipeTable } from '../schema/recipe.js';
import type { StoreEngine } from '../schema/store-engine.js';

type Tables = Readonly<Record<string, RecipeTable>>;

/** A store of an engine that can hold none of the tables is left out. */
export function storesOf(tables: Tables, engines: readonly StoreEngine[]): Recipe['stores'] {
  const stores: Record<string, RecipeStore> = {};
  for (const engine of new Set(engines)) {
    const { name, fits } = STORES[engine];
    const held = Object.keys(tables).filter((table) => fits(tables[table]));
    const isAll = held.length === Object.keys(tables).length;
    if (held.length > 0) stores[name] = { engine, ...(isAll ? {} : { tables: held }) };
  }
  return stores;
}

interface StoreKind {
  readonly name: string;
  readonly fits: (table: RecipeTable | undefined) => boolean;
}

const STORES: Readonly<Record<StoreEngine, StoreKind>> = {
  duckdb: { name: 'warehouse', fits: () => true },
  postgres: { name: 'serving', fits: () => true },
  lancedb: { name: 'search', fits: (table) => table?.vector !== undefined },
  // Documents are told apart by an id, which is made of the keys.
  cosmos: { name: 'documents', fits: (table) => table?.keys !== undefined },
};
