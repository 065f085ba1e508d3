/** The LanceDB store: the suite of all stores, and what is its own: values as Arrow, folders, the index. */
import { connect, type Table } from '@lancedb/lancedb';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acquireLock } from '../../src/base/process-lock.js';
import { keyTextOf } from '../../src/stores/canonical-cell.js';
import type { Cell, DerivedStore, LogicalType, RowBatch, TableRows, TableSpec } from '../../src/stores/contract.js';
import { openLanceDbStore } from '../../src/stores/lancedb.js';
import { fromLanceError, loadLance } from '../../src/stores/lancedb-package.js';
import { describeStore, type Mutate, type StoreSubject } from './store-contract.js';

const call = { signal: new AbortController().signal };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lakepack-lancedb-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

let markers = 0;

function openAt(into: string, replace = false, marker = `run_${(markers += 1)}`): Promise<DerivedStore> {
  return openLanceDbStore({
    into,
    settings: { engine: 'lancedb' },
    environment: {},
    replace,
    marker,
    scratchDir: tmpdir(),
    signal: call.signal,
  });
}

async function startSubject(): Promise<StoreSubject> {
  const root = mkdtempSync(path.join(tmpdir(), 'lakepack-lancedb-suite-'));
  return {
    open: (into, { replace }) => openAt(path.join(root, into), replace),
    countAt: (into, table) => countAt(path.join(root, into), table),
    everything: async () => readdirSync(root),
    stop: async () => rmSync(root, { recursive: true, force: true }),
  };
}

async function countAt(place: string, table: string): Promise<number | undefined> {
  if (!existsSync(path.join(place, `${table}.lance`))) return undefined;
  return await onTable(place, table, (opened) => opened.countRows());
}

async function onTable<T>(place: string, name: string, work: (table: Table) => Promise<T>): Promise<T> {
  const connection = await connect(place);
  try {
    return await work(await connection.openTable(name));
  } finally {
    connection.close();
  }
}

const MUTATIONS: Readonly<Record<Parameters<Mutate>[0], (table: Table) => Promise<unknown>>> = {
  'one row gone': (table) => table.delete("id = 'k07'"),
  'one row duplicated': async (table) => table.add(await table.query().where("id = 'k07'").toArrow()),
  'one cell changed': (table) => table.update({ where: "id = 'k07'", valuesSql: { score: '1000007' } }),
  'null for empty text': (table) => table.update({ where: "id = 'k05'", valuesSql: { note: 'NULL' } }),
  'one type changed': async (table) => {
    await table.addColumns([{ name: 'score_text', valueSql: 'CAST(score AS STRING)' }]);
    await table.dropColumns(['score']);
    await table.alterColumns([{ path: 'score_text', rename: 'score' }]);
  },
  'one vector element changed': changeElement,
  'two ids swapped': async (table) => {
    await table.update({ where: "id = 'k07'", valuesSql: { id: "'x'" } });
    await table.update({ where: "id = 'k11'", valuesSql: { id: "'k07'" } });
    await table.update({ where: "id = 'x'", valuesSql: { id: "'k11'" } });
  },
  'rows reordered': writeBackwards,
};

const mutate: Mutate = async (kind, { place }, { name }) => {
  await onTable(place, name, MUTATIONS[kind]);
  return 'done';
};

async function changeElement(table: Table): Promise<void> {
  const row = await table.query().where("id = 'k07'").toArrow();
  const elements = row.getChild('embedding')?.get(0) as Iterable<number>;
  const embedding = [...elements].with(3, 0.5);
  await table.update({ where: "id = 'k07'", values: { embedding } });
}

async function writeBackwards(table: Table): Promise<void> {
  const all = await table.query().toArrow();
  const [last, ...others] = Array.from({ length: all.numRows }, (_, row) => all.slice(row, row + 1)).reverse();
  await table.delete('true');
  await table.add(last!.concat(...others));
}

describeStore('lancedb', startSubject, { mutate });

const TYPES: Readonly<Record<string, LogicalType>> = {
  id: { kind: 'integer', bits: 32, signed: true },
  tiny: { kind: 'integer', bits: 8, signed: true },
  long: { kind: 'integer', bits: 64, signed: true },
  ulong: { kind: 'integer', bits: 64, signed: false },
  huge: { kind: 'integer', bits: 128, signed: true },
  price: { kind: 'decimal', precision: 38, scale: 4 },
  whole: { kind: 'decimal', precision: 18, scale: 0 },
  real: { kind: 'float', bits: 32 },
  double: { kind: 'float', bits: 64 },
  yes: { kind: 'boolean' },
  text: { kind: 'text' },
  bytes: { kind: 'bytes' },
  day: { kind: 'date' },
  time: { kind: 'time' },
  at: { kind: 'timestamp', unit: 'us', zone: false },
  nanos: { kind: 'timestamp', unit: 'ns', zone: false },
  zoned: { kind: 'timestamp', unit: 'us', zone: true },
  span: { kind: 'interval' },
  uuid: { kind: 'uuid' },
  json: { kind: 'json' },
  list: { kind: 'list', of: { kind: 'list', of: { kind: 'float', bits: 64 } } },
  struct: {
    kind: 'struct',
    fields: [
      { name: '2', type: { kind: 'integer', bits: 64, signed: true } },
      { name: '__proto__', type: { kind: 'bytes' } },
      { name: 'at', type: { kind: 'timestamp', unit: 'us', zone: false } },
    ],
  },
  map: { kind: 'map', key: { kind: 'text' }, value: { kind: 'decimal', precision: 4, scale: 1 } },
  vector: { kind: 'vector', dimensions: 3 },
};

const MAX_LONG = 2n ** 63n - 1n;
const ROWS: readonly (readonly Cell[])[] = [
  [
    ...[1, -128, -MAX_LONG - 1n, 2n ** 64n - 1n, 2n ** 127n - 1n, `-${'9'.repeat(34)}.9999`, '-7', -0, NaN, true],
    ...['', new Uint8Array([0, 255]), 'infinity', 86_400_000_000, 'infinity', '-infinity', -MAX_LONG - 1n],
    ...[[-1, 2, MAX_LONG], '00112233-4455-6677-8899-aabbccddeeff', '{"b": 1e3,  "a":"\\u0000"}'],
    [[-0, NaN, Infinity, null], [], null],
    [MAX_LONG, new Uint8Array([7]), '-infinity'],
    [
      ['k\n"', '-0.5'],
      ['', null],
    ],
    Float32Array.of(-0, 1e-45, 3.4e38),
  ],
  [
    ...[2, 127, MAX_LONG - 1n, 0, -(2n ** 127n), '0.0001', '0', Math.fround(0.1), -Infinity, false],
    ...['e\u0301 \u{1F600}\n\\N', new Uint8Array(), -719_528, 0, -1, MAX_LONG - 1n, 1_700_000_000_000_001],
    ...[[0, 0, 0], 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'null', [], [null, null, null], []],
    Float32Array.of(0, 0, 0),
  ],
  [3, ...Array.from({ length: Object.keys(TYPES).length - 1 }, () => null)],
];

function specOf(types: Readonly<Record<string, LogicalType>>, more: Partial<TableSpec> = {}): TableSpec {
  const columns = Object.entries(types).map(([name, type]) => ({ name, type, sqlType: type.kind.toUpperCase() }));
  return { name: 'items', columns, keys: ['id'], vector: undefined, indexes: [], ...more };
}

function rowsOf(spec: TableSpec, batches: readonly (readonly (readonly Cell[])[])[]): TableRows {
  return {
    spec,
    async *batches(): AsyncGenerator<RowBatch> {
      for (const rows of batches)
        yield { rows: rows.length, columns: spec.columns.map((_, at) => rows.map((row) => row[at] ?? null)) };
    },
    writeCsv: () => Promise.reject(new Error('not asked')),
    writeDuckDb: () => Promise.reject(new Error('not asked')),
  };
}

async function readAll(store: DerivedStore, spec: TableSpec): Promise<readonly (readonly Cell[])[]> {
  const all: (readonly Cell[])[] = [];
  for await (const { rows, columns } of store.readBack(spec, call))
    for (let row = 0; row < rows; row += 1) all.push(columns.map((column) => column[row] ?? null));
  return all.sort((a, b) => Number(a[0]) - Number(b[0]));
}

describe('values', () => {
  test('every type comes back exactly, at its limits, nested, and as NULL', async () => {
    const spec = specOf(TYPES, { indexes: [{ columns: Object.keys(TYPES), unique: false }] });
    const store = await openAt(path.join(folder, 'a b%20#c'));
    await store.build(rowsOf(spec, [ROWS.slice(0, 2), [], ROWS.slice(2)]), call);
    await store.seal(call);
    expect(await readAll(store, spec)).toStrictEqual(ROWS);
    expect((await store.columns(spec, call)).filter(({ expected, found }) => expected !== found)).toEqual([]);
    await store.close();
  });

  const refused: readonly (readonly [string, LogicalType, Cell])[] = [
    ['NaN in a vector', { kind: 'vector', dimensions: 2 }, Float32Array.of(1, NaN)],
    ['a vector of another length', { kind: 'vector', dimensions: 2 }, Float32Array.of(1)],
    ['half a character', { kind: 'text' }, 'a\uD800'],
    ['a number above its type', { kind: 'integer', bits: 8, signed: false }, 256],
    ['a number that stands for infinity', { kind: 'timestamp', unit: 'us', zone: false }, MAX_LONG],
    ['digits after the last of its scale', { kind: 'decimal', precision: 4, scale: 1 }, '0.05'],
    ['a value of another type, nested', { kind: 'list', of: { kind: 'text' } }, [1]],
  ];
  test.each(refused)('%s is refused, by table, column and key', async (_what, type, cell) => {
    const spec = specOf({ id: { kind: 'text' }, value: type });
    const store = await openAt(path.join(folder, 'db'));
    const rows = rowsOf(spec, [[['good', null]], [['bad', cell]]]);
    await expect(store.build(rows, call)).rejects.toMatchObject({
      code: 'STORE_REFUSED',
      message: expect.stringMatching(/^items\.value: .* in the row id=bad: /) as string,
    });
    await store.discard();
    await store.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a column name that LanceDB does not take is refused by name', async () => {
    const store = await openAt(path.join(folder, 'db'));
    for (const name of ['a.b', '_distance', '_rowid']) {
      const spec = specOf({ id: { kind: 'text' }, [name]: { kind: 'text' } });
      const error: unknown = await store.build(rowsOf(spec, []), call).catch((cause: unknown) => cause);
      expect(error).toMatchObject({ code: 'STORE_REFUSED', message: expect.stringContaining(name) as string });
    }
    await store.close();
  });

  test('a column that was added, dropped or is of another type is told, and its values are foreign', async () => {
    const spec = specOf({ id: { kind: 'integer', bits: 32, signed: true }, a: { kind: 'date' }, b: { kind: 'text' } });
    const store = await openAt(path.join(folder, 'db'));
    await store.build(rowsOf(spec, [[[1, 5, 'x']]]), call);
    await onTable(store.place, 'items', async (table) => {
      await table.addColumns([{ name: 'c', valueSql: '1' }]);
      await table.dropColumns(['b']);
      await table.alterColumns([{ path: 'id', dataType: 'int64' }]);
    });
    expect(await store.columns(spec, call)).toEqual([
      { name: 'id', expected: 'Int32', found: 'Int64' },
      { name: 'a', expected: 'Date32<DAY>', found: 'Date32<DAY>' },
      { name: 'b', expected: 'Utf8', found: undefined },
      { name: 'c', expected: undefined, found: 'Int64' },
    ]);
    expect(await readAll(store, spec)).toEqual([[{ foreign: 'Int64', text: '1' }, 5, null]]);
    await store.close();
  });
});

describe('search', () => {
  const DIMENSIONS = 8;
  const types = { id: TYPES['id'], vector: { kind: 'vector', dimensions: DIMENSIONS } } as Record<string, LogicalType>;
  const vectorOf = (id: number): Float32Array =>
    Float32Array.from({ length: DIMENSIONS }, (_, at) => Math.sin((id + 1) * (at + 1) * 1.7));

  test.each(['cosine', 'l2', 'dot'] as const)(
    'the index finds what a search through all rows does: %s',
    async (metric) => {
      const spec = specOf(types, { vector: { column: 'vector', dimensions: DIMENSIONS, metric } });
      const ids = Array.from({ length: 6000 }, (_, id) => id);
      const store = await openAt(path.join(folder, 'db'));
      await store.build(rowsOf(spec, [ids.map((id) => [id, id % 100 === 3 ? null : vectorOf(id)])]), call);
      await store.seal(call);
      const query = vectorOf(-7.3);
      const nearest = ids
        .filter((id) => id % 100 !== 3)
        .map((id) => ({ id, score: score(metric, query, vectorOf(id)) }))
        .sort((a, b) => b.score - a.score)
        .slice(0, 10);
      expect(await store.search?.(spec, query, 10, call)).toEqual(nearest.map(({ id }) => keyTextOf(spec, [id])));
      const indexes = await onTable(store.place, 'items', (table) => table.listIndices());
      expect(indexes.map(({ indexType }) => indexType).sort()).toEqual(['BTree', 'IvfFlat']);
      await store.close();
    },
  );

  function score(metric: 'cosine' | 'l2' | 'dot', a: Float32Array, b: Float32Array): number {
    const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, one, at) => sum + one * (y[at] ?? 0), 0);
    if (metric === 'dot') return dot(a, b);
    return metric === 'l2' ? -(dot(a, a) - 2 * dot(a, b) + dot(b, b)) : dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  }
});

describe('folders', () => {
  const spec = specOf({ id: { kind: 'text' } });

  async function publishAt(into: string, id: string, replace = false): Promise<void> {
    const store = await openAt(into, replace);
    await store.build(rowsOf(spec, [[[id]]]), call);
    await store.publish(call);
    expect(await readAll(store, spec)).toEqual([[id]]);
    await store.close();
  }

  test('what a killed run left is removed; what a living one has is not', async () => {
    const into = path.join(folder, 'db');
    for (const name of ['db.lakepack-dead/items.lance', 'db.lakepack-alive', 'db2.lakepack-other'])
      mkdirSync(path.join(folder, name), { recursive: true });
    const alive = await acquireLock(`derived store ${into}.lakepack-alive`, 'busy');
    await publishAt(into, 'a');
    await alive.release();
    expect(readdirSync(folder).sort()).toEqual(['db', 'db.lakepack-alive', 'db2.lakepack-other']);
  });

  test('a run that died while it replaced a store has lost nothing', async () => {
    const into = path.join(folder, 'db');
    await publishAt(path.join(folder, 'db.lakepack-dead.old'), 'old');
    mkdirSync(path.join(folder, 'db.lakepack-dead'));
    await expect(openAt(into)).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    expect(readdirSync(folder)).toEqual(['db']);
    expect(await countAt(into, 'items')).toBe(1);
  });

  test('a folder that is no LanceDB database is never replaced, nor is a file', async () => {
    mkdirSync(path.join(folder, 'photos'));
    writeFileSync(path.join(folder, 'photos/holiday.jpg'), '');
    for (const into of ['photos', 'photos/holiday.jpg'])
      await expect(openAt(path.join(folder, into), true)).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    expect(readdirSync(path.join(folder, 'photos'))).toEqual(['holiday.jpg']);
  });

  test('a target that fills while the store is built is not touched', async () => {
    const into = path.join(folder, 'db');
    const store = await openAt(into);
    await store.build(rowsOf(spec, [[['late']]]), call);
    await publishAt(into, 'first');
    await expect(store.publish(call)).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    await store.discard();
    await store.close();
    expect(readdirSync(folder)).toEqual(['db']);
  });

  test('the address of a server is no folder', async () => {
    await expect(openAt('s3://bucket/db')).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('the engine', () => {
  test('a package that is missing is told with the command that installs it', async () => {
    const missing = Object.assign(new Error('Cannot find package'), { code: 'MODULE_NOT_FOUND' });
    await expect(loadLance(() => Promise.reject(missing))).rejects.toMatchObject({
      code: 'STORE_NOT_INSTALLED',
      hint: expect.stringContaining('npm install @lancedb/lancedb') as string,
    });
  });

  test.each([
    ['LanceError(IO): No space left on device (os error 28)', 'DISK_FULL'],
    ['LanceError(IO): Permission denied (os error 13)', 'STORE_UNAVAILABLE'],
    ['Invalid input, whatever\n\nCaused by: more', 'STORE_REFUSED'],
  ])('%j is %s', (text, code) => {
    expect(fromLanceError('items', 'STORE_REFUSED', new Error(text))).toMatchObject({ code });
  });
});
