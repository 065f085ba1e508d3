/**
 * Says which file or value made a reading fail, in lake paths: asked only after a failure, by looking again more
 * closely. What cannot be told more exactly keeps the engine's own words.
 */
import { isLakepackError, LakepackError } from '../base/errors.js';
import type { StoreCall, TableSpec } from './contract.js';
import { type Engine, type EngineCall, sqlName } from './duckdb-engine.js';
import { placeList, type SourceFiles } from './duckdb-read-files.js';
import { FILE_COLUMN, type JudgedSql } from './duckdb-sql-scope.js';
import { duckDbTypeOf } from './logical-type.js';

/** What has to be known of a table to look again. */
export interface FaultyTable {
  readonly spec: TableSpec;
  readonly context: {
    readonly engine: Engine;
    readonly files: readonly string[];
    readonly lake: string;
    readonly scratchDir: string;
    readonly judged: JudgedSql | undefined;
  };
  source(): Promise<SourceFiles>;
  uncast(withFile: boolean): Promise<string>;
  call(call: StoreCall): EngineCall;
}

/** Files that are tried one by one to find a damaged one. */
const MAX_FILES_TRIED = 20_000;
const MAX_VALUE_CHARS = 80;

/** The error to throw. Does not throw itself. */
export async function explained(error: unknown, table: FaultyTable, call: StoreCall): Promise<unknown> {
  if (!isLakepackError(error) || call.signal.aborted) return error;
  if (error.code === 'SOURCE_UNREADABLE' || error.code === 'STORE_REFUSED') return damagedFile(error, table, call);
  if (error.code === 'RECIPE_INVALID')
    return (await uncastableValue(table, call).catch(() => undefined)) ?? inLakePaths(error, table);
  return inLakePaths(error, table);
}

async function damagedFile(error: LakepackError, table: FaultyTable, call: StoreCall): Promise<LakepackError> {
  const { files, lake } = table.context;
  if (files.some((file) => error.message.includes(file))) return inLakePaths(error, table);
  const source = await table.source().catch(() => undefined);
  const places = source?.places ?? files.map((lakePath) => ({ lakePath, place: `${lake}/${lakePath}` }));
  for (const one of places.slice(0, MAX_FILES_TRIED)) {
    const fault = await faultOfParquet(table, [one], call);
    if (fault !== undefined) {
      return new LakepackError('SOURCE_UNREADABLE', `${one.lakePath}: ${withoutLake(fault.message, table)}`, {
        cause: error,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
  }
  return inLakePaths(error, table);
}

async function faultOfParquet(
  table: FaultyTable,
  places: readonly { readonly lakePath: string; readonly place: string }[],
  call: StoreCall,
): Promise<Error | undefined> {
  if (!/\.(parquet|pq)$/i.test(places[0]?.place ?? '')) return undefined;
  try {
    await table.context.engine.rows(
      `SELECT count(COLUMNS(*)) FROM read_parquet(${placeList(places)})`,
      table.call(call),
    );
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : undefined;
  }
}

async function uncastableValue(table: FaultyTable, call: StoreCall): Promise<LakepackError | undefined> {
  const { engine, judged } = table.context;
  const { spec } = table;
  const withFile = judged === undefined || judged.sqlWithFile !== undefined;
  const file = judged === undefined ? FILE_COLUMN : `${FILE_COLUMN}s`;
  const relation = await table.uncast(withFile);
  for (const column of spec.columns) {
    const name = sqlName(column.name);
    const wanted = duckDbTypeOf(column.type);
    const where = `${name} IS NOT NULL AND TRY_CAST(${name} AS ${wanted}) IS NULL`;
    const told = withFile ? sqlName(file) : 'NULL';
    const sql = `SELECT CAST(${name} AS VARCHAR), ${told} FROM (${relation}) WHERE ${where} LIMIT 1`;
    const [row] = await engine.rows(sql, table.call(call));
    if (row !== undefined) return uncastable(table, column.name, column.sqlType, row);
  }
  return undefined;
}

function uncastable(table: FaultyTable, column: string, sqlType: string, row: readonly unknown[]): LakepackError {
  const file = typeof row[1] === 'string' ? `${withoutLake(row[1], table)}: ` : '';
  const value = JSON.stringify(String(row[0]).slice(0, MAX_VALUE_CHARS));
  return new LakepackError(
    'RECIPE_INVALID',
    `table ${table.spec.name}: column ${column}: ${file}a value is not of its type: expected ${sqlType}, got ${value}`,
    { hint: 'give the column a type that holds all values, or make the value in SQL (docs/recipes.md)' },
  );
}

function inLakePaths(error: LakepackError, table: FaultyTable): LakepackError {
  const message = withoutLake(error.message, table);
  if (message === error.message) return error;
  return new LakepackError(error.code, message, {
    cause: error.cause,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.retryable === undefined ? {} : { retryable: error.retryable }),
  });
}

function withoutLake(text: string, table: FaultyTable): string {
  const { lake, scratchDir } = table.context;
  return text
    .replaceAll(`${lake.replace(/\/+$/, '')}/`, '')
    .replaceAll(`${scratchDir.replace(/\/+$/, '')}/unpacked/`, '');
}
