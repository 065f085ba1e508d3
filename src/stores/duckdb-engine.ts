/**
 * Opens DuckDB shut in: it reads the folders it is given, and nothing else; no network, no extension that is not built
 * in; and its settings are locked, so that no SQL of a recipe can undo that. It answers for a bounded use of memory
 * and for queries that stop when they are told to.
 */
import type {
  DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  DuckDBResultReader,
  DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api';
import { throwIfAborted } from '../base/errors.js';
import { duckDbError } from './duckdb-errors.js';
import { duckDb, loadDuckDb } from './duckdb-library.js';

/** Sorts and groups beyond this go to the scratch folder. */
export const DEFAULT_MEMORY_BYTES = 512 * 1024 * 1024;

export interface EngineOptions {
  /** A database file, which is made where it is missing. Default: in memory. */
  readonly database?: string;
  readonly readOnly?: boolean;
  /** Folders, absolute, that queries may read and write. */
  readonly folders: readonly string[];
  /** For what does not fit into memory. */
  readonly scratchDir: string;
  readonly memoryBytes?: number;
  /** One thread gives the same order, and so the same sums of floats, wherever it runs. Default: one for each core. */
  readonly inOrder?: boolean;
}

export interface Engine {
  /** Runs one statement and gives its rows, for answers that are small. */
  rows(sql: string, call: EngineCall): Promise<readonly (readonly unknown[])[]>;
  /** The same as records of plain JSON values. */
  records(sql: string, call: EngineCall): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Streams a query's answer; memory does not grow with it. */
  chunks(sql: string, call: EngineCall): AsyncIterable<Chunk>;
  close(): void;
}

export interface EngineCall {
  readonly signal: AbortSignal;
  /** What the query is about: begins the message of an error. */
  readonly subject: string;
}

export interface Chunk {
  readonly types: readonly DuckDBType[];
  readonly data: DuckDBDataChunk;
}

/** Throws STORE_UNAVAILABLE or STORE_REFUSED where the database file cannot be opened; STORE_NOT_INSTALLED. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const subject = options.database ?? 'duckdb';
  const library = await loadDuckDb();
  try {
    const instance = await library.DuckDBInstance.create(options.database ?? ':memory:', settingsOf(options));
    await shutIn(instance, options);
    return engineOver(instance);
  } catch (error) {
    throw duckDbError(error, subject);
  }
}

function settingsOf(options: EngineOptions): Record<string, string> {
  return {
    memory_limit: `${Math.floor((options.memoryBytes ?? DEFAULT_MEMORY_BYTES) / 1024)}KiB`,
    temp_directory: options.scratchDir,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    preserve_insertion_order: options.inOrder === true ? 'true' : 'false',
    ...(options.inOrder === true ? { threads: '1' } : {}),
    ...(options.readOnly === true ? { access_mode: 'READ_ONLY' } : {}),
  };
}

/** The list of folders cannot be given at opening, so it is set by statements; the order matters. */
async function shutIn(instance: DuckDBInstance, options: EngineOptions): Promise<void> {
  const connection = await instance.connect();
  try {
    const folders = [...options.folders, options.scratchDir].map((folder) => sqlText(`${folder.replace(/\/+$/, '')}/`));
    await connection.run("SET GLOBAL TimeZone = 'UTC'");
    await connection.run(`SET allowed_directories = [${folders.join(', ')}]`);
    await connection.run('SET enable_external_access = false');
    await connection.run('SET lock_configuration = true');
  } finally {
    connection.closeSync();
  }
}

function engineOver(instance: DuckDBInstance): Engine {
  return {
    rows: async (sql, call) =>
      withConnection(instance, call, async (connection) => (await connection.runAndReadAll(sql)).getRows()),
    records: async (sql, call) =>
      withConnection(instance, call, async (connection) => jsonRecords(await connection.runAndReadAll(sql))),
    chunks: (sql, call) => streamChunks(instance, sql, call),
    close: () => instance.closeSync(),
  };
}

const NUMBER_TYPES = ['BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT', 'DECIMAL'] as const;

/** Large integers and decimals come as text; those that a number holds exactly become one. */
function jsonRecords(reader: DuckDBResultReader): readonly Readonly<Record<string, unknown>>[] {
  const names = reader.deduplicatedColumnNames();
  const { DuckDBTypeId: ids } = duckDb();
  const numberTypes: readonly DuckDBTypeId[] = NUMBER_TYPES.map((name) => ids[name]);
  const isNumber = names.map((_, index) => numberTypes.includes(reader.columnTypeId(index)));
  const rows: readonly (readonly unknown[])[] = reader.getRowsJson();
  return rows.map((row): Readonly<Record<string, unknown>> => {
    const fields = names.map((name, at): [string, unknown] => [
      name,
      isNumber[at] === true ? exactly(row[at]) : row[at],
    ]);
    return Object.fromEntries(fields);
  });
}

function exactly(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const number = Number(value);
  const isExact = Number.isSafeInteger(number)
    ? /^-?\d+(\.0*)?$/.test(value)
    : /^-?\d+\.\d+$/.test(value) && value.length < 16;
  return isExact ? number : value;
}

async function withConnection<T>(
  instance: DuckDBInstance,
  { signal, subject }: EngineCall,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const connection = await instance.connect();
  const interrupt = (): void => connection.interrupt();
  signal.addEventListener('abort', interrupt);
  try {
    return await work(connection);
  } catch (error) {
    throw duckDbError(error, subject, signal);
  } finally {
    signal.removeEventListener('abort', interrupt);
    connection.closeSync();
  }
}

async function* streamChunks(
  instance: DuckDBInstance,
  sql: string,
  { signal, subject }: EngineCall,
): AsyncGenerator<Chunk> {
  throwIfAborted(signal);
  const connection = await instance.connect();
  const interrupt = (): void => connection.interrupt();
  signal.addEventListener('abort', interrupt);
  try {
    const result = await connection.stream(sql);
    const types = result.columnTypes();
    for (let data = await result.fetchChunk(); data !== null && data.rowCount > 0; data = await result.fetchChunk()) {
      yield { types, data };
      throwIfAborted(signal);
    }
  } catch (error) {
    throw duckDbError(error, subject, signal);
  } finally {
    signal.removeEventListener('abort', interrupt);
    connection.closeSync();
  }
}

export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
