/** What may happen to a table behind a store's back, and what a drill must say of it. */
import { readFileSync } from 'node:fs';
import type { Cell, DerivedStore, TableSpec } from '../../../src/stores/contract.js';
import type { TableCheck } from '../../../src/stores/check-table.js';
import { column, tableRows } from './table-rows.js';

export type Mutation =
  | 'one row gone'
  | 'one row duplicated'
  | 'one cell changed'
  | 'null for empty text'
  | 'one type changed'
  | 'one vector element changed'
  | 'two ids swapped'
  | 'rows reordered';

/**
 * What an engine's test does to the built and sealed table `items` (columns id text [key], note text, score INTEGER,
 * embedding FLOAT[8]; 40 rows `k00` … `k39`) by the engine's own means, behind the store's back:
 * one row gone: k07 · duplicated: a second k07, equal in all columns (a key constraint is dropped first, where it can
 * be) · one cell changed: score of k07 becomes 1000007 · null for empty text: note of k05 (it is '') becomes NULL · one
 * type changed: the column score (or, where cells carry their types, the score of k07) becomes text of the same digits ·
 * one vector element changed: the fourth element of k07's embedding becomes 0.5 · two ids swapped: k07 and k11 · rows
 * reordered: all rows written anew, backwards.
 */
export type Mutate = (kind: Mutation, store: DerivedStore, spec: TableSpec) => Promise<'done' | 'cannot hold it'>;

export interface ExpectedResult {
  readonly kind: Mutation;
  readonly outcome: 'pass' | 'fail';
  /** Of the first difference. Key: undefined where a whole column is named. */
  readonly level?: string;
  readonly column?: string;
  readonly key?: string;
}

export const MUTATIONS: readonly ExpectedResult[] = [
  { kind: 'one row gone', outcome: 'fail', level: 'L0', key: 'id=k07' },
  { kind: 'one row duplicated', outcome: 'fail', level: 'L0', key: 'id=k07' },
  { kind: 'one cell changed', outcome: 'fail', level: 'L2', column: 'score', key: 'id=k07' },
  { kind: 'null for empty text', outcome: 'fail', level: 'L2', column: 'note', key: 'id=k05' },
  { kind: 'one type changed', outcome: 'fail', level: 'L2', column: 'score' },
  { kind: 'one vector element changed', outcome: 'fail', level: 'L4', column: 'embedding', key: 'id=k07' },
  { kind: 'two ids swapped', outcome: 'fail', level: 'L2', column: 'note', key: 'id=k07' },
  { kind: 'rows reordered', outcome: 'pass' },
];

/** The table, with or without its vector column. */
export function itemsTable(hasVectors: boolean): TableSpec {
  const columns = [
    column('id', { kind: 'text' }, 'VARCHAR'),
    column('note', { kind: 'text' }, 'VARCHAR'),
    column('score', { kind: 'integer', bits: 32, signed: true }, 'INTEGER'),
    column('embedding', { kind: 'vector', dimensions: 8 }, 'FLOAT[8]'),
  ];
  return {
    name: 'items',
    columns: hasVectors ? columns : columns.slice(0, 3),
    keys: ['id'],
    vector: hasVectors ? { column: 'embedding', dimensions: 8, metric: 'cosine' } : undefined,
    indexes: [],
  };
}

export function itemRows(count = 40): readonly (readonly Cell[])[] {
  return Array.from({ length: count }, (_, at) => {
    const id = `k${String(at).padStart(2, '0')}`;
    const vector = Float32Array.from({ length: 8 }, (__, element) => Math.sin(at * 8 + element * (at + 1)));
    return [id, at === 5 ? '' : `note ${at}`, at, vector];
  });
}

export function items(hasVectors: boolean, count = 40): ReturnType<typeof tableRows> {
  return tableRows(itemsTable(hasVectors), itemRows(count));
}

/** How the docs' table tells a result: `L2 score id=k07`. */
export function resultWords(check: TableCheck): string {
  const first = check.differences[0];
  if (check.outcome === 'pass' || first === undefined) return check.outcome;
  return [first.level, first.column, first.key].filter((word) => word !== undefined).join(' ');
}

export const CANNOT = 'cannot hold it';

/** The docs' cell of a mutation in a store; undefined: the docs have no such row or column. */
export function documentedResult(kind: Mutation, store: string): string | undefined {
  const text = readFileSync(new URL('../../../docs/fingerprints.md', import.meta.url), 'utf8');
  const table = text.split('\n').filter((line) => line.startsWith('| '));
  const header = table.find((line) => line.startsWith('| Change '));
  const at = cellsOf(header ?? '').indexOf(store);
  return at < 0 ? undefined : cellsOf(table.find((line) => cellsOf(line)[0] === kind) ?? '')[at];
}

function cellsOf(line: string): readonly string[] {
  return line
    .split('|')
    .map((cell) => cell.trim().replaceAll('`', ''))
    .slice(1, -1);
}
