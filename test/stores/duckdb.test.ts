/** The DuckDB store: the suite of all stores, and what is its own. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import type { DerivedStore } from '../../src/stores/contract.js';
import { openDuckDbStore } from '../../src/stores/duckdb.js';
import { describeStore, itemRows, items, type Mutate, type Mutation, type StoreSubject } from './store-contract.js';

const call = { signal: new AbortController().signal };
let folder: string;
let markers = 0;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lakepack-duckdb-'));
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

function openAt(into: string, replace: boolean, marker = `m${(markers += 1)}`): Promise<DerivedStore> {
  const settings = { engine: 'duckdb' } as const;
  return openDuckDbStore({ into, settings, environment: {}, replace, marker, scratchDir: path.dirname(into), ...call });
}

/** Runs statements in a database file, as somebody else would. */
async function runIn(file: string, ...statements: readonly string[]): Promise<readonly (readonly unknown[])[]> {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  try {
    let rows: readonly (readonly unknown[])[] = [];
    for (const statement of statements) rows = (await connection.runAndReadAll(statement)).getRows();
    return rows;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function start(): Promise<StoreSubject> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'lakepack-duckdb-suite-'));
  const at = (into: string): string => path.join(home, into);
  return Promise.resolve({
    open: (into, { replace }) => openAt(at(into), replace),
    countAt: async (into, table) => {
      if (!fs.existsSync(at(into))) return undefined;
      const names = await runIn(at(into), `SELECT 1 FROM duckdb_tables() WHERE table_name = '${table}'`);
      return names.length === 0
        ? undefined
        : Number((await runIn(at(into), `SELECT count(*) FROM "${table}"`))[0]?.[0]);
    },
    everything: async () => Promise.resolve(fs.readdirSync(home)),
    stop: async () => {
      fs.rmSync(home, { recursive: true, force: true });
      return Promise.resolve();
    },
  });
}

const MUTATING: Readonly<Record<Mutation, readonly string[]>> = {
  'one row gone': ["DELETE FROM items WHERE id = 'k07'"],
  'one row duplicated': ["INSERT INTO items SELECT * FROM items WHERE id = 'k07'"],
  'one cell changed': ["UPDATE items SET score = 1000007 WHERE id = 'k07'"],
  'null for empty text': ["UPDATE items SET note = NULL WHERE id = 'k05'"],
  'one type changed': ['ALTER TABLE items ALTER score TYPE VARCHAR'],
  'one vector element changed': [
    "UPDATE items SET embedding = list_concat(embedding[1:3], [0.5::FLOAT], embedding[5:8])::FLOAT[8] WHERE id = 'k07'",
  ],
  'two ids swapped': ["UPDATE items SET id = CASE id WHEN 'k07' THEN 'k11' ELSE 'k07' END WHERE id IN ('k07', 'k11')"],
  'rows reordered': [
    'CREATE TABLE others AS SELECT * FROM items ORDER BY id DESC',
    'DROP TABLE items',
    'ALTER TABLE others RENAME TO items',
  ],
};

const mutate: Mutate = async (kind, store) => {
  await runIn(store.place, ...MUTATING[kind]);
  return 'done';
};

describeStore('duckdb', start, { mutate });

test('a leftover of a killed build is removed by the next one, and a build that is alive is not', async () => {
  const into = path.join(folder, 'lake.duckdb');
  fs.writeFileSync(`${into}.lakepack-dead`, 'half a file');
  const alive = await openAt(into, false);
  await alive.build(items(true), call);
  const second = await openAt(into, false);
  expect(fs.readdirSync(folder)).toEqual([path.basename(alive.place)]);
  await second.close();
  await alive.discard();
  await alive.close();
});

test('a file that is no database is never taken for an empty target', async () => {
  const into = path.join(folder, 'letter.txt');
  fs.writeFileSync(into, 'dear reader');
  const refused = await openAt(into, false).catch((error: unknown) => error);
  expect(isLakepackError(refused, 'TARGET_NOT_EMPTY')).toBe(true);
  expect(fs.readFileSync(into, 'utf8')).toBe('dear reader');
});

test('an assertion can neither write nor read a file', async () => {
  const store = await openAt(path.join(folder, 'lake.duckdb'), false);
  await store.build(items(true), call);
  await store.seal(call);
  expect(await store.query?.('SELECT count(*) AS n FROM items', call)).toEqual([{ n: itemRows().length }]);
  for (const sql of ['DELETE FROM items', "SELECT * FROM read_text('/etc/hostname')", 'SET threads = 1']) {
    await expect(store.query?.(sql, call)).rejects.toThrow();
  }
  await store.discard();
  await store.close();
});
