/**
 * Finds the value for which PostgreSQL refused a load, so that the error can name the row. The server names a line of a
 * spool that is gone; what it can never hold is told by looking.
 */
import { LakepackError } from '../base/errors.js';
import type { Cell, RowBatch, StoreCall, TableRows, TableSpec } from './contract.js';
import type { PostgresColumn } from './postgres-types.js';

const SHOWN_LETTERS = 80;
/** Julian day 0 and the last day that a date can have: https://www.postgresql.org/docs/15/datatype-datetime.html */
const FIRST_DAY = -2_440_588;
const LAST_DAY = 2_145_031_948;
const US_PER_DAY = 86_400_000_000n;
/** 294277-01-01, where timestamps end. */
const END_US = 9_224_318_016_000_000_000n;

/** The error that names table, column, key and value; undefined when no such value is among the rows. */
export async function findRefusedValue(
  rows: TableRows,
  columns: readonly PostgresColumn[],
  error: LakepackError,
  call: StoreCall,
): Promise<LakepackError | undefined> {
  for await (const batch of rows.batches(call)) {
    for (const [index, cells] of batch.columns.entries()) {
      const column = columns[index];
      const row = column === undefined ? -1 : cells.findIndex((cell) => faultOf(cell, column) !== undefined);
      if (column === undefined || row === -1) continue;
      const cell = cells[row] ?? null;
      const where = [`table ${rows.spec.name}, column ${column.column.name}`, keyText(rows.spec, batch, row)];
      const fault = faultOf(cell, column) ?? '';
      return new LakepackError('STORE_REFUSED', `${where.join('')}: ${fault}, got ${shown(cell)}`, {
        hint: 'mend the value by an SQL transformation in the recipe, or leave the column out',
        cause: error,
      });
    }
  }
  return undefined;
}

function faultOf(cell: Cell, { logical, type }: PostgresColumn): string | undefined {
  if (hasNul(cell)) return 'PostgreSQL holds no NUL character: expected none';
  if (logical.kind === 'json' && typeof cell === 'string') return jsonFault(cell);
  if (logical.kind === 'date' && typeof cell === 'number' && (cell < FIRST_DAY || cell > LAST_DAY)) {
    return 'the date is beyond those of PostgreSQL: expected 4713 BC to 5874897';
  }
  if (logical.kind === 'timestamp' && (typeof cell === 'number' || typeof cell === 'bigint')) {
    const isHeld = BigInt(cell) >= BigInt(FIRST_DAY) * US_PER_DAY && BigInt(cell) < END_US;
    return isHeld ? undefined : 'the moment is beyond those of PostgreSQL: expected 4713 BC to 294276';
  }
  if (type.startsWith('vector') && cell instanceof Float32Array && !cell.every(Number.isFinite)) {
    return 'pgvector holds finite elements only: expected numbers';
  }
  return undefined;
}

function hasNul(cell: Cell): boolean {
  if (typeof cell === 'string') return cell.includes('\0');
  return Array.isArray(cell) && (cell as readonly Cell[]).some(hasNul);
}

/** What jsonb refuses of JSON: \u0000, and half a surrogate pair. */
function jsonFault(text: string): string | undefined {
  if (!/\\u(0000|d[89a-f])/i.test(text)) return undefined;
  const plain = JSON.stringify(JSON.parse(text));
  return /\\u(0000|d[89a-f])/i.test(plain) ? 'jsonb holds no \\u0000 and no half surrogate: expected none' : undefined;
}

function keyText({ keys, columns }: TableSpec, batch: RowBatch, row: number): string {
  const cells = keys.map((name) => {
    const index = columns.findIndex((column) => column.name === name);
    return `${name}=${shown(batch.columns[index]?.[row] ?? null)}`;
  });
  return cells.length === 0 ? '' : `, row ${cells.join(', ')}`;
}

function shown(cell: Cell): string {
  const text = JSON.stringify(cell, (_name, value: unknown) => {
    if (typeof value === 'bigint') return value.toString();
    return value instanceof Float32Array ? [...value].map(String) : value;
  });
  return text.length > SHOWN_LETTERS ? `${text.slice(0, SHOWN_LETTERS)}…` : text;
}
