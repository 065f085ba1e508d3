/** `recipe init`: which tables, types, keys, vectors and stores are written for a lake, and that they hold. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { initRecipe, type InitRecipeOptions, type InitRecipeReport } from '../../src/drill/init-recipe.js';
import { parseRecipe } from '../../src/schema/parse-recipe.js';
import type { RecipeTable } from '../../src/schema/recipe.js';
import { openLakeTables } from '../../src/stores/duckdb-source.js';

const { signal } = new AbortController();
let home: string;

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'lakepack-init-'));
  fs.mkdirSync(path.join(home, 'scratch'));
});

afterEach(() => {
  fs.rmSync(home, { recursive: true, force: true });
});

type Tree = Readonly<Record<string, string>>;

const scratchDir = (): string => path.join(home, 'scratch');
const lake = (): string => path.join(home, 'lake');

async function init(tree: Tree, options: Partial<InitRecipeOptions> = {}): Promise<InitRecipeReport> {
  for (const [file, content] of Object.entries(tree)) {
    fs.mkdirSync(path.dirname(path.join(lake(), file)), { recursive: true });
    fs.writeFileSync(path.join(lake(), file), content);
  }
  const files = Object.keys(tree);
  const report = await initRecipe({ lake: lake(), files, scratchDir: scratchDir(), signal, ...options });
  await assertItHolds(report, files);
  return report;
}

/** What is written is a recipe, its types take every value, and its keys tell all rows apart. */
async function assertItHolds({ recipe }: InitRecipeReport, files: readonly string[]): Promise<void> {
  if (Object.keys(recipe.tables).length === 0) return;
  expect(parseRecipe(Buffer.from(JSON.stringify(recipe)), 'recipe')).toEqual(recipe);
  const tables = await openLakeTables({ lake: lake(), recipe, files, scratchDir: scratchDir(), signal });
  try {
    for (const name of Object.keys(recipe.tables)) {
      expect(tables.inputFiles(name).length).toBeGreaterThan(0);
      await tables.assertKeysUnique(name, { signal });
      for await (const batch of tables.rows(name).batches({ signal })) expect(batch.rows).toBeGreaterThan(0);
    }
  } finally {
    await tables.close();
  }
}

async function only(tree: Tree): Promise<{ readonly table: RecipeTable; readonly notes: readonly string[] }> {
  const { recipe, notes } = await init(tree);
  const [table] = Object.values(recipe.tables);
  if (table === undefined) throw new Error(`there is no table: ${notes.join('; ')}`);
  return { table, notes };
}

function lines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

describe('keys', () => {
  test('an id alone is enough, wherever it stands, and the hive key is not added', async () => {
    const { table, notes } = await only({
      'silver/orders/dt=2024-05-01/a.csv': 'total,name,order_id\n1.5,x,10\n1.5,x,11\n',
      'silver/orders/dt=2024-05-02/a.csv': 'total,name,order_id\n2.5,y,12\n',
    });
    expect([table.keys, notes]).toEqual([['order_id'], []]);
  });

  test('an id that comes again in other partitions takes the hive key, and the note has SQL that works', async () => {
    const tree = {
      'silver/users/dt=2024-05-01/a.csv': 'id,mail\n1,a\n2,b\n',
      'silver/users/dt=2024-05-02/a.csv': 'id,mail\n1,c\n',
    };
    const { table, notes } = await only(tree);
    expect(table.keys).toEqual(['id', 'dt']);
    const note = notes.find((one) => one.includes('QUALIFY')) ?? '';
    const newest = { ...table, ...(JSON.parse(`{${note.slice(note.indexOf('"keys"'))}}`) as object) };
    expect(newest.keys).toEqual(['id']);
    const recipe = { recipeVersion: 1, tables: { users: newest }, stores: {} } as const;
    await assertItHolds({ recipe, notes: [] }, Object.keys(tree));
  });

  test('two ids are better than the path that happens to name the row', async () => {
    const { table } = await only({
      'silver/vulns/a.csv': 'source_path,cve_id,run_id\np/1,C1,r1\np/2,C1,r2\np/3,C2,r1\n',
    });
    expect(table.keys).toEqual(['cve_id', 'run_id']);
  });

  test('figures and moments are no keys, though every row has another; a day with a code is', async () => {
    const { table } = await only({
      'silver/cases/a.csv':
        'total,seen_at,share,data,codice_regione\n' +
        '1,2024-05-01T10:00:00,0.1,2024-05-01,01\n2,2024-05-01T11:00:00,0.2,2024-05-01,02\n' +
        '3,2024-05-02T10:00:00,0.3,2024-05-02,01\n',
    });
    expect(table.keys).toEqual(['data', 'codice_regione']);
  });

  test('a name counts beside a day only, and a column with a gap not at all', async () => {
    const { table } = await only({
      'silver/games/a.csv': 'id,team1,team2,date\n,A,B,2024-05-01\n2,C,D,2024-05-01\n3,A,C,2024-05-08\n',
    });
    expect(table.keys).toEqual(['team1', 'date']);
  });

  test.each([
    ['figures alone', 'a,b\n1,1.5\n2,2.5\n', 'no keys'],
    ['rows that are there twice', 'id,date\n1,2024-05-01\n1,2024-05-01\n2,2024-05-01\n', 'no keys: 1 row has'],
  ])('%s have no keys, and a note says so', async (_, csv, says) => {
    const { table, notes } = await only({ 'silver/d/a.csv': csv });
    expect(table.keys).toBeUndefined();
    expect(notes.join()).toContain(`table d: ${says}`);
  });
});

describe('types', () => {
  test('of CSV are told only where the text comes back from them: codes and long numbers stay text', async () => {
    const { table } = await only({
      'bronze/d/dt=1/a.csv':
        'n,big,code,long,x,day,at,zone,yes,word,none,no_day\n' +
        '1,1,007,1.5,1,2024-02-29,2024-05-01T10:00:00,2024-05-01T10:00:00Z,true,a,,2024-02-30\n' +
        '-5,123456789012345678,8,1.23456789012345678,2.5,2024-05-01,2024-05-01 10:00,2024-05-01T10:00:00+02:00,false,1,,2024-02-01\n',
      'bronze/d/dt=2/a.csv': 'n,extra\n,1\n',
    });
    expect(table.columns).toEqual({
      ...{ n: 'BIGINT', big: 'BIGINT', code: 'VARCHAR', long: 'VARCHAR', x: 'DOUBLE', day: 'DATE' },
      ...{ at: 'TIMESTAMP', zone: 'TIMESTAMP WITH TIME ZONE', yes: 'BOOLEAN', word: 'VARCHAR', none: 'VARCHAR' },
      ...{ no_day: 'VARCHAR', extra: 'BIGINT', dt: 'VARCHAR' },
    });
  });

  test('lists of floats of one length are the vector', async () => {
    const vector = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5];
    const { table } = await only({
      'gold/vectors/a.jsonl': lines([
        { id: 'a', short: [0.5], v: vector },
        { id: 'b', short: [0.5], v: vector.map((one) => -one) },
      ]),
    });
    expect(table.columns['v']).toBe('FLOAT[8]');
    expect([table.keys, table.vector]).toEqual([['id'], { column: 'v', dimensions: 8, metric: 'cosine' }]);
  });
});

describe('datasets', () => {
  test('nested raw data and files that cannot be read are left out with a note in lake paths', async () => {
    const { recipe, notes } = await init({
      'bronze/nested/a.jsonl': lines([{ id: 1, deep: { a: 1 } }]),
      'silver/broken/a.parquet': 'PAR1 nothing PAR1',
      'silver/words/a.json': '["a","b"]',
      'silver/good/a.csv': 'id\n1\n',
      'manifests/silver/good/x.json': '{}',
    });
    expect(Object.keys(recipe.tables)).toContain('good');
    expect(notes.join('\n')).toMatch(/bronze\/nested: its documents are nested/);
    expect(notes.join('\n')).toMatch(/silver\/broken: left out: .*silver\/broken\/a\.parquet/);
    expect(notes.join('\n')).not.toContain(home);
    expect(Object.keys(recipe.tables)).not.toContain('broken');
  });

  test('raw CSV of a few names is a table for each; of a name for every day it is one', async () => {
    const days = Array.from({ length: 15 }, (_, day) => [`bronze/daily/d${day}.csv`, `id\n${day}\n`] as const);
    const { recipe } = await init({
      'bronze/kinds/dt=1/people.csv': 'id\n1\n',
      'bronze/kinds/dt=1/places.csv': 'id\n1\n',
      ...Object.fromEntries(days),
    });
    expect(Object.fromEntries(Object.entries(recipe.tables).map(([name, { from }]) => [name, from]))).toEqual({
      daily: ['bronze/daily/**/*.csv'],
      kinds_people: ['bronze/kinds/**/people.csv'],
      kinds_places: ['bronze/kinds/**/places.csv'],
    });
  });

  test('a folder that is named like a pattern, and two datasets of one name', async () => {
    const { recipe } = await init({ 'silver/a(1)[x]/f.csv': 'id\n1\n', 'gold/a_1_x_/f.csv': 'id\n1\n' });
    expect(Object.keys(recipe.tables)).toEqual(['a_1_x_', 'silver_a_1_x_']);
  });

  test('a lake without tables says so', async () => {
    const { recipe, notes } = await init({ 'bronze/pictures/a.png': 'x' });
    expect([recipe.tables, recipe.stores, notes.length]).toEqual([{}, {}, 1]);
  });
});

describe('stores', () => {
  const tree = {
    'silver/keyed/a.csv': 'id\n1\n',
    'silver/loose/a.csv': 'a\n1.5\n',
    'gold/vectors/a.jsonl': lines([{ w: 'x', v: [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5] }]),
  };

  test('one that needs no server, unless others are asked for', async () => {
    expect((await init(tree)).recipe.stores).toEqual({ warehouse: { engine: 'duckdb' } });
  });

  test('each engine has the tables that it can hold', async () => {
    const { recipe } = await init(tree, { engines: ['duckdb', 'postgres', 'lancedb', 'cosmos'] });
    expect(recipe.stores).toEqual({
      warehouse: { engine: 'duckdb' },
      serving: { engine: 'postgres' },
      search: { engine: 'lancedb', tables: ['vectors'] },
      documents: { engine: 'cosmos', tables: ['keyed'] },
    });
  });
});
