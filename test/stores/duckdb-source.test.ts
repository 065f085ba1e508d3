/** Lake files as tables: what is read, what is refused, and what a recipe's SQL cannot do. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import type { RecipeTable } from '../../src/schema/recipe.js';
import type { Cell, RowBatch } from '../../src/stores/contract.js';
import { type LakeTables, openLakeTables } from '../../src/stores/duckdb-source.js';

const call = { signal: new AbortController().signal };
let home: string;
let opened: LakeTables[] = [];

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'lakepack-source=odd-'));
  fs.mkdirSync(path.join(home, 'scratch'));
});

afterEach(async () => {
  await Promise.all(opened.map((tables) => tables.close()));
  opened = [];
  fs.rmSync(home, { recursive: true, force: true });
});

type Tree = Readonly<Record<string, string | Buffer>>;

async function open(tree: Tree, table: RecipeTable): Promise<LakeTables> {
  for (const [file, content] of Object.entries(tree)) {
    fs.mkdirSync(path.dirname(path.join(home, 'lake', file)), { recursive: true });
    fs.writeFileSync(path.join(home, 'lake', file), content);
  }
  const recipe = { recipeVersion: 1, tables: { t: table }, stores: {} } as const;
  const files = Object.keys(tree);
  const tables = await openLakeTables({
    lake: path.join(home, 'lake'),
    recipe,
    files,
    scratchDir: path.join(home, 'scratch'),
    ...call,
  });
  opened.push(tables);
  return tables;
}

async function rowsOf(tables: LakeTables): Promise<readonly (readonly Cell[])[]> {
  return collect(tables.rows('t').batches(call));
}

async function collect(batches: AsyncIterable<RowBatch>): Promise<readonly (readonly Cell[])[]> {
  const rows: (readonly Cell[])[] = [];
  for await (const batch of batches) {
    for (let row = 0; row < batch.rows; row += 1) rows.push(batch.columns.map((column) => column[row] ?? null));
  }
  return rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (one: unknown) => one,
  );
  if (!isLakepackError(error)) throw new Error(`not refused as it should be: ${String(error)}`);
  return { code: error.code, message: error.message };
}

const csv: RecipeTable = { from: ['s/d/**/*'], columns: { a: 'INTEGER', b: 'VARCHAR', dt: 'VARCHAR' } };

describe('files', () => {
  test('CSV keeps NULL and empty text apart, and columns are put together by name', async () => {
    const tables = await open(
      { 's/d/dt=a%20b/x.csv': 'a,b\n1,""\n2,\n', 's/d/dt=c/y.csv': 'b,a,q\r\nz,3,9\r\n', 's/d/z.csv': '' },
      csv,
    );
    expect(await rowsOf(tables)).toEqual([
      [1, '', 'a%20b'],
      [2, null, 'a%20b'],
      [3, 'z', 'c'],
    ]);
  });

  test('a CSV line with too many fields is an error that names the file, not a line left out', async () => {
    const tables = await open({ 's/d/x.csv': 'a,b\n1,2,3\n' }, csv);
    const { code, message } = await refusal(rowsOf(tables));
    expect(code).toBe('SOURCE_UNREADABLE');
    expect(message).toContain('s/d/x.csv');
    expect(message).not.toContain(home);
  });

  test('JSON is read as objects, arrays and lines, packed or not, in a file whose name is a pattern too', async () => {
    const tree = {
      's/d/[1]*.json': '[{"a":1,"b":"x"},{"a":2}]',
      's/d/dt=e/2.json': '{"a":3}',
      's/d/3.json.gz': gzipSync('{"a":4}\n{"a":5}\n'),
    };
    expect(await rowsOf(await open(tree, csv))).toEqual([
      [1, 'x', null],
      [2, null, null],
      [3, null, 'e'],
      [4, null, null],
      [5, null, null],
    ]);
  });

  test('broken JSON is told by its file', async () => {
    const { code, message } = await refusal(
      rowsOf(await open({ 's/d/ok.jsonl': '{"a":1}\n', 's/d/no.jsonl': '{"a":1}\n{"a":' }, csv)),
    );
    expect([code, message.includes('s/d/no.jsonl')]).toEqual(['SOURCE_UNREADABLE', true]);
  });

  test('damaged Parquet is told by its file', async () => {
    const { code, message } = await refusal(rowsOf(await open({ 's/d/p.parquet': 'PAR1 nothing PAR1' }, csv)));
    expect([code, message.includes('s/d/p.parquet')]).toEqual(['SOURCE_UNREADABLE', true]);
  });

  test('a value that is not of its type is told by column, file and value', async () => {
    const { code, message } = await refusal(rowsOf(await open({ 's/d/x.csv': 'a,b\n1,x\nseven,y\n' }, csv)));
    expect(code).toBe('RECIPE_INVALID');
    expect(message).toBe('table t: column a: s/d/x.csv: a value is not of its type: expected INTEGER, got "seven"');
  });

  test('no files make an empty table, with SQL too', async () => {
    expect(await rowsOf(await open({}, csv))).toEqual([]);
    expect(await rowsOf(await open({}, { ...csv, sql: 'SELECT a, b, dt FROM source WHERE a > 1' }))).toEqual([]);
  });
});

describe('keys and groups', () => {
  test('keys that are there twice, or NULL, are told', async () => {
    const twice = await open({ 's/d/x.csv': 'a,b\n1,x\n1,y\n' }, { ...csv, keys: ['a'] });
    expect(await refusal(twice.assertKeysUnique('t', call))).toEqual({
      code: 'KEYS_NOT_UNIQUE',
      message: 'table t: a key is there more than once: expected 1 row, got 2 with a "1"',
    });
    const nulls = await open({ 's/d/x.csv': 'a,b\n1,\n' }, { ...csv, keys: ['b'] });
    expect((await refusal(nulls.assertKeysUnique('t', call))).code).toBe('KEYS_NOT_UNIQUE');
  });

  test.each([undefined, "SELECT a, b || '!' AS b, dt FROM source AS s", 'SELECT * FROM source'])(
    'rows are told to their group of files (%s)',
    async (sql) => {
      const tree = { 's/d/x.csv': 'a,b\n1,x\n', 's/d/y.csv': 'a,b\n2,y\n', 's/d/z.csv': 'a,b\n3,z\n' };
      const tables = await open(tree, {
        ...csv,
        columns: { a: 'INTEGER', b: 'VARCHAR' },
        ...(sql === undefined ? {} : { sql: sql.replace(', dt', '') }),
      });
      const told = new Map<Cell, number>();
      for await (const batch of tables.batchesByGroup('t', [['s/d/z.csv'], ['s/d/x.csv']], call)) {
        batch.groupOf.forEach((group, row) => told.set(batch.columns[0]?.[row] ?? null, group));
      }
      expect([...told].sort()).toEqual([
        [1, 1],
        [3, 0],
      ]);
    },
  );
});

describe('SQL of a recipe', () => {
  const tree = { 's/d/dt=x/x.json': '{"l":[1,2]}' };
  const table = (sql: string): RecipeTable => ({ from: ['s/d/**'], columns: { a: 'INTEGER' }, sql });

  test.each([
    ["SELECT unnest(CAST(json->'l' AS INTEGER[])) AS a FROM source", 'export'],
    ["SELECT u AS a FROM source, unnest(CAST(json->'l' AS INTEGER[])) AS t(u)", 'export'],
    ["SELECT a FROM (SELECT unnest(CAST(json->'l' AS INTEGER[])) AS a FROM source)", 'lake'],
    ["WITH w AS (SELECT unnest(CAST(json->'l' AS INTEGER[])) AS a FROM source) SELECT a FROM w GROUP BY a", 'lake'],
    ["SELECT DISTINCT unnest(CAST(json->'l' AS INTEGER[])) AS a FROM source", 'lake'],
  ])('%s works within %s', async (sql, scope) => {
    const tables = await open(tree, table(sql));
    expect(tables.scopeOf('t')).toBe(scope);
    expect(await rowsOf(tables)).toEqual([[1], [2]]);
  });

  test.each(['count(*)', 'max(1)', 'row_number() OVER ()', '(SELECT 1)', 'length(CAST(source AS VARCHAR))'])(
    '%s looks across rows, or at all of one',
    async (expression) => {
      expect((await open(tree, table(`SELECT ${expression} AS a FROM source`))).scopeOf('t')).toBe('lake');
    },
  );

  test.each([
    "SELECT 1 AS a FROM read_text('/etc/passwd')",
    "SELECT 1 AS a FROM '/etc/passwd'",
    'SELECT 1 AS a FROM duckdb_settings()',
    'SELECT 1 AS a FROM information_schema.tables',
    'SELECT random() AS a FROM source',
    'SELECT year(now()) AS a FROM source',
    'SELECT year(current_date) AS a FROM source',
    "SELECT year(age(TIMESTAMP '2020-01-01')) AS a FROM source",
    'SELECT 1 AS a FROM source USING SAMPLE 10%',
    'SELECT 1 AS a; DROP TABLE x',
    "COPY (SELECT 1) TO '/tmp/x'",
    "ATTACH '/tmp/x.duckdb'",
    'SELECT',
  ])('is refused: %s', async (sql) => {
    expect((await refusal(open(tree, table(sql)))).code).toBe('RECIPE_INVALID');
  });
});
