/**
 * How LanceDB keeps a column: its Arrow type, and the note on the field where Arrow has no type of that kind and the
 * column is text. Every choice gives back every value exactly. Turning values into Arrow and back is
 * `lancedb-encode.ts` and `lancedb-decode.ts`.
 */
import type * as ArrowModule from 'apache-arrow';
import type { LogicalType, TableColumn } from './contract.js';

/** apache-arrow, loaded when a store is opened. */
export type Arrow = typeof ArrowModule;

export type Storage =
  | { readonly as: 'boolean' | 'bytes' | 'date' | 'time' | 'timestamp' }
  | { readonly as: 'integer'; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly as: 'float'; readonly bits: 32 | 64 }
  | { readonly as: 'decimal'; readonly scale: number }
  | { readonly as: 'vector'; readonly dimensions: number }
  /** `text`: as it is. `digits`: an integer of 128 bits. `nested`: JSON, see `lancedb-nested.ts`. */
  | { readonly as: 'text' | 'digits' | 'nested' };

/** Field metadata: the recipe's type of a column that is kept as text for want of an Arrow type. */
const TYPE_NOTE = 'lakepack.type';

export function storageOf(type: LogicalType): Storage {
  switch (type.kind) {
    case 'integer':
      return type.bits === 128 ? { as: 'digits' } : { as: 'integer', bits: type.bits, signed: type.signed };
    case 'float':
      return { as: 'float', bits: type.bits };
    case 'decimal':
      return { as: 'decimal', scale: type.scale };
    case 'vector':
      return { as: 'vector', dimensions: type.dimensions };
    case 'boolean':
    case 'bytes':
    case 'date':
    case 'time':
    case 'timestamp':
      return { as: type.kind };
    case 'text':
    case 'uuid':
    case 'json':
      return { as: 'text' };
    case 'interval':
    case 'list':
    case 'struct':
    case 'map':
      return { as: 'nested' };
  }
}

export function arrowField(arrow: Arrow, column: TableColumn): ArrowModule.Field<ArrowModule.DataType> {
  const type = arrowType(arrow, column.type);
  const isNoted = arrow.DataType.isUtf8(type) && column.type.kind !== 'text';
  return new arrow.Field(column.name, type, true, isNoted ? new Map([[TYPE_NOTE, column.sqlType]]) : undefined);
}

/** What a person is told, and what two columns are compared by: `Int64`, `Utf8 (UUID)`. */
export function typeText(field: ArrowModule.Field<ArrowModule.DataType>): string {
  const note = field.metadata.get(TYPE_NOTE);
  // A field as text is `name: type`; the types have no method of their own for it.
  const type = field.toString().slice(`${field.name}: `.length);
  return note === undefined ? type : `${type} (${note})`;
}

function arrowType(arrow: Arrow, type: LogicalType): ArrowModule.DataType {
  switch (type.kind) {
    case 'boolean':
      return new arrow.Bool();
    case 'bytes':
      return new arrow.Binary();
    case 'date':
      return new arrow.DateDay();
    case 'time':
      return new arrow.TimeMicrosecond();
    case 'timestamp':
      return new arrow.Timestamp(timeUnit(arrow, type.unit), type.zone ? 'UTC' : null);
    case 'integer':
      return type.bits === 128 ? new arrow.Utf8() : new arrow.Int(type.signed, type.bits);
    case 'float':
      return type.bits === 32 ? new arrow.Float32() : new arrow.Float64();
    case 'decimal':
      return new arrow.Decimal(type.scale, type.precision, 128);
    case 'vector':
      return new arrow.FixedSizeList(type.dimensions, new arrow.Field('item', new arrow.Float32(), true));
    default:
      return new arrow.Utf8();
  }
}

function timeUnit(arrow: Arrow, unit: 'us' | 'ns'): ArrowModule.TimeUnit {
  return unit === 'us' ? arrow.TimeUnit.MICROSECOND : arrow.TimeUnit.NANOSECOND;
}
