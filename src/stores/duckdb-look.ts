/**
 * Looks at lake files to find out what tables they would make: columns and types over all files, which columns tell
 * rows apart, how long lists of floats are. For `recipe init`; what is sensible is decided there.
 */
import type { RecipeTable } from '../schema/recipe.js';
import { type Engine, openEngine, sqlName } from './duckdb-engine.js';
import { csvTypesRelation, jsonTypesRelation, lookAtFiles, type SourceFiles } from './duckdb-read-files.js';
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
  readonly isHiveKey: boolean;
  /** A single value that tells something apart: no float, no list. */
  readonly mayBeKey: boolean;
  readonly isFloatList: boolean;
}

export interface LakeLook {
  /** Columns with the types that hold all values of all files. Throws SOURCE_UNREADABLE. */
  columns(files: readonly string[]): Promise<readonly ColumnLook[]>;
  /** Throws RECIPE_INVALID where a value cannot be cast as the table says. */
  assertReadable(table: RecipeTable, files: readonly string[]): Promise<void>;
  /** Rows, and for each column its NULLs and about how many different values it has. */
  counts(table: RecipeTable, files: readonly string[]): Promise<ColumnCounts>;
  /** Whether these columns together are different in every row. */
  tellApart(table: RecipeTable, files: readonly string[], columns: readonly string[]): Promise<boolean>;
  /** The length of all lists of a column, where it is one. */
  listLength(table: RecipeTable, files: readonly string[], column: string): Promise<number | undefined>;
  /** The copy of a table that is no longer asked for. */
  forget(table: RecipeTable): Promise<void>;
  close(): void;
}

export interface ColumnCounts {
  readonly rows: number;
  readonly nulls: ReadonlyMap<string, number>;
  readonly distinct: ReadonlyMap<string, number>;
}

export async function openLakeLook(options: LookOptions): Promise<LakeLook> {
  const engine = await openEngine({ folders: [options.lake], scratchDir: options.scratchDir });
  const copies = new Map<string, Promise<string>>();
  const copyOf = (table: RecipeTable, files: readonly string[]): Promise<string> => {
    const key = JSON.stringify(table);
    const known = copies.get(key) ?? copied(engine, `look ${copies.size + 1}`, table, files, options);
    copies.set(key, known);
    return known;
  };
  const call = { signal: options.signal, subject: 'recipe' };
  const ask = async (table: RecipeTable, files: readonly string[], what: string): Promise<readonly unknown[]> =>
    (await engine.rows(`SELECT ${what} FROM ${sqlName(await copyOf(table, files))}`, call))[0] ?? [];
  return {
    columns: (files) => columnsOf(engine, files, options),
    assertReadable: async (table, files) => {
      await copyOf(table, files);
    },
    counts: async (table, files) => countsOf(await ask(table, files, countList(table)), table),
    tellApart: async (table, files, columns) => {
      const names = columns.map(sqlName).join(', ');
      const copy = sqlName(await copyOf(table, files));
      const twins = `SELECT 1 FROM ${copy} GROUP BY ${names} HAVING count(*) > 1 LIMIT 1`;
      return (await engine.rows(twins, call)).length === 0;
    },
    listLength: async (table, files, column) => {
      const name = sqlName(column);
      const nulls = `count(*) FILTER (len(list_filter(${name}, lambda x: x IS NULL)) > 0)`;
      const [least, most, withNulls] = await ask(table, files, `min(len(${name})), max(len(${name})), ${nulls}`);
      return least !== null && least === most && Number(withNulls) === 0 ? Number(least) : undefined;
    },
    forget: async (table) => {
      const copy = await copies.get(JSON.stringify(table))?.catch(() => undefined);
      if (copy !== undefined) await engine.rows(`DROP TABLE ${sqlName(copy)}`, call);
      copies.delete(JSON.stringify(table));
    },
    close: () => engine.close(),
  };
}

/** Reads a table once, every value cast; what follows asks the copy and not thousands of files again. */
async function copied(
  engine: Engine,
  name: string,
  table: RecipeTable,
  files: readonly string[],
  options: LookOptions,
): Promise<string> {
  const recipe = { recipeVersion: 1, tables: { look: table }, stores: {} } as const;
  const opened = new LakeTable(await contextOf(engine, 'look', table, { ...options, recipe, files }));
  const sql = await opened.select((column) => sqlName(column.name));
  await engine.rows(`CREATE TABLE ${sqlName(name)} AS ${sql}`, opened.call(options));
  return name;
}

function countList({ columns }: RecipeTable): string {
  const parts = Object.keys(columns).map(
    (name) => `count(*) - count(${sqlName(name)}), approx_count_distinct(${sqlName(name)})`,
  );
  return ['count(*)', ...parts].join(', ');
}

function countsOf(row: readonly unknown[], { columns }: RecipeTable): ColumnCounts {
  const at = (offset: number): ReadonlyMap<string, number> =>
    new Map(Object.keys(columns).map((name, index) => [name, Number(row[1 + 2 * index + offset])]));
  return { rows: Number(row[0]), nulls: at(0), distinct: at(1) };
}

async function columnsOf(
  engine: Engine,
  files: readonly string[],
  options: LookOptions,
): Promise<readonly ColumnLook[]> {
  const call = { signal: options.signal, subject: files[0] ?? options.lake };
  const table: RecipeTable = { from: [...files.slice(0, 1)], columns: {} };
  const source = await lookAtFiles(engine, { ...options, table, files }, call);
  const described = await engine.rows(`DESCRIBE ${typesOf(source)}`, call);
  const own = described.map((row) => ({ name: String(row[0]), sqlType: String(row[1]) }));
  const isHive = (name: string): boolean => source.hiveKeys.some((key) => key.toLowerCase() === name.toLowerCase());
  return [
    ...own
      .filter(({ name }) => !isHive(name) && !name.startsWith('lakepack '))
      .map(({ name, sqlType }) => lookOf(name, sqlType, false)),
    ...source.hiveKeys.map((name) => lookOf(name, 'VARCHAR', true)),
  ];
}

function typesOf(source: SourceFiles): string {
  if (source.format === 'csv') return csvTypesRelation(source);
  if (source.format !== 'parquet') return jsonTypesRelation(source);
  return `SELECT * FROM read_parquet([${source.places.map(({ place }) => `'${place.replaceAll("'", "''")}'`).join(', ')}], union_by_name = true, hive_partitioning = false)`;
}

const KEY_KINDS: ReadonlySet<string> = new Set(['text', 'integer', 'date', 'timestamp', 'uuid']);

/** A type that not every engine can hold becomes text, which holds everything. */
function lookOf(name: string, described: string, isHiveKey: boolean): ColumnLook {
  let sqlType = described;
  let kind = 'text';
  let isFloatList = false;
  try {
    const type = logicalTypeOf(described, name);
    kind = type.kind;
    isFloatList = type.kind === 'list' && type.of.kind === 'float';
  } catch {
    // The recipe's word for anything: DuckDB can print every value.
    sqlType = 'VARCHAR';
  }
  return { name, sqlType, isHiveKey, mayBeKey: KEY_KINDS.has(kind), isFloatList };
}
