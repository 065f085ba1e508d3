/** The catalog as a Parquet file: read back by two readers that have nothing to do with its writer. */
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CatalogFileRow, writeParquetCatalog } from '../../src/stores/parquet-catalog.js';

const signal = new AbortController().signal;
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lakepack-catalog-'));
  file = path.join(folder, 'catalog.parquet');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const FULL: CatalogFileRow = {
  partitionPath: 'silver/apps/dt=2025-10-11',
  exportId: '20251011T000000Z-0123abcd',
  createdAt: new Date('2025-10-11T00:00:00Z'),
  layer: 'silver',
  dataset: 'apps',
  keys: '{"dt":"2025-10-11"}',
  runId: 'run-é-\u{1F600}',
  path: 'silver/apps/dt=2025-10-11/part "0",\n1.parquet',
  bytes: 2 ** 53 - 1,
  sha256: 'a'.repeat(64),
  mtime: new Date(-1000),
  format: 'parquet',
  compression: 'gzip',
  rows: 0,
  bundle: '20251011T000000Z-0123abcd-00001.tar.zst',
  bundleSha256: 'b'.repeat(64),
  offset: 512,
  storedOffset: 3 * 2 ** 31,
  storedLength: 17,
  skip: 1,
};
const BARE: CatalogFileRow = {
  ...FULL,
  layer: null,
  dataset: null,
  keys: null,
  runId: null,
  path: '',
  bytes: 0,
  format: null,
  compression: null,
  rows: null,
};

async function* rowsOf(...rows: readonly CatalogFileRow[]): AsyncGenerator<CatalogFileRow> {
  yield* rows;
}

async function duckDb(sql: string): Promise<readonly (readonly unknown[])[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function bytesOf(name: string): ArrayBuffer {
  return new Uint8Array(readFileSync(name)).buffer;
}

describe('the file', () => {
  test('has every value, NULL and empty apart, for hyparquet', async () => {
    expect(await writeParquetCatalog(rowsOf(FULL, BARE), file, { signal })).toEqual({ rows: 2 });
    const found = await parquetReadObjects({ file: bytesOf(file) });
    const numbers = found.map((row) => mapValues(row, (cell) => (typeof cell === 'bigint' ? Number(cell) : cell)));
    expect(numbers).toEqual([FULL, BARE]);
  });

  test('has the types that a data frame wants, for DuckDB', async () => {
    await writeParquetCatalog(rowsOf(FULL, BARE), file, { signal });
    const types = await duckDb(`SELECT column_name, column_type FROM (DESCRIBE FROM '${file}')`);
    const names = Object.keys(FULL);
    const typeOf = (name: string): string => {
      if (name === 'createdAt' || name === 'mtime') return 'TIMESTAMP';
      return /^(bytes|rows|offset|stored.*|skip)$/.test(name) ? 'BIGINT' : 'VARCHAR';
    };
    expect(types.map(([name, type]) => [name, String(type).replace(' WITH TIME ZONE', '')])).toEqual(
      names.map((name) => [name, typeOf(name)]),
    );
    const rows = await duckDb(`SELECT path, bytes::VARCHAR, rows, epoch_ms(mtime)::INT, keys FROM '${file}'`);
    expect(rows).toEqual([
      [FULL.path, String(FULL.bytes), '0', -1000, FULL.keys],
      ['', '0', null, -1000, null],
    ]);
  });

  test('of many rows is in groups, so that memory does not grow with them', async () => {
    const total = 20_000;
    async function* many(): AsyncGenerator<CatalogFileRow> {
      for (let row = 0; row < total; row += 1) yield { ...(row % 3 === 0 ? BARE : FULL), path: `a/${row}`, bytes: row };
    }
    expect(await writeParquetCatalog(many(), file, { signal })).toEqual({ rows: total });
    expect(parquetMetadata(bytesOf(file)).row_groups.length).toBeGreaterThan(2);
    const sums = await duckDb(
      `SELECT count(*)::INT, count(DISTINCT path)::INT, sum(bytes)::VARCHAR, count(rows)::INT FROM '${file}'`,
    );
    expect(sums).toEqual([[total, total, String((total * (total - 1)) / 2), total - Math.ceil(total / 3)]]);
  });

  test('of no rows is a sound one all the same', async () => {
    await writeParquetCatalog(rowsOf(), file, { signal });
    expect(await duckDb(`SELECT count(*)::INT FROM '${file}'`)).toEqual([[0]]);
  });
});

describe('a failure', () => {
  test('of the rows leaves what was there', async () => {
    writeFileSync(file, 'old');
    async function* failing(): AsyncGenerator<CatalogFileRow> {
      yield FULL;
      throw new Error('the archive is gone');
    }
    await expect(writeParquetCatalog(failing(), file, { signal })).rejects.toThrow('the archive is gone');
    expect(readdirSync(folder)).toEqual(['catalog.parquet']);
    expect(readFileSync(file, 'utf8')).toBe('old');
  });

  test('a signal ends it, with nothing left', async () => {
    const abort = new AbortController();
    async function* stopping(): AsyncGenerator<CatalogFileRow> {
      yield FULL;
      abort.abort();
      yield FULL;
    }
    const written = writeParquetCatalog(stopping(), file, { signal: abort.signal });
    await expect(written).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a folder that is missing is told', async () => {
    const written = writeParquetCatalog(rowsOf(FULL), path.join(folder, 'no/catalog.parquet'), { signal });
    await expect(written).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

function mapValues(row: object, map: (cell: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, map(cell)]));
}
