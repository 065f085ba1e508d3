/**
 * Turns PostgreSQL's texts back into cells, strictly by the type that a column was built with: a value that is not as
 * `postgres-types.ts` writes one comes as a foreign cell. Nothing here is repaired.
 */
import type { Cell, ForeignCell, LogicalType } from './contract.js';
import { parseDate, parseInterval, parseTime, parseTimestamp } from './postgres-moments.js';

/** Undefined: the value is not of the type. */
type Decode<T> = (value: T) => Cell | undefined;
type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * Makes the reader of a column's texts. `found` is the column's type in the database; where it is not `expected`,
 * every value is foreign.
 */
export function cellReader(
  type: LogicalType,
  expected: string,
  found: string | undefined,
): (text: string | null) => Cell {
  if (found === undefined) return () => foreign('no such column', '');
  if (found !== expected) return (text) => (text === null ? null : foreign(found, text));
  const decode = textDecoder(type, expected);
  return (text) => (text === null ? null : (decode(text) ?? foreign(found, text)));
}

function foreign(type: string, text: string): ForeignCell {
  return { foreign: type, text };
}

function textDecoder(type: LogicalType, stored: string): Decode<string> {
  switch (type.kind) {
    case 'boolean':
      return (text) => (text === 't' ? true : text === 'f' ? false : undefined);
    case 'bytes':
      return (text) => (text.startsWith('\\x') ? new Uint8Array(Buffer.from(text.slice(2), 'hex')) : undefined);
    case 'vector':
      return vectorDecoder(type.dimensions, stored === 'real[]' ? '{}' : '[]');
    case 'list':
    case 'struct':
    case 'map': {
      const decode = jsonDecoder(type);
      return (text) => decode(JSON.parse(text) as Json) ?? undefined;
    }
    default:
      return plainDecoder(type);
  }
}

/** Of types whose text is the same in a column and inside JSON. */
function plainDecoder(type: LogicalType): Decode<string> {
  switch (type.kind) {
    case 'integer':
      return parseInteger;
    case 'decimal':
      return (text) => (/^-?\d+(\.\d+)?$/.test(text) ? text : undefined);
    case 'float':
      return (text) => parseFloatText(text, type.bits);
    case 'date':
      return parseDate;
    case 'time':
      return parseTime;
    case 'timestamp':
      return parseTimestamp;
    case 'interval':
      return parseInterval;
    default:
      return (text) => text;
  }
}

function parseInteger(text: string): number | bigint | undefined {
  const number = Number(text);
  if (Number.isSafeInteger(number) && text !== '') return number;
  return /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}

const SPECIAL_FLOATS: ReadonlyMap<string, number> = new Map([
  ['nan', NaN],
  ['inf', Infinity],
  ['-inf', -Infinity],
  ['infinity', Infinity],
  ['-infinity', -Infinity],
]);

function parseFloatText(text: string, bits: 32 | 64): number | undefined {
  const number = SPECIAL_FLOATS.get(text.toLowerCase()) ?? Number(text);
  // NaN under any other name than its own is no number.
  if (Number.isNaN(number) && text.toLowerCase() !== 'nan') return undefined;
  return bits === 32 ? Math.fround(number) : number;
}

function vectorDecoder(dimensions: number, brackets: '[]' | '{}'): Decode<string> {
  return (text) => {
    if (text.at(0) !== brackets[0] || text.at(-1) !== brackets[1]) return undefined;
    const parts = text.slice(1, -1).split(',');
    if (parts.length !== dimensions) return undefined;
    const vector = new Float32Array(dimensions);
    for (const [index, part] of parts.entries()) {
      const element = parseFloatText(part, 32);
      if (element === undefined) return undefined;
      vector[index] = element;
    }
    return vector;
  };
}

function jsonDecoder(type: LogicalType): Decode<Json> {
  switch (type.kind) {
    case 'list':
      return listDecoder(orNull(jsonDecoder(type.of)));
    case 'struct':
      return structDecoder(type.fields.map(({ name, type: of }) => ({ name, decode: orNull(jsonDecoder(of)) })));
    case 'map':
      return mapDecoder(orNull(jsonDecoder(type.key)), orNull(jsonDecoder(type.value)));
    default:
      return jsonLeaf(type);
  }
}

function orNull(decode: Decode<Json>): Decode<Json> {
  return (value) => (value === null ? null : decode(value));
}

function listDecoder(decode: Decode<Json>): Decode<Json> {
  return (value) => (isArray(value) ? all(value.map(decode)) : undefined);
}

function structDecoder(fields: readonly { readonly name: string; readonly decode: Decode<Json> }[]): Decode<Json> {
  return (value) => {
    if (!isObject(value) || Object.keys(value).length !== fields.length) return undefined;
    return all(
      fields.map(({ name, decode }) => (Object.hasOwn(value, name) ? decode(value[name] ?? null) : undefined)),
    );
  };
}

function mapDecoder(key: Decode<Json>, of: Decode<Json>): Decode<Json> {
  return (value) => {
    if (!isArray(value)) return undefined;
    return all(
      value.map((pair) => {
        if (!isArray(pair) || pair.length !== 2) return undefined;
        return all([key(pair[0] ?? null), of(pair[1] ?? null)]);
      }),
    );
  };
}

function all(cells: readonly (Cell | undefined)[]): readonly Cell[] | undefined {
  return cells.some((cell) => cell === undefined) ? undefined : (cells as readonly Cell[]);
}

function jsonLeaf(type: LogicalType): Decode<Json> {
  if (type.kind === 'boolean') return (value) => (typeof value === 'boolean' ? value : undefined);
  if (type.kind === 'integer' && type.bits <= 32)
    return (value) => (Number.isInteger(value) ? (value as number) : undefined);
  if (type.kind === 'float') return floatOfJson(type.bits);
  if (type.kind === 'bytes') return bytesOfJson;
  const decode = plainDecoder(type);
  return (value) => (typeof value === 'string' ? decode(value) : undefined);
}

function floatOfJson(bits: 32 | 64): Decode<Json> {
  return (value) => {
    if (typeof value === 'number') return bits === 32 ? Math.fround(value) : value;
    return typeof value === 'string' && SPECIAL_FLOATS.has(value) ? SPECIAL_FLOATS.get(value) : undefined;
  };
}

function bytesOfJson(value: Json): Cell | undefined {
  if (typeof value !== 'string') return undefined;
  const bytes = Buffer.from(value, 'base64');
  return bytes.toString('base64') === value ? new Uint8Array(bytes) : undefined;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
