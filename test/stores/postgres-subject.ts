/** PostgreSQL as the suite of all stores wants it: places to build in, a look from outside, and changes made by SQL. */
import pg from 'pg';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { DerivedStore, OpenStoreOptions } from '../../src/stores/contract.js';
import { openPostgresStore } from '../../src/stores/postgres.js';
import type { Postgres } from '../servers/postgres.js';
import type { Mutate, StoreSubject } from './store-contract.js';

export interface PostgresSubject extends StoreSubject {
  readonly server: Postgres;
  readonly scratchDir: string;
  readonly options: (into: string, more?: Partial<OpenStoreOptions>) => OpenStoreOptions;
  /** Rows as arrays of texts. */
  sql(text: string): Promise<readonly (readonly (string | null)[])[]>;
}

const SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' ORDER BY 1";

export async function postgresSubject(start: () => Promise<Postgres>): Promise<PostgresSubject> {
  const server = await start();
  const scratchDir = mkdtempSync(path.join(os.tmpdir(), 'lakepack-postgres-store-'));
  const url = new URL(server.url);
  if (server.environment.PGPASSWORD !== undefined) url.password = server.environment.PGPASSWORD;
  const client = new pg.Client({ connectionString: url.href });
  client.on('error', () => undefined);
  await client.connect();
  const before = new Set((await textsOf(client, SCHEMAS)).map(([name]) => name));
  let marks = 0;

  const options: PostgresSubject['options'] = (into, more = {}) => ({
    into: `${server.url}?schema=${into}`,
    settings: { engine: 'postgres' },
    environment: server.environment,
    replace: false,
    marker: `t${process.pid}_${(marks += 1)}`,
    scratchDir,
    signal: new AbortController().signal,
    ...more,
  });
  const subject: PostgresSubject = {
    server,
    scratchDir,
    options,
    sql: async (text) => await textsOf(client, text),
    open: async (into, { replace }) => await openPostgresStore(options(into, { replace })),
    async countAt(into, table) {
      const [found] = await subject.sql(`SELECT to_regclass('"${into}"."${table}"')::text`);
      if (typeof found?.[0] !== 'string') return undefined;
      return Number((await subject.sql(`SELECT count(*) FROM "${into}"."${table}"`))[0]?.[0]);
    },
    everything: async () => (await subject.sql(SCHEMAS)).map(([name]) => String(name)),
    async stop() {
      const made = (await subject.everything()).filter((name) => !before.has(name));
      for (const name of made) await subject.sql(`DROP SCHEMA "${name}" CASCADE`);
      await client.end();
      await server.stop();
      rmSync(scratchDir, { recursive: true });
    },
  };
  return subject;
}

async function textsOf(client: pg.Client, text: string): Promise<readonly (readonly (string | null)[])[]> {
  const types = { getTypeParser: () => (value: string) => value };
  const result = await client.query<(string | null)[]>({ text, rowMode: 'array', types });
  return Array.isArray(result) ? [] : result.rows;
}

export function mutateBySql(sql: PostgresSubject['sql']): Mutate {
  return async (kind, store: DerivedStore, spec) => {
    const table = `"${store.place}"."${spec.name}"`;
    const vectorType = "(SELECT format_type(atttypid, -1) FROM pg_attribute WHERE attname = 'embedding' AND attrelid =";
    switch (kind) {
      case 'one row gone':
        await sql(`DELETE FROM ${table} WHERE id = 'k07'`);
        break;
      case 'one row duplicated':
        await sql(`ALTER TABLE ${table} DROP CONSTRAINT "${spec.name}_pkey"`);
        await sql(`INSERT INTO ${table} SELECT * FROM ${table} WHERE id = 'k07'`);
        break;
      case 'one cell changed':
        await sql(`UPDATE ${table} SET score = 1000007 WHERE id = 'k07'`);
        break;
      case 'null for empty text':
        await sql(`UPDATE ${table} SET note = NULL WHERE id = 'k05' AND note = ''`);
        break;
      case 'one type changed':
        await sql(`ALTER TABLE ${table} ALTER COLUMN score TYPE text`);
        break;
      case 'one vector element changed': {
        const [type] = (await sql(`${vectorType} '${table}'::regclass)`.replace(/^\((.*)\)$/s, '$1')))[0] ?? [];
        const changed = '(embedding::real[])[:3] || 0.5::real || (embedding::real[])[5:]';
        await sql(`UPDATE ${table} SET embedding = (${changed})::${String(type)} WHERE id = 'k07'`);
        break;
      }
      case 'two ids swapped':
        await sql(`UPDATE ${table} SET id = 'swap' WHERE id = 'k07'`);
        await sql(`UPDATE ${table} SET id = 'k07' WHERE id = 'k11'`);
        await sql(`UPDATE ${table} SET id = 'k11' WHERE id = 'swap'`);
        break;
      case 'rows reordered':
        await sql(`CREATE TEMP TABLE reordered AS SELECT * FROM ${table}`);
        await sql(`DELETE FROM ${table}`);
        await sql(`INSERT INTO ${table} SELECT * FROM reordered ORDER BY id DESC`);
        await sql('DROP TABLE reordered');
        break;
    }
    return 'done';
  };
}
