/** PostgreSQL 15, as Debian has it. Vectors with pgvector: `postgres-vectors.test.ts`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DerivedStore, LogicalType, TableRows, TableSpec } from '../../src/stores/contract.js';
import { openPostgresStore } from '../../src/stores/postgres.js';
import { quoteEndMarks } from '../../src/stores/postgres-copy.js';
import { makeSecret } from '../servers/keys.js';
import { describeStore, items } from './store-contract.js';
import { column, tableRows } from './support/table-rows.js';
import { mutateBySql, postgresSubject, type PostgresSubject } from './postgres-subject.js';
import { postgresMissing, startPostgres } from '../servers/postgres.js';

const missing = postgresMissing();
const call = { signal: new AbortController().signal };
let own: PostgresSubject;

beforeAll(async () => {
  if (missing === undefined) own = await postgresSubject(startPostgres);
});
afterAll(async () => {
  if (missing === undefined) await own.stop();
});

describeStore('postgres', async () => ({ ...own, stop: async () => undefined }), {
  refuses: ['a_nanosecond'],
  manyRows: 2_000,
  mutate: async (...change) => await mutateBySql(own.sql)(...change),
  ...(missing === undefined ? {} : { missing }),
});

describe.skipIf(missing !== undefined)('a PostgreSQL store', () => {
  test('what a killed run left is dropped by the next one, and a live build is not', async () => {
    const live = await openPostgresStore(own.options('shop'));
    const child = await buildInChild(own, 'shop');
    const left = (await own.everything()).filter((name) => name.startsWith('shop__lakepack_') && name !== live.place);
    expect(left).toHaveLength(1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const next = await openWhenGone(own, 'shop', left[0]!);
    const names = await own.everything();
    expect(names).toContain(live.place);
    expect(names).not.toContain(left[0]);
    for (const store of [live, next]) {
      await store.discard();
      await store.close();
    }
  });

  test('a password in the target is refused and not repeated', async () => {
    const password = makeSecret();
    const into = own.server.url.replace('@', `:${password}@`);
    const error = await openPostgresStore({ ...own.options('x'), into: `${into}?schema=x` }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'USAGE' });
    expect(inspect(error)).not.toContain(password);
  });

  test('a wrong password, no server, and no database are each told as unavailable', async () => {
    const password = makeSecret();
    const wrong = own.options('x', { environment: { PGPASSWORD: password } });
    const error = await openPostgresStore(wrong).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', hint: expect.stringContaining('PGPASSWORD') });
    expect(inspect(error, { depth: 8 })).not.toContain(password);
    const nowhere = own.options('x', { into: 'postgres://me@127.0.0.1:1/db?schema=x' });
    await expect(openPostgresStore(nowhere)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    const noDatabase = own.options('x', { into: `${own.server.url.replace(/[^/]*$/, 'missing')}?schema=x` });
    await expect(openPostgresStore(noDatabase)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('a view in another schema keeps the tables that it is made from', async () => {
    await publish(own, 'viewed', 2, false);
    await own.sql('CREATE SCHEMA reports; CREATE VIEW reports.all_items AS SELECT * FROM viewed.items');
    await expect(publish(own, 'viewed', 3, true)).rejects.toMatchObject({ code: 'TARGET_CONFLICT' });
    expect((await own.sql('SELECT count(*) FROM reports.all_items'))[0]?.[0]).toBe('2');
    expect((await own.everything()).filter((name) => name.startsWith('viewed'))).toEqual(['viewed']);
  });

  test('who could read the old tables can read the new ones', async () => {
    await publish(own, 'granted', 2, false);
    await own.sql(
      'CREATE ROLE reader; GRANT USAGE ON SCHEMA granted TO reader; GRANT SELECT ON granted.items TO reader',
    );
    await publish(own, 'granted', 3, true);
    await own.sql('SET ROLE reader');
    expect((await own.sql('SELECT count(*) FROM granted.items'))[0]?.[0]).toBe('3');
    await own.sql('RESET ROLE; DROP OWNED BY reader; DROP ROLE reader');
  });

  test('text with a NUL character is refused with its column and key', async () => {
    const spec = { ...items(false).spec, name: 'nul' };
    const rows = tableRows(spec, [['a', 'b', 1]]);
    // As DuckDB can hold it, and SQL text cannot say it.
    const withNul: TableRows = {
      ...rows,
      writeCsv: async (file) => {
        writeFileSync(file, 'a,"x\0y",1\n');
        return 1;
      },
      batches: async function* () {
        yield { rows: 1, columns: [['a'], ['x\0y'], [1]] };
      },
    };
    const store = await openPostgresStore(own.options('nul'));
    const message = /table nul, column note, row id="a"/;
    await expect(store.build(withNul, call)).rejects.toMatchObject({
      code: 'STORE_REFUSED',
      message: expect.stringMatching(message),
    });
    await store.discard();
    await store.close();
  });

  test('a line of \\. is a value like any other', async () => {
    const spec = { ...items(false).spec, name: 'marks', columns: items(false).spec.columns.slice(0, 1), keys: [] };
    const rows = tableRows(spec, [['\\.'], ['a\n\\.\nb'], ['z'], [null], ['']]);
    const unquoted: TableRows = {
      ...rows,
      writeCsv: async (file) => {
        writeFileSync(file, '\\.\n"a\n\\.\nb"\nz\n\n""\n');
        return 5;
      },
    };
    const store = await openPostgresStore(own.options('marks'));
    await store.build(unquoted, call);
    const read: unknown[] = [];
    for await (const batch of store.readBack(spec, call)) read.push(...batch.columns[0]!);
    expect(read).toEqual(['\\.', 'a\n\\.\nb', 'z', null, '']);
    await store.discard();
    await store.close();
  });

  test('a query cannot write, cannot be two, and gives plain values', async () => {
    const store = await openPostgresStore(own.options('asked'));
    await store.build(items(false, 3), call);
    expect(
      await store.query!('SELECT count(*) AS n, sum(score) AS s, avg(score) AS a, NULL AS x FROM items;', call),
    ).toEqual([{ n: 3, s: 3, a: 1, x: null }]);
    for (const sql of [
      'DELETE FROM items',
      'SELECT 1) AS a; DROP TABLE items; SELECT (1',
      'SELECT pg_advisory_unlock_all(), nope',
    ]) {
      await expect(store.query!(sql, call)).rejects.toMatchObject({ code: 'STORE_REFUSED' });
    }
    await store.discard();
    await store.close();
  });

  test('an abort ends what the server does, and the build can still be discarded', async () => {
    const store = await openPostgresStore(own.options('aborted'));
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 200);
    const asked = store.query!('SELECT pg_sleep(60)', { signal: abort.signal });
    await expect(asked).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await store.discard();
    await store.close();
    expect(await own.everything()).not.toContain(store.place);
  });

  test('a value that is not as it was built is foreign', async () => {
    const list: LogicalType = { kind: 'list', of: { kind: 'integer', bits: 32, signed: true } };
    const columns = [column('id', { kind: 'text' }, 'VARCHAR'), column('l', list, 'INTEGER[]')];
    const spec: TableSpec = { name: 'shapes', columns, keys: ['id'], vector: undefined, indexes: [] };
    const store = await openPostgresStore(own.options('shapes'));
    await store.build(tableRows(spec, [['a', [1]]]), call);
    await own.sql(`UPDATE "${store.place}".shapes SET l = '{"x": 1}'`);
    for await (const batch of store.readBack(spec, call)) {
      expect(batch.columns[1]).toEqual([{ foreign: 'jsonb', text: '{"x": 1}' }]);
    }
    await store.discard();
    await store.close();
  });
});

test('quotes for end marks do not depend on how the bytes are cut', async () => {
  const text = '\\.\na\n\\.\n"\n\\.\n"\nx\\.\n\\';
  const wanted = '"\\."\na\n"\\."\n"\n"\\."\n"\nx\\.\n\\';
  for (const size of [1, 2, 3, 5, 100]) {
    const parts = text.match(new RegExp(`[^]{1,${size}}`, 'g'))!.map((part) => Buffer.from(part));
    const marked = Readable.from(parts).pipe(quoteEndMarks());
    expect((await buffer(marked)).toString()).toBe(wanted);
  }
});

async function publish(own: PostgresSubject, into: string, count: number, replace: boolean): Promise<void> {
  const store = await own.open(into, { replace });
  try {
    await store.build(items(false, count), call);
    await store.seal(call);
    await store.publish(call);
  } finally {
    await store.discard();
    await store.close();
  }
}

/** A process of its own that builds and waits to be killed. */
async function buildInChild(own: PostgresSubject, into: string): Promise<ChildProcess> {
  const options = { ...own.options(into, { marker: 'killed' }), signal: undefined };
  const module = new URL('../../src/stores/postgres.ts', import.meta.url).href;
  const code = `
    const { openPostgresStore } = await import(${JSON.stringify(module)});
    const options = { ...JSON.parse(process.env.OPTIONS), environment: { PGPASSWORD: process.env.PGPASSWORD } };
    const store = await openPostgresStore({ ...options, signal: new AbortController().signal });
    console.log(store.place);
    setInterval(() => undefined, 1000);`;
  const { environment, ...plain } = options;
  const env = { ...process.env, ...environment, OPTIONS: JSON.stringify(plain) };
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

/** The server notices the end of a client in its own time, a moment after. */
async function openWhenGone(own: PostgresSubject, into: string, left: string): Promise<DerivedStore> {
  for (let attempt = 0; ; attempt += 1) {
    const store = await openPostgresStore(own.options(into));
    if (attempt === 50 || !(await own.everything()).includes(left)) return store;
    await store.discard();
    await store.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
