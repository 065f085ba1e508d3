/**
 * The one text of every value, whatever engine holds it (docs/fingerprints.md, section 2). Two values are equal when
 * their texts are. What a reader is shown is made in `readable-cell.ts`.
 */
import { canonicalJsonText } from './canonical-json.js';
import type { Cell, ForeignCell, LogicalType, RowBatch, TableSpec } from './contract.js';

/** Stands between the cells of a row; RECORD_SEPARATOR between key, column and cell. */
export const FIELD_SEPARATOR = '\u001f';
export const RECORD_SEPARATOR = '\u001e';
/** Of SQL NULL, on its own and nested. */
export const NULL_TEXT = 'n';

const SPECIAL = new RegExp(`[\\\\${FIELD_SEPARATOR}${RECORD_SEPARATOR}]`);
const EVERY_SPECIAL = new RegExp(SPECIAL, 'g');
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', [FIELD_SEPARATOR]: '\\f', [RECORD_SEPARATOR]: '\\r' };

export type CellWriter = (cell: Cell) => string;

/** Makes the writer of a column's canonical cell texts. A value that is not of the type is written as a foreign one. */
export function cellWriter(type: LogicalType): CellWriter {
  const write = writerOf(type);
  return (cell) => {
    if (cell === null) return NULL_TEXT;
    if (isForeign(cell)) return `!${cell.foreign}:${cell.text}`;
    return write(cell) ?? strangeText(cell);
  };
}

/** Canonical cell text of one value. For many of one type take `cellWriter`. */
export function canonicalCell(cell: Cell, type: LogicalType): string {
  return cellWriter(type)(cell);
}

/** Joins canonical cell texts so that no two lists of the same length give the same text. */
export function joinCells(cells: readonly string[]): string {
  if (cells.length === 1) return escapeCell(cells[0] ?? '');
  let joined = '';
  for (let index = 0; index < cells.length; index += 1) {
    const cell = escapeCell(cells[index] ?? '');
    joined = index === 0 ? cell : joined + FIELD_SEPARATOR + cell;
  }
  return joined;
}

/** Makes the writer of key texts: what `DerivedStore.search` gives. '' for a table without keys. */
export function keyWriter(spec: TableSpec): (batch: RowBatch, row: number) => string {
  const keys = keyColumns(spec).map(({ index, type }) => ({ index, write: cellWriter(type) }));
  return (batch, row) => joinCells(keys.map(({ index, write }) => write(batch.columns[index]?.[row] ?? null)));
}

/** The key text of cells that are given in the order of `spec.keys`. */
export function keyTextOf(spec: TableSpec, keyCells: readonly Cell[]): string {
  return joinCells(keyColumns(spec).map(({ type }, at) => canonicalCell(keyCells[at] ?? null, type)));
}

/** Where the key columns of a table stand, in the order of its keys. */
export function keyColumns(spec: TableSpec): readonly { readonly index: number; readonly type: LogicalType }[] {
  return spec.keys.flatMap((name) => {
    const index = spec.columns.findIndex((column) => column.name === name);
    const column = spec.columns[index];
    return column === undefined ? [] : [{ index, type: column.type }];
  });
}

export function isForeign(cell: Cell): cell is ForeignCell {
  return typeof cell === 'object' && cell !== null && 'foreign' in cell;
}

/** The cells of a joined text. */
export function splitCells(joined: string): readonly string[] {
  const back: Readonly<Record<string, string>> = { '\\\\': '\\', '\\f': FIELD_SEPARATOR, '\\r': RECORD_SEPARATOR };
  return joined.split(FIELD_SEPARATOR).map((cell) => cell.replace(/\\[\\fr]/g, (pair) => back[pair] ?? pair));
}

/** Little-endian float32 bytes of a vector: every NaN the same, and no negative zero, for which JSON has no word. */
export function vectorBytes(vector: Float32Array): Buffer {
  const bytes = Buffer.allocUnsafe(vector.length * 4);
  for (let index = 0; index < vector.length; index += 1) {
    const value = vector[index] ?? 0;
    if (Number.isNaN(value)) bytes.writeUInt32LE(0x7fc00000, index * 4);
    else bytes.writeFloatLE(value === 0 ? 0 : value, index * 4);
  }
  return bytes;
}

/** Kinds whose texts are of a few characters that need no escape. */
const PLAIN_KINDS: ReadonlySet<LogicalType['kind']> = new Set([
  ...(['boolean', 'integer', 'decimal', 'float', 'date', 'time', 'timestamp', 'interval', 'bytes', 'vector'] as const),
]);
const FOREIGN_MARK = '!'.charCodeAt(0);

/** Makes what `joinCells` does to each cell of a column, where that is known to be nothing for most of them. */
export function cellEscaper(type: LogicalType): (cell: string) => string {
  if (!PLAIN_KINDS.has(type.kind)) return escapeCell;
  return (cell) => (cell.charCodeAt(0) === FOREIGN_MARK ? escapeCell(cell) : cell);
}

function escapeCell(cell: string): string {
  return SPECIAL.test(cell) ? cell.replace(EVERY_SPECIAL, (character) => ESCAPES[character] ?? character) : cell;
}

const NESTED_TAGS: Readonly<Record<string, string>> = { list: 'l:', struct: 't:', map: 'm:' };

/** Gives undefined for a value that is not of the type. */
type ValueWriter = (cell: Exclude<Cell, null | ForeignCell>) => string | undefined;

function writerOf(type: LogicalType): ValueWriter {
  switch (type.kind) {
    case 'boolean':
      return (cell) => (typeof cell === 'boolean' ? `b:${String(cell)}` : undefined);
    case 'integer':
      return (cell) => (isInteger(cell) ? `i:${integerText(cell)}` : undefined);
    case 'decimal':
      return (cell) => (typeof cell === 'string' ? `d:${normalDecimal(cell)}` : undefined);
    case 'float':
      return type.bits === 32 ? floatWriter('r:') : floatWriter('f:');
    case 'text':
      return textWriter('s:');
    case 'uuid':
      return textWriter('u:');
    case 'json':
      return (cell) => (typeof cell === 'string' ? `j:${canonicalJsonText(cell)}` : undefined);
    case 'bytes':
      return (cell) => (cell instanceof Uint8Array ? `x:${hexOf(cell)}` : undefined);
    case 'vector':
      return (cell) => (cell instanceof Float32Array ? `w:${vectorBytes(cell).toString('hex')}` : undefined);
    default:
      return timeOrNestedWriter(type);
  }
}

function timeOrNestedWriter(type: LogicalType): ValueWriter {
  switch (type.kind) {
    case 'date':
      return (cell) => momentText('D:', cell, 'us');
    case 'time':
      return (cell) => (isInteger(cell) ? `T:${integerText(cell)}` : undefined);
    case 'timestamp': {
      const tag = type.zone ? 'tz:' : 'ts:';
      return (cell) => momentText(tag, cell, type.unit);
    }
    case 'interval':
      return (cell) => (isList(cell) && cell.length === 3 ? `v:${cell.map(String).join('/')}` : undefined);
    default: {
      const write = nestedWriter(type);
      const tag = NESTED_TAGS[type.kind] ?? '?:';
      return (cell) => (isList(cell) ? tag + write(cell) : undefined);
    }
  }
}

/** A nested value as JSON: leaves are strings of their canonical texts. */
function nestedWriter(type: LogicalType): CellWriter {
  switch (type.kind) {
    case 'list': {
      const item = nestedWriter(type.of);
      return ifList((cells) => `[${cells.map(item).join(',')}]`);
    }
    case 'struct':
      return ifList(structWriter(type.fields));
    case 'map': {
      const [key, value] = [nestedWriter(type.key), nestedWriter(type.value)];
      return ifList(
        (pairs) =>
          `[${pairs
            .map((pair) => pairText(pair, key, value))
            .sort()
            .join(',')}]`,
      );
    }
    default: {
      const write = cellWriter(type);
      return (cell) => JSON.stringify(write(cell));
    }
  }
}

function ifList(write: (cells: readonly Cell[]) => string): CellWriter {
  return (cell) => {
    if (cell !== null && isList(cell)) return write(cell);
    if (cell === null) return JSON.stringify(NULL_TEXT);
    return JSON.stringify(isForeign(cell) ? `!${cell.foreign}:${cell.text}` : strangeText(cell));
  };
}

/** Fields sorted by name: an engine may keep them in another order. */
function structWriter(
  fields: readonly { readonly name: string; readonly type: LogicalType }[],
): (cells: readonly Cell[]) => string {
  const writers = fields
    .map(({ name, type }, index) => ({ name, index, write: nestedWriter(type) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return (cells) =>
    `{${writers.map(({ name, index, write }) => `${JSON.stringify(name)}:${write(cells[index] ?? null)}`).join(',')}}`;
}

function pairText(pair: Cell, key: CellWriter, value: CellWriter): string {
  if (!isList(pair)) return JSON.stringify(NULL_TEXT);
  return `[${key(pair[0] ?? null)},${value(pair[1] ?? null)}]`;
}

function isList(cell: Cell | undefined): cell is readonly Cell[] {
  return Array.isArray(cell);
}

function isInteger(cell: Cell): cell is number | bigint {
  return typeof cell === 'bigint' || (typeof cell === 'number' && Number.isInteger(cell));
}

function integerText(cell: number | bigint): string {
  return cell === 0 ? '0' : String(cell);
}

function textWriter(tag: string): ValueWriter {
  return (cell) => (typeof cell === 'string' ? tag + cell : undefined);
}

/** `String` is ECMAScript's Number::toString, which RFC 8785 (3.2.2.3) prescribes; it gives `0` for -0. */
function floatWriter(tag: string): ValueWriter {
  return (cell) => (typeof cell === 'number' ? tag + String(cell) : undefined);
}

const [MINUS, POINT, ZERO, NINE] = ['-', '.', '0', '9'].map((sign) => sign.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
];

/** Plain notation without zeros that say nothing: `-1.50` → `-1.5`, `-0.0` → `0`. */
export function normalDecimal(text: string): string {
  const end = endOfUsual(text);
  if (end !== undefined) return end === text.length ? text : text.slice(0, end);
  const parts = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?$/.exec(text);
  if (parts === null) return text;
  const whole = parts[2] === '' ? '0' : (parts[2] ?? '0');
  const fraction = parts[3] ?? '';
  const digits = fraction === '' ? whole : `${whole}.${fraction}`;
  return parts[1] === '-' && digits !== '0' ? `-${digits}` : digits;
}

/** Where the zeros at the end begin, in a number as engines write them; undefined: it begins in another way. */
function endOfUsual(text: string): number | undefined {
  const start = text.charCodeAt(0) === MINUS ? 1 : 0;
  const first = text.charCodeAt(start);
  if (!(first > ZERO && first <= NINE)) return undefined;
  let point = -1;
  let end = start;
  for (let at = start; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    if (sign === POINT && point === -1) point = at;
    else if (!(sign >= ZERO && sign <= NINE)) return undefined;
    else if (point === -1 || sign !== ZERO) end = at + 1;
  }
  return end;
}

function momentText(tag: string, cell: Cell, unit: 'us' | 'ns'): string | undefined {
  if (cell === 'infinity' || cell === '-infinity') return tag + cell;
  if (!isInteger(cell)) return undefined;
  return tag + (unit === 'us' ? integerText(cell) : microsecondsText(BigInt(cell)));
}

/** Nanoseconds in microseconds, with three decimals where they say something: -1 → `-0.001`, 2000 → `2`. */
function microsecondsText(nanoseconds: bigint): string {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const rest = size % 1000n;
  const text = rest === 0n ? String(size / 1000n) : `${size / 1000n}.${String(rest).padStart(3, '0')}`;
  return nanoseconds < 0n ? `-${text}` : text;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** A value of no shape that its type has: the store's reading is at fault, and it must equal nothing. */
function strangeText(cell: Exclude<Cell, null | ForeignCell>): string {
  return `!${typeof cell}:${typeof cell === 'object' ? Array.from(cell, String).join(',') : String(cell)}`;
}
