import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { recipeInLake, recipePackedWith } from '../../src/drill/find-recipe.js';
import { inputsDigestOf } from '../../src/drill/inputs-digest.js';
import { listLakeFiles } from '../../src/drill/list-lake-files.js';
import type { ExportManifest } from '../../src/schema/export-manifest.js';
import { recipeDigest } from '../../src/schema/parse-recipe.js';
import type { Recipe } from '../../src/schema/recipe.js';

let lake: string;
const signal = new AbortController().signal;

beforeEach(() => {
  lake = mkdtempSync(path.join(tmpdir(), 'lakepack-test-'));
});
afterEach(() => rmSync(lake, { recursive: true, force: true }));

function write(lakePath: string, text: string | Buffer): void {
  mkdirSync(path.dirname(path.join(lake, lakePath)), { recursive: true });
  writeFileSync(path.join(lake, lakePath), text);
}

function recipeFrom(glob: string): Recipe {
  return { recipeVersion: 1, tables: { v: { from: [glob], columns: { id: 'BIGINT' } } }, stores: {} };
}

function packedAt(createdAt: string, recipe: Recipe, sha256 = recipeDigest(recipe)): ExportManifest {
  const fingerprints = { recipe: { sha256, content: recipe }, tables: {} };
  return { exportId: createdAt, createdAt, fingerprints } as unknown as ExportManifest;
}

describe('the recipe of a lake', () => {
  test('is read from its root, and absent without a fault', async () => {
    expect(await recipeInLake(lake)).toBeUndefined();
    write('lakepack.recipe.json', JSON.stringify(recipeFrom('a/*.csv')));
    expect(await recipeInLake(lake)).toEqual(recipeFrom('a/*.csv'));
  });

  test('is refused when it is none, is a folder, or is too large', async () => {
    write('lakepack.recipe.json', '{"recipeVersion":1}');
    await expect(recipeInLake(lake)).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
    write('lakepack.recipe.json', Buffer.alloc(300 * 1024, ' '));
    await expect(recipeInLake(lake)).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
    rmSync(path.join(lake, 'lakepack.recipe.json'));
    mkdirSync(path.join(lake, 'lakepack.recipe.json'));
    await expect(recipeInLake(lake)).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
  });
});

describe('the recipe that exports were packed with', () => {
  test('is that of the newest, wherever it stands', () => {
    const [old, young] = [recipeFrom('old/*.csv'), recipeFrom('young/*.csv')];
    const manifests = [packedAt('2025-02-01T00:00:00Z', young), packedAt('2025-01-01T00:00:00Z', old)];
    expect(recipePackedWith(manifests)).toEqual(young);
    expect(recipePackedWith(manifests.toReversed())).toEqual(young);
    expect(recipePackedWith([])).toBeUndefined();
  });

  test('is refused when it is not the one of its digest', () => {
    const changed = packedAt('2025-01-01T00:00:00Z', recipeFrom('a'), '0'.repeat(64));
    expect(() => recipePackedWith([changed])).toThrow(expect.objectContaining({ code: 'RECIPE_INVALID' }));
  });
});

describe('the files of a lake', () => {
  test('are listed in the order of their bytes, without links and what lakepack wrote', async () => {
    write('b/2.csv', '2');
    write('a/1.csv', '1');
    write('.lakepack/journal', '');
    write('exports/x/20250101T000000Z-00000000/SHA256SUMS', '');
    symlinkSync('2.csv', path.join(lake, 'b/link.csv'));
    mkdirSync(path.join(lake, 'empty'));
    expect(await listLakeFiles(lake, signal)).toEqual(['a/1.csv', 'b/2.csv']);
  });

  test('have a digest that does not hang on the order in which they are given', async () => {
    write('b', '2');
    write('a', '1');
    const digest = await inputsDigestOf(lake, ['b', 'a'], signal);
    expect(digest).toBe(await inputsDigestOf(lake, ['a', 'b'], signal));
    // printf '1' > a; printf '2' > b; sha256sum a b | sha256sum
    expect(digest).toBe('68c2919f4305e50800082ab7f11eb17d96c7832f59154e97b1d373a5179a63ea');
    await expect(inputsDigestOf(lake, ['gone'], signal)).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
  });
});
