/** Finds the columns that tell the rows of a table apart: sensible ones first, proven over all rows. */
import type { RecipeTable } from '../schema/recipe.js';
import type { ColumnCounts, ColumnLook, LakeLook } from '../stores/duckdb-look.js';

const MAX_TRIES = 60;
/** Columns beside the hive keys that a key may have. */
const MAX_COLUMNS = 3;
const MAX_CANDIDATES = 8;

/** The names of the key columns; none where no sensible set tells all rows apart. */
export async function findKeys(
  look: LakeLook,
  table: RecipeTable,
  files: readonly string[],
  columns: readonly ColumnLook[],
): Promise<readonly string[]> {
  const counts = await look.counts(table, files);
  if (counts.rows === 0) return [];
  const tries = candidates(columns, counts);
  for (const names of tries) {
    if (await look.tellApart(table, files, names)) return names;
  }
  return [];
}

/** Sets of columns to try, best first. Those that cannot have enough different values are left out. */
export function candidates(columns: readonly ColumnLook[], counts: ColumnCounts): readonly (readonly string[])[] {
  const usable = columns.filter(({ name, mayBeKey }) => mayBeKey && counts.nulls.get(name) === 0);
  const hive = usable.filter(({ isHiveKey }) => isHiveKey).map(({ name }) => name);
  const own = usable
    .filter(({ isHiveKey }) => !isHiveKey)
    .map(({ name }) => name)
    .sort((a, b) => likeness(b) - likeness(a) || (counts.distinct.get(b) ?? 0) - (counts.distinct.get(a) ?? 0))
    .slice(0, MAX_CANDIDATES);
  const sets: string[][] = own.filter((name) => likeness(name) > 0).map((name) => [name]);
  for (let size = 1; size <= MAX_COLUMNS; size += 1) {
    const some = combinations(own, size).map((names) => ({
      names,
      score: names.reduce((sum, name) => sum + likeness(name), 0),
    }));
    sets.push(...some.sort((a, b) => b.score - a.score).map(({ names }) => [...hive, ...names]));
  }
  const distinct = sets.filter((set, index) => sets.findIndex((one) => one.join('/') === set.join('/')) === index);
  return distinct.filter((set) => mayTellApart(set, counts)).slice(0, MAX_TRIES);
}

/** How much a name says that it names a row. */
function likeness(name: string): number {
  if (/^(id|uuid|guid|key)$/i.test(name)) return 3;
  if (/(_id|_key|_uuid)$|[a-z]Id$/.test(name)) return 2;
  return /(^|_)(code|codice|number|no|nr|date|name|sha256)(_|$)/i.test(name) ? 1 : 0;
}

/** Counts of different values are about right: a fifth of doubt. */
function mayTellApart(set: readonly string[], { rows, distinct }: ColumnCounts): boolean {
  return set.reduce((product, name) => product * (distinct.get(name) ?? 1), 1) * 1.2 >= rows;
}

function combinations(names: readonly string[], size: number): readonly (readonly string[])[] {
  if (size === 0) return [[]];
  return names.flatMap((name, index) => combinations(names.slice(index + 1), size - 1).map((rest) => [name, ...rest]));
}
