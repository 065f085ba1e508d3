/**
 * Values as Cosmos items hold them, and back (docs/cosmos.md, section 3). JSON has one kind of number, a double: what
 * it would not keep exactly goes in as text. Reading is strict: whatever `toJson` would not have written for the
 * column's type comes back as a `ForeignCell`. Pure.
 */
import { normalDecimal } from './canonical-cell.js';
import type { Cell, ForeignCell, LogicalType } from './contract.js';
import {
  dateText,
  daysOf,
  microsecondsOf,
  numberWhereSafe,
  timestampOf,
  timestampText,
  timeText,
} from './cosmos-time.js';

export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue };

type StructFields = Extract<LogicalType, { kind: 'struct' }>['fields'];

const PLAIN_DECIMAL = /^-?\d+(?:\.\d+)?$/;
const INTEGER = /^(?:0|-?[1-9]\d*)$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NOT_FINITE: ReadonlySet<string> = new Set(['NaN', 'Infinity', '-Infinity']);
/** Numbers in a JSON text that a double might not keep digit by digit. */
const LONG_NUMBER = /\d[\d.]{15}|\d[eE]/;
const SHOWN_LETTERS = 200;

/** @param cell a value of the type; never a ForeignCell, which is only read. */
export function toJson(cell: Cell, type: LogicalType): JsonValue {
  if (cell === null) return null;
  switch (type.kind) {
    case 'boolean':
      return cell as boolean;
    case 'text':
    case 'uuid':
      return cell as string;
    case 'bytes':
      return Buffer.from(cell as Uint8Array).toString('base64');
    case 'integer':
      return integerToJson(cell as number | bigint);
    case 'decimal':
      return decimalToJson(cell as string);
    case 'float':
      return floatToJson(cell as number);
    case 'date':
      return dateText(cell as number);
    case 'time':
      return timeText(cell as number);
    case 'timestamp':
      return timestampText(cell as number | bigint | string, type.unit, type.zone);
    case 'interval':
      return intervalToJson(cell as readonly Cell[]);
    case 'json':
      return documentToJson(cell as string);
    case 'list':
      return (cell as readonly Cell[]).map((one) => toJson(one, type.of));
    case 'struct':
      return structToJson(cell as readonly Cell[], type.fields);
    case 'map':
      return (cell as readonly (readonly [Cell, Cell])[]).map(([key, value]) => [
        toJson(key, type.key),
        toJson(value, type.value),
      ]);
    case 'vector':
      return Array.from(cell as Float32Array, shortestOfFloat32);
  }
}

/** What a stored value means; a ForeignCell when it is not as `toJson` writes values of the type. */
export function fromJson(value: unknown, type: LogicalType): Cell {
  const cell = read(value, type);
  return cell === undefined ? foreign(value) : cell;
}

function foreign(value: unknown): ForeignCell {
  const name = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  return { foreign: name, text: value === undefined ? '' : JSON.stringify(value).slice(0, SHOWN_LETTERS) };
}

/** Undefined: not of the type. */
function read(value: unknown, type: LogicalType): Cell | undefined {
  if (value === null) return null;
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'integer':
      return integerFromJson(value);
    case 'decimal':
      return decimalFromJson(value);
    case 'float':
      return floatFromJson(value);
    case 'interval':
      return intervalFromJson(value);
    case 'json':
      return documentFromJson(value);
    case 'list':
      return Array.isArray(value) ? readAll(value, () => type.of) : undefined;
    case 'struct':
      return structFromJson(value, type.fields);
    case 'map':
      return Array.isArray(value) ? mapFromJson(value, type.key, type.value) : undefined;
    case 'vector':
      return Array.isArray(value) ? vectorFromJson(value) : undefined;
    default:
      return typeof value === 'string' ? fromText(value, type) : undefined;
  }
}

function fromText(text: string, type: LogicalType): Cell | undefined {
  switch (type.kind) {
    case 'text':
      return text;
    case 'uuid':
      return UUID.test(text) ? text : undefined;
    case 'bytes': {
      const bytes = Buffer.from(text, 'base64');
      return bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined;
    }
    case 'date':
      return daysOf(text);
    case 'time':
      return microsecondsOf(text);
    case 'timestamp':
      return timestampOf(text, type.unit, type.zone);
    default:
      return undefined;
  }
}

function integerToJson(value: number | bigint): JsonValue {
  const short = typeof value === 'bigint' ? numberWhereSafe(value) : value;
  return typeof short === 'bigint' ? String(short) : short;
}

function integerFromJson(value: unknown): Cell | undefined {
  // -0 cannot be written as an integer; `+ 0` makes one that came all the same the zero it equals.
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : undefined;
  if (typeof value !== 'string' || !INTEGER.test(value)) return undefined;
  const exact = BigInt(value);
  return typeof numberWhereSafe(exact) === 'bigint' ? exact : undefined;
}

function decimalToJson(text: string): JsonValue {
  const normal = normalDecimal(text);
  const number = Number(normal);
  return String(number) === normal ? number : normal;
}

function decimalFromJson(value: unknown): Cell | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !PLAIN_DECIMAL.test(text)) return undefined;
  return decimalToJson(text) === (Object.is(value, -0) ? 0 : value) ? text : undefined;
}

function floatToJson(value: number): JsonValue {
  return Number.isFinite(value) ? value : String(value);
}

function floatFromJson(value: unknown): Cell | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' && NOT_FINITE.has(value) ? Number(value) : undefined;
}

function intervalToJson([months = null, days = null, microseconds = null]: readonly Cell[]): JsonValue {
  const part = (cell: Cell): JsonValue => integerToJson(cell as number | bigint);
  return { months: part(months), days: part(days), microseconds: part(microseconds) };
}

function intervalFromJson(value: unknown): Cell | undefined {
  if (!isRecord(value) || Object.keys(value).length !== 3) return undefined;
  return all([value.months, value.days, value.microseconds].map(integerFromJson));
}

/** Objects and arrays as they are, so that queries can look inside; the rest, and what would lose digits, as text. */
function documentToJson(text: string): JsonValue {
  const value = JSON.parse(text) as JsonValue;
  return typeof value === 'object' && value !== null && !LONG_NUMBER.test(text) ? value : text;
}

function documentFromJson(value: unknown): Cell | undefined {
  if (typeof value === 'object') return JSON.stringify(value);
  if (typeof value !== 'string') return undefined;
  try {
    return documentToJson(value) === value ? value : undefined;
  } catch {
    return undefined; // Not JSON: no value of this type.
  }
}

function structToJson(cells: readonly Cell[], fields: StructFields): JsonValue {
  return Object.fromEntries(fields.map(({ name, type }, index) => [name, toJson(cells[index] ?? null, type)]));
}

function structFromJson(value: unknown, fields: StructFields): Cell | undefined {
  if (!isRecord(value) || Object.keys(value).length !== fields.length) return undefined;
  return readAll(
    fields.map(({ name }) => (Object.hasOwn(value, name) ? value[name] : undefined)),
    (index) => fields[index]?.type,
  );
}

function mapFromJson(entries: readonly unknown[], key: LogicalType, value: LogicalType): Cell | undefined {
  return all(
    entries.map((entry) =>
      Array.isArray(entry) && entry.length === 2 ? readAll(entry, (index) => (index === 0 ? key : value)) : undefined,
    ),
  );
}

function vectorFromJson(elements: readonly unknown[]): Cell | undefined {
  const numbers = elements.map(floatFromJson);
  return numbers.includes(undefined) ? undefined : Float32Array.from(numbers as number[]);
}

function readAll(values: readonly unknown[], typeAt: (index: number) => LogicalType | undefined): Cell | undefined {
  return all(
    values.map((value, index) => {
      const type = typeAt(index);
      return type === undefined ? undefined : read(value, type);
    }),
  );
}

function all(cells: readonly (Cell | undefined)[]): readonly Cell[] | undefined {
  return cells.includes(undefined) ? undefined : (cells as readonly Cell[]);
}

/** Half the digits of the double that equals it, and half the request units; `Math.fround` gives it back exactly. */
function shortestOfFloat32(element: number): JsonValue {
  if (!Number.isFinite(element)) return String(element);
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(element.toPrecision(digits));
    if (Math.fround(short) === element) return short;
  }
  return Number(element.toPrecision(9));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
