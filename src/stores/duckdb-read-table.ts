/** Reads a table of a DuckDB file as it is: its types, its rows, its nearest vectors. */
import type { DuckDBValue } from '@duckdb/node-api';
import { LakepackError } from '../base/errors.js';
import type { Cell, RowBatch, StoreCall, StoredColumn, TableColumn, TableSpec } from './contract.js';
import { foreignCells, readableExpression, readCells } from './duckdb-cells.js';
import { type Chunk, type Engine, sqlName, sqlText } from './duckdb-engine.js';
import { duckDbTypeOf } from './logical-type.js';

/** The types of the table's columns, expected and found; also columns that are there and should not be. */
export async function storedColumns(
  engine: Engine,
  spec: TableSpec,
  call: StoreCall,
): Promise<readonly StoredColumn[]> {
  const subject = `table ${spec.name}`;
  const sql = `SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ${sqlText(spec.name)} ORDER BY column_index`;
  const found = new Map((await engine.rows(sql, { ...call, subject })).map((row) => [String(row[0]), String(row[1])]));
  const typeTexts = spec.columns.map(({ type }) => `typeof(CAST(NULL AS ${duckDbTypeOf(type)}))`);
  const expected = (await engine.rows(`SELECT ${typeTexts.join(', ')}`, { ...call, subject }))[0] ?? [];
  const own = spec.columns.map(({ name }, index) => ({
    name,
    expected: String(expected[index]),
    found: found.get(name),
  }));
  const others = [...found].filter(([name]) => !spec.columns.some((column) => column.name === name));
  return [...own, ...others.map(([name, type]) => ({ name, expected: undefined, found: type }))];
}

/** Streams the rows. A column of another type than it was built with comes as foreign cells. */
export async function* readTable(engine: Engine, spec: TableSpec, call: StoreCall): AsyncGenerator<RowBatch> {
  const stored = await storedColumns(engine, spec, call);
  if (stored.every(({ found }) => found === undefined)) {
    throw new LakepackError('STORE_REFUSED', `table ${spec.name}: is not in the store`);
  }
  const reads = spec.columns.map((column) => readOf(column, stored));
  const sql = `SELECT ${reads.map(({ expression }) => expression).join(', ')} FROM ${sqlName(spec.name)}`;
  for await (const chunk of engine.chunks(sql, { ...call, subject: `table ${spec.name}` })) {
    yield { rows: chunk.data.rowCount, columns: reads.map((read, index) => read.cells(chunk, index)) };
  }
}

interface ColumnRead {
  readonly expression: string;
  cells(chunk: Chunk, index: number): readonly Cell[];
}

function readOf(column: TableColumn, stored: readonly StoredColumn[]): ColumnRead {
  const { expected, found } = stored.find(({ name }) => name === column.name) ?? {};
  if (found === expected) {
    return {
      expression: readableExpression(column),
      cells: ({ data }, index) => readCells(data.getColumnVector(index), column.type, data.rowCount),
    };
  }
  const name = found === undefined ? "''" : `CAST(${sqlName(column.name)} AS VARCHAR)`;
  return {
    expression: name,
    cells: ({ data }, index) => foreignCells(data.getColumnValues(index).map(textOrNull), found ?? 'no column'),
  };
}

function textOrNull(value: DuckDBValue): string | null {
  return value === null ? null : String(value);
}

/** The keys of the rows that are nearest to `query`, by looking at every vector. */
export function searchSql(spec: TableSpec, query: Float32Array, count: number): string {
  if (spec.vector === undefined) throw new LakepackError('INTERNAL', `table ${spec.name}: has no vectors`);
  const { column, dimensions, metric } = spec.vector;
  const literal = `[${[...query].map(String).join(', ')}]::FLOAT[${dimensions}]`;
  const score = { cosine: 'array_cosine_similarity', l2: '-array_distance', dot: 'array_inner_product' }[metric];
  const keys = spec.keys.map(sqlName).join(', ');
  return (
    `SELECT ${keys} FROM ${sqlName(spec.name)} WHERE ${sqlName(column)} IS NOT NULL ` +
    `ORDER BY ${score}(${sqlName(column)}, ${literal}) DESC, ${keys} LIMIT ${count}`
  );
}
