/** Packs a lake, and says in the manifests what the tables made of it contain. */
import { LakepackError } from '../base/errors.js';
import { inScratchFolder } from '../base/scratch-folder.js';
import { lakeFolder } from '../operations/lake-selection.js';
import { pack, type PackOptions, type PackReport } from '../operations/pack.js';
import { RECIPE_NAME, type Recipe } from '../schema/recipe.js';
import { recipeInLake } from './find-recipe.js';
import { openFingerprinter } from './fingerprint-exports.js';

export interface PackWithFingerprintsOptions extends Omit<PackOptions, 'fingerprint'> {
  /** Default: the lake's own, `lakepack.recipe.json`. */
  readonly recipe?: Recipe;
}

/**
 * As `pack`. What keeps a table from being fingerprinted is a finding of its export, FINGERPRINT_FAILED.
 * @throws what `pack` throws; RECIPE_INVALID; NOT_FOUND where the lake has no recipe and none is given.
 */
export async function packWithFingerprints(options: PackWithFingerprintsOptions): Promise<PackReport> {
  const { recipe: given, ...packOptions } = options;
  const lake = await lakeFolder(options.lake);
  const recipe = given ?? (await recipeInLake(lake)) ?? noRecipe(options.lake);
  const signal = options.signal ?? new AbortController().signal;
  return await inScratchFolder(async (scratchDir) => {
    const fingerprint = await openFingerprinter({ lake, recipe, scratchDir, signal });
    try {
      return await pack({ ...packOptions, fingerprint });
    } finally {
      await fingerprint.close();
    }
  });
}

function noRecipe(lake: string): never {
  throw new LakepackError('NOT_FOUND', `${lake}: has no recipe: expected ${RECIPE_NAME} in its root`, {
    hint: `lakepack recipe init ${lake} writes one; or give one with --recipe`,
  });
}
