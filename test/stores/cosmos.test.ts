/** The cosmos store against a Cosmos server in this process; what that server lacks is in docs/cosmos.md. */
import type { CosmosClient } from '@azure/cosmos';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DerivedStore } from '../../src/stores/contract.js';
import { openCosmosClient } from '../../src/stores/cosmos-client.js';
import { startCosmos, startCosmosProxy, type CosmosServer, type Refusal, type SeenRequest } from '../servers/cosmos.js';
import {
  CALL,
  INTEGER,
  TEXT,
  clientOf,
  containerOf,
  everythingIn,
  openOn,
  publishedIn,
  readAll,
  rowsOf,
  tableSpec,
} from './cosmos-support.js';

const VULNS = tableSpec('vulns', { cve: TEXT, score: INTEGER }, ['cve']);
const ROWS = [
  ['CVE-1', 9],
  ['CVE-2', 5n],
  ['CVE-3', null],
] as const;

let server: CosmosServer;
let client: CosmosClient;

beforeAll(async () => {
  server = await startCosmos();
  client = clientOf(server);
});

afterAll(async () => {
  client.dispose();
  await server.stop();
});

describe('until it is published', () => {
  test('a build stands in containers of its own, and publishing is one item that names them', async () => {
    const store = await openOn(server, { into: 'first', marker: 'run_1' });
    await build(store);
    const before = await everythingIn(client);
    await store.publish(CALL);
    await store.close();

    expect(before).toContain('first/vulns--run_1');
    expect(before).not.toContain('first/lakepack');
    expect(await publishedIn(client, 'first')).toEqual({ vulns: 'vulns--run_1' });
  });

  test('what was published is refused, and replaced only when told, at the end and as a whole', async () => {
    await buildAndPublish('replaced', 'run_1');

    await expect(openOn(server, { into: 'replaced' })).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    const store = await openOn(server, { into: 'replaced', replace: true, marker: 'run_2' });
    await build(store);
    expect(await publishedIn(client, 'replaced')).toEqual({ vulns: 'vulns--run_1' });
    await store.publish(CALL);
    await store.close();

    expect(await publishedIn(client, 'replaced')).toEqual({ vulns: 'vulns--run_2' });
    expect(await containersOf('replaced')).toEqual(['lakepack', 'vulns--run_2']);
  });

  test('a second build under the same marker does not touch what the first one published', async () => {
    await buildAndPublish('twin', 'same');
    const store = await openOn(server, { into: 'twin', replace: true, marker: 'same' });
    await build(store);
    await store.discard();
    await store.close();

    expect(await publishedIn(client, 'twin')).toEqual({ vulns: 'vulns--same' });
    expect(await containersOf('twin')).toEqual(['lakepack', 'vulns--same']);
  });

  test('of two builds at once the second to publish is told, and the first stands', async () => {
    const [one, two] = [
      await openOn(server, { into: 'race', marker: 'one' }),
      await openOn(server, { into: 'race', marker: 'two' }),
    ];
    await build(one);
    await build(two);
    await one.publish(CALL);

    await expect(two.publish(CALL)).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    await two.discard();
    expect(await containersOf('race')).toEqual(['lakepack', 'vulns--one']);
    await Promise.all([one.close(), two.close()]);
  });

  test('containers of somebody else are neither a place to build nor ever removed', async () => {
    const { database } = await client.databases.create({ id: 'shared' });
    await database.containers.create({ id: 'orders', partitionKey: { paths: ['/id'] } });

    await expect(openOn(server, { into: 'shared' })).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    const store = await openOn(server, { into: 'shared', replace: true });
    await build(store);
    await store.discard();
    await store.discard();
    await store.close();
    expect(await containersOf('shared')).toEqual(['orders']);
  });

  test('discarding removes the database that the build made', async () => {
    const store = await openOn(server, { into: 'gone' });
    await build(store);
    await store.discard();
    await store.close();
    expect(await everythingIn(client)).not.toContain('gone');
  });

  test('what a killed run left is removed by the next one with its marker, and in a drill with any', async () => {
    const killed = await openOn(server, { into: 'killed', marker: 'left' });
    await build(killed);
    await killed.close();
    const again = await openOn(server, { into: 'killed', marker: 'left' });
    expect(await containersOf('killed')).toEqual([]);
    await again.close();

    const drill = await openOn(server, { into: 'lakepack_drill_x', marker: 'one' });
    await build(drill);
    await drill.close();
    const reaper = await openOn(server, { into: 'lakepack_drill_x', marker: 'two' });
    await reaper.discard();
    await reaper.close();
    expect(await everythingIn(client)).not.toContain('lakepack_drill_x');
  });
});

describe('rows', () => {
  test('come back as they went in, with columns whose names Cosmos has taken', async () => {
    const spec = tableSpec('odd', { id: TEXT, _ts: INTEGER, 'a "b"/c': TEXT, id_: TEXT }, ['id', '_ts']);
    const rows = [
      ['', 1, '', null],
      ['/\\?#%', -0, null, 'x'],
      ['..', 9007199254740993n, '\u{1F600}\n', 'y'],
      ['long'.repeat(400), 7, 'e\u0301', ''],
    ] as const;
    const store = await openOn(server, { into: 'odd' });
    await store.build(rowsOf(spec, rows), CALL);
    await store.seal(CALL);

    expect(await readAll(store, spec)).toEqual([rows[0], rows[2], ['/\\?#%', 0, null, 'x'], rows[3]]);
    await store.discard();
    await store.close();
  });

  test('say what was changed behind the back: another type, a missing property', async () => {
    const store = await openOn(server, { into: 'changed' });
    await build(store);
    const container = containerOf(client, store, 'vulns');
    await container.items.upsert({ id: 'CVE-1', cve: 'CVE-1', score: '9' });
    await container.items.upsert({ id: 'CVE-2', cve: 'CVE-2' });

    expect(await readAll(store, VULNS)).toEqual([
      ['CVE-1', { foreign: 'string', text: '"9"' }],
      ['CVE-2', { foreign: 'undefined', text: '' }],
      ['CVE-3', null],
    ]);
    await store.discard();
    await store.close();
  });

  test('are partitioned by the column that the recipe names', async () => {
    const store = await openOn(server, { into: 'parted', settings: { partitionKeys: { vulns: 'score' } } });
    await build(store);
    const { resource } = await containerOf(client, store, 'vulns').read();
    expect(resource?.partitionKey?.paths).toEqual(['/score']);
    await store.discard();
    await store.close();
  });

  test.each([
    ['without keys', [], {}, /table vulns: has no key/],
    ['with a partition key that is no column', ['cve'], { vulns: 'dt' }, /table vulns: dt cannot be the partition key/],
  ])('%s are refused', async (_, keys, partitionKeys, message) => {
    const store = await openOn(server, { into: 'refused', settings: { partitionKeys } });
    const refusal = store.build(rowsOf({ ...VULNS, keys }, ROWS), CALL);
    await expect(refusal).rejects.toMatchObject({ code: 'STORE_REFUSED', message: expect.stringMatching(message) });
    await store.discard();
    await store.close();
  });

  test('with a key that comes twice are refused, for one would overwrite the other', async () => {
    const store = await openOn(server, { into: 'twice' });
    const refusal = store.build(rowsOf(VULNS, [...ROWS, ['CVE-2', 6]]), CALL);
    await expect(refusal).rejects.toMatchObject({ code: 'STORE_REFUSED', message: expect.stringMatching(/cve=CVE-2/) });
    await store.discard();
    await store.close();
  });

  test('are queried with the SQL of Cosmos, a table by its name', async () => {
    const store = await openOn(server, { into: 'queried' });
    await build(store);
    await store.build(rowsOf(tableSpec('other', { k: TEXT }, ['k']), [['a']]), CALL);

    expect(await store.query?.('SELECT VALUE COUNT(1) FROM vulns', CALL)).toEqual([{ value: 3 }]);
    expect(await store.query?.('SELECT MAX(v.score) AS most FROM vulns v', CALL)).toEqual([{ most: 9 }]);
    await expect(store.query?.('SELECT VALUE 1 FROM nobody', CALL)).rejects.toMatchObject({ code: 'STORE_REFUSED' });
    await expect(store.query?.('SELECT VALUE FROM vulns', CALL)).rejects.toMatchObject({ code: 'STORE_REFUSED' });
    await store.discard();
    await store.close();
  });

  test('with vectors have a vector policy, and no search where the server has none', async () => {
    const vectors = tableSpec('vectors', { k: TEXT, v: { kind: 'vector', dimensions: 3 } }, ['k']);
    const spec = { ...vectors, vector: { column: 'v', dimensions: 3, metric: 'l2' } } as const;
    const rows = [
      ['a', Float32Array.of(0.1, -0, 3e38)],
      ['b', null],
    ] as const;
    const store = await openOn(server, { into: 'vectors' });
    await store.build(rowsOf(spec, rows), CALL);
    await store.seal(CALL);

    const { resource } = await containerOf(client, store, 'vectors').read();
    expect(resource).toMatchObject({
      vectorEmbeddingPolicy: { vectorEmbeddings: [{ distanceFunction: 'euclidean' }] },
    });
    expect(store.search).toBeUndefined();
    expect(await readAll(store, spec)).toEqual([['a', Float32Array.of(0.1, 0, 3e38)], rows[1]]);
    await store.discard();
    await store.close();
  });
});

describe('a service in trouble', () => {
  const many = Array.from({ length: 120 }, (_, index) => [`CVE-${index}`, index] as const);

  test('that answers 429 is waited for as long as it says, and every row arrives', async () => {
    const throttled = await throughProxy({ into: 'throttled' }, ({ isUpsert }, index) =>
      isUpsert && index % 3 === 0 ? { status: 429, retryAfterMs: 20 } : undefined,
    );
    expect(throttled.refused()).toBeGreaterThan(20);
    expect(throttled.rows).toHaveLength(many.length);
  });

  test('is asked for no more request units a second than the recipe allows', async () => {
    const started = performance.now();
    const { proxy } = await throughProxy({ into: 'paced', settings: { maxRequestUnitsPerSecond: 400 } });
    const seconds = (performance.now() - started) / 1_000;
    // The server charges 1 for each; the first few are reserved at a guess.
    expect(proxy.requests.filter(({ isUpsert }) => isUpsert).length / seconds).toBeLessThanOrEqual(440);
  });

  test('whose answers are lost gets each row once', async () => {
    const { rows, refused } = await throughProxy({ into: 'lost' }, ({ isUpsert }, index) =>
      isUpsert && index === 20 ? 'reset' : undefined,
    );
    expect(refused()).toBe(1);
    expect(rows).toHaveLength(many.length);
  });

  test.each([
    [413, 'STORE_REFUSED', /table vulns, cve=CVE-\d+: the item is too large/],
    [403, 'STORE_UNAVAILABLE', /table vulns, cve=CVE-\d+: cosmos refused the credentials: 403/],
  ])('that answers %i to a row is %s, and nothing runs on', async (status, code, message) => {
    const failing = throughProxy({ into: `answers_${status}` }, ({ isUpsert }) => (isUpsert ? { status } : undefined));
    const error: unknown = await failing.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(JSON.stringify(error)).not.toContain(server.key);
  });

  test('that is not there, or lets nobody in, is STORE_UNAVAILABLE with what to do', async () => {
    const nowhere = { environment: { ...server.environment, COSMOS_ENDPOINT: 'http://127.0.0.1:1/' } };
    await expect(openOn(nowhere, { into: 'x' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    const proxy = await startCosmosProxy(server, () => ({ status: 401 }));
    await expect(openOn(proxy, { into: 'x' })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      hint: expect.stringMatching(/COSMOS_KEY/),
    });
    await proxy.stop();
  });

  test('an interrupted build ends at once and can be discarded', async () => {
    const interruption = new AbortController();
    const proxy = await startCosmosProxy(server, ({ isUpsert }, index) => {
      if (isUpsert && index > 30) interruption.abort();
      return undefined;
    });
    const store = await openOn(proxy, { into: 'interrupted' });
    const building = store.build(rowsOf(VULNS, many), { signal: interruption.signal });
    await expect(building).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await store.discard();
    await store.close();
    await proxy.stop();
    expect(await everythingIn(client)).not.toContain('interrupted');
  });

  async function throughProxy(
    opening: Parameters<typeof openOn>[1],
    refuse: (request: SeenRequest, index: number) => Refusal | undefined = () => undefined,
  ): Promise<{ rows: readonly unknown[]; refused: () => number; proxy: { requests: readonly SeenRequest[] } }> {
    const proxy = await startCosmosProxy(server, refuse);
    const store = await openOn(proxy, opening);
    try {
      await store.build(rowsOf(VULNS, many), CALL);
      return { rows: await readAll(store, VULNS), refused: proxy.refused, proxy };
    } finally {
      await store.discard();
      await store.close();
      await proxy.stop();
    }
  }
});

describe('the environment', () => {
  const good = { COSMOS_ENDPOINT: 'https://x.documents.azure.com:443/', COSMOS_KEY: 'a2V5' };
  test.each([
    ['no endpoint', { COSMOS_KEY: good.COSMOS_KEY }, /names no account/],
    ['plain http to another machine', { ...good, COSMOS_ENDPOINT: 'http://10.0.0.1/' }, /not an https address/],
    ['a key that is not base64', { ...good, COSMOS_KEY: 'k€y' }, /the key is not base64/],
    ['half a connection string', { COSMOS_CONNECTION_STRING: 'AccountKey=a2V5' }, /names no account/],
  ])('with %s is STORE_UNAVAILABLE', async (_, environment, message) => {
    await expect(openCosmosClient(environment)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/COSMOS_ENDPOINT/),
    });
  });

  test('may hold a connection string', async () => {
    const opened = await openCosmosClient({
      COSMOS_CONNECTION_STRING: `AccountEndpoint=${server.endpoint};AccountKey=${server.key};`,
    });
    expect((await opened.databases.readAll().fetchAll()).resources).toBeDefined();
    opened.dispose();
  });

  test('without the package says what to install', async () => {
    const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    await expect(openCosmosClient(good, () => Promise.reject(missing))).rejects.toMatchObject({
      code: 'STORE_NOT_INSTALLED',
      hint: 'npm install @azure/cosmos@4',
    });
  });

  test.each(['a/b', 'a#b', ' a', ''])('a database cannot be called %j', async (into) => {
    await expect(openOn(server, { into })).rejects.toMatchObject({ code: 'USAGE' });
  });
});

async function build(store: DerivedStore): Promise<void> {
  expect(await store.build(rowsOf(VULNS, ROWS), CALL)).toEqual({ rows: ROWS.length });
  await store.seal(CALL);
}

async function buildAndPublish(into: string, marker: string): Promise<void> {
  const store = await openOn(server, { into, marker });
  await build(store);
  await store.publish(CALL);
  await store.close();
}

async function containersOf(database: string): Promise<readonly string[]> {
  const { resources } = await client.database(database).containers.readAll().fetchAll();
  return resources.map(({ id }) => id).sort();
}
