/** Values as people read them: in differences, keys and samples. Nothing is compared by these texts. */
import { canonicalCell, isForeign, splitCells } from './canonical-cell.js';
import type { Cell, LogicalType, TableSpec } from './contract.js';

const MAX_CHARACTERS = 80;
const MS_PER_DAY = 86_400_000;
const MICROSECONDS_PER_DAY = 86_400_000_000n;
/** What a JavaScript date can hold, in days to both sides of 1970. */
const MAX_DAYS = 100_000_000;

/** Dates as ISO, NULL as `NULL`, text quoted; cut at 80 characters. */
export function readableCell(cell: Cell, type: LogicalType): string {
  return cut(wholeCell(cell, type));
}

/** `cve_id=CVE-2024-1, dt=2024-05-01` */
export function readableKey(spec: TableSpec, cells: readonly Cell[]): string {
  const parts = spec.keys.map((name) => {
    const at = spec.columns.findIndex((column) => column.name === name);
    return `${name}=${bare(readableColumn(spec, at, cells[at] ?? null))}`;
  });
  return parts.join(', ');
}

/** All cells but the vector, for rows that have no key. */
export function readableRow(spec: TableSpec, cells: readonly Cell[]): string {
  const parts = spec.columns.flatMap(({ name }, at) =>
    name === spec.vector?.column ? [] : [`${name}=${readableColumn(spec, at, cells[at] ?? null)}`],
  );
  return cut(parts.join(', '));
}

/** A sampled row's name (`SampledRow.key`), as far as it tells the key. */
export function readableName(spec: TableSpec, name: string): string {
  if (spec.keys.length === 0) return `row ${name}`;
  if (name.startsWith('#')) return `key of SHA-256 ${name.slice(1)}`;
  const cells = splitCells(name);
  return spec.keys.map((key, at) => `${key}=${bare(readableCanonical(cells[at] ?? ''))}`).join(', ');
}

/** A canonical cell text, as it stands in a sample. */
export function readableCanonical(text: string): string {
  return cut(text.startsWith('#') ? `a value of SHA-256 ${text.slice(1)}` : canonicalWords(text));
}

function readableColumn(spec: TableSpec, at: number, cell: Cell): string {
  const column = spec.columns[at];
  return column === undefined ? '' : readableCell(cell, column.type);
}

/** Text of a key without its quotes, where nothing in it could be taken for something else. */
function bare(text: string): string {
  return /^"[^\s,=\\"]([^,=\\"]*[^\s,=\\"])?"$/.test(text) ? text.slice(1, -1) : text;
}

function wholeCell(cell: Cell, type: LogicalType): string {
  if (cell === null) return 'NULL';
  if (isForeign(cell)) return `${cell.text} (${cell.foreign})`;
  if (cell instanceof Float32Array) return `[${cell.subarray(0, 6).join(', ')} …] of ${cell.length} elements`;
  if (Array.isArray(cell)) return nestedText(cell as readonly Cell[], type);
  return canonicalWords(canonicalCell(cell, type));
}

/** What stands behind the tag, times as ISO has them. */
function canonicalWords(text: string): string {
  const [, tag = '', rest = ''] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  const number = /^(-?)(\d+)(?:\.(\d{3}))?$/.exec(rest);
  if (text === 'n') return 'NULL';
  if (tag === 's') return JSON.stringify(rest.slice(0, MAX_CHARACTERS * 2));
  if (tag === 'x') return `0x${rest}`;
  if (tag === 'D' && number !== null) return dateText(Number(rest));
  if (tag === 'T' && number !== null) return timeText(BigInt(rest));
  if ((tag !== 'ts' && tag !== 'tz') || number === null) return rest;
  const nanoseconds = BigInt(`${number[1] ?? ''}${number[2] ?? ''}${number[3] ?? '000'}`);
  return momentText(nanoseconds) + (tag === 'tz' ? 'Z' : '');
}

function nestedText(cells: readonly Cell[], type: LogicalType): string {
  switch (type.kind) {
    case 'list':
      return `[${cells.map((cell) => wholeCell(cell, type.of)).join(', ')}]`;
    case 'struct':
      return `{${type.fields.map((field, at) => `${field.name}: ${wholeCell(cells[at] ?? null, field.type)}`).join(', ')}}`;
    case 'map':
      return `{${cells.map((pair) => pairText(pair, type)).join(', ')}}`;
    case 'interval':
      return canonicalWords(canonicalCell(cells, type)).replace(/^(.*)\/(.*)\/(.*)$/, '$1 months $2 days $3 µs');
    default:
      return canonicalCell(cells, type);
  }
}

function pairText(pair: Cell, type: Extract<LogicalType, { readonly kind: 'map' }>): string {
  if (!Array.isArray(pair)) return 'NULL';
  const [key, value] = pair as readonly Cell[];
  return `${wholeCell(key ?? null, type.key)}: ${wholeCell(value ?? null, type.value)}`;
}

function dateText(days: number): string {
  if (Math.abs(days) > MAX_DAYS) return `day ${days}`;
  return new Date(days * MS_PER_DAY).toISOString().replace(/T.*$/, '');
}

function timeText(microseconds: bigint): string {
  const seconds = microseconds / 1_000_000n;
  const parts = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n].map((part) => String(part).padStart(2, '0'));
  return parts.join(':') + fraction(microseconds % 1_000_000n, 6);
}

function momentText(nanoseconds: bigint): string {
  const perDay = MICROSECONDS_PER_DAY * 1000n;
  const inDay = ((nanoseconds % perDay) + perDay) % perDay;
  const date = dateText(Number((nanoseconds - inDay) / perDay));
  const seconds = timeText((inDay / 1_000_000_000n) * 1_000_000n);
  return `${date}T${seconds}${fraction(inDay % 1_000_000_000n, 9)}`;
}

function fraction(units: bigint, digits: number): string {
  return units === 0n ? '' : `.${String(units).padStart(digits, '0').replace(/0+$/, '')}`;
}

function cut(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text;
  return `${Array.from(text.slice(0, MAX_CHARACTERS * 2))
    .slice(0, MAX_CHARACTERS - 1)
    .join('')}…`;
}
