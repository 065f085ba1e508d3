/** Where a rebuild gets its lake files from: exports that it restores into its scratch folder, or a lake that is there. */
import { archiveAt, type Archive, type ArchivePlace } from '../archive/archive.js';
import { LakepackError } from '../base/errors.js';
import type { ProgressListener } from '../base/progress.js';
import { findExports } from '../operations/export-selection.js';
import { lakeFolder } from '../operations/lake-selection.js';
import { mapSettled } from '../operations/map-settled.js';
import type { ExportSelector } from '../operations/selection.js';
import { unpack } from '../operations/unpack.js';
import { RECIPE_NAME, type Recipe, type RecipeStore } from '../schema/recipe.js';
import { tablesOfStore } from './build-store.js';
import type { RestoredExport } from './expectations.js';
import { recipeInLake, recipePackedWith } from './find-recipe.js';

export interface RebuildSource {
  /** The folder that has the files. */
  readonly lake: string;
  readonly recipe: Recipe;
  readonly settings: RecipeStore;
  /** Absent for a lake: no export says what its tables must contain. */
  readonly restored: readonly RestoredExport[] | undefined;
}

export interface SourceOptions {
  readonly recipe: Recipe | undefined;
  /** Name of the store in the recipe. */
  readonly store: string;
  readonly signal: AbortSignal;
}

/** @throws NOT_FOUND, LAKE_UNREADABLE, RECIPE_INVALID, USAGE where the recipe has no such store. */
export async function sourceFromLake(folder: string, { recipe, store }: SourceOptions): Promise<RebuildSource> {
  const lake = await lakeFolder(folder);
  const found = recipe ?? (await recipeInLake(lake)) ?? noRecipe(folder);
  return { lake, recipe: found, settings: storeOf(found, store), restored: undefined };
}

export interface ArchiveSourceOptions extends SourceOptions {
  readonly from: ArchivePlace;
  readonly select: ExportSelector | undefined;
  /** An empty folder to restore into. */
  readonly into: string;
  readonly concurrency: number | undefined;
  readonly onProgress: ProgressListener;
}

const READS_AT_ONCE = 16;

/** Restores what the store's tables are made of, and nothing else. @throws what `unpack` does, and as `sourceFromLake`. */
export async function sourceFromArchive(options: ArchiveSourceOptions): Promise<RebuildSource> {
  const { from, select = { all: true }, store, signal, into } = options;
  const archive = await archiveAt(from, { mode: 'read' });
  try {
    const refs = await findExports(archive, select, signal);
    const restored = await mapSettled(refs, READS_AT_ONCE, async (ref) => ({
      ref,
      manifest: await archive.manifest(ref, signal),
    }));
    const packed = options.recipe ?? recipePackedWith(restored.map(({ manifest }) => manifest));
    const recipe = packed ?? (await restoredRecipe(options, archive)) ?? noRecipe(archive.url);
    const settings = storeOf(recipe, store);
    await restore(options, archive, globsOf(recipe, settings));
    return { lake: into, recipe, settings, restored };
  } finally {
    await archive.close();
  }
}

/** The lake's own recipe, which is packed as any file of it. */
async function restoredRecipe(options: ArchiveSourceOptions, archive: Archive): Promise<Recipe | undefined> {
  await restore(options, archive, [RECIPE_NAME]);
  return await recipeInLake(options.into);
}

async function restore(options: ArchiveSourceOptions, archive: Archive, paths: readonly string[]): Promise<void> {
  const { select = { all: true }, into, concurrency, signal, onProgress } = options;
  const common = { from: archive, select, into, paths, merge: true, signal, onProgress };
  const report = await unpack({ ...common, ...(concurrency !== undefined && { concurrency }) });
  const broken = report.findings.find(({ severity }) => severity === 'error');
  if (broken === undefined) return;
  throw new LakepackError('HASH_MISMATCH', broken.message, broken.repair === undefined ? {} : { hint: broken.repair });
}

function globsOf(recipe: Recipe, settings: RecipeStore): readonly string[] {
  return [...new Set(tablesOfStore(recipe, settings).flatMap((table) => recipe.tables[table]?.from ?? []))];
}

function storeOf({ stores }: Recipe, name: string): RecipeStore {
  const settings = Object.hasOwn(stores, name) ? stores[name] : undefined;
  if (settings !== undefined) return settings;
  const names = Object.keys(stores).join(', ');
  throw new LakepackError('USAGE', `${name}: the recipe has no such store: expected one of ${names}`);
}

function noRecipe(where: string): never {
  throw new LakepackError(
    'NOT_FOUND',
    `${where}: has no recipe: expected ${RECIPE_NAME}, or exports with fingerprints`,
    {
      hint: 'give one with --recipe; `lakepack recipe init LAKE` writes one',
    },
  );
}
