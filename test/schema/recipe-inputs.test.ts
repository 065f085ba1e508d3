/** Which files feed which tables. */
import { expect, test } from 'vitest';
import { filesOfTable, tablesFedBy } from '../../src/schema/recipe-inputs.js';
import type { Recipe } from '../../src/schema/recipe.js';

const columns = { a: 'VARCHAR' };
const recipe: Recipe = {
  recipeVersion: 1,
  tables: {
    late: { from: ['silver/a/**/*.csv', '**/x.csv'], columns },
    early: { from: ['silver/{a,b}/dt=2024-??-*/*.csv'], columns },
  },
  stores: {},
};

test('a path feeds the tables whose globs it fits, in the order of the recipe', () => {
  expect(tablesFedBy(recipe, 'silver/a/dt=2024-05-01/x.csv')).toEqual(['late', 'early']);
  expect(tablesFedBy(recipe, 'silver/b/dt=2024-05-01/y.csv')).toEqual(['early']);
  expect(tablesFedBy(recipe, 'silver/b/dt=2023-05-01/y.csv')).toEqual([]);
  expect(tablesFedBy(recipe, 'silver/a/deep/er/.hidden.csv')).toEqual(['late']);
  expect(tablesFedBy(recipe, 'other/silver/a/y.csv')).toEqual([]);
});

test('a file that fits several globs is there once, and files come in the order of their bytes', () => {
  const files = ['silver/a/\u{1f600}/x.csv', 'silver/a/\uffee/x.csv', 'silver/a/B/x.csv', 'silver/a/a/x.csv'];
  expect(filesOfTable(recipe, 'late', [...files, files[0] ?? ''])).toEqual([
    'silver/a/B/x.csv',
    'silver/a/a/x.csv',
    'silver/a/\uffee/x.csv',
    'silver/a/\u{1f600}/x.csv',
  ]);
});

test.each(['nobody', 'toString', '__proto__'])('a table that the recipe does not have has no files: %s', (name) => {
  expect(filesOfTable(recipe, name, ['silver/a/x.csv'])).toEqual([]);
});
