/**
 * From DuckDB's columns to cells (contract.ts): column by column, because that is how they arrive, and because ten
 * million rows must not be read value by value through a general converter.
 */
import type {
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBListVector,
  DuckDBStructVector,
  DuckDBValue,
  DuckDBVector,
} from '@duckdb/node-api';
import { LakepackError } from '../base/errors.js';
import type { Cell, LogicalType, RowBatch, TableColumn } from './contract.js';
import { type Chunk, sqlName } from './duckdb-engine.js';
import { INFINITE, memoryOf, nullsOf, readFixedCells, scaledText } from './duckdb-fixed-cells.js';
import { duckDb } from './duckdb-library.js';

/**
 * How a column is to be selected so that `rowBatchOf` can read it. A vector is asked for as a list, whose elements lie
 * in one piece; a map as the list of its entries.
 */
export function readableExpression(column: TableColumn): string {
  const name = sqlName(column.name);
  if (column.type.kind === 'vector') return `CAST(${name} AS FLOAT[]) AS ${name}`;
  return name;
}

/** The first columns of a chunk as cells of the table's columns. */
export function rowBatchOf(chunk: Chunk, columns: readonly TableColumn[]): RowBatch {
  const { data } = chunk;
  const cells = columns.map((column, index) => readCells(data.getColumnVector(index), column.type, data.rowCount));
  return { rows: data.rowCount, columns: cells };
}

export function readCells(vector: DuckDBVector, type: LogicalType, count: number): readonly Cell[] {
  if (type.kind === 'vector') return readVectors(vector, count);
  const library = duckDb();
  if (type.kind === 'list' && vector instanceof library.DuckDBListVector) return readLists(vector, type.of, count);
  if (type.kind === 'struct' && vector instanceof library.DuckDBStructVector) return readStructs(vector, type, count);
  return readFixedCells(vector, type, count) ?? readOneByOne(vector, type, count);
}

function readOneByOne(vector: DuckDBVector, type: LogicalType, count: number): readonly Cell[] {
  const cells = new Array<Cell>(count);
  const convert = SIMPLE_KINDS.has(type.kind) ? undefined : type;
  for (let row = 0; row < count; row += 1) {
    const value = vector.getItem(row);
    cells[row] = convert === undefined || value === null ? (value as Cell) : cellOf(value, convert);
  }
  return cells;
}

/** Their values are cells as they come. */
const SIMPLE_KINDS: ReadonlySet<LogicalType['kind']> = new Set(['boolean', 'text', 'json', 'float']);

function readLists(vector: DuckDBListVector, of: LogicalType, count: number): readonly Cell[] {
  const child = vector.childVector;
  const items = readCells(child, of, child.itemCount);
  const isNull = nullsOf(memoryOf(vector));
  const cells = new Array<Cell>(count);
  for (let row = 0; row < count; row += 1) {
    if (isNull?.(row) === true) cells[row] = null;
    else cells[row] = slice(items, vector.getEntryOffset(row), vector.getEntryLength(row));
  }
  return cells;
}

function slice(items: readonly Cell[], offset: number, length: number): readonly Cell[] {
  return items.slice(offset, offset + length);
}

function readStructs(
  vector: DuckDBStructVector,
  type: Extract<LogicalType, { kind: 'struct' }>,
  count: number,
): readonly Cell[] {
  const fields = type.fields.map((field, index) => readCells(vector.entryVectorAt(index), field.type, count));
  const cells = new Array<Cell>(count);
  for (let row = 0; row < count; row += 1) {
    cells[row] = vector.isItemValid(row) ? fields.map((field) => field[row] ?? null) : null;
  }
  return cells;
}

function readVectors(vector: DuckDBVector, count: number): readonly Cell[] {
  if (!(vector instanceof duckDb().DuckDBListVector)) throw new LakepackError('INTERNAL', 'a vector is read as a list');
  const child = vector.childVector;
  const items = floatsOf(child);
  const isNull = nullsOf(memoryOf(vector));
  const cells = new Array<Cell>(count);
  for (let row = 0; row < count; row += 1) {
    const offset = vector.getEntryOffset(row);
    if (isNull?.(row) === true) cells[row] = null;
    else cells[row] = items.slice(offset, offset + vector.getEntryLength(row));
  }
  return cells;
}

/** The elements in one piece, without a look at each: there are seventeen million in a small lake. */
function floatsOf(child: DuckDBVector): Float32Array {
  const { items: floats, validity } = memoryOf(child);
  if (floats instanceof Float32Array && validity.data === null) return floats;
  const items = new Float32Array(child.itemCount);
  for (let index = 0; index < items.length; index += 1) items[index] = (child.getItem(index) as number | null) ?? NaN;
  return items;
}

/** One value that is not null. */
function cellOf(value: DuckDBValue, type: LogicalType): Cell {
  if (value === null) return null;
  switch (type.kind) {
    case 'integer':
      return typeof value === 'bigint' ? safely(value) : (value as number);
    case 'decimal':
      return decimalText(value as DuckDBDecimalValue);
    case 'bytes':
      return Uint8Array.from((value as unknown as { bytes: Uint8Array }).bytes);
    case 'date':
      return (value as unknown as { days: number }).days;
    case 'time':
      return Number((value as unknown as { micros: bigint }).micros);
    case 'timestamp':
      return timestampCell(value);
    case 'interval':
      return intervalCell(value as DuckDBIntervalValue);
    case 'uuid':
      return String(value).toLowerCase();
    case 'list':
      return (value as unknown as { items: readonly DuckDBValue[] }).items.map((item) => cellOf(item, type.of));
    case 'struct':
      return structCell(value, type);
    case 'map':
      return mapCell(value, type);
    default:
      return value as Cell;
  }
}

function safely(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function decimalText({ value, scale }: DuckDBDecimalValue): string {
  return scaledText(value, scale);
}

function timestampCell(value: DuckDBValue): Cell {
  const units =
    value instanceof duckDb().DuckDBTimestampNanosecondsValue
      ? value.nanos
      : (value as unknown as { micros: bigint }).micros;
  if (units === INFINITE) return 'infinity';
  return units === -INFINITE ? '-infinity' : safely(units);
}

function intervalCell({ months, days, micros }: DuckDBIntervalValue): Cell {
  return [months, days, safely(micros)];
}

function structCell(value: DuckDBValue, type: Extract<LogicalType, { kind: 'struct' }>): Cell {
  const { entries } = value as unknown as { entries: Readonly<Record<string, DuckDBValue>> };
  return type.fields.map((field) => cellOf(entries[field.name] ?? null, field.type));
}

function mapCell(value: DuckDBValue, type: Extract<LogicalType, { kind: 'map' }>): Cell {
  const entries = value instanceof duckDb().DuckDBMapValue ? value.entries : [];
  return entries.map((entry) => [cellOf(entry.key, type.key), cellOf(entry.value, type.value)]);
}

/** Values of a column whose type is another than the one it was built with: what they are instead. */
export function foreignCells(texts: readonly (string | null)[], foreign: string): readonly Cell[] {
  return texts.map((text) => (text === null ? null : { foreign, text }));
}
