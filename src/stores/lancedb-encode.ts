/**
 * Cells to Arrow columns. Buffers are filled by hand: apache-arrow's builders go through dates and numbers that lose
 * digits. A value that would not come back equal is refused, never bent.
 */
import type { Data, DataType } from 'apache-arrow';
import type { Cell, LogicalType, TableColumn } from './contract.js';
import { nestedText } from './lancedb-nested.js';
import { type Arrow, arrowField, storageOf } from './lancedb-types.js';

/** A cell that this engine cannot keep. Its row is counted from the start of what was encoded. */
export class RefusedCell extends Error {
  readonly row: number;

  constructor(row: number, why: string) {
    super(why);
    this.row = row;
  }
}

/** DuckDB's infinities, as the numbers that stand for them in every format that has none. */
export const TIMESTAMP_INFINITY = 2n ** 63n - 1n;
export const DATE_INFINITY = 2 ** 31 - 1;

/** Throws RefusedCell. */
export function encodeColumn(arrow: Arrow, column: TableColumn, cells: readonly Cell[]): Data {
  const { type } = arrowField(arrow, column);
  const base = { type, length: cells.length, ...nullsOf(cells) };
  const buffers = buffersOf(column.type, cells);
  if (!('elements' in buffers)) return makeData(arrow, { ...base, ...buffers });
  const child = makeData(arrow, {
    type: new arrow.Float32(),
    length: buffers.elements.length,
    nullCount: 0,
    data: buffers.elements,
  });
  return makeData(arrow, { ...base, child });
}

interface DataParts {
  readonly type: DataType;
  readonly length: number;
  readonly nullCount: number;
  readonly nullBitmap?: Uint8Array;
  readonly data?: ArrayBufferView;
  readonly valueOffsets?: Int32Array;
  readonly child?: Data;
}

/** Its own types want the type's class at compile time; here it is known when the recipe is. */
function makeData(arrow: Arrow, parts: DataParts): Data {
  return (arrow.makeData as (parts: DataParts) => Data)(parts);
}

interface Nulls {
  readonly nullCount: number;
  readonly nullBitmap: Uint8Array;
}

function nullsOf(cells: readonly Cell[]): Nulls {
  const nullBitmap = new Uint8Array(bitmapBytes(cells.length));
  let nullCount = 0;
  for (const [row, cell] of cells.entries()) {
    if (cell === null) nullCount += 1;
    else setBit(nullBitmap, row);
  }
  return { nullCount, nullBitmap };
}

/** Arrow wants buffers in whole units of eight bytes. */
function bitmapBytes(bits: number): number {
  return Math.ceil(bits / 64) * 8;
}

function setBit(bitmap: Uint8Array, row: number): void {
  bitmap[row >> 3] = (bitmap[row >> 3] ?? 0) | (1 << (row & 7));
}

type Buffers =
  { readonly data: ArrayBufferView; readonly valueOffsets?: Int32Array } | { readonly elements: Float32Array };

function buffersOf(type: LogicalType, cells: readonly Cell[]): Buffers {
  const storage = storageOf(type);
  switch (storage.as) {
    case 'boolean':
      return { data: booleans(cells) };
    case 'integer':
      return { data: integers(cells, storage.bits, storage.signed) };
    case 'float':
      return { data: numbers(cells, storage.bits === 32 ? new Float32Array(cells.length) : doubles(cells)) };
    case 'decimal':
      return { data: decimals(cells, storage.scale) };
    case 'date':
      return { data: numbers(cells.map(finiteDate), new Int32Array(cells.length)) };
    case 'time':
      return { data: bigints(cells, new BigInt64Array(cells.length)) };
    case 'timestamp':
      return { data: bigints(cells.map(finiteTimestamp), new BigInt64Array(cells.length)) };
    case 'vector':
      return { elements: vectorElements(cells, storage.dimensions) };
    case 'bytes':
      return byteStrings(cells);
    case 'text':
      return texts(cells, plainText);
    case 'digits':
      return texts(cells, digitsText);
    case 'nested':
      return texts(cells, (cell, row) => orRefused(row, () => nestedText(cell, type)));
  }
}

function booleans(cells: readonly Cell[]): Uint8Array {
  const bits = new Uint8Array(bitmapBytes(cells.length));
  for (const [row, cell] of cells.entries()) {
    if (cell === true) setBit(bits, row);
    else if (cell !== false && cell !== null) throw new RefusedCell(row, 'not a boolean');
  }
  return bits;
}

function doubles(cells: readonly Cell[]): Float64Array {
  return new Float64Array(cells.length);
}

function integers(cells: readonly Cell[], bits: 8 | 16 | 32 | 64, signed: boolean): ArrayBufferView {
  const { length } = cells;
  switch (bits) {
    case 8:
      return numbers(cells, signed ? new Int8Array(length) : new Uint8Array(length));
    case 16:
      return numbers(cells, signed ? new Int16Array(length) : new Uint16Array(length));
    case 32:
      return numbers(cells, signed ? new Int32Array(length) : new Uint32Array(length));
    case 64:
      return bigints(cells, signed ? new BigInt64Array(length) : new BigUint64Array(length));
  }
}

interface NumberArray {
  [row: number]: number;
}

function numbers<Values extends NumberArray>(cells: readonly Cell[], values: Values): Values {
  for (const [row, cell] of cells.entries()) {
    if (cell === null) continue;
    if (typeof cell !== 'number') throw new RefusedCell(row, 'not a number');
    (values as NumberArray)[row] = cell;
    if (values[row] !== cell && !Number.isNaN(cell)) throw new RefusedCell(row, 'out of the range of its type');
  }
  return values;
}

function bigints<Values extends BigInt64Array | BigUint64Array>(cells: readonly Cell[], values: Values): Values {
  for (const [row, cell] of cells.entries()) {
    if (cell === null) continue;
    if (typeof cell !== 'bigint' && !Number.isSafeInteger(cell)) throw new RefusedCell(row, 'not a whole number');
    const value = BigInt(cell as bigint | number);
    values[row] = value;
    if (values[row] !== value) throw new RefusedCell(row, 'out of the range of its type');
  }
  return values;
}

function finiteDate(cell: Cell, row: number): Cell {
  if (cell === 'infinity') return DATE_INFINITY;
  if (cell === '-infinity') return -DATE_INFINITY;
  if (cell === DATE_INFINITY || cell === -DATE_INFINITY) throw new RefusedCell(row, 'it stands for infinity');
  return cell;
}

function finiteTimestamp(cell: Cell, row: number): Cell {
  if (cell === 'infinity') return TIMESTAMP_INFINITY;
  if (cell === '-infinity') return -TIMESTAMP_INFINITY;
  if (cell === TIMESTAMP_INFINITY || cell === -TIMESTAMP_INFINITY) throw new RefusedCell(row, 'it stands for infinity');
  return cell;
}

const DECIMAL_TEXT = /^(-?)(\d+)(?:\.(\d+))?$/;

/** The digits without the point, as 128-bit integers, low half first. */
function decimals(cells: readonly Cell[], scale: number): Uint32Array {
  const halves = new BigUint64Array(cells.length * 2);
  for (const [row, cell] of cells.entries()) {
    if (cell === null) continue;
    const value = unscaled(cell, scale, row);
    halves[row * 2] = BigInt.asUintN(64, value);
    halves[row * 2 + 1] = BigInt.asUintN(64, value >> 64n);
  }
  return new Uint32Array(halves.buffer);
}

function unscaled(cell: Cell, scale: number, row: number): bigint {
  const [, sign, whole = '', fraction = ''] = DECIMAL_TEXT.exec(typeof cell === 'string' ? cell : '') ?? [];
  if (whole === '') throw new RefusedCell(row, 'not a decimal');
  const kept = fraction.slice(0, scale).padEnd(scale, '0');
  if (/[1-9]/.test(fraction.slice(scale))) throw new RefusedCell(row, `more than ${scale} digits after the point`);
  const digits = BigInt(whole + kept);
  return sign === '-' ? -digits : digits;
}

function vectorElements(cells: readonly Cell[], dimensions: number): Float32Array {
  const elements = new Float32Array(cells.length * dimensions);
  for (const [row, cell] of cells.entries()) {
    if (cell === null) continue;
    if (!(cell instanceof Float32Array) || cell.length !== dimensions)
      throw new RefusedCell(row, `not a vector of ${dimensions} dimensions`);
    // An index cannot place it, and a search would never find it.
    if (!cell.every(Number.isFinite)) throw new RefusedCell(row, 'NaN or infinity in a vector');
    elements.set(cell, row * dimensions);
  }
  return elements;
}

interface Strings {
  readonly data: Uint8Array;
  readonly valueOffsets: Int32Array;
}

function byteStrings(cells: readonly Cell[]): Strings {
  const parts = cells.map((cell, row) => {
    if (cell === null) return new Uint8Array();
    if (!(cell instanceof Uint8Array)) throw new RefusedCell(row, 'not bytes');
    return cell;
  });
  const valueOffsets = new Int32Array(cells.length + 1);
  for (const [row, part] of parts.entries()) valueOffsets[row + 1] = (valueOffsets[row] ?? 0) + part.length;
  return { data: Buffer.concat(parts), valueOffsets };
}

function texts(cells: readonly Cell[], textOf: (cell: Cell, row: number) => string): Strings {
  const parts = cells.map((cell, row) => (cell === null ? '' : textOf(cell, row)));
  const valueOffsets = new Int32Array(cells.length + 1);
  // One character is at most three bytes of UTF-8 (a pair of surrogates is four).
  const data = Buffer.allocUnsafe(3 * parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const [row, part] of parts.entries()) {
    end += data.write(part, end, 'utf8');
    valueOffsets[row + 1] = end;
  }
  return { data: data.subarray(0, end), valueOffsets };
}

function plainText(cell: Cell, row: number): string {
  if (typeof cell !== 'string') throw new RefusedCell(row, 'not text');
  if (!cell.isWellFormed()) throw new RefusedCell(row, 'half a character (a lone surrogate)');
  return cell;
}

function digitsText(cell: Cell, row: number): string {
  if (typeof cell === 'bigint') return String(cell);
  if (typeof cell !== 'number' || !Number.isSafeInteger(cell)) throw new RefusedCell(row, 'not a whole number');
  return String(cell);
}

function orRefused<T>(row: number, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof TypeError) throw new RefusedCell(row, error.message);
    throw error;
  }
}
