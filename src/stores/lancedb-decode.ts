/** Arrow columns, as LanceDB gives them, back to cells. A column of another type than it was built with is foreign. */
import type { Data, DataType, Field, RecordBatch } from 'apache-arrow';
import type { Cell, ForeignCell, LogicalType } from './contract.js';
import { DATE_INFINITY, TIMESTAMP_INFINITY } from './lancedb-encode.js';
import { parseNested, wholeOf } from './lancedb-nested.js';
import { type Arrow, storageOf, typeText } from './lancedb-types.js';

/** @param data a column of exactly the type that `arrowField` gives for `type`. */
export function decodeColumn(type: LogicalType, data: Data): readonly Cell[] {
  const read = readerOf(type, data);
  if (data.nullCount === 0) return Array.from({ length: data.length }, (_, row) => read(row));
  return Array.from({ length: data.length }, (_, row) => (data.getValid(row) ? read(row) : null));
}

/** A column as it was found. */
export interface StoredData {
  /** Text of its type, as `typeText` gives it. */
  readonly type: string;
  readonly data: Data;
}

/** By name. */
export function storedColumns(batch: RecordBatch): ReadonlyMap<string, StoredData> {
  const fields = batch.schema.fields as readonly Field<DataType>[];
  return new Map(
    fields.flatMap((field, at) => {
      const data = batch.data.children[at];
      return data === undefined ? [] : [[field.name, { type: typeText(field), data }] as const];
    }),
  );
}

/** A column that is of another type now: every value as its text. */
export function foreignColumn(arrow: Arrow, { type, data }: StoredData): readonly Cell[] {
  const vector = arrow.makeVector(data);
  return Array.from({ length: data.length }, (_, row) => {
    const value: unknown = vector.get(row);
    return value === null ? null : { foreign: type, text: textOf(value) };
  });
}

function textOf(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'bigint') return String(value);
  return JSON.stringify(value, (_name, one: unknown) => (typeof one === 'bigint' ? String(one) : one));
}

type CellReader = (row: number) => Cell;

function readerOf(type: LogicalType, data: Data): CellReader {
  const storage = storageOf(type);
  switch (storage.as) {
    case 'boolean': {
      const bits = data.values as Uint8Array;
      return (row) => (((bits[(data.offset + row) >> 3] ?? 0) >> ((data.offset + row) & 7)) & 1) === 1;
    }
    case 'integer':
      return storage.bits === 64 ? wholes(data) : plainNumbers(data);
    case 'float':
      return plainNumbers(data);
    case 'decimal':
      return decimals(data.values as Uint32Array, storage.scale);
    case 'date':
      return dates(plainNumbers(data));
    case 'time':
      return wholes(data);
    case 'timestamp':
      return timestamps(data.values as BigInt64Array);
    case 'vector':
      return vectors(data, storage.dimensions);
    case 'bytes':
      return byteStrings(data);
    case 'text':
      return texts(data);
    case 'digits':
      return parsed(texts(data), (text) => wholeOf(BigInt(text)));
    case 'nested':
      return parsed(texts(data), (text) => parseNested(text, type));
  }
}

function plainNumbers(data: Data): (row: number) => number {
  const values = data.values as Float64Array;
  return (row) => values[row] ?? 0;
}

function wholes(data: Data): CellReader {
  const values = data.values as BigInt64Array;
  return (row) => wholeOf(values[row] ?? 0n);
}

function dates(dayOf: (row: number) => number): CellReader {
  return (row) => {
    const day = dayOf(row);
    if (day === DATE_INFINITY) return 'infinity';
    return day === -DATE_INFINITY ? '-infinity' : day;
  };
}

function timestamps(values: BigInt64Array): CellReader {
  return (row) => {
    const value = values[row] ?? 0n;
    if (value === TIMESTAMP_INFINITY) return 'infinity';
    return value === -TIMESTAMP_INFINITY ? '-infinity' : wholeOf(value);
  };
}

function decimals(words: Uint32Array, scale: number): CellReader {
  const word = (row: number, at: number): bigint => BigInt(words[row * 4 + at] ?? 0);
  return (row) => {
    const low = word(row, 0) | (word(row, 1) << 32n);
    const high = BigInt.asIntN(64, word(row, 2) | (word(row, 3) << 32n));
    return withPoint((high << 64n) | low, scale);
  };
}

function withPoint(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function vectors(data: Data, dimensions: number): CellReader {
  const child = data.children[0];
  const elements = child?.values as Float32Array;
  return (row) => elements.slice(row * dimensions, (row + 1) * dimensions);
}

function byteStrings(data: Data): (row: number) => Uint8Array {
  const bytes = data.values as Uint8Array;
  const offsets = data.valueOffsets as Int32Array;
  return (row) => bytes.slice(offsets[row], offsets[row + 1]);
}

function texts(data: Data): (row: number) => string {
  const raw = data.values as Uint8Array;
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const offsets = data.valueOffsets as Int32Array;
  return (row) => bytes.toString('utf8', offsets[row], offsets[row + 1]);
}

/** A text that does not parse was not written by a build: it is shown as it is. */
function parsed(textOf: (row: number) => string, parse: (text: string) => Cell): CellReader {
  return (row) => {
    const text = textOf(row);
    try {
      return parse(text);
    } catch {
      return { foreign: 'Utf8', text } satisfies ForeignCell;
    }
  };
}
