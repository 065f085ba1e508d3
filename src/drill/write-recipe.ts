/** `lakepack recipe init`: looks at a lake and puts a recipe into it, beside the data that it is about. */
import { link, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LakepackError, systemErrorCode } from '../base/errors.js';
import { inScratchFolder } from '../base/scratch-folder.js';
import { onDisk } from '../base/system-errors.js';
import { newTemporaryId, temporaryName } from '../base/temporary-name.js';
import { type Recipe, RECIPE_NAME } from '../schema/recipe.js';
import type { StoreEngine } from '../schema/store-engine.js';
import { initRecipe } from './init-recipe.js';
import { listLakeFiles } from './list-lake-files.js';

export interface WriteRecipeOptions {
  /** Folder of the lake. */
  readonly lake: string;
  /** The file to write. Default: `lakepack.recipe.json` in the lake. `none`: nothing is written. */
  readonly out?: string | { readonly kind: 'none' };
  /** Replace a file that is there. Default: refuse. */
  readonly replace?: boolean;
  /** Engines of the recipe's stores. Default: `duckdb` alone, which needs no server. */
  readonly engines?: readonly StoreEngine[];
  readonly signal?: AbortSignal;
}

export interface WriteRecipeReport {
  readonly lake: string;
  /** Absent where nothing was written. */
  readonly file?: string;
  readonly recipe: Recipe;
  /** What a person should look at, a sentence each. */
  readonly notes: readonly string[];
  readonly elapsedMs: number;
}

/** @throws NOT_FOUND, also for a lake without a table; LAKE_UNREADABLE, TARGET_CONFLICT for a file that is there, PERMISSION_DENIED, DISK_FULL, INTERRUPTED. */
export async function writeRecipe(options: WriteRecipeOptions): Promise<WriteRecipeReport> {
  const begunMs = performance.now();
  const signal = options.signal ?? new AbortController().signal;
  const out = options.out ?? path.join(options.lake, RECIPE_NAME);
  return await inScratchFolder(async (scratchDir) => {
    const files = await listLakeFiles(options.lake, signal);
    const { lake, engines } = options;
    const { recipe, notes } = await initRecipe({
      ...{ lake, files, scratchDir, signal },
      ...(engines !== undefined && { engines }),
    });
    if (Object.keys(recipe.tables).length === 0) throw nothingTabular(options.lake, notes);
    if (typeof out === 'string') await putRecipe(out, recipe, options.replace ?? false);
    const elapsedMs = performance.now() - begunMs;
    return { lake: options.lake, ...(typeof out === 'string' && { file: out }), recipe, notes, elapsedMs };
  });
}

async function putRecipe(file: string, recipe: Recipe, replace: boolean): Promise<void> {
  await onDisk(file, async () => {
    const temporary = path.join(path.dirname(file), temporaryName(path.basename(file), newTemporaryId()));
    try {
      await writeFile(temporary, `${JSON.stringify(recipe, undefined, 2)}\n`);
      if (replace) await rename(temporary, file);
      // A link, because it fails where something is there, also where it came a moment ago.
      else await link(temporary, file);
    } catch (error) {
      if (systemErrorCode(error) === 'EEXIST') throw isThere(file, error);
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

function nothingTabular(lake: string, notes: readonly string[]): LakepackError {
  return new LakepackError(
    'NOT_FOUND',
    `${lake}: no table was found in it: expected Parquet, CSV, JSON or JSONL files`,
    {
      hint: [...notes, 'docs/recipes.md says how to write a recipe by hand'].join('; '),
    },
  );
}

function isThere(file: string, cause: unknown): LakepackError {
  return new LakepackError('TARGET_CONFLICT', `${file}: is there already`, {
    cause,
    hint: 'write elsewhere and compare (--out FILE, --out -), or replace it (--force)',
  });
}
