/** SQL of strangers: what is refused, and that the engine is shut in where something should get through. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import { type Engine, openEngine } from '../../src/stores/duckdb-engine.js';
import { judgeSql } from '../../src/stores/duckdb-sql-scope.js';

const call = { signal: new AbortController().signal, subject: 'table t' };
let home: string;
let engine: Engine;

beforeAll(async () => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'lakepack-sql-'));
  for (const name of ['lake', 'scratch', 'outside']) fs.mkdirSync(path.join(home, name));
  fs.writeFileSync(path.join(home, 'lake/a.csv'), 'a\n1\n');
  fs.writeFileSync(path.join(home, 'outside/secret.csv'), 'secret\n42\n');
  engine = await openEngine({ folders: [path.join(home, 'lake')], scratchDir: path.join(home, 'scratch') });
});

afterAll(() => {
  engine.close();
  fs.rmSync(home, { recursive: true, force: true });
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'taken';
  } catch (error) {
    return isLakepackError(error) ? error.code : String(error);
  }
}

describe('judgeSql refuses', () => {
  test.each([
    "COPY source TO '/tmp/x.csv'",
    "COPY (SELECT 1) TO '/tmp/x.csv'",
    "ATTACH '/tmp/x.duckdb' AS x",
    'INSTALL httpfs',
    'LOAD httpfs',
    "PRAGMA memory_limit='1TB'",
    "SET memory_limit='1TB'",
    'RESET enable_external_access',
    'CREATE TABLE x AS SELECT 1',
    'INSERT INTO source VALUES (1)',
    'DROP TABLE source',
    "EXPORT DATABASE '/tmp/x'",
    'CALL duckdb_settings()',
    'CHECKPOINT',
    'EXPLAIN ANALYZE SELECT * FROM source',
    'DESCRIBE source',
    'SUMMARIZE source',
    'SHOW TABLES',
    'BEGIN',
    'PREPARE p AS SELECT 1',
    'SELECT 1 AS a; SELECT 2 AS a',
    "SELECT * FROM source; COPY source TO '/tmp/x'",
    '',
    ';',
    '-- nothing',
    'SELEC * FROM source',
    '\u0000',
  ])('what is no single SELECT: %j', async (sql) => {
    expect(await codeOf(judgeSql(engine, sql, call))).toBe('RECIPE_INVALID');
  });

  test.each([
    "read_csv('/etc/passwd')",
    "read_text('/etc/passwd')",
    "read_blob('/etc/passwd')",
    "read_parquet('https://example.invalid/x.parquet')",
    "read_json('s3://bucket/x.json')",
    "glob('/**')",
    "sniff_csv('/etc/passwd')",
    "parquet_metadata('/tmp/x.parquet')",
    "'/etc/passwd'",
    "'https://example.invalid/x.csv'",
    '"/etc/passwd"',
    'duckdb_settings()',
    'duckdb_secrets()',
    "query('SELECT 1')",
    "query_table('source')",
    'information_schema.tables',
    'pg_catalog.pg_tables',
    'main.source',
    'other.main.source',
    "pragma_table_info('source')",
  ])('reading anything but source: %s', async (from) => {
    for (const sql of [`SELECT * FROM ${from}`, `SELECT a FROM source, ${from} AS x`])
      expect([sql, await codeOf(judgeSql(engine, sql, call))]).toEqual([sql, 'RECIPE_INVALID']);
  });

  test.each([
    "SELECT (SELECT count(*) FROM read_text('/etc/passwd')) AS a FROM source",
    "SELECT a FROM source WHERE a IN (SELECT 1 FROM '/etc/passwd')",
    "WITH w AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM w",
    "WITH w AS (SELECT a FROM source) SELECT * FROM w, 'w.csv'",
    "SELECT a FROM source UNION ALL SELECT 1 FROM glob('/*')",
    "SELECT a FROM source ORDER BY (SELECT count(*) FROM glob('/*'))",
    "SELECT list_transform([1], lambda x: (SELECT count(*) FROM glob('/*'))) AS a FROM source",
    "FROM source SELECT a, (FROM read_text('/etc/passwd') SELECT content) AS b",
    'SELECT * FROM (WITH "/tmp/a.csv" AS (SELECT 1) SELECT 1), "/tmp/a.csv"',
    'SELECT * FROM (WITH duckdb_settings AS (SELECT 1) SELECT 1), duckdb_settings',
    'SELECT * FROM (WITH sqlite_master AS (SELECT 1) SELECT 1), sqlite_master',
  ])('reading it where it is hidden: %s', async (sql) => {
    expect(await codeOf(judgeSql(engine, sql, call))).toBe('RECIPE_INVALID');
  });

  test.each([
    ...[
      'random()',
      'now()',
      'uuid()',
      'gen_random_uuid()',
      'current_timestamp',
      'current_date',
      'localtime',
      'today()',
    ],
    ...["getenv('HOME')", "getvariable('x')", "current_setting('temp_directory')", 'current_user', 'version()'],
    ...["nextval('x')", 'txid_current()', 'current_query()', 'pg_backend_pid()'],
  ])('what tells of the machine or the moment: %s', async (expression) => {
    expect(await codeOf(judgeSql(engine, `SELECT ${expression} AS a FROM source`, call))).toBe('RECIPE_INVALID');
    expect(await codeOf(judgeSql(engine, `SELECT 1 AS a FROM source WHERE ${expression} IS NULL`, call))).toBe(
      'RECIPE_INVALID',
    );
  });
});

describe('judgeSql takes', () => {
  test.each<[string, 'export' | 'lake']>([
    ['SELECT a, upper(b) AS b FROM source WHERE a > 1', 'export'],
    ['from source', 'export'],
    ['SELECT unnest(l) AS a FROM source AS s', 'export'],
    ['SELECT * EXCLUDE (b) REPLACE (a + 1 AS a) FROM source', 'export'],
    ['SELECT list_sum(list_transform(l, lambda x: x + 1)) AS a FROM source', 'export'],
    ['SELECT count(*) AS a FROM source', 'lake'],
    ['SELECT a FROM source LIMIT 1', 'lake'],
    ['SELECT a FROM source ORDER BY a', 'lake'],
    ['SELECT DISTINCT a FROM source', 'lake'],
    ['SELECT a FROM source GROUP BY a', 'lake'],
    ['SELECT a FROM source GROUP BY ALL', 'lake'],
    ['SELECT a, row_number() OVER () AS n FROM source', 'lake'],
    ['SELECT a FROM source QUALIFY row_number() OVER (PARTITION BY a) = 1', 'lake'],
    ['SELECT x.a FROM source AS x JOIN source AS y USING (a)', 'lake'],
    ['SELECT a FROM source UNION ALL SELECT a FROM source', 'lake'],
    ['WITH w AS (SELECT a FROM source) SELECT a FROM w', 'lake'],
    ['SELECT a FROM source WHERE a = (SELECT max(a) FROM source)', 'lake'],
  ])('%s, of its scope', async (sql, scope) => {
    expect(await judgeSql(engine, sql, call)).toMatchObject({ scope });
  });
});

describe('the engine, should a query get through,', () => {
  const place = (name: string): string => path.join(home, name);

  test.each<[string, () => string]>([
    ['reads no file outside', () => `SELECT * FROM read_csv('${place('outside/secret.csv')}')`],
    ['reads no file outside by its path alone', () => `SELECT * FROM '${place('outside/secret.csv')}'`],
    ['reads no file outside over ..', () => `SELECT * FROM read_text('${place('lake/../outside/secret.csv')}')`],
    ['lists no folder outside', () => `SELECT * FROM glob('${place('outside/*')}')`],
    ['writes no file outside', () => `COPY (SELECT 1) TO '${place('outside/x.csv')}'`],
    ['attaches no database outside', () => `ATTACH '${place('outside/x.duckdb')}'`],
    ['reaches no network', () => `SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')`],
    ['installs nothing', () => 'INSTALL httpfs'],
    ['opens nothing again', () => 'SET enable_external_access = true'],
    ['adds no folder', () => `SET allowed_directories = ['/']`],
    ['raises no limit', () => `SET memory_limit = '1TB'`],
  ])('%s', async (_, sql) => {
    const answer = await engine.rows(sql(), call).then(
      (rows) => ({ rows }),
      () => 'refused',
    );
    expect(answer === 'refused' || (answer as { rows: readonly unknown[] }).rows.length === 0).toBe(true);
    expect(fs.readdirSync(place('outside'))).toEqual(['secret.csv']);
  });
});
