/** What a differing row or cell is called: its level, its reason, and the words for expected and found. */
import type { TableDifference } from '../schema/drill-record.js';
import { canonicalCell, isForeign, vectorBytes } from './canonical-cell.js';
import type { Cell, TableColumn, TableSpec } from './contract.js';
import { readableCell, readableKey, readableRow } from './readable-cell.js';

export interface RowPlace {
  /** Of one row of this identity. */
  readonly cells: readonly Cell[];
  readonly expectedRows: number;
  readonly foundRows: number;
}

/**
 * A row that is missing, too many, or not there as often as expected. With another number of rows in all: level 0. With the same number one key stands in another's place: level 1; rows
 * without key have values only: level 2.
 */
export function rowDifference(spec: TableSpec, place: RowPlace, sameCount: boolean): TableDifference {
  const hasKey = spec.keys.length > 0;
  const kind = rowKind(hasKey, sameCount);
  const key = hasKey ? readableKey(spec, place.cells) : readableRow(spec, place.cells);
  return { ...kind, table: spec.name, key, expected: rows(place.expectedRows), found: rows(place.foundRows) };
}

export function cellDifferences(
  spec: TableSpec,
  expected: readonly Cell[],
  found: readonly Cell[],
): readonly TableDifference[] {
  return spec.columns.flatMap((column, at) => {
    const [wanted, got] = [expected[at] ?? null, found[at] ?? null];
    if (canonicalCell(wanted, column.type) === canonicalCell(got, column.type)) return [];
    return [{ ...cellDifference(spec, column, wanted, got), key: readableKey(spec, expected) }];
  });
}

function rowKind(hasKey: boolean, sameCount: boolean): Pick<TableDifference, 'level' | 'reason'> {
  if (!sameCount) return { level: 'L0', reason: 'ROWS_DIFFER' };
  return hasKey ? { level: 'L1', reason: 'KEYS_DIFFER' } : { level: 'L2', reason: 'VALUES_DIFFER' };
}

function rows(count: number): string {
  if (count === 0) return 'no such row';
  return count === 1 ? '1 such row' : `${count} such rows`;
}

function cellDifference(spec: TableSpec, column: TableColumn, wanted: Cell, got: Cell): TableDifference {
  const isVector = column.name === spec.vector?.column;
  const base = { level: isVector ? 'L4' : 'L2', table: spec.name, column: column.name } as const;
  if (isForeign(got)) {
    const expected = `${readableCell(wanted, column.type)} (${column.sqlType})`;
    return { ...base, reason: 'TYPES_DIFFER', expected, found: readableCell(got, column.type) };
  }
  if (!isVector) {
    const [expected, found] = [readableCell(wanted, column.type), readableCell(got, column.type)];
    // Beyond the cut, or of a kind that readers do not see.
    const alike = expected === found;
    return { ...base, reason: 'VALUES_DIFFER', expected, found: alike ? `${found}, but not the same` : found };
  }
  return { ...base, reason: 'VECTORS_DIFFER', ...vectorWords(column, wanted, got) };
}

/** Names the first element that differs. */
function vectorWords(
  column: TableColumn,
  wanted: Cell,
  got: Cell,
): { readonly expected: string; readonly found: string } {
  const isPair = wanted instanceof Float32Array && got instanceof Float32Array;
  if (!isPair) return { expected: readableCell(wanted, column.type), found: readableCell(got, column.type) };
  if (wanted.length !== got.length) {
    return { expected: `${wanted.length} dimensions`, found: `${got.length} dimensions` };
  }
  const [wantedBytes, gotBytes] = [vectorBytes(wanted), vectorBytes(got)];
  const at = wanted.findIndex((_, index) => wantedBytes.readInt32LE(index * 4) !== gotBytes.readInt32LE(index * 4));
  return { expected: `element ${at} is ${wanted[at] ?? 0}`, found: `element ${at} is ${got[at] ?? 0}` };
}
