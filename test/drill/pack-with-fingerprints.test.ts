import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openArchive } from '../../src/archive/archive.js';
import type { ExportRef } from '../../src/archive/layout.js';
import { newestOfEach } from '../../src/archive/select-exports.js';
import { openFingerprinter } from '../../src/drill/fingerprint-exports.js';
import { packWithFingerprints } from '../../src/drill/pack-with-fingerprints.js';
import { pack } from '../../src/operations/pack.js';
import type { ExportManifest } from '../../src/schema/export-manifest.js';
import type { Recipe } from '../../src/schema/recipe.js';

const DAY = 'silver/v/dt=2024-05-01';
const RECIPE: Recipe = {
  recipeVersion: 1,
  tables: {
    v: {
      from: ['silver/v/**/*.csv'],
      columns: { id: 'BIGINT', name: 'VARCHAR', dt: 'DATE' },
      keys: ['id'],
    },
    counted: {
      from: ['silver/v/**/*.csv'],
      sql: 'SELECT dt, count(*) AS n FROM source GROUP BY dt',
      columns: { dt: 'DATE', n: 'BIGINT' },
      keys: ['dt'],
    },
  },
  stores: { db: { engine: 'duckdb' } },
};

let root: string;
let lake: string;
let archive: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'lakepack-test-'));
  lake = path.join(root, 'lake');
  archive = path.join(root, 'archive');
  write(`${DAY}/a.csv`, 'id,name\n1,one\n2,\n');
  write('silver/v/dt=2024-05-02/a.csv', 'id,name\n3,three\n');
  write('silver/other/readme.txt', 'feeds nothing');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(lakePath: string, text: string): void {
  const file = path.join(lake, lakePath);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function options(to = archive): { lake: string; to: string; stateDir: string } {
  return { lake, to, stateDir: path.join(root, 'state') };
}

function packAll(recipe: Recipe = RECIPE): ReturnType<typeof packWithFingerprints> {
  return packWithFingerprints({ ...options(), recipe });
}

/** Of the newest export of each path. */
async function manifests(): Promise<Map<string, ExportManifest>> {
  const opened = await openArchive(archive, { mode: 'read' });
  const refs: ExportRef[] = [];
  for await (const ref of opened.list()) refs.push(ref);
  const pairs = await Promise.all(
    newestOfEach(refs).map(async (ref) => [ref.path, await opened.manifest(ref)] as const),
  );
  await opened.close();
  return new Map(pairs);
}

function bundlesIn(folder: string): string[] {
  return readdirSync(path.join(folder, 'exports'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.tar.zst'))
    .sort();
}

describe('packing with fingerprints', () => {
  test('says in each manifest what the tables made of its files contain, and with which recipe', async () => {
    await packAll();
    const day = (await manifests()).get(DAY)?.fingerprints;
    expect(day?.recipe.content).toEqual(RECIPE);
    expect(day?.tables['v']).toMatchObject({ scope: 'export', files: 1, rows: 2 });
    expect(day?.tables['counted']).toMatchObject({ scope: 'lake', files: 2, rows: 2 });
    expect(day?.tables['counted']?.inputs).toMatch(/^[0-9a-f]{64}$/);
  });

  test('says nothing of an export that feeds no table', async () => {
    await packAll();
    expect((await manifests()).get('silver/other')).not.toHaveProperty('fingerprints');
  });

  test('writes the same bundles as without', async () => {
    await packAll();
    await pack(options(path.join(root, 'plain')));
    const [one, other] = [archive, path.join(root, 'plain')].map((folder) =>
      bundlesIn(folder).map((name) => readFileSync(path.join(folder, 'exports', name)).toString('base64')),
    );
    expect(one).toEqual(other);
    expect(one).toHaveLength(3);
  });

  test('leaves alone what has its fingerprints, also when this machine has forgotten all it knew', async () => {
    await packAll();
    expect((await packAll()).totals).toMatchObject({ packed: 0, unchanged: 3 });
    rmSync(path.join(root, 'state'), { recursive: true });
    expect((await packAll()).totals).toMatchObject({ packed: 0, unchanged: 3 });
  });

  test('packs an unchanged export again for the fingerprints that it does not have, and says so', async () => {
    await pack(options());
    const report = await packAll();
    const day = report.exports.find((one) => one.path === DAY);
    expect(day).toMatchObject({ status: 'packed', againForTables: ['v', 'counted'] });
    expect(report.totals).toMatchObject({ packed: 2, unchanged: 1 });
  });

  test('packs again when a definition changes, and not when only a store does', async () => {
    await packAll();
    const stores = { ...RECIPE.stores, search: { engine: 'lancedb' as const } };
    expect((await packAll({ ...RECIPE, stores })).totals.packed).toBe(0);
    const v = { ...RECIPE.tables['v'], from: ['silver/v/**/*.csv'], columns: { id: 'INTEGER' } };
    const report = await packAll({ ...RECIPE, tables: { ...RECIPE.tables, v } });
    expect(report.exports.find((one) => one.path === DAY)?.againForTables).toEqual(['v']);
  });

  test('takes the recipe of the lake, and says where there is none', async () => {
    await expect(packWithFingerprints(options())).rejects.toMatchObject({ code: 'NOT_FOUND' });
    write('lakepack.recipe.json', JSON.stringify(RECIPE));
    expect((await packWithFingerprints(options())).totals.packed).toBe(4);
  });
});

describe('a table that cannot be fingerprinted', () => {
  beforeEach(() => write('silver/v/dt=2024-05-02/a.csv', 'id,name\nthree,3\n'));

  test('is a finding of its export alone, which is packed all the same', async () => {
    const report = await packAll();
    const bad = report.exports.find((one) => one.path.endsWith('02'));
    expect(bad?.status).toBe('packed');
    expect(bad?.findings.map(({ code, severity }) => [code, severity])).toEqual([['FINGERPRINT_FAILED', 'error']]);
    expect(report.exports.find((one) => one.path === DAY)?.findings).toEqual([]);
    const packed = await manifests();
    expect(Object.keys(packed.get(bad?.path ?? '')?.fingerprints?.tables ?? {})).toEqual(['counted']);
    expect(Object.keys(packed.get(DAY)?.fingerprints?.tables ?? {})).toEqual(['v', 'counted']);
  });

  test('is told at every run, and stored once', async () => {
    await packAll();
    const again = await packAll();
    const bad = again.exports.find((one) => one.path.endsWith('02'));
    expect(bad).toMatchObject({ status: 'unchanged', findings: [{ code: 'FINGERPRINT_FAILED' }] });
    expect(again.totals.packed).toBe(0);
  });
});

test('a query that is none stops the pack before anything is stored', async () => {
  const v = { from: ['silver/v/**/*.csv'], sql: 'DROP TABLE source', columns: { id: 'BIGINT' } };
  await expect(packAll({ ...RECIPE, tables: { v } })).rejects.toMatchObject({ code: 'RECIPE_INVALID' });
  expect(await manifests()).toEqual(new Map());
});

test('a file that changes after it was described fails its export, so that no fingerprint speaks of other bytes', async () => {
  const scratchDir = mkdtempSync(path.join(root, 'scratch-'));
  const real = await openFingerprinter({ lake, recipe: RECIPE, scratchDir, signal: new AbortController().signal });
  const describeThenChange: typeof real.describe = async (exports, call) => {
    const described = await real.describe(exports, call);
    write(`${DAY}/a.csv`, 'id,name\n9,nine\n2,\n');
    utimesSync(path.join(lake, DAY, 'a.csv'), 1, 1);
    return described;
  };
  const fingerprint = {
    tablesFedBy: (lakePath: string) => real.tablesFedBy(lakePath),
    definitionOf: (table: string) => real.definitionOf(table),
    describe: describeThenChange,
  };
  const report = await pack({ ...options(), fingerprint });
  await real.close();
  const day = report.exports.find((one) => one.path === DAY);
  expect(day).toMatchObject({ status: 'failed', findings: [{ code: 'SOURCE_CHANGED' }] });
});
