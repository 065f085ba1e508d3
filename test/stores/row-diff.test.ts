import { expect, test } from 'vitest';
import type { Cell, TableSpec } from '../../src/stores/contract.js';
import { diffRows, type RowDiff } from '../../src/stores/row-diff.js';
import { itemRows, itemsTable } from './store-contract.js';
import { tableRows } from './support/table-rows.js';

type Rows = readonly (readonly Cell[])[];
const call = { signal: new AbortController().signal };

async function diff(spec: TableSpec, expected: Rows, found: Rows, limit = 20): Promise<RowDiff> {
  const reader = (rows: Rows) => () => tableRows(spec, rows).batches(call);
  return diffRows(spec, reader(expected), reader(found), { limit });
}

const SPEC = itemsTable(true);
const ROWS = itemRows(3_000);

test('equal rows in another order differ in nothing', async () => {
  expect(await diff(SPEC, ROWS, ROWS.toReversed())).toEqual({ differences: [], omitted: 0 });
});

test('a missing and an unknown row among as many are of level 1', async () => {
  const found = ROWS.map((row) => (row[0] === 'k07' ? row.with(0, 'new, one') : row));
  const { differences } = await diff(SPEC, ROWS, found);
  expect(differences).toMatchObject([
    { level: 'L1', reason: 'KEYS_DIFFER', key: 'id=k07', expected: '1 such row', found: 'no such row' },
    { level: 'L1', reason: 'KEYS_DIFFER', key: 'id="new, one"', expected: 'no such row', found: '1 such row' },
  ]);
});

test('a row twice, the second time changed, is told as a row too many', async () => {
  const { differences } = await diff(SPEC, ROWS, [...ROWS, ['k07', 'other', 7, null]]);
  expect(differences).toMatchObject([{ level: 'L0', key: 'id=k07', expected: '1 such row', found: '2 such rows' }]);
});

test('each changed cell is told with both values, a vector by its first other element', async () => {
  const vector = (ROWS[9]?.[3] as Float32Array).with(6, 2);
  const found = ROWS.with(9, ['k09', null, 9, vector]);
  const { differences } = await diff(SPEC, ROWS, found);
  expect(differences).toMatchObject([
    { level: 'L2', column: 'note', key: 'id=k09', expected: '"note 9"', found: 'NULL' },
    { level: 'L4', column: 'embedding', key: 'id=k09', found: 'element 6 is 2' },
  ]);
});

test('text that differs beyond the cut is told to differ', async () => {
  const spec = itemsTable(false);
  const { differences } = await diff(spec, [['a', `${'x'.repeat(200)}1`, 1]], [['a', `${'x'.repeat(200)}2`, 1]]);
  expect(differences[0]?.found).toMatch(/but not the same$/);
});

test('rows without key are told by what they have', async () => {
  const spec = { ...itemsTable(false), keys: [] };
  const row = ['a', 'b', 1] as const;
  const { differences } = await diff(spec, [row, row, ['c', null, 2]], [row, ['c', null, 2]]);
  const wanted = { level: 'L0', key: 'id="a", note="b", score=1', expected: '2 such rows', found: '1 such row' };
  expect(differences).toMatchObject([wanted]);
});

test('where everything differs, a few are named and the others counted', async () => {
  const found = ROWS.map((row) => row.with(2, -1));
  const { differences, omitted } = await diff(SPEC, ROWS, found, 5);
  expect(differences).toHaveLength(5);
  expect(omitted).toBe(ROWS.length - 5);
});
