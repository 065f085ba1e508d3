/**
 * Makes a recipe from what a lake holds: a table for each dataset that is tabular, its keys proven over all rows, its
 * vectors found, and the stores that can hold them. It answers for a recipe that works as it stands; a person decides
 * what of it to keep.
 */
import { isLakepackError } from '../base/errors.js';
import { RECIPE_VERSION, type Recipe, type RecipeStore, type RecipeTable } from '../schema/recipe.js';
import { type ColumnLook, type LakeLook, openLakeLook } from '../stores/duckdb-look.js';
import { findKeys } from './init-keys.js';
import { type Dataset, datasetsOf } from './init-datasets.js';

export interface InitRecipeOptions {
  /** The lake's folder, absolute. */
  readonly lake: string;
  /** All its lake paths. */
  readonly files: readonly string[];
  readonly scratchDir: string;
  readonly signal: AbortSignal;
}

export interface InitRecipeReport {
  readonly recipe: Recipe;
  /** What a reader should know: a dataset left out, a table without keys. One sentence each. */
  readonly notes: readonly string[];
}

const MIN_VECTOR_DIMENSIONS = 8;

/** Throws INTERRUPTED, DISK_FULL; a dataset that cannot be read is left out, and a note says so. */
export async function initRecipe(options: InitRecipeOptions): Promise<InitRecipeReport> {
  const { datasets, notes: left } = datasetsOf(options.files);
  const notes = [...left];
  const tables: Record<string, RecipeTable> = {};
  const look = await openLakeLook(options);
  try {
    for (const dataset of datasets) {
      const made = await tableOf(look, dataset, notes);
      if (made !== undefined) tables[dataset.table] = made;
    }
  } finally {
    look.close();
  }
  return { recipe: { recipeVersion: RECIPE_VERSION, tables, stores: storesOf(tables) }, notes };
}

async function tableOf(look: LakeLook, dataset: Dataset, notes: string[]): Promise<RecipeTable | undefined> {
  try {
    const columns = await look.columns(dataset.files);
    if (dataset.mustBeFlat && !isFlat(columns)) {
      notes.push(`${dataset.path}: its documents are nested: a table of it needs SQL in the recipe`);
      return undefined;
    }
    return await describedTable(look, dataset, columns, notes);
  } catch (error) {
    if (!isLakepackError(error) || error.code === 'INTERRUPTED' || error.code === 'DISK_FULL') throw error;
    notes.push(`${dataset.path}: left out: ${error.message}`);
    return undefined;
  }
}

const MAX_FLAT_COLUMNS = 200;

function isFlat(columns: readonly ColumnLook[]): boolean {
  return columns.length <= MAX_FLAT_COLUMNS && !columns.some(({ sqlType }) => /STRUCT|MAP|JSON/.test(sqlType));
}

async function describedTable(
  look: LakeLook,
  dataset: Dataset,
  columns: readonly ColumnLook[],
  notes: string[],
): Promise<RecipeTable> {
  const { from, files } = dataset;
  const typed: RecipeTable = {
    from,
    columns: Object.fromEntries(columns.map(({ name, sqlType }) => [name, sqlType])),
  };
  const plain = await readableTable(look, typed, dataset, notes);
  const vector = await vectorOf(look, plain, files, columns);
  const keys = await findKeys(look, plain, files, columns);
  await look.forget(plain);
  if (keys.length === 0)
    notes.push(`table ${dataset.table}: no columns were found that tell its rows apart: it has no keys`);
  return {
    ...plain,
    ...(vector === undefined ? {} : { columns: { ...plain.columns, [vector.column]: `FLOAT[${vector.dimensions}]` } }),
    ...(keys.length === 0 ? {} : { keys }),
    ...(vector === undefined ? {} : { vector }),
  };
}

/** Types that were guessed from text are tried on every value; where they fail the table keeps text. */
async function readableTable(
  look: LakeLook,
  table: RecipeTable,
  dataset: Dataset,
  notes: string[],
): Promise<RecipeTable> {
  try {
    await look.assertReadable(table, dataset.files);
    return table;
  } catch (error) {
    if (!isLakepackError(error, 'RECIPE_INVALID')) throw error;
    notes.push(`table ${dataset.table}: all its columns are text, because ${error.message}`);
    const columns = Object.fromEntries(Object.keys(table.columns).map((name) => [name, 'VARCHAR']));
    return { ...table, columns };
  }
}

async function vectorOf(
  look: LakeLook,
  table: RecipeTable,
  files: readonly string[],
  columns: readonly ColumnLook[],
): Promise<RecipeTable['vector']> {
  for (const { name } of columns.filter(({ isFloatList }) => isFloatList)) {
    const dimensions = await look.listLength(table, files, name);
    if (dimensions !== undefined && dimensions >= MIN_VECTOR_DIMENSIONS)
      return { column: name, dimensions, metric: 'cosine' };
  }
  return undefined;
}

function storesOf(tables: Readonly<Record<string, RecipeTable>>): Readonly<Record<string, RecipeStore>> {
  const namesWhere = (fits: (table: RecipeTable) => boolean): readonly string[] =>
    Object.entries(tables).flatMap(([name, table]) => (fits(table) ? [name] : []));
  const withVectors = namesWhere((table) => table.vector !== undefined);
  const withKeys = namesWhere((table) => table.keys !== undefined);
  return {
    duckdb: { engine: 'duckdb' },
    ...(withKeys.length === 0 ? {} : { postgres: { engine: 'postgres', tables: withKeys } }),
    ...(withVectors.length === 0 ? {} : { vectors: { engine: 'lancedb', tables: withVectors } }),
  };
}
