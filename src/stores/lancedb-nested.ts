/**
 * Values that a LanceDB column keeps as text because Arrow has no exact type for them: lists, structs, maps and
 * intervals, as JSON that gives back every value. What JSON's numbers cannot say (NaN, -0, integers above 2^53) stands
 * there as text. It answers for both directions; which columns are kept so is `lancedb-types.ts`.
 */
import type { Cell, LogicalType } from './contract.js';

/** The text of a value. Throws TypeError for one that is not of the type. */
export function nestedText(cell: Cell, type: LogicalType): string {
  if (cell === null) return 'null';
  switch (type.kind) {
    case 'boolean':
      return JSON.stringify(expectType(cell, 'boolean'));
    case 'float':
      return floatText(expectType(cell, 'number'));
    case 'integer':
    case 'date':
    case 'time':
    case 'timestamp':
      return wholeText(cell);
    case 'bytes':
      if (!(cell instanceof Uint8Array)) throw misfit(type);
      return JSON.stringify(Buffer.from(cell).toString('hex'));
    case 'interval':
      return `[${elements(cell, type).map(wholeText).join()}]`;
    case 'vector':
      return cell instanceof Float32Array ? `[${Array.from(cell, floatText).join()}]` : refuseMisfit(type);
    case 'list':
      return `[${elements(cell, type)
        .map((one) => nestedText(one, type.of))
        .join()}]`;
    case 'struct':
      return structText(elements(cell, type), type.fields);
    case 'map':
      return `[${elements(cell, type)
        .map((pair) => pairText(elements(pair, type), type))
        .join()}]`;
    default:
      return JSON.stringify(expectType(cell, 'string'));
  }
}

/** The value of a text that `nestedText` made. Throws SyntaxError or TypeError when it did not. */
export function parseNested(text: string, type: LogicalType): Cell {
  return revive(JSON.parse(text), type);
}

function revive(value: unknown, type: LogicalType): Cell {
  if (value === null) return null;
  switch (type.kind) {
    case 'boolean':
      return expectType(value, 'boolean');
    case 'float':
      return reviveFloat(value);
    case 'integer':
    case 'date':
    case 'time':
    case 'timestamp':
      return reviveWhole(value);
    case 'bytes':
      return new Uint8Array(Buffer.from(expectType(value, 'string'), 'hex'));
    case 'interval':
      return elements(value, type).map(reviveWhole);
    case 'vector':
      return Float32Array.from(elements(value, type), reviveFloat);
    case 'list':
      return elements(value, type).map((one) => revive(one, type.of));
    case 'struct':
      return reviveStruct(value, type.fields);
    case 'map':
      return elements(value, type).map((pair) => revivePair(elements(pair, type), type));
    default:
      return expectType(value, 'string');
  }
}

type Fields = Extract<LogicalType, { kind: 'struct' }>['fields'];
type MapType = Extract<LogicalType, { kind: 'map' }>;

function structText(cells: readonly Cell[], fields: Fields): string {
  const parts = fields.map(({ name, type }, at) => `${JSON.stringify(name)}:${nestedText(cells[at] ?? null, type)}`);
  return `{${parts.join()}}`;
}

function reviveStruct(value: unknown, fields: Fields): Cell {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('not an object');
  const found = new Map<string, unknown>(Object.entries(value));
  if (found.size !== fields.length || fields.some(({ name }) => !found.has(name))) throw new TypeError('other fields');
  return fields.map(({ name, type }) => revive(found.get(name), type));
}

function pairText([key = null, value = null]: readonly Cell[], type: MapType): string {
  return `[${nestedText(key, type.key)},${nestedText(value, type.value)}]`;
}

function revivePair([key = null, value = null]: readonly unknown[], type: MapType): Cell {
  return [revive(key, type.key), revive(value, type.value)];
}

function floatText(value: number): string {
  return Number.isFinite(value) && !Object.is(value, -0) ? String(value) : `"${Object.is(value, -0) ? '-0' : value}"`;
}

const FLOAT_WORDS: ReadonlySet<unknown> = new Set(['NaN', 'Infinity', '-Infinity', '-0']);

function reviveFloat(value: unknown): number {
  if (typeof value === 'number') return value;
  if (!FLOAT_WORDS.has(value)) throw new TypeError('not a number');
  return Number(value);
}

/** Whole numbers, and the infinities that dates and timestamps have. */
function wholeText(cell: Cell): string {
  if (typeof cell === 'number' && Number.isSafeInteger(cell)) return String(cell);
  if (typeof cell !== 'bigint' && cell !== 'infinity' && cell !== '-infinity')
    throw new TypeError('not a whole number');
  return `"${cell}"`;
}

function reviveWhole(value: unknown): number | bigint | string {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (typeof value !== 'string') throw new TypeError('not a whole number');
  if (value === 'infinity' || value === '-infinity') return value;
  if (!/^-?\d+$/.test(value)) throw new TypeError('not a whole number');
  return wholeOf(BigInt(value));
}

/** As cells have integers: a number where it is safe, else a bigint. */
export function wholeOf(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function elements(value: Cell, type: LogicalType): readonly Cell[];
function elements(value: unknown, type: LogicalType): readonly unknown[];
function elements(value: unknown, type: LogicalType): readonly unknown[] {
  if (!Array.isArray(value)) throw misfit(type);
  return value;
}

interface TypeNames {
  readonly boolean: boolean;
  readonly number: number;
  readonly string: string;
}

function expectType<Name extends keyof TypeNames>(value: unknown, name: Name): TypeNames[Name] {
  if (typeof value !== name) throw new TypeError(`not a ${name}`);
  return value as TypeNames[Name];
}

function refuseMisfit(type: LogicalType): never {
  throw misfit(type);
}

function misfit(type: LogicalType): TypeError {
  return new TypeError(`not a ${type.kind}`);
}
