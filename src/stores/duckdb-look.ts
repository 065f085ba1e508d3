/**
 * Looks at lake files to find out what tables they would make: columns and types over all files, which columns tell
 * rows apart, how long lists of floats are. For `recipe init`; what is sensible is decided there.
 */
import type { RecipeTable } from '../schema/recipe.js';
import type { LogicalType } from './contract.js';
import { csvColumnTypes } from './duckdb-csv-types.js';
import { type Engine, type EngineCall, openEngine, sqlName } from './duckdb-engine.js';
import { jsonTypesRelation, lookAtFiles, placeList, type SourceFiles, sourceRelation } from './duckdb-read-files.js';
import { contextOf } from './duckdb-source.js';
import { LakeTable } from './duckdb-table-rows.js';
import { logicalTypeOf } from './logical-type.js';

export { formatOfName } from './duckdb-read-files.js';

export interface LookOptions {
  readonly lake: string;
  readonly scratchDir: string;
  readonly signal: AbortSignal;
}

export interface ColumnLook {
  readonly name: string;
  readonly sqlType: string;
  readonly kind: LogicalType['kind'];
  readonly isHiveKey: boolean;
  readonly isFloatList: boolean;
}

export interface LakeLook {
  /** Columns with the types that hold all values of all files. Throws SOURCE_UNREADABLE. */
  columns(files: readonly string[]): Promise<readonly ColumnLook[]>;
  /**
   * Reads the columns of a table once, every value cast; what is asked of the copy reads no file. Throws
   * RECIPE_INVALID where a value cannot be cast as the table says.
   */
  copy(name: string, table: RecipeTable, files: readonly string[]): Promise<TableCopy>;
  /** The length of all lists of a column, where it is one. */
  listLength(table: RecipeTable, files: readonly string[], column: string): Promise<number | undefined>;
  close(): void;
}

export interface TableCopy {
  counts(): Promise<ColumnCounts>;
  /** For each set of columns about how many different rows it sees: off by some tenths. One reading for all sets. */
  aboutDistinct(sets: readonly (readonly string[])[]): Promise<readonly number[]>;
  /** How many rows are too many for these columns to be different in every row: none where they tell all apart. */
  twins(columns: readonly string[]): Promise<number>;
  drop(): Promise<void>;
}

export interface ColumnCounts {
  readonly rows: number;
  /** About: off by some tenths. */
  readonly distinct: ReadonlyMap<string, number>;
  readonly nulls: ReadonlyMap<string, number>;
  /** Characters of the longest text; 0 for what is no text. */
  readonly longest: ReadonlyMap<string, number>;
}

interface Looking extends LookOptions {
  readonly engine: Engine;
  /** Looked at once: headers and footers of thousands of files take seconds. */
  readonly sources: Map<readonly string[], Promise<SourceFiles>>;
}

export async function openLakeLook(options: LookOptions): Promise<LakeLook> {
  const engine = await openEngine({ folders: [options.lake], scratchDir: options.scratchDir });
  const looking: Looking = { ...options, engine, sources: new Map() };
  return {
    columns: (files) => columnsOf(looking, files),
    copy: (name, table, files) => copied(looking, name, table, files),
    listLength: (table, files, column) => listLengthOf(looking, table, files, column),
    close: () => engine.close(),
  };
}

function callOf({ signal }: LookOptions, subject: string): EngineCall {
  return { signal, subject };
}

function sourceOf(looking: Looking, files: readonly string[]): Promise<SourceFiles> {
  const table: RecipeTable = { from: files.slice(0, 1), columns: {} };
  const source =
    looking.sources.get(files) ??
    lookAtFiles(looking.engine, { ...looking, table, files }, callOf(looking, files[0] ?? looking.lake));
  looking.sources.set(files, source);
  return source;
}

async function columnsOf(looking: Looking, files: readonly string[]): Promise<readonly ColumnLook[]> {
  const source = await sourceOf(looking, files);
  const own = await typesOf(looking, source, callOf(looking, 'the types of its columns'));
  const isHive = (name: string): boolean => source.hiveKeys.some((key) => key.toLowerCase() === name.toLowerCase());
  return [
    ...own
      .filter(([name]) => !isHive(name) && !name.startsWith('lakepack '))
      .map(([name, sqlType]) => lookOf(name, sqlType, false)),
    ...source.hiveKeys.map((name) => lookOf(name, 'VARCHAR', true)),
  ];
}

async function typesOf(
  { engine }: Looking,
  source: SourceFiles,
  call: EngineCall,
): Promise<readonly (readonly [string, string])[]> {
  if (source.format === 'csv') {
    const relation = sourceRelation({ ...source, hiveKeys: [] }, { from: [], columns: {} }, false);
    return csvColumnTypes(engine, relation, source.csvHeaders.length === 0 ? [] : csvNames(source), call);
  }
  const described = await engine.rows(`DESCRIBE ${typedRelation(source)}`, call);
  return described.map((row) => [String(row[0]), String(row[1])]);
}

function csvNames(source: SourceFiles): readonly string[] {
  const names = source.csvHeaders.flatMap((header) => header.names);
  return names.filter((name, at) => names.findIndex((one) => one.toLowerCase() === name.toLowerCase()) === at);
}

function typedRelation(source: SourceFiles): string {
  if (source.format !== 'parquet') return jsonTypesRelation(source);
  return `SELECT * FROM read_parquet(${placeList(source.places)}, union_by_name = true, hive_partitioning = false)`;
}

/** A type that not every engine can hold becomes text, which holds everything. */
function lookOf(name: string, described: string, isHiveKey: boolean): ColumnLook {
  try {
    const type = logicalTypeOf(described, name);
    const isFloatList = type.kind === 'list' && type.of.kind === 'float';
    return { name, sqlType: described, kind: type.kind, isHiveKey, isFloatList };
  } catch {
    // The recipe's word for anything: DuckDB can print every value.
    return { name, sqlType: 'VARCHAR', kind: 'text', isHiveKey, isFloatList: false };
  }
}

async function copied(
  looking: Looking,
  name: string,
  table: RecipeTable,
  files: readonly string[],
): Promise<TableCopy> {
  const { engine } = looking;
  const sql = await selectOf(looking, name, table, files);
  const copy = sqlName('lakepack look');
  const call = callOf(looking, `table ${name}`);
  await engine.rows(`CREATE OR REPLACE TABLE ${copy} AS ${sql}`, call);
  const ask = async (what: string): Promise<readonly unknown[]> =>
    (await engine.rows(`SELECT ${what} FROM ${copy}`, call))[0] ?? [];
  return {
    counts: async () => countsOf(await ask(countList(table)), Object.keys(table.columns)),
    aboutDistinct: async (sets) => (await ask(distinctList(sets))).map(Number),
    twins: async (columns) => {
      const grouped = `SELECT count(*) AS n FROM ${copy} GROUP BY ${columns.map(sqlName).join(', ')}`;
      return Number((await engine.rows(`SELECT coalesce(sum(n - 1), 0) FROM (${grouped})`, call))[0]?.[0]);
    },
    drop: async () => {
      await engine.rows(`DROP TABLE ${copy}`, call);
    },
  };
}

async function selectOf(looking: Looking, name: string, table: RecipeTable, files: readonly string[]): Promise<string> {
  const recipe = { recipeVersion: 1, tables: { [name]: table }, stores: {} } as const;
  const context = await contextOf(looking.engine, name, table, { ...looking, recipe, files });
  const opened = new LakeTable({ ...context, look: () => sourceOf(looking, files) });
  return opened.select((column) => sqlName(column.name));
}

function countList({ columns }: RecipeTable): string {
  const parts = Object.entries(columns).map(([column, sqlType]) => {
    const name = sqlName(column);
    const longest = sqlType === 'VARCHAR' ? `coalesce(max(length(${name})), 0)` : '0';
    return `count(*) - count(${name}), approx_count_distinct(${name}), ${longest}`;
  });
  return ['count(*)', ...parts].join(', ');
}

function countsOf(row: readonly unknown[], names: readonly string[]): ColumnCounts {
  const at = (offset: number): ReadonlyMap<string, number> =>
    new Map(names.map((name, index) => [name, Number(row[1 + 3 * index + offset])]));
  return { rows: Number(row[0]), nulls: at(0), distinct: at(1), longest: at(2) };
}

function distinctList(sets: readonly (readonly string[])[]): string {
  return sets.map((set) => `approx_count_distinct(hash(${set.map(sqlName).join(', ')}))`).join(', ');
}

async function listLengthOf(
  looking: Looking,
  table: RecipeTable,
  files: readonly string[],
  column: string,
): Promise<number | undefined> {
  const columns = { [column]: table.columns[column] ?? 'VARCHAR' };
  const sql = await selectOf(looking, 'look', { from: table.from, columns }, files);
  const name = sqlName(column);
  const nulls = `count(*) FILTER (len(list_filter(${name}, lambda x: x IS NULL)) > 0)`;
  const asked = `SELECT min(len(${name})), max(len(${name})), ${nulls} FROM (${sql})`;
  const [least, most, withNulls] = (await looking.engine.rows(asked, callOf(looking, column)))[0] ?? [];
  return least !== null && least === most && Number(withNulls) === 0 ? Number(least) : undefined;
}
