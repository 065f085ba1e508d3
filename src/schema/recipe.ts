/**
 * The shape of a recipe, version 1 (docs/recipes.md): which tables are derived from a lake, and which stores hold them.
 * Types only: `parse-recipe.ts` is the one place that reads one. Unknown fields are kept.
 */
import type { StoreEngine } from './store-engine.js';

export const RECIPE_VERSION = 1;
/** The name under which a lake keeps its recipe. */
export const RECIPE_NAME = 'lakepack.recipe.json';

export interface Recipe {
  readonly recipeVersion: typeof RECIPE_VERSION;
  readonly note?: string;
  /** By name: a letter or `_`, then letters, digits and `_`; at most 63 characters, as PostgreSQL keeps. */
  readonly tables: Readonly<Record<string, RecipeTable>>;
  /** By name, as tables. */
  readonly stores: Readonly<Record<string, RecipeStore>>;
}

export interface RecipeTable {
  readonly note?: string;
  /** Globs over lake paths (`*`, `**`, `?`, `{a,b}`). A file that fits several is read once. */
  readonly from: readonly string[];
  /** Default: told by the names of the files. */
  readonly format?: SourceFormat;
  /** True: hive keys in the path (`dt=2024-05-01`) are columns, as text. Default true. */
  readonly hive?: boolean;
  /** Of CSV. Default: `,`, and a header line. */
  readonly csv?: { readonly delimiter?: string; readonly header?: boolean };
  /**
   * One SELECT over the relation `source`. What `source` has: a Parquet file's own columns; of CSV every column as
   * text; of JSON and JSONL one column `json` per document (or element of a document that is an array); and the hive
   * keys. Without it the columns are taken from the source by name.
   */
  readonly sql?: string;
  /** Name to SQL type, in order. Values are cast to it; one that cannot be fails the table, nothing becomes null. */
  readonly columns: Readonly<Record<string, string>>;
  /** Columns that together are different in every row. Absent or empty: rows have no identity. */
  readonly keys?: readonly string[];
  readonly vector?: RecipeVector;
  readonly indexes?: readonly { readonly columns: readonly string[]; readonly unique?: boolean }[];
}

export type SourceFormat = 'parquet' | 'json' | 'jsonl' | 'csv';

export interface RecipeVector {
  /** A column whose type is `FLOAT[n]` or `FLOAT[]`. */
  readonly column: string;
  readonly dimensions: number;
  readonly metric: VectorMetric;
}

export type VectorMetric = 'cosine' | 'l2' | 'dot';

export interface RecipeStore {
  readonly note?: string;
  readonly engine: StoreEngine;
  /** Names of tables. Absent: all. */
  readonly tables?: readonly string[];
  /** Cosmos: the column that is the partition key of each table's container. Default: the first key column. */
  readonly partitionKeys?: Readonly<Record<string, string>>;
  /** Cosmos: request units a second that a build may use. */
  readonly maxRequestUnitsPerSecond?: number;
}
