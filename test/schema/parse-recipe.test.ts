/** Reading recipes: what is taken, how faults are told, and that nothing makes it fail in another way. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import { definitionOf, MAX_RECIPE_BYTES, parseRecipe, recipeDigest } from '../../src/schema/parse-recipe.js';
import type { Recipe, RecipeTable } from '../../src/schema/recipe.js';

const table: RecipeTable = {
  from: ['silver/t/**/*.parquet'],
  columns: { id: 'VARCHAR', v: 'FLOAT[3]', 'a/b~c': 'INTEGER' },
  keys: ['id'],
  vector: { column: 'v', dimensions: 3, metric: 'cosine' },
  indexes: [{ columns: ['a/b~c'], unique: true }],
};
const recipe: Recipe = {
  recipeVersion: 1,
  tables: { t: table, plain: { from: ['bronze/**/*.csv'], csv: { delimiter: ';' }, columns: { a: 'DATE' } } },
  stores: {
    warehouse: { engine: 'duckdb' },
    documents: { engine: 'cosmos', tables: ['t'], partitionKeys: { t: 'id' }, maxRequestUnitsPerSecond: 400 },
  },
};

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

function refusal(value: unknown): string {
  try {
    parseRecipe(value, 'x.json');
  } catch (error) {
    if (isLakepackError(error, 'RECIPE_INVALID')) return error.message;
    throw error;
  }
  return '';
}

describe('parseRecipe', () => {
  test('takes bytes and values alike, and keeps unknown fields', () => {
    const more = { ...recipe, mood: 'good', tables: { ...recipe.tables, t: { ...table, odd: [1] } } };
    expect(parseRecipe(bytesOf(more), 'x')).toEqual(more);
    expect(parseRecipe(more, 'x')).toEqual(more);
  });

  test('tells every fault with its path, under the name of the file', () => {
    const faulty = {
      ...recipe,
      tables: { t: { ...table, keys: ['nobody'], indexes: [{ columns: ['no'] }], from: ['/etc/*', 'a/../b'] } },
    };
    const message = refusal(bytesOf(faulty));
    expect(message).toMatch(/^x\.json/);
    for (const path of ['/tables/t/keys/0', '/tables/t/indexes/0/columns/0', '/tables/t/from/0', '/tables/t/from/1'])
      expect(message).toContain(path);
  });

  const withTable = (change: object): object => ({ ...recipe, tables: { t: { ...table, ...change } }, stores: {} });
  test.each<[string, unknown, RegExp]>([
    ['another version', { ...recipe, recipeVersion: 2 }, /recipeVersion/],
    ['no tables', { ...recipe, tables: {}, stores: {} }, /\/tables/],
    ['a name that no database takes', { ...recipe, tables: { 'drop table': table }, stores: {} }, /drop table/],
    ['names that differ by case', { ...recipe, tables: { t: table, T: table }, stores: {} }, /by case only/],
    ['columns that differ by case', withTable({ columns: { ...table.columns, ID: 'DATE' } }), /by case only/],
    ['a store of a table there is none of', { ...recipe, stores: { s: { engine: 'duckdb', tables: ['x'] } } }, /x/],
    ['an engine there is none of', { ...recipe, stores: { s: { engine: 'oracle' } } }, /engine/],
    [
      'a partition key that is no column',
      { ...recipe, stores: { s: { engine: 'cosmos', partitionKeys: { t: 'x' } } } },
      /x/,
    ],
    ['a vector that is no column', withTable({ vector: { ...table.vector, column: 'w' } }), /\/vector\/column/],
    ['a vector of another length', withTable({ vector: { ...table.vector, dimensions: 4 } }), /FLOAT\[4\]/],
    ['a vector that is a key', withTable({ keys: ['v'] }), /names? a row/],
    ['a key there twice', withTable({ keys: ['id', 'id'] }), /keys/],
    ['a delimiter of two characters', withTable({ csv: { delimiter: '||' } }), /delimiter/],
    ['a name that objects have anyway', { ...recipe, stores: { s: { engine: 'duckdb', tables: ['toString'] } } }, /./],
    ['a list', [], /expected/],
    ['nothing', undefined, /./],
  ])('refuses %s', (_, value, says) => {
    expect(refusal(value)).toMatch(says);
  });

  test('refuses what is too large, as bytes and as a value', () => {
    const large = { ...recipe, filling: 'x'.repeat(MAX_RECIPE_BYTES) };
    expect([refusal(bytesOf(large)), refusal(large)]).toEqual([
      expect.stringContaining(String(MAX_RECIPE_BYTES)),
      expect.stringContaining(String(MAX_RECIPE_BYTES)),
    ]);
  });

  test('a good recipe with anything changed is taken or RECIPE_INVALID', () => {
    const anything = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('__proto__', '', [], {}, -1, 1e300));
    const change = fc.record({ at: fc.array(fc.nat(20), { maxLength: 6 }), to: anything, key: fc.string() });
    fc.assert(
      fc.property(change, ({ at, to, key }) => {
        refusal(bytesOf(changed(recipe, at, to, key)));
      }),
      { numRuns: 400 },
    );
  });

  test('any bytes are taken or RECIPE_INVALID', () => {
    const text = JSON.stringify(recipe);
    const cut = fc.tuple(fc.nat(text.length), fc.string()).map(([at, more]) => Buffer.from(text.slice(0, at) + more));
    const bytes = fc.uint8Array().map((array) => Buffer.from(array));
    fc.assert(
      fc.property(fc.oneof(cut, bytes), (some) => {
        refusal(some);
      }),
      { numRuns: 300 },
    );
  });
});

/** Walks down by `at` and puts `to` there: in place of a value, or under a new key where the walk ends in an object. */
function changed(value: unknown, at: readonly number[], to: unknown, key: string): unknown {
  const [first, ...rest] = at;
  if (first === undefined || typeof value !== 'object' || value === null) return to;
  if (Array.isArray(value)) {
    const list: unknown[] = [...(value as readonly unknown[])];
    const index = first % (list.length + 1);
    list[index] = changed(list[index], rest, to, key);
    return list;
  }
  const entries = Object.entries(value);
  const [name, child] = entries[first % (entries.length + 1)] ?? [key, undefined];
  return Object.fromEntries([...entries, [name, changed(child, rest, to, key)]]);
}

describe('definitionOf', () => {
  test('is the same with defaults written out, other notes and other indexes', () => {
    const written = { ...table, hive: true, csv: { delimiter: ',', header: true }, note: 'x', indexes: [] };
    expect(definitionOf(written)).toBe(definitionOf(table));
  });

  test.each<[string, Partial<RecipeTable>]>([
    ['globs', { from: ['x'] }],
    ['format', { format: 'csv' }],
    ['hive', { hive: false }],
    ['delimiter', { csv: { delimiter: ';' } }],
    ['sql', { sql: 'SELECT * FROM source' }],
    ['order of columns', { columns: Object.fromEntries(Object.entries(table.columns).reverse()) }],
    ['keys', { keys: ['a/b~c'] }],
    ['metric', { vector: { column: 'v', dimensions: 3, metric: 'dot' } }],
  ])('is another with other %s', (_, change) => {
    expect(definitionOf({ ...table, ...change })).not.toBe(definitionOf(table));
  });
});

test('recipeDigest does not see the order of fields, but that of columns', () => {
  const turned = Object.fromEntries(Object.entries(recipe).reverse()) as unknown as Recipe;
  expect(recipeDigest(turned)).toBe(recipeDigest(recipe));
  const columns = Object.fromEntries(Object.entries(table.columns).reverse());
  expect(recipeDigest({ ...recipe, tables: { ...recipe.tables, t: { ...table, columns } } })).not.toBe(
    recipeDigest(recipe),
  );
});
