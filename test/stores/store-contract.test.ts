/** The suite of all stores, over the store in memory: it passes a sound one, and notices one that is not. */
import { expect, test } from 'vitest';
import { checkTable } from '../../src/stores/check-table.js';
import type { Cell } from '../../src/stores/contract.js';
import { describeStore, items, type Mutate } from './store-contract.js';
import { type MemoryPlaces, MemoryStore } from './support/memory-store.js';

const places: MemoryPlaces = new Map();

const mutate: Mutate = async (kind, store, spec) => {
  if (!(store instanceof MemoryStore)) throw new Error('not the store in memory');
  const table = store.table(spec.name);
  const row = (id: string): Cell[] => [...(table.rows.find(([one]) => one === id) ?? [])];
  const change = (id: string, at: number, cell: Cell): void => {
    table.rows = table.rows.map((one) => (one[0] === id ? one.with(at, cell) : one));
  };
  switch (kind) {
    case 'one row gone':
      table.rows = table.rows.filter(([id]) => id !== 'k07');
      break;
    case 'one row duplicated':
      table.rows = [...table.rows, row('k07')];
      break;
    case 'one cell changed':
      change('k07', 2, 1_000_007);
      break;
    case 'null for empty text':
      change('k05', 1, null);
      break;
    case 'one type changed':
      table.types.set('score', 'VARCHAR');
      break;
    case 'one vector element changed':
      change('k07', 3, (row('k07')[3] as Float32Array).with(3, 0.5));
      break;
    case 'two ids swapped':
      change('k07', 0, 'swap');
      change('k11', 0, 'k07');
      change('swap', 0, 'k11');
      break;
    case 'rows reordered':
      table.rows = table.rows.toReversed();
      break;
  }
  return 'done';
};

describeStore(
  'memory',
  async () => ({
    open: async (into, { replace }) => new MemoryStore(places, into, { replace, marker: 'test' }),
    countAt: async (into, table) => places.get(into)?.get(table)?.rows.length,
    everything: async () => [...places.keys()],
    stop: async () => undefined,
  }),
  { mutate },
);

const call = { signal: new AbortController().signal };

test('a value that is not of its type is told with column and key', async () => {
  const rows = items(true);
  const store = new MemoryStore(places, 'foreign', { replace: false, marker: 'test' });
  await store.build(rows, call);
  const table = store.table('items');
  table.rows = table.rows.map((row) => (row[0] === 'k09' ? row.with(2, { foreign: 'string', text: '9' }) : row));
  const check = await checkTable({ store, rows, expected: undefined, call });
  const wanted = { level: 'L2', reason: 'TYPES_DIFFER', table: 'items', column: 'score', key: 'id=k09' };
  expect(check.differences).toEqual([{ ...wanted, expected: '9 (INTEGER)', found: '9 (string)' }]);
});

test('a search that finds others than the nearest fails though every row is equal', async () => {
  const rows = items(true);
  const store = new MemoryStore(places, 'search', { replace: false, marker: 'test' });
  await store.build(rows, call);
  store.search = async () => ['s:k01', 's:nowhere'];
  const check = await checkTable({ store, rows, expected: undefined, call });
  expect(check).toMatchObject({ outcome: 'fail', levels: { L2: 'equal', L4: 'differs' }, storeEqualsFiles: false });
});
