/** Which of the exports that were restored are proven: those that feed no table that differs. */
import type { Archive } from '../archive/archive.js';
import type { Recipe } from '../schema/recipe.js';
import { tablesFedBy } from '../schema/recipe-inputs.js';
import type { PickedExport } from './look-at-archive.js';

/**
 * @param local the archive that they were restored from; read for the names of their files, where a table differs.
 * @returns manifest keys.
 */
export async function provenAmong(
  local: Archive,
  restored: readonly PickedExport[],
  badTables: ReadonlySet<string>,
  recipe: Recipe | undefined,
): Promise<ReadonlySet<string>> {
  const proven = new Set<string>();
  for (const { ref } of restored) {
    const isProven = badTables.size === 0 || recipe === undefined || !(await feeds(local, ref, badTables, recipe));
    if (isProven) proven.add(ref.manifestKey);
  }
  return proven;
}

async function feeds(
  local: Archive,
  ref: PickedExport['ref'],
  tables: ReadonlySet<string>,
  recipe: Recipe,
): Promise<boolean> {
  const manifest = await local.manifest(ref);
  for await (const { path } of local.entries(ref, manifest)) {
    if (tablesFedBy(recipe, path).some((table) => tables.has(table))) return true;
  }
  return false;
}
