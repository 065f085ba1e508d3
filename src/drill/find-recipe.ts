/** Where recipes come from when none is given: the lake's own file, or what the exports were packed with. */
import { open } from 'node:fs/promises';
import path from 'node:path';
import { LakepackError } from '../base/errors.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import type { ExportManifest } from '../schema/export-manifest.js';
import { MAX_RECIPE_BYTES, parseRecipe, recipeDigest } from '../schema/parse-recipe.js';
import { RECIPE_NAME, type Recipe } from '../schema/recipe.js';

/** `lakepack.recipe.json` of a lake's folder; undefined where there is none. Throws RECIPE_INVALID, PERMISSION_DENIED. */
export async function recipeInLake(lake: string): Promise<Recipe | undefined> {
  const file = path.join(lake, RECIPE_NAME);
  const bytes = await onDisk(file, () => unlessAbsent(() => readBounded(file)));
  return bytes === undefined ? undefined : parseRecipe(bytes, RECIPE_NAME);
}

async function readBounded(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new LakepackError('RECIPE_INVALID', `${RECIPE_NAME}: is not a file`);
    if (found.size > MAX_RECIPE_BYTES) throw tooLarge(found.size);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function tooLarge(bytes: number): LakepackError {
  const message = `${RECIPE_NAME}: is too large: expected at most ${MAX_RECIPE_BYTES} bytes, got ${bytes}`;
  return new LakepackError('RECIPE_INVALID', message);
}

/**
 * The recipe that the newest of these exports with fingerprints was packed with; undefined where none has any. Throws
 * RECIPE_INVALID where it is no recipe, or not the one whose digest stands beside it.
 */
export function recipePackedWith(manifests: readonly ExportManifest[]): Recipe | undefined {
  let newest: ExportManifest | undefined;
  for (const manifest of manifests) {
    if (manifest.fingerprints !== undefined && (newest === undefined || isLater(manifest, newest))) newest = manifest;
  }
  if (newest?.fingerprints === undefined) return undefined;
  const { sha256, content } = newest.fingerprints.recipe;
  const where = `${newest.exportId}: the recipe it was packed with`;
  const recipe = parseRecipe(content, where);
  const found = recipeDigest(recipe);
  if (found === sha256) return recipe;
  throw new LakepackError('RECIPE_INVALID', `${where}: has another digest: expected ${sha256}, got ${found}`, {
    hint: 'give the recipe with --recipe, and pack again with fingerprints',
  });
}

/** Of two of the same second the larger id, as everywhere. */
function isLater(one: ExportManifest, other: ExportManifest): boolean {
  const [a, b] = [Date.parse(one.createdAt), Date.parse(other.createdAt)];
  return a === b ? one.exportId > other.exportId : a > b;
}
