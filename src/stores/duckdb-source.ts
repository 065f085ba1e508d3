/**
 * Opens the files of a lake as the tables of a recipe: with the recipe's columns, types and SQL, and no access to
 * anything but the lake and a scratch folder. It answers for every value being what the file says, cast to the
 * recipe's type or refused by name; it does not know what a store makes of them.
 */
import { LakepackError } from '../base/errors.js';
import { filesOfTable } from '../schema/recipe-inputs.js';
import type { Recipe, RecipeTable } from '../schema/recipe.js';
import type { RowBatch, StoreCall, TableColumn, TableRows, TableSpec } from './contract.js';
import { type Engine, openEngine } from './duckdb-engine.js';
import { assertUnique } from './duckdb-keys.js';
import { lookAtFiles } from './duckdb-read-files.js';
import { judgeSql, type JudgedSql } from './duckdb-sql-scope.js';
import { groupedBatches, LakeTable, type TableContext } from './duckdb-table-rows.js';
import { logicalTypeOf, vectorType } from './logical-type.js';

export interface OpenLakeTablesOptions {
  /** The lake's folder, absolute. */
  readonly lake: string;
  readonly recipe: Recipe;
  /** All lake paths that there are; the recipe's globs choose among them. */
  readonly files: readonly string[];
  /** Names of tables. Default: all of the recipe. */
  readonly tables?: readonly string[];
  /** A folder of this call alone, for what does not fit into memory. */
  readonly scratchDir: string;
  readonly signal: AbortSignal;
}

export interface LakeTables {
  readonly specs: ReadonlyMap<string, TableSpec>;
  /** `export`: rows come from one file each, so what several exports give is added up. `lake`: SQL looks across files. */
  scopeOf(table: string): 'export' | 'lake';
  /** The lake paths that feed a table, sorted by bytes. */
  inputFiles(table: string): readonly string[];
  rows(table: string): TableRows;
  /**
   * The rows of an export-scoped table, each told to the first group of lake paths that has its file. Rows of files in
   * no group are left out. Throws USAGE for a table of lake scope.
   */
  batchesByGroup(
    table: string,
    groups: readonly (readonly string[])[],
    call: StoreCall,
  ): AsyncIterable<GroupedRowBatch>;
  /** Throws KEYS_NOT_UNIQUE naming the table, a key, and how often it is there. */
  assertKeysUnique(table: string, call: StoreCall): Promise<void>;
  close(): Promise<void>;
}

export type GroupedRowBatch = RowBatch & { readonly groupOf: readonly number[] };

/**
 * Throws RECIPE_INVALID (a type, a query, a format), and when rows are read SOURCE_UNREADABLE (a damaged file, by its
 * name), RECIPE_INVALID (a value that is not of the column's type), DISK_FULL, INTERRUPTED.
 */
export async function openLakeTables(options: OpenLakeTablesOptions): Promise<LakeTables> {
  const engine = await openEngine({ folders: [options.lake], scratchDir: options.scratchDir });
  try {
    const tables = new Map<string, LakeTable>();
    for (const [name, table] of chosenTables(options)) {
      tables.set(name, new LakeTable(await contextOf(engine, name, table, options)));
    }
    return lakeTablesOver(engine, tables);
  } catch (error) {
    engine.close();
    throw error;
  }
}

function chosenTables({ recipe, tables }: OpenLakeTablesOptions): readonly (readonly [string, RecipeTable])[] {
  const all = Object.entries(recipe.tables);
  const strange = tables?.find((name) => !all.some(([one]) => one === name));
  if (strange !== undefined) {
    throw new LakepackError('RECIPE_INVALID', `${strange}: the recipe has no such table`, {
      hint: `its tables are ${all.map(([name]) => name).join(', ')}`,
    });
  }
  return tables === undefined ? all : all.filter(([name]) => tables.includes(name));
}

/** One table over an engine that is open. */
export async function contextOf(
  engine: Engine,
  name: string,
  table: RecipeTable,
  options: Omit<OpenLakeTablesOptions, 'tables'>,
): Promise<TableContext> {
  const { lake, recipe, scratchDir, signal } = options;
  const files = filesOfTable(recipe, name, options.files);
  const call = { signal, subject: `table ${name}` };
  const judged: JudgedSql | undefined = table.sql === undefined ? undefined : await judgeSql(engine, table.sql, call);
  const look = (): ReturnType<typeof lookAtFiles> => lookAtFiles(engine, { lake, table, files, scratchDir }, call);
  return { engine, name, table, files, lake, scratchDir, judged, spec: specOf(name, table), look };
}

/** A table of a recipe in the words of stores. Throws RECIPE_INVALID for a type that is none. */
export function specOf(name: string, table: RecipeTable): TableSpec {
  const columns = Object.entries(table.columns).map(([column, sqlType]): TableColumn => ({
    name: column,
    sqlType,
    type:
      table.vector?.column === column
        ? vectorType(table.vector.dimensions)
        : logicalTypeOf(sqlType, `table ${name}: column ${column}`),
  }));
  return {
    name,
    columns,
    keys: table.keys ?? [],
    vector: table.vector,
    indexes: (table.indexes ?? []).map((index) => ({ columns: index.columns, unique: index.unique === true })),
  };
}

function lakeTablesOver(engine: Engine, tables: ReadonlyMap<string, LakeTable>): LakeTables {
  const tableOf = (name: string): LakeTable => {
    const table = tables.get(name);
    if (table === undefined) throw new LakepackError('INTERNAL', `${name}: the table was not opened`);
    return table;
  };
  return {
    specs: new Map([...tables].map(([name, table]) => [name, table.spec])),
    scopeOf: (name) => tableOf(name).scope,
    inputFiles: (name) => tableOf(name).context.files,
    rows: (name) => tableOf(name),
    batchesByGroup: (name, groups, call) => groupedBatches(tableOf(name), groups, call),
    assertKeysUnique: (name, call) => assertUnique(tableOf(name), call),
    close: async () => {
      engine.close();
      return Promise.resolve();
    },
  };
}
