/** The worked recipes of `manifests/recipes/`: read, shown in docs/recipes.md, and run over files that they are about. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseRecipe } from '../src/schema/parse-recipe.js';
import type { Recipe, RecipeTable } from '../src/schema/recipe.js';
import type { Cell } from '../src/stores/contract.js';
import { openEngine, sqlText } from '../src/stores/duckdb-engine.js';
import { openLakeTables } from '../src/stores/duckdb-source.js';

const project = path.resolve(import.meta.dirname, '..');
const examples = path.join(project, 'manifests/recipes');
const names = fs.readdirSync(examples);
const docs = fs.readFileSync(path.join(project, 'docs/recipes.md'), 'utf8');
const call = { signal: new AbortController().signal };

let home: string;
let lake: string;

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'lakepack-recipes-'));
  lake = path.join(home, 'lake');
  fs.mkdirSync(path.join(home, 'scratch'));
});

afterEach(() => {
  fs.rmSync(home, { recursive: true, force: true });
});

function example(name: string): Recipe {
  return parseRecipe(fs.readFileSync(path.join(examples, `${name}.recipe.json`)), name);
}

/** Lake paths to their content, or to the SELECT of what the Parquet file holds. */
type Tree = Readonly<Record<string, string | Buffer>>;

async function makeLake(tree: Tree): Promise<void> {
  const engine = await openEngine({ folders: [lake], scratchDir: path.join(home, 'scratch') });
  for (const [file, content] of Object.entries(tree)) {
    const place = path.join(lake, file);
    fs.mkdirSync(path.dirname(place), { recursive: true });
    if (!file.endsWith('.parquet')) fs.writeFileSync(place, content);
    else
      await engine.rows(`COPY (${content.toString()}) TO ${sqlText(place)} (FORMAT parquet)`, {
        ...call,
        subject: file,
      });
  }
  engine.close();
}

interface Run {
  readonly scope: 'export' | 'lake';
  readonly rows: readonly (readonly Cell[])[];
}

async function run(recipe: Recipe, table: string, files: readonly string[]): Promise<Run> {
  const tables = await openLakeTables({ lake, recipe, files, scratchDir: path.join(home, 'scratch'), ...call });
  const rows: (readonly Cell[])[] = [];
  try {
    await tables.assertKeysUnique(table, call);
    for await (const batch of tables.rows(table).batches(call)) {
      for (let row = 0; row < batch.rows; row += 1) rows.push(batch.columns.map((column) => column[row] ?? null));
    }
    return {
      scope: tables.scopeOf(table),
      rows: rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    };
  } finally {
    await tables.close();
  }
}

async function runExample(name: string, table: string, tree: Tree): Promise<Run> {
  await makeLake(tree);
  return run(example(name), table, Object.keys(tree));
}

/** As VARCHAR: what the table says, whatever cells are made of. */
function asText(recipe: Recipe, table: string): Recipe {
  const definition = recipe.tables[table];
  const columns = Object.fromEntries(Object.keys(definition?.columns ?? {}).map((name) => [name, 'VARCHAR']));
  return { ...recipe, tables: { [table]: { ...(definition as RecipeTable), columns } }, stores: {} };
}

describe('the examples', () => {
  test.each(names)('%s is a recipe', (name) => {
    expect(() => parseRecipe(fs.readFileSync(path.join(examples, name)), name)).not.toThrow();
  });

  test('are those that docs/recipes.md shows, and the large one that it links to', () => {
    const shown = [...docs.matchAll(/```json\n(\{\n {2}"recipeVersion"[\s\S]*?)```/g)].map(([, text]) => text ?? '');
    const files = names.filter((name) => name !== 'four-stores.recipe.json');
    expect(shown.sort()).toEqual(files.map((name) => fs.readFileSync(path.join(examples, name), 'utf8')).sort());
    expect(docs).toContain('(../manifests/recipes/four-stores.recipe.json)');
  });
});

describe('run over files', () => {
  test('plain Parquet: by name, with the hive key, cast', async () => {
    const { scope, rows } = await runExample('plain-parquet', 'orders', {
      'silver/orders/dt=2024-05-01/a.parquet': `SELECT 'c' AS customer_id, 7 AS order_id, 1.5::DOUBLE AS total, 'left out' AS other, TIMESTAMP '2024-05-01 10:00:00' AS ordered_at`,
      'silver/orders/dt=2024-05-02/a.parquet': 'SELECT 8 AS order_id',
    });
    expect(scope).toBe('export');
    expect(rows.map(([id, customer, , , dt]) => [Number(id), customer, dt])).toEqual([
      [7, 'c', rows[0]?.[4]],
      [8, null, rows[1]?.[4]],
    ]);
    expect(rows[0]?.[4]).not.toEqual(rows[1]?.[4]);
  });

  test('CSV: figures written as in Italy', async () => {
    const tree = {
      'bronze/prices/a.csv': 'sku;price;day\n007;1.299,50;01/05/2024\n008;;01/05/2024\n',
      'bronze/prices/b.csv.gz': gzipSync('day;sku;price\n02/05/2024;007;3,1\n'),
    };
    expect((await runExample('csv', 'prices', tree)).rows).toHaveLength(2);
    expect((await run(asText(example('csv'), 'prices'), 'prices', Object.keys(tree))).rows).toEqual([
      ['007', '1299.50', '2024-05-01 00:00:00'],
      ['007', '3.1', '2024-05-02 00:00:00'],
    ]);
  });

  const record = {
    cveMetadata: { cveId: 'CVE-1', state: 'PUBLISHED', datePublished: '2024-05-01T10:00:00' },
    containers: {
      cna: {
        affected: [
          { vendor: 'v', product: 'p' },
          { vendor: 'v', product: 'q' },
        ],
      },
    },
  };
  const records = { 'bronze/vulnrichment/run=1/CVE-1.json.gz': gzipSync(JSON.stringify(record)) };

  test('nested JSON: fields of a document', async () => {
    const { scope, rows } = await runExample('nested-json', 'vulns', records);
    expect(scope).toBe('export');
    expect(
      rows.map(([id, state, , affected, runId]) => [id, state, JSON.stringify(affected).includes('q'), runId]),
    ).toEqual([['CVE-1', 'PUBLISHED', true, '1']]);
  });

  test('nested JSON: a row for each element', async () => {
    const { scope, rows } = await runExample('nested-json', 'affected', records);
    expect(scope).toBe('export');
    expect(rows).toEqual([
      ['CVE-1', '1', 'v', 'p'],
      ['CVE-1', '1', 'v', 'q'],
    ]);
  });

  test('the newest row of each id looks across files', async () => {
    const { scope, rows } = await runExample('newest-row', 'customers', {
      'silver/customers/dt=2024-05-01/a.parquet': `SELECT 'a' AS customer_id, 'old' AS email UNION ALL SELECT 'b', 'kept'`,
      'silver/customers/dt=2024-05-02/a.parquet': `SELECT 'a' AS customer_id, 'new' AS email`,
    });
    expect(scope).toBe('lake');
    expect(rows.map((row) => row.slice(0, 2))).toEqual([
      ['a', 'new'],
      ['b', 'kept'],
    ]);
  });

  const vectorOf = (length: number): string =>
    `SELECT 'a' AS id, 'm' AS model, list_transform(range(${length}), lambda x: (x / 384)::FLOAT) AS embedding`;

  test('vectors: a list of the right length, and no other', async () => {
    const file = 'gold/embeddings/a.parquet';
    expect((await runExample('vectors', 'embeddings', { [file]: vectorOf(384) })).rows).toHaveLength(1);
    await expect(runExample('vectors', 'embeddings', { [file]: vectorOf(383) })).rejects.toMatchObject({
      code: 'RECIPE_INVALID',
    });
  });
});

describe('what docs/recipes.md says of values', () => {
  const csv = (columns: RecipeTable['columns'], more: Partial<RecipeTable> = {}): Recipe => ({
    recipeVersion: 1,
    tables: { t: { from: ['a/**'], columns, ...more } },
    stores: {},
  });

  test('a number is rounded to a whole one, half away from zero; a word is refused', async () => {
    await makeLake({ 'a/a.csv': 'a\n1.5\n-2.5\n', 'a/b.csv': 'a\nword\n' });
    expect((await run(csv({ a: 'INTEGER' }), 't', ['a/a.csv'])).rows).toEqual([[-3], [2]]);
    await expect(run(csv({ a: 'INTEGER' }), 't', ['a/b.csv'])).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
  });

  test('a column that no file has is NULL without SQL, and an error in SQL', async () => {
    await makeLake({ 'a/a.csv': 'a\n1\n' });
    expect((await run(csv({ a: 'INTEGER', b: 'DATE' }), 't', ['a/a.csv'])).rows).toEqual([[1, null]]);
    const asked = run(csv({ a: 'INTEGER', b: 'DATE' }, { sql: 'SELECT a, b FROM source' }), 't', ['a/a.csv']);
    await expect(asked).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
  });

  test('hive keys are text as it stands in the path, hide a column of their name, and can be switched off', async () => {
    await makeLake({ 'a/dt=01/k=a%20b/a.csv': 'a,DT\n1,x\n' });
    const file = ['a/dt=01/k=a%20b/a.csv'];
    const columns = { a: 'INTEGER', dt: 'VARCHAR', k: 'VARCHAR' };
    expect((await run(csv(columns), 't', file)).rows).toEqual([[1, '01', 'a%20b']]);
    expect((await run(csv(columns, { hive: false }), 't', file)).rows).toEqual([[1, 'x', null]]);
  });

  test('without a header line columns are numbered', async () => {
    await makeLake({ 'a/a.csv': '1|x\n2|y\n' });
    const recipe = csv(
      { n: 'INTEGER', w: 'VARCHAR' },
      { csv: { header: false, delimiter: '|' }, sql: 'SELECT column0 AS n, column1 AS w FROM source' },
    );
    expect((await run(recipe, 't', ['a/a.csv'])).rows).toEqual([
      [1, 'x'],
      [2, 'y'],
    ]);
  });

  test('Parquet inside of zstd is refused', async () => {
    await makeLake({ 'a/a.parquet.zst': 'x' });
    const asked = run(csv({ a: 'INTEGER' }), 't', ['a/a.parquet.zst']);
    await expect(asked).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
  });
});
