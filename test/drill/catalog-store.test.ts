/** The catalog of an archive, told by the archive itself. */
import { parquetReadObjects } from 'hyparquet';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { writeCatalogOf } from '../../src/drill/catalog-store.js';
import { packInto, placeWith } from '../operations/lakes.js';

const signal = new AbortController().signal;

interface Row {
  readonly path: string;
  readonly partitionPath: string;
  readonly bytes: bigint;
  readonly bundle: string;
  readonly keys: string | null;
}

async function readCatalog(file: string): Promise<readonly Row[]> {
  return (await parquetReadObjects({ file: new Uint8Array(fs.readFileSync(file)).buffer })) as unknown as Row[];
}

test('every file of every export has a row, and a folder has none', async () => {
  const place = placeWith();
  await packInto(place);
  const into = path.join(path.dirname(place.archive), 'catalog.parquet');
  expect(await writeCatalogOf({ from: place.archive, into, replace: false, signal })).toEqual({ exports: 4, rows: 4 });
  const rows = await readCatalog(into);
  expect(rows.map((row) => row.path).sort()).toEqual([
    'bronze/apps/2025/10/11/run-a/appid=1.json',
    'bronze/apps/2025/10/11/run-a/appid=2.json',
    'silver/apps/dt=2025-10-11/part-0.csv',
    'silver/apps/dt=2025-10-12/part-0.csv',
  ]);
  const csv = rows.find((row) => row.path === 'silver/apps/dt=2025-10-11/part-0.csv');
  expect(csv).toMatchObject({ bytes: 14n, partitionPath: 'silver/apps/dt=2025-10-11', keys: '{"dt":"2025-10-11"}' });
  expect(csv?.bundle).toMatch(/-00001\.tar\.zst$/);
});

test('a selection narrows it, and a file is replaced only when that was said', async () => {
  const place = placeWith();
  await packInto(place);
  const into = path.join(path.dirname(place.archive), 'catalog.parquet');
  const options = { from: place.archive, into, select: { layers: ['bronze'] }, signal };
  await writeCatalogOf({ ...options, replace: false });
  await expect(writeCatalogOf({ ...options, replace: false })).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
  expect(await writeCatalogOf({ ...options, replace: true })).toMatchObject({ rows: 2 });
  const folder = { ...options, into: place.archive, replace: true };
  await expect(writeCatalogOf(folder)).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
});
