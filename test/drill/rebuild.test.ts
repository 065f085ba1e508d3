import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packWithFingerprints } from '../../src/drill/pack-with-fingerprints.js';
import { rebuild, type RebuildOptions } from '../../src/drill/rebuild.js';
import { pack } from '../../src/operations/pack.js';
import type { Recipe } from '../../src/schema/recipe.js';
import { parseManifest } from '../../src/schema/parse-manifest.js';
import { serializeManifest } from '../../src/schema/serialize-manifest.js';

const RECIPE: Recipe = {
  recipeVersion: 1,
  tables: {
    v: { from: ['silver/v/**/*.csv'], columns: { id: 'BIGINT', name: 'VARCHAR', dt: 'DATE' }, keys: ['id'] },
    counted: {
      from: ['silver/v/**/*.csv'],
      sql: 'SELECT dt, count(*) AS n FROM source GROUP BY dt',
      columns: { dt: 'DATE', n: 'BIGINT' },
    },
  },
  stores: { db: { engine: 'duckdb' }, small: { engine: 'duckdb', tables: ['v'] } },
};

let root: string;
let into: string;
let scratch: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'lakepack-test-'));
  [into, scratch] = [path.join(root, 'out/db.duckdb'), path.join(root, 'scratch')];
  mkdirSync(path.dirname(into));
  write('silver/v/dt=2024-05-01/a.csv', 'id,name\n1,one\n2,\n');
  write('silver/v/dt=2024-05-02/a.csv', 'id,name\n3,three\n');
  write('silver/other/large.txt', 'of no table');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(lakePath: string, text: string): void {
  const file = path.join(root, 'lake', lakePath);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function places(): { lake: string; to: string; stateDir: string } {
  return { lake: path.join(root, 'lake'), to: path.join(root, 'archive'), stateDir: path.join(root, 'state') };
}

function rebuildDb(options: Partial<RebuildOptions> = {}): ReturnType<typeof rebuild> {
  const from = options.lake === undefined ? { from: path.join(root, 'archive') } : {};
  return rebuild({ ...from, store: 'db', into, scratch, ...options });
}

function leftOvers(): string[] {
  return [...(existsSync(scratch) ? readdirSync(scratch) : []), ...readdirSync(path.dirname(into))];
}

describe('a rebuild from an archive', () => {
  test('takes the recipe that the exports were packed with, and compares with what they say', async () => {
    await packWithFingerprints({ ...places(), recipe: RECIPE });
    const report = await rebuildDb();
    expect(report).toMatchObject({ store: 'db', engine: 'duckdb', into });
    expect(report.tables).toEqual([
      { name: 'v', rows: 3, compared: 'manifest' },
      { name: 'counted', rows: 2, compared: 'manifest' },
    ]);
    expect(report.steps.map(({ name }) => name)).toEqual(['restore', 'read', 'build', 'compare', 'publish']);
    expect(leftOvers()).toEqual(['db.duckdb']);
  });

  test('takes the recipe that was packed as a file where there are no fingerprints, and compares with the files', async () => {
    write('lakepack.recipe.json', JSON.stringify(RECIPE));
    await pack(places());
    const report = await rebuildDb({ store: 'small' });
    expect(report.tables).toEqual([{ name: 'v', rows: 3, compared: 'files' }]);
  });

  test('of some of the exports compares what their parts add up to', async () => {
    await packWithFingerprints({ ...places(), recipe: RECIPE });
    const report = await rebuildDb({ select: { exports: ['silver/v/dt=2024-05-01'] } });
    expect(report.tables).toEqual([
      { name: 'v', rows: 2, compared: 'manifest' },
      // Of lake scope: the exports speak of both files, and one was restored.
      { name: 'counted', rows: 1, compared: 'files' },
    ]);
  });

  test('puts nothing in place when the rows are not those that were packed, and leaves what stood there', async () => {
    await packWithFingerprints({ ...places(), recipe: RECIPE });
    const db = await rebuildDb();
    const before = readFileSync(db.into);
    const forged = { ...RECIPE, tables: { ...RECIPE.tables } };
    forgeFingerprint();
    await expect(rebuildDb({ recipe: forged, replace: true })).rejects.toMatchObject({
      code: 'STORE_REFUSED',
      message: expect.stringContaining('v: ') as string,
    });
    expect(readFileSync(into).equals(before)).toBe(true);
    expect(leftOvers()).toEqual(['db.duckdb']);
    expect((await rebuildDb({ replace: true, compare: false })).tables[0]?.compared).toBe('no');
  });

  test('refuses a target that is not empty unless told', async () => {
    await packWithFingerprints({ ...places(), recipe: RECIPE });
    await rebuildDb();
    await expect(rebuildDb()).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    expect((await rebuildDb({ replace: true })).tables).toHaveLength(2);
  });

  test('with two rows of one key builds nothing', async () => {
    write('silver/v/dt=2024-05-03/a.csv', 'id,name\n1,again\n');
    await packWithFingerprints({ ...places(), recipe: RECIPE });
    await expect(rebuildDb()).rejects.toMatchObject({ code: 'KEYS_NOT_UNIQUE' });
    expect(leftOvers()).toEqual([]);
  });
});

/** The words of one manifest are changed as by somebody who can make its digest anew. */
function forgeFingerprint(): void {
  const folder = path.join(root, 'archive/manifests/silver/v/dt=2024-05-02');
  const file = path.join(folder, readdirSync(folder)[0] ?? '');
  const manifest = parseManifest(readFileSync(file), file);
  const v = manifest.fingerprints?.tables['v'];
  if (manifest.fingerprints === undefined || v === undefined) throw new Error('there is no fingerprint');
  const tables = { ...manifest.fingerprints.tables, v: { ...v, digest: '0'.repeat(32) } };
  writeFileSync(file, serializeManifest({ ...manifest, fingerprints: { ...manifest.fingerprints, tables } }));
}

describe('a rebuild from a lake', () => {
  test('takes its recipe, and compares with its files', async () => {
    write('lakepack.recipe.json', JSON.stringify(RECIPE));
    const report = await rebuildDb({ lake: path.join(root, 'lake') });
    expect(report.tables.map(({ compared }) => compared)).toEqual(['files', 'files']);
  });

  test('says what is missing: a recipe, a store, a source', async () => {
    const lake = path.join(root, 'lake');
    await expect(rebuildDb({ lake })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(rebuildDb({ lake, recipe: RECIPE, store: 'x' })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(rebuild({ store: 'db', into, lake, from: lake })).rejects.toMatchObject({ code: 'USAGE' });
  });
});
