/** Reads a PostgreSQL store: types of columns, rows through a cursor, the nearest vectors, and queries for assertions. */
import { keyTextOf } from './canonical-cell.js';
import { LakepackError } from '../base/errors.js';
import type { Cell, RowBatch, StoreCall, StoredColumn, TableSpec } from './contract.js';
import { cellReader } from './postgres-cells.js';
import type { PostgresConnection, TextRow } from './postgres-connection.js';
import { literal, postgresColumns, quoted, type PostgresColumn, type VectorSupport } from './postgres-types.js';

/** The schema that a session looks into, and how vectors stand there. */
export interface ReadPlace {
  readonly schema: string;
  readonly vectors: VectorSupport;
}

type Columns = readonly StoredColumn[];
type JsonRecord = Readonly<Record<string, unknown>>;

const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_ROWS = 5_000;
const FIRST_BATCH_ROWS = 500;
/** An HNSW index looks at so many candidates: https://github.com/pgvector/pgvector#query-options. Its most is 1,000. */
const SEARCH_CANDIDATES = 400;
const QUERY_TIMEOUT_SECONDS = 300;
const QUERY_ROWS = 10_000;
const OPERATORS = { cosine: '<=>', l2: '<->', dot: '<#>' } as const;

/** Columns in the order of the table; those that nobody built come last. */
export async function storedColumns(
  connection: PostgresConnection,
  place: ReadPlace,
  spec: TableSpec,
  call: StoreCall,
): Promise<Columns> {
  const { rows } = await connection.run(
    `SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ${literal(place.schema)}
     AND c.relname = ${literal(spec.name)} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    { subject: `table ${spec.name}`, signal: call.signal },
  );
  const found = new Map(rows.map(([name, type]) => [name ?? '', type ?? '']));
  const built = postgresColumns(spec, place.vectors);
  const names = new Set(built.map(({ column }) => column.name));
  return [
    ...built.map(({ column: { name }, type }) => ({ name, expected: type, found: found.get(name) })),
    ...[...found]
      .filter(([name]) => !names.has(name))
      .map(([name, type]) => ({ name, expected: undefined, found: type })),
  ];
}

/** All rows, as they were when the reading began. A table that is gone has none. */
export async function* readTable(
  connection: PostgresConnection,
  place: ReadPlace,
  spec: TableSpec,
  call: StoreCall,
): AsyncIterable<RowBatch> {
  const options = { subject: `table ${spec.name}`, signal: call.signal };
  await connection.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', options);
  const stored = await storedColumns(connection, place, spec, call);
  if (stored.every(({ found }) => found === undefined)) return;
  const built = postgresColumns(spec, place.vectors);
  const readers = built.map(({ logical, type }, index) => cellReader(logical, type, stored[index]?.found));
  const names = built.map(({ column }, index) => (stored[index]?.found === undefined ? 'NULL' : quoted(column.name)));
  const table = `${quoted(place.schema)}.${quoted(spec.name)}`;
  await connection.run(`DECLARE rows_of NO SCROLL CURSOR FOR SELECT ${names.join(', ')} FROM ${table}`, options);
  for (let count = FIRST_BATCH_ROWS; ;) {
    const { rows } = await connection.run(`FETCH ${count} FROM rows_of`, options);
    if (rows.length === 0) break;
    yield { rows: rows.length, columns: readers.map((read, column) => rows.map((row) => read(row[column] ?? null))) };
    count = nextCount(rows);
  }
  await connection.run('COMMIT', options);
}

/** So many that a batch stays small however wide its rows are. */
function nextCount(rows: readonly TextRow[]): number {
  const bytes = rows.reduce((sum, row) => row.reduce((part, text) => part + (text?.length ?? 0), sum), 1);
  return Math.min(BATCH_ROWS, Math.max(1, Math.floor((BATCH_BYTES * rows.length) / bytes)));
}

/** Key texts of the nearest rows, nearest first, by pgvector's index where the table has one. */
export async function nearestKeys(
  connection: PostgresConnection,
  place: ReadPlace,
  spec: TableSpec,
  query: Float32Array,
  count: number,
  call: StoreCall,
): Promise<readonly string[]> {
  if (spec.vector === undefined) return [];
  const options = { subject: `table ${spec.name}`, signal: call.signal };
  const keys = keyColumnsOf(spec, place);
  const list = keys.map(({ column }) => quoted(column.name)).join(', ');
  const vector = quoted(spec.vector.column);
  await connection.run(`SET hnsw.ef_search = ${Math.max(count, SEARCH_CANDIDATES)}`, options);
  const { rows } = await connection.run(
    `SELECT ${list} FROM ${quoted(place.schema)}.${quoted(spec.name)} WHERE ${vector} IS NOT NULL
     ORDER BY ${vector} ${OPERATORS[spec.vector.metric]} $1::vector LIMIT ${count}`,
    { ...options, values: [`[${query.join(',')}]`] },
  );
  const readers = keys.map(({ logical, type }) => cellReader(logical, type, type));
  return rows.map((row) =>
    keyTextOf(
      spec,
      readers.map((read, index): Cell => read(row[index] ?? null)),
    ),
  );
}

function keyColumnsOf(spec: TableSpec, place: ReadPlace): readonly PostgresColumn[] {
  const columns = postgresColumns(spec, place.vectors);
  return spec.keys.flatMap((name) => columns.filter(({ column }) => column.name === name));
}

/** Runs one query in a transaction that cannot write, and gives its rows as plain JSON values. */
export async function queryRecords(
  connection: PostgresConnection,
  sql: string,
  call: StoreCall,
): Promise<readonly JsonRecord[]> {
  const options = { subject: 'query', signal: call.signal };
  const timeout = `SET LOCAL statement_timeout = '${QUERY_TIMEOUT_SECONDS}s'`;
  await connection.run(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${timeout}`, options);
  // Inside of parentheses a query is all that can stand, and no second statement.
  const one = `SELECT * FROM (\n${sql.trim().replace(/;$/, '')}\n) AS asked LIMIT ${QUERY_ROWS + 1}`;
  const { rows, fields } = await connection.run(one, { ...options, values: [] });
  await connection.run('ROLLBACK', options);
  if (rows.length > QUERY_ROWS) {
    throw new LakepackError('STORE_REFUSED', `query: too many rows: expected at most ${QUERY_ROWS}`, {
      hint: 'let the query count or sum them',
    });
  }
  return rows.map((row) =>
    Object.fromEntries(fields.map(({ name, typeId }, at) => [name, plain(row[at] ?? null, typeId)])),
  );
}

// Ids of built-in types never change: src/include/catalog/pg_type.dat of PostgreSQL.
const BOOLEAN = 16;
const NUMBERS = new Set([20, 21, 23, 26, 700, 701, 1700]);
const JSONS = new Set([114, 3802]);

/** A number where it says exactly what the server said, else text. */
function plain(text: string | null, typeId: number): unknown {
  if (text === null) return null;
  if (typeId === BOOLEAN) return text === 't';
  if (JSONS.has(typeId)) return JSON.parse(text) as unknown;
  if (!NUMBERS.has(typeId)) return text;
  const short = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  const number = Number(text);
  return String(number) === short || /e/.test(text) ? number : text;
}
