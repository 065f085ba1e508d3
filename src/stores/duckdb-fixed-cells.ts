/**
 * Reads columns of fixed width straight from DuckDB's memory: an object for each value, as the library makes them,
 * costs more than all that is done with the value. What it does not know is left to `duckdb-cells.ts`.
 */
import type { DuckDBVector } from '@duckdb/node-api';
import type { Cell, LogicalType } from './contract.js';

/** What the library keeps to itself. A test guards its shape: it reads all types by both ways. */
export interface VectorMemory {
  readonly validity: { readonly data: BigUint64Array | null; readonly offset: number };
  readonly items?: unknown;
  readonly dataView?: DataView;
}

export function memoryOf(vector: DuckDBVector): VectorMemory {
  return vector as unknown as VectorMemory;
}

/** Which of the rows are NULL; undefined: none is. */
export function nullsOf({ validity: { data, offset } }: VectorMemory): ((row: number) => boolean) | undefined {
  if (data === null) return undefined;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return (row) => (((bytes[(offset + row) >> 3] ?? 0) >> ((offset + row) & 7)) & 1) === 0;
}

/** Undefined: not of a kind that is read here. */
export function readFixedCells(vector: DuckDBVector, type: LogicalType, count: number): readonly Cell[] | undefined {
  const memory = memoryOf(vector);
  const read = readerOf(memory, type, count);
  if (read === undefined) return undefined;
  const isNull = nullsOf(memory);
  const cells = new Array<Cell>(count);
  for (let row = 0; row < count; row += 1) cells[row] = isNull?.(row) === true ? null : read(row);
  return cells;
}

type CellReader = (row: number) => Cell;
type Numbers =
  Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

function readerOf({ items, dataView }: VectorMemory, type: LogicalType, count: number): CellReader | undefined {
  switch (type.kind) {
    case 'integer':
      if (isLongs(items)) return longReader(items, count);
      return isNumbers(items) ? numberReader(items) : undefined;
    case 'date':
    case 'float':
      return isNumbers(items) ? numberReader(items) : undefined;
    case 'timestamp':
      return isLongs(items) ? timestampReader(items, count) : undefined;
    case 'decimal':
      return dataView === undefined ? undefined : decimalReader(dataView, type, count);
    default:
      return undefined;
  }
}

function isLongs(items: unknown): items is BigInt64Array | BigUint64Array {
  return items instanceof BigInt64Array || items instanceof BigUint64Array;
}

function isNumbers(items: unknown): items is Numbers {
  return ArrayBuffer.isView(items) && !isLongs(items) && !(items instanceof DataView);
}

function numberReader(items: Numbers): CellReader {
  return (row) => items[row] ?? 0;
}

const HALF = 2 ** 32;

/** From the two halves of each, because a bigint is made only where a number cannot hold it. */
function longReader(items: BigInt64Array | BigUint64Array, count: number): (row: number) => number | bigint {
  const low = new Uint32Array(items.buffer, items.byteOffset, count * 2);
  const high = items instanceof BigInt64Array ? new Int32Array(items.buffer, items.byteOffset, count * 2) : low;
  return (row) => {
    const number = (high[row * 2 + 1] ?? 0) * HALF + (low[row * 2] ?? 0);
    return Number.isSafeInteger(number) ? number : (items[row] ?? 0n);
  };
}

/** DuckDB's infinities, whatever the unit. */
export const INFINITE = 2n ** 63n - 1n;

function timestampReader(items: BigInt64Array | BigUint64Array, count: number): CellReader {
  const read = longReader(items, count);
  return (row) => {
    const units = read(row);
    if (units === INFINITE) return 'infinity';
    return units === -INFINITE ? '-infinity' : units;
  };
}

function decimalReader(
  view: DataView,
  { precision, scale }: Extract<LogicalType, { kind: 'decimal' }>,
  count: number,
): CellReader | undefined {
  // https://duckdb.org/docs/stable/sql/data_types/numeric: 2, 4, 8 or 16 bytes by precision.
  if (precision > 18) return undefined;
  if (precision <= 4) return (row) => scaledText(view.getInt16(row * 2, true), scale);
  if (precision <= 9) return (row) => scaledText(view.getInt32(row * 4, true), scale);
  const read = longReader(new BigInt64Array(view.buffer, view.byteOffset, count), count);
  return (row) => scaledText(read(row), scale);
}

/** A scaled integer in plain notation. */
export function scaledText(value: number | bigint, scale: number): string {
  if (scale === 0) return String(value);
  const digits = String(value < 0 ? -value : value).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${value < 0 ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}
