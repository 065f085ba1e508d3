/**
 * The contract of a derived store: a database or an index that is built from lake files and read back. One engine to
 * a file beside this one; one suite (`test/stores/store-contract.ts`) runs over all. Types only.
 *
 * Life of a store: `open` → `build` each table → `seal` → read it back, search, query → `publish` or `discard` →
 * `close`. Guarantees:
 * - Until `publish`, everything stands under a name of its own (`place` tells which), never under the target's. What
 *   had the target's name is not touched before, and is replaced only when `replace` was said at opening; then at one
 *   stroke where the engine can, and its file says where it cannot.
 * - `discard` removes what this store created and nothing else; it may be called at any time before `publish`, twice too.
 * - Leftovers of a killed run with the same target are removed at opening when their process is gone (or, where that
 *   cannot be known, never tripped over).
 * - What `build` was given comes back from `readBack` equal in every logical value, NULL and empty text apart, or
 *   `build` throws STORE_REFUSED, naming table, column, key and value. Order of rows is not kept.
 * - `readBack` says what the store has, not what it should have: a value that is not as this engine stores the
 *   column's type comes as a `ForeignCell`.
 * - Memory does not grow with the number of rows.
 *
 * Errors: STORE_UNAVAILABLE (retryable: not reachable, no such server, credentials refused: the hint says which),
 * STORE_NOT_INSTALLED (the package is missing; the hint is the npm command), STORE_REFUSED, TARGET_NOT_EMPTY,
 * DISK_FULL, USAGE, INTERRUPTED. Secrets are never part of a message.
 */
import type { RecipeStore, VectorMetric } from '../schema/recipe.js';
import type { StoreEngine } from '../schema/store-engine.js';

/** Of what kind the values of a column are, whatever engine holds them (docs/fingerprints.md, section 2). */
export type LogicalType =
  | { readonly kind: 'boolean' | 'text' | 'bytes' | 'date' | 'time' | 'interval' | 'uuid' | 'json' }
  | { readonly kind: 'integer'; readonly bits: 8 | 16 | 32 | 64 | 128; readonly signed: boolean }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  | { readonly kind: 'timestamp'; readonly unit: 'us' | 'ns'; readonly zone: boolean }
  | { readonly kind: 'list'; readonly of: LogicalType }
  | { readonly kind: 'struct'; readonly fields: readonly { readonly name: string; readonly type: LogicalType }[] }
  | { readonly kind: 'map'; readonly key: LogicalType; readonly value: LogicalType }
  | { readonly kind: 'vector'; readonly dimensions: number };

/**
 * A value as it passes between the lake, the stores and the fingerprint:
 * null · boolean · integer: a safe integer as number, else bigint · decimal: plain notation text (`-1.50`) · float:
 * number (a 32-bit one as the double it equals) · text, uuid (lower case), json (text): string · bytes: Uint8Array ·
 * date: days since 1970-01-01 · time: microseconds since midnight · timestamp: units since the epoch, number where
 * safe, else bigint; `infinity` and `-infinity` as text · interval: [months, days, microseconds] · list: array ·
 * struct: array of cells in field order · map: array of [key, value] · vector: Float32Array · ForeignCell.
 */
export type Cell =
  null | boolean | number | bigint | string | Uint8Array | Float32Array | readonly Cell[] | ForeignCell;

/** A stored value that is not of the column's type: what it is instead. It equals nothing. */
export interface ForeignCell {
  /** The engine's own name of the type: `string`, `DOUBLE`. */
  readonly foreign: string;
  /** As text, for a reader. */
  readonly text: string;
}

export interface TableColumn {
  readonly name: string;
  readonly type: LogicalType;
  /** As the recipe has it: `DECIMAL(10,2)`. */
  readonly sqlType: string;
}

export interface TableSpec {
  readonly name: string;
  readonly columns: readonly TableColumn[];
  /** Names of key columns; empty when rows have no identity. */
  readonly keys: readonly string[];
  readonly vector: { readonly column: string; readonly dimensions: number; readonly metric: VectorMetric } | undefined;
  readonly indexes: readonly { readonly columns: readonly string[]; readonly unique: boolean }[];
}

/** Rows column by column: `columns[c][r]`, columns in the order of the table. */
export interface RowBatch {
  readonly rows: number;
  readonly columns: readonly (readonly Cell[])[];
}

export interface StoreCall {
  readonly signal: AbortSignal;
}

/** The rows of a table, from lake files. They can be read again; each reading runs the query anew. */
export interface TableRows {
  readonly spec: TableSpec;
  batches(call: StoreCall): AsyncIterable<RowBatch>;
  /**
   * Writes them as CSV (RFC 4180; NULL an empty unquoted field, empty text quoted), no header. `expressionOf` may
   * replace a column by an SQL expression over its quoted name. Gives the number of rows.
   */
  writeCsv(file: string, expressionOf: (column: TableColumn) => string | undefined, call: StoreCall): Promise<number>;
  /** Puts them as a table into a DuckDB database file, which it makes where it is missing. Gives the number of rows. */
  writeDuckDb(file: string, call: StoreCall): Promise<number>;
}

export interface BuiltTable {
  readonly rows: number;
}

/** A column's type in the store, and the one that this engine gives such a column. Different: its type was changed. */
export interface StoredColumn {
  readonly name: string;
  /** Undefined: the column is gone, or (expected) was never built. */
  readonly expected: string | undefined;
  readonly found: string | undefined;
}

export interface DerivedStore {
  readonly engine: StoreEngine;
  /** Where the tables stand until `publish`: a file, a schema, a folder, a database. For a reader, and for tests. */
  readonly place: string;
  build(rows: TableRows, call: StoreCall): Promise<BuiltTable>;
  /** After the last table: keys, indexes, vector indexes. */
  seal(call: StoreCall): Promise<void>;
  columns(spec: TableSpec, call: StoreCall): Promise<readonly StoredColumn[]>;
  readBack(spec: TableSpec, call: StoreCall): AsyncIterable<RowBatch>;
  /**
   * The nearest rows to a query, by the store's own index: canonical key texts, nearest first. Absent where the engine
   * has no vector search (then a drill searches exactly, over what was read back).
   */
  search?(spec: TableSpec, query: Float32Array, count: number, call: StoreCall): Promise<readonly string[]>;
  /** Runs one read-only query: for assertions. Rows as records of plain JSON values. Absent: the engine has no SQL. */
  query?(sql: string, call: StoreCall): Promise<readonly Readonly<Record<string, unknown>>[]>;
  publish(call: StoreCall): Promise<void>;
  discard(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenStoreOptions {
  /**
   * Where the tables shall stand in the end. duckdb: a file. lancedb: a folder. postgres: `SCHEMA`, or a
   * `postgres://host/db?schema=NAME` without a password (else PGHOST, PGUSER, PGPASSWORD … of the environment).
   * cosmos: the name of a database, on COSMOS_ENDPOINT with COSMOS_KEY of the environment.
   */
  readonly into: string;
  /** The recipe's settings of this store. */
  readonly settings: RecipeStore;
  /** Environment variables by name: connection and secrets. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What stands at the target may be replaced. Else it must be absent or empty. */
  readonly replace: boolean;
  /** Part of all names that stand before `publish`: lower-case letters, digits and `_`, at most 40. */
  readonly marker: string;
  /** For files on the way: spooled rows. */
  readonly scratchDir: string;
  readonly signal: AbortSignal;
}

export type OpenStore = (options: OpenStoreOptions) => Promise<DerivedStore>;
