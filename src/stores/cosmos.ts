/**
 * Derived tables in an Azure Cosmos DB account (docs/cosmos.md): a container for each table, an item for each row.
 *
 * Cosmos renames nothing. So a build fills containers that carry its marker (`vulns--<marker>`) in the target database,
 * and `publish` replaces one small item that says which container is which table: that is the one stroke. Readers look
 * there first. What an earlier build published is removed after it. Two things are not at one stroke: a reader that
 * has looked before the switch loses its containers after it, and a kill between the two leaves containers behind,
 * which a later opening removes when they are a week old.
 */
import type { Container, CosmosClient, Database } from '@azure/cosmos';
import { LakepackError } from '../base/errors.js';
import type { BuiltTable, DerivedStore, OpenStore, OpenStoreOptions, StoreCall, TableRows } from './contract.js';
import { openCosmosClient } from './cosmos-client.js';
import { listContainers, makeContainer, makeDatabase, removeContainer, removeDatabase } from './cosmos-containers.js';
import { storeError } from './cosmos-errors.js';
import { itemShape, type ItemShape } from './cosmos-items.js';
import { loadBatch } from './cosmos-load.js';
import {
  abandonedContainers,
  containerName,
  generationFor,
  isGenerationName,
  POINTER_CONTAINER,
} from './cosmos-names.js';
import { openPace, type Pace } from './cosmos-pace.js';
import { NOTHING_PUBLISHED, readPublished, switchTo, type Published } from './cosmos-publish.js';
import { canSearch, queryRows, readRows, searchRows, tableOfQuery, type ReadTarget } from './cosmos-read.js';

interface BuiltContainer {
  readonly name: string;
  readonly container: Container;
  readonly shape: ItemShape;
}

/** One build, from opening to publishing. */
interface Build {
  readonly client: CosmosClient;
  readonly database: Database;
  readonly settings: OpenStoreOptions['settings'];
  readonly pace: Pace;
  readonly generation: string;
  readonly published: Published;
  /** By table. */
  readonly built: Map<string, BuiltContainer>;
  /** Containers that this build made, also those it could not fill. */
  readonly made: Set<string>;
  isDatabaseMade: boolean;
  isPublished: boolean;
  searches: boolean;
}

/** Of a drill; nothing else is ever in a database of such a name, so that a later drill may remove one whole. */
const DRILL_DATABASE = /^lakepack_drill_/;
const DATABASE_NAME = /^[^/\\?#\p{Cc}]{1,255}$/u;

/**
 * `into` is the name of a database; it is made where it is missing. Environment: COSMOS_ENDPOINT and COSMOS_KEY, or
 * COSMOS_CONNECTION_STRING.
 * @throws STORE_UNAVAILABLE, STORE_NOT_INSTALLED, TARGET_NOT_EMPTY, USAGE, STORE_REFUSED, INTERRUPTED.
 */
export const openCosmosStore: OpenStore = async (options) => {
  const { into, signal } = options;
  if (!DATABASE_NAME.test(into) || into !== into.trim()) throw notAName(into);
  const client = await openCosmosClient(options.environment);
  try {
    return storeOf(await openBuild(client, options));
  } catch (error) {
    client.dispose();
    throw storeError(error, `cosmos database ${into}`, signal);
  }
};

async function openBuild(client: CosmosClient, options: OpenStoreOptions): Promise<Build> {
  const { into, settings, replace, marker, signal } = options;
  const database = client.database(into);
  const containers = await listContainers(database, signal);
  const published = containers === undefined ? NOTHING_PUBLISHED : await readPublished(database, signal);
  const live = new Set(Object.values(published.tables));
  const generation = generationFor(marker, live);
  const others = (containers ?? []).filter(({ id }) => live.has(id) || !isOwn(id));
  if (others.length > 0 && !replace) throw notEmpty(into, others.length);
  const nowSeconds = Date.now() / 1_000;
  for (const id of abandonedContainers(containers ?? [], live, { generation, nowSeconds })) {
    await removeContainer(database, id);
  }
  return {
    client,
    database,
    settings,
    pace: openPace(settings.maxRequestUnitsPerSecond),
    generation,
    published,
    built: new Map(),
    made: new Set(),
    isDatabaseMade: DRILL_DATABASE.test(into),
    isPublished: false,
    searches: false,
  };
}

function storeOf(build: Build): DerivedStore {
  const { database } = build;
  const store: DerivedStore = {
    engine: 'cosmos',
    place: `${database.id}/*--${build.generation}`,
    build: (rows, { signal }) => inDatabase(build, signal, () => buildTable(build, rows, signal)),
    seal: ({ signal }) => inDatabase(build, signal, () => seal(build, signal)),
    // Cosmos has no columns: each item's values carry their own types, and reading them back is strict.
    columns: async () => [],
    readBack: (spec, { signal }) => readRows(targetOf(build, spec.name), signal),
    query: async (sql, { signal }) =>
      await queryRows(targetOf(build, tableOfQuery(sql, [...build.built.keys()])), sql, signal),
    publish: ({ signal }) => inDatabase(build, signal, () => publish(build, signal)),
    discard: () => inDatabase(build, undefined, () => discard(build)),
    close: async () => build.client.dispose(),
  };
  // Whether the account searches vectors is known when a table with vectors stands: after `seal`.
  return Object.defineProperty(store, 'search', { enumerable: true, get: () => searchOf(build) });
}

async function inDatabase<T>(build: Build, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(error, `cosmos database ${build.database.id}`, signal);
  }
}

async function buildTable(build: Build, rows: TableRows, signal: AbortSignal): Promise<BuiltTable> {
  const shape = itemShape(rows.spec, build.settings);
  const name = containerName(rows.spec.name, build.generation);
  if (await makeDatabase(build.client, build.database.id, signal)) build.isDatabaseMade = true;
  build.made.add(name);
  const container = await makeContainer(build.database, name, shape, signal);
  build.built.set(rows.spec.name, { name, container, shape });
  let count = 0;
  for await (const batch of rows.batches({ signal })) {
    await loadBatch({ container, shape, pace: build.pace }, batch, signal);
    count += batch.rows;
  }
  return { rows: count };
}

/** Indexes are made with the container and kept up with each item; here it is only asked whether vectors are searched. */
async function seal(build: Build, signal: AbortSignal): Promise<void> {
  const withVectors = [...build.built.keys()]
    .map((table) => targetOf(build, table))
    .filter(({ shape }) => shape.spec.vector !== undefined);
  build.searches = withVectors.length > 0;
  for (const target of withVectors) build.searches &&= await canSearch(target, signal);
}

function searchOf(build: Build): DerivedStore['search'] {
  if (!build.searches) return undefined;
  return (spec, query, count, { signal }: StoreCall) => searchRows(targetOf(build, spec.name), query, count, signal);
}

async function publish(build: Build, signal: AbortSignal): Promise<void> {
  const { database, published } = build;
  // A recipe's store without tables has a database all the same.
  await makeDatabase(build.client, database.id, signal);
  const tables = Object.fromEntries([...build.built].map(([table, { name }]) => [table, name]));
  await switchTo(database, tables, published, signal);
  build.isPublished = true;
  try {
    for (const name of Object.values(published.tables)) await removeContainer(database, name);
  } catch {
    // The switch is done and stands. What could not be removed now is removed when it is a week old.
  }
}

async function discard(build: Build): Promise<void> {
  const { database, made, isPublished } = build;
  if (isPublished) return;
  if (DRILL_DATABASE.test(database.id)) {
    await removeDatabase(database);
    return;
  }
  for (const name of made) await removeContainer(database, name);
  made.clear();
  if (!build.isDatabaseMade) return;
  // Somebody else may have put something into it since it was made.
  if ((await listContainers(database))?.length === 0) await removeDatabase(database);
}

function targetOf(build: Build, table: string): ReadTarget {
  const built = build.built.get(table);
  if (built !== undefined) return { container: built.container, shape: built.shape, pace: build.pace };
  throw new LakepackError('STORE_REFUSED', `cosmos database ${build.database.id}: table ${table} was not built`);
}

/** Made by builds of this program, and therefore not what a user would miss. */
function isOwn(container: string): boolean {
  return container === POINTER_CONTAINER || isGenerationName(container);
}

function notEmpty(database: string, containers: number): LakepackError {
  return new LakepackError(
    'TARGET_NOT_EMPTY',
    `cosmos database ${database}: is not empty: expected no containers, got ${containers}`,
    { hint: 'name another database, or say that what was published there may be replaced (--replace)' },
  );
}

function notAName(into: string): LakepackError {
  return new LakepackError('USAGE', `${JSON.stringify(into)}: is not the name of a cosmos database`, {
    hint: 'up to 255 letters, without / \\ ? # and without a space at an end',
  });
}
