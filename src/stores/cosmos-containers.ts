/** Makes, lists and removes the containers and the database of a build. What is in them is not its business. */
import type { Container, ContainerRequest, CosmosClient, Database } from '@azure/cosmos';
import { cosmosCode } from './cosmos-errors.js';
import type { ItemShape } from './cosmos-items.js';
import { propertyPath, type ListedContainer } from './cosmos-names.js';

const HTTP_BAD_REQUEST = 400;
const HTTP_NOT_FOUND = 404;
const HTTP_CREATED = 201;
const DISTANCES = { cosine: 'cosine', l2: 'euclidean', dot: 'dotproduct' } as const;

/** Undefined: there is no such database. */
export async function listContainers(
  database: Database,
  abortSignal?: AbortSignal,
): Promise<readonly ListedContainer[] | undefined> {
  try {
    const options = abortSignal === undefined ? {} : { abortSignal };
    await database.read(options);
    const { resources } = await database.containers.readAll(options).fetchAll();
    return resources;
  } catch (error) {
    if (cosmosCode(error) === HTTP_NOT_FOUND) return undefined;
    throw error;
  }
}

/** True: it was not there before. */
export async function makeDatabase(client: CosmosClient, id: string, abortSignal: AbortSignal): Promise<boolean> {
  const { statusCode } = await client.databases.createIfNotExists({ id }, { abortSignal });
  return statusCode === HTTP_CREATED;
}

/** With a vector policy where the table has vectors and the account takes one. */
export async function makeContainer(
  database: Database,
  id: string,
  shape: ItemShape,
  abortSignal: AbortSignal,
): Promise<Container> {
  const plain = containerRequest(id, shape);
  const { spec, vectorPath } = shape;
  if (spec.vector === undefined || vectorPath === undefined) {
    return (await database.containers.create(plain, { abortSignal })).container;
  }
  try {
    const request = withVectors(plain, vectorPath, spec.vector);
    return (await database.containers.create(request, { abortSignal })).container;
  } catch (error) {
    // The capability is not enabled in every account; without it vectors are stored all the same, only not searched.
    if (cosmosCode(error) !== HTTP_BAD_REQUEST) throw error;
    return (await database.containers.create(plain, { abortSignal })).container;
  }
}

/** What is gone already is as good as removed. */
export async function removeContainer(database: Database, id: string): Promise<void> {
  await unlessGone(() => database.container(id).delete());
}

export async function removeDatabase(database: Database): Promise<void> {
  await unlessGone(() => database.delete());
}

async function unlessGone(remove: () => Promise<unknown>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (cosmosCode(error) !== HTTP_NOT_FOUND) throw error;
  }
}

function containerRequest(id: string, { spec, columns, partitionPath, vectorPath }: ItemShape): ContainerRequest {
  const pathOf = (name: string): string =>
    propertyPath(columns.find((column) => column.name === name)?.property ?? name);
  // Single columns have an index in any case.
  const composite = spec.indexes.filter((index) => index.columns.length > 1);
  const request = {
    id,
    // Version 2 hashes all of a long value, not its first 100 bytes.
    partitionKey: { paths: [partitionPath], version: 2 },
    indexingPolicy: {
      includedPaths: [{ path: '/*' }],
      // Every element of a vector would be an index entry of its own, and cost request units with each upsert.
      excludedPaths: vectorPath === undefined ? [] : [{ path: `${vectorPath}/*` }],
      compositeIndexes: composite.map((index) =>
        index.columns.map((name) => ({ path: pathOf(name), order: 'ascending' })),
      ),
    },
  };
  // The package types such words as enums, which would have to be loaded for their values.
  return request as ContainerRequest;
}

function withVectors(
  request: ContainerRequest,
  path: string,
  { dimensions, metric }: NonNullable<ItemShape['spec']['vector']>,
): ContainerRequest {
  const vectors = {
    vectorEmbeddingPolicy: {
      vectorEmbeddings: [{ path, dataType: 'float32', dimensions, distanceFunction: DISTANCES[metric] }],
    },
    indexingPolicy: { ...request.indexingPolicy, vectorIndexes: [{ path, type: 'quantizedFlat' }] },
  };
  return { ...request, ...vectors } as ContainerRequest;
}
