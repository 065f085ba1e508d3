/**
 * Writes the rows of a table to LanceDB. Each write makes a fragment (a file) and a version of the table, so that what
 * comes in small batches is gathered into large ones, bounded by rows and by bytes.
 */
import type { Table } from '@lancedb/lancedb';
import type { Schema } from 'apache-arrow';
import { LakepackError, throwIfAborted } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import type { Cell, RowBatch, StoreCall, TableColumn, TableRows, TableSpec } from './contract.js';
import { encodeColumn, RefusedCell } from './lancedb-encode.js';
import { onLance } from './lancedb-package.js';
import type { Arrow } from './lancedb-types.js';

const ROWS_A_WRITE = 65_536;
const BYTES_A_WRITE = 32 * MIB;
const SHOWN_CHARACTERS = 80;

export interface Writing {
  readonly arrow: Arrow;
  readonly table: Table;
  readonly schema: Schema;
  readonly rows: TableRows;
  readonly call: StoreCall;
}

/** Gives the number of rows. Throws STORE_REFUSED, DISK_FULL, STORE_UNAVAILABLE, INTERRUPTED; what the rows throw. */
export async function addRows(writing: Writing): Promise<number> {
  const { rows: source, call } = writing;
  let gathered: RowBatch[] = [];
  let [rows, heldRows, heldBytes] = [0, 0, 0];
  for await (const batch of source.batches(call)) {
    throwIfAborted(call.signal);
    gathered.push(batch);
    rows += batch.rows;
    heldRows += batch.rows;
    heldBytes += bytesOf(batch);
    if (heldRows < ROWS_A_WRITE && heldBytes < BYTES_A_WRITE) continue;
    await write(writing, gathered);
    gathered = [];
    [heldRows, heldBytes] = [0, 0];
  }
  if (heldRows > 0) await write(writing, gathered);
  return rows;
}

async function write({ arrow, table, schema, rows: { spec } }: Writing, batches: readonly RowBatch[]): Promise<void> {
  const length = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const cells = spec.columns.map((_, at) => batches.flatMap((batch) => batch.columns[at] ?? []));
  const children = spec.columns.map((column, at) => {
    try {
      return encodeColumn(arrow, column, cells[at] ?? []);
    } catch (error) {
      throw error instanceof RefusedCell ? refusal(spec, column, cells, error) : error;
    }
  });
  const type = new arrow.Struct(schema.fields);
  const data = arrow.makeData({ type, length, nullCount: 0, children });
  const chunk = new arrow.Table(schema, [new arrow.RecordBatch(schema, data)]);
  await onLance(spec.name, 'STORE_REFUSED', () => table.add(chunk));
}

function refusal(
  spec: TableSpec,
  column: TableColumn,
  cells: readonly (readonly Cell[])[],
  { row, message }: RefusedCell,
): LakepackError {
  const at = new Map(spec.columns.map(({ name }, index) => [name, cells[index]?.[row] ?? null]));
  const key = spec.keys.map((name) => `${name}=${shown(at.get(name) ?? null)}`).join(', ');
  const where = key === '' ? '' : `, in the row ${key}`;
  const value = shown(at.get(column.name) ?? null);
  return new LakepackError(
    'STORE_REFUSED',
    `${spec.name}.${column.name}: lancedb cannot keep ${value}${where}: ${message}`,
    {
      hint: "mend the value in the table's SQL, or leave the table out of this store",
    },
  );
}

function shown(cell: Cell): string {
  if (cell instanceof Float32Array) return `[${cell.slice(0, 4).join(', ')}${cell.length > 4 ? ', …' : ''}]`;
  const text = typeof cell === 'string' || typeof cell === 'bigint' ? String(cell) : JSON.stringify(cell, bigintText);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

function bigintText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** About what a batch takes in memory. */
function bytesOf(batch: RowBatch): number {
  return batch.columns.reduce((sum, cells) => sum + cells.reduce((bytes: number, cell) => bytes + sizeOf(cell), 0), 0);
}

function sizeOf(cell: Cell): number {
  if (typeof cell === 'string') return cell.length;
  if (cell instanceof Float32Array || cell instanceof Uint8Array) return cell.byteLength;
  return isNested(cell) ? 8 + cell.reduce((sum: number, one) => sum + sizeOf(one), 0) : 8;
}

function isNested(cell: Cell): cell is readonly Cell[] {
  return Array.isArray(cell);
}
