/** Which lake files a table of a recipe is made from, and which tables a file feeds. Pure: it looks at paths only. */
import { globMatcher } from '../base/glob.js';
import type { Recipe, RecipeTable } from './recipe.js';

/** The names of the tables that a lake path feeds, in the order of the recipe. */
export function tablesFedBy(recipe: Recipe, lakePath: string): readonly string[] {
  return Object.entries(recipe.tables).flatMap(([name, table]) => (matcherOf(table)(lakePath) ? [name] : []));
}

/** Of `files` (lake paths) those that feed the table, each once, sorted by the bytes of their paths. */
export function filesOfTable(recipe: Recipe, table: string, files: readonly string[]): readonly string[] {
  const definition = Object.hasOwn(recipe.tables, table) ? recipe.tables[table] : undefined;
  if (definition === undefined) return [];
  return [...new Set(files.filter(matcherOf(definition)))].sort(byBytes);
}

const matchers = new WeakMap<RecipeTable, (lakePath: string) => boolean>();

/** Kept, because packing asks for every file of a lake. */
function matcherOf(table: RecipeTable): (lakePath: string) => boolean {
  const known = matchers.get(table);
  if (known !== undefined) return known;
  const matcher = globMatcher(table.from);
  matchers.set(table, matcher);
  return matcher;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
