import { expect, test } from 'vitest';
import { checkTable } from '../../src/stores/check-table.js';
import { FingerprintBuilder } from '../../src/stores/fingerprint.js';
import { itemRows, items, itemsTable } from './store-contract.js';
import { MemoryStore } from './support/memory-store.js';
import { batchOf } from './support/table-rows.js';

const call = { signal: new AbortController().signal };

async function built(): Promise<{ rows: ReturnType<typeof items>; store: MemoryStore }> {
  const rows = items(true);
  const store = new MemoryStore(new Map(), 'target', { replace: false, marker: 'test' });
  await store.build(rows, call);
  return { rows, store };
}

function contentOf(count: number): ReturnType<FingerprintBuilder['content']> {
  const builder = new FingerprintBuilder(itemsTable(true));
  builder.addBatch(batchOf(itemsTable(true), itemRows(count)));
  return builder.content();
}

test('a store that has what the exports say passes', async () => {
  const check = await checkTable({ ...(await built()), expected: contentOf(40), call });
  const levels = { L0: 'equal', L1: 'equal', L2: 'equal', L3: 'equal', L4: 'equal' };
  expect(check).toMatchObject({ outcome: 'pass', expectedFrom: 'manifest', levels, recallAt10: 1, differences: [] });
});

test('where store and files agree against the exports, the exports’ word is what differs', async () => {
  const check = await checkTable({ ...(await built()), expected: contentOf(41), call });
  expect(check).toMatchObject({ outcome: 'fail', storeEqualsFiles: true, levels: { L0: 'differs', L2: 'differs' } });
  expect(check.differences[0]).toMatchObject({ level: 'L0', expected: '41 rows', found: '40 rows' });
});

test('a store that differs from files and exports is at fault itself', async () => {
  const { rows, store } = await built();
  store.table('items').rows = [...itemRows(39)];
  const check = await checkTable({ rows, store, expected: contentOf(40), call });
  expect(check).toMatchObject({ outcome: 'fail', storeEqualsFiles: false });
  expect(check.differences[0]).toMatchObject({ level: 'L0', key: 'id=k39' });
});

test('a table that lost all its rows has one difference a row, the most of them only counted', async () => {
  const { rows, store } = await built();
  store.table('items').rows = [];
  const check = await checkTable({ rows, store, expected: undefined, call });
  expect(check.differences).toHaveLength(20);
  // Twenty rows, their number, and what the search did not find.
  expect(check.differencesOmitted).toBe(22);
  expect(check.expectedFrom).toBe('files');
});

test('the digest of a column is told where the rows of the store are those of the files but not of the exports', async () => {
  const others = itemRows().map(([id, , ...rest]) => [id ?? null, 'another note', ...rest]);
  const builder = new FingerprintBuilder(itemsTable(true));
  builder.addBatch(batchOf(itemsTable(true), others));
  const check = await checkTable({ ...(await built()), expected: builder.content(), call });
  expect(check).toMatchObject({ outcome: 'fail', storeEqualsFiles: true, levels: { L0: 'equal', L2: 'differs' } });
  expect(check.differences[0]).toMatchObject({ level: 'L2', column: 'note' });
});
