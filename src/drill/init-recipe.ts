/**
 * Makes a recipe from what a lake holds: a table for each dataset that is tabular, its keys proven over all rows, its
 * vectors found, and the stores that were asked for. It answers for a recipe that works as it stands; a person decides
 * what of it to keep.
 */
import { isLakepackError } from '../base/errors.js';
import { RECIPE_VERSION, type Recipe, type RecipeTable } from '../schema/recipe.js';
import type { StoreEngine } from '../schema/store-engine.js';
import { type ColumnLook, formatOfName, type LakeLook, openLakeLook, type TableCopy } from '../stores/duckdb-look.js';
import { type Dataset, datasetsOf } from './init-datasets.js';
import { roleOf } from './init-key-candidates.js';
import { findKeys } from './init-keys.js';
import { storesOf } from './init-stores.js';

export interface InitRecipeOptions {
  /** The lake's folder, absolute. */
  readonly lake: string;
  /** All its lake paths. */
  readonly files: readonly string[];
  readonly scratchDir: string;
  /** Engines of the stores, one store each. Default: `duckdb` alone, which needs no server. */
  readonly engines?: readonly StoreEngine[];
  readonly signal: AbortSignal;
}

export interface InitRecipeReport {
  readonly recipe: Recipe;
  /** What a reader should know: a dataset left out, a table without keys. One sentence each. */
  readonly notes: readonly string[];
}

const DEFAULT_ENGINES: readonly StoreEngine[] = ['duckdb'];
const MIN_VECTOR_DIMENSIONS = 8;
const MAX_FLAT_COLUMNS = 200;

/** Throws INTERRUPTED, DISK_FULL; a dataset that cannot be read is left out, and a note says so. */
export async function initRecipe(options: InitRecipeOptions): Promise<InitRecipeReport> {
  const { datasets, notes: left } = datasetsOf(options.files);
  const notes = [...left];
  const tables: Record<string, RecipeTable> = {};
  const look = await openLakeLook(options);
  try {
    for (const dataset of datasets) {
      const made = await tableOf(look, dataset, options.lake);
      notes.push(...made.notes);
      if (made.table !== undefined) tables[dataset.table] = made.table;
    }
  } finally {
    look.close();
  }
  const stores = storesOf(tables, options.engines ?? DEFAULT_ENGINES);
  return { recipe: { recipeVersion: RECIPE_VERSION, tables, stores }, notes };
}

interface MadeTable {
  readonly table?: RecipeTable;
  readonly notes: readonly string[];
}

async function tableOf(look: LakeLook, dataset: Dataset, lake: string): Promise<MadeTable> {
  try {
    const columns = await look.columns(dataset.files);
    if (columns.length === 0) return { notes: [`${dataset.path}: left out: its files have no columns`] };
    if (dataset.mustBeFlat && !isFlat(columns))
      return { notes: [`${dataset.path}: its documents are nested: a table of it needs SQL in the recipe`] };
    return await describedTable(look, dataset, columns);
  } catch (error) {
    if (!isLakepackError(error) || error.code === 'INTERRUPTED' || error.code === 'DISK_FULL') throw error;
    return { notes: [`${dataset.path}: left out: ${inLakePaths(error.message, lake)}`] };
  }
}

function inLakePaths(text: string, lake: string): string {
  return text.replaceAll(`${lake.replace(/\/+$/, '')}/`, '');
}

function isFlat(columns: readonly ColumnLook[]): boolean {
  return columns.length <= MAX_FLAT_COLUMNS && !columns.some(({ sqlType }) => /STRUCT|MAP|JSON/.test(sqlType));
}

async function describedTable(look: LakeLook, dataset: Dataset, columns: readonly ColumnLook[]): Promise<MadeTable> {
  const { from, files } = dataset;
  const typed: RecipeTable = {
    from,
    columns: Object.fromEntries(columns.map(({ name, sqlType }) => [name, sqlType])),
  };
  const { copy, table: plain, notes } = await readCopy(look, typed, dataset, columns);
  const { keys, notes: keyNotes } = await findKeys(copy, keyColumns(columns));
  await copy.drop();
  const vector = await vectorOf(look, plain, files, columns);
  return {
    table: {
      ...plain,
      ...(vector !== undefined && { columns: { ...plain.columns, [vector.column]: `FLOAT[${vector.dimensions}]` } }),
      ...(keys.length > 0 && { keys }),
      ...(vector !== undefined && { vector }),
    },
    notes: [...notes, ...keyNotes.map((note) => `table ${dataset.table}: ${note}`)],
  };
}

function keyColumns(columns: readonly ColumnLook[]): readonly ColumnLook[] {
  return columns.filter((column) => roleOf(column) !== undefined);
}

interface ReadCopy {
  readonly copy: TableCopy;
  readonly table: RecipeTable;
  readonly notes: readonly string[];
}

/**
 * Types of Parquet are known, so only what may be a key is read. Those of text were guessed and are tried on every
 * value; where they fail the table keeps text.
 */
async function readCopy(
  look: LakeLook,
  table: RecipeTable,
  { table: name, files }: Dataset,
  columns: readonly ColumnLook[],
): Promise<ReadCopy> {
  if (files.every((file) => formatOfName(file) === 'parquet')) {
    const named = keyColumns(columns).map((column): [string, string] => [column.name, column.sqlType]);
    const narrow = { ...table, columns: Object.fromEntries(named.length === 0 ? oneOf(table) : named) };
    return { copy: await look.copy(name, narrow, files), table, notes: [] };
  }
  try {
    return { copy: await look.copy(name, table, files), table, notes: [] };
  } catch (error) {
    if (!isLakepackError(error, 'RECIPE_INVALID')) throw error;
    const texts = Object.fromEntries(Object.keys(table.columns).map((column) => [column, 'VARCHAR']));
    const asText = { ...table, columns: texts };
    const notes = [`table ${name}: all its columns are text, because its values are not of one type each`];
    return { copy: await look.copy(name, asText, files), table: asText, notes };
  }
}

function oneOf(table: RecipeTable): readonly (readonly [string, string])[] {
  return Object.entries(table.columns).slice(0, 1);
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
