/** Rows and containers for the tests of the cosmos store, by the engine's own client. */
import { CosmosClient, type Container } from '@azure/cosmos';
import type {
  Cell,
  DerivedStore,
  LogicalType,
  RowBatch,
  StoreCall,
  TableRows,
  TableSpec,
} from '../../src/stores/contract.js';
import { openCosmosStore } from '../../src/stores/cosmos.js';
import type { CosmosServer } from '../servers/cosmos.js';
import type { RecipeStore } from '../../src/schema/recipe.js';

export const CALL: StoreCall = { signal: new AbortController().signal };

export const TEXT: LogicalType = { kind: 'text' };
export const INTEGER: LogicalType = { kind: 'integer', bits: 64, signed: true };

export function tableSpec(
  name: string,
  columns: Readonly<Record<string, LogicalType>>,
  keys: readonly string[],
): TableSpec {
  return {
    name,
    columns: Object.entries(columns).map(([column, type]) => ({ name: column, type, sqlType: type.kind })),
    keys,
    vector: undefined,
    indexes: [],
  };
}

/** `rows[r][c]`. Only `batches` is there: it is what this store reads. */
export function rowsOf(spec: TableSpec, rows: readonly (readonly Cell[])[], batchRows = 500): TableRows {
  return {
    spec,
    async *batches() {
      for (let from = 0; from < rows.length; from += batchRows) {
        yield toBatch(spec, rows.slice(from, from + batchRows));
      }
    },
    writeCsv: () => Promise.reject(new Error('not for this store')),
    writeDuckDb: () => Promise.reject(new Error('not for this store')),
  };
}

export function toBatch(spec: TableSpec, rows: readonly (readonly Cell[])[]): RowBatch {
  return { rows: rows.length, columns: spec.columns.map((_, column) => rows.map((row) => row[column] ?? null)) };
}

export interface Opening {
  readonly into: string;
  readonly replace?: boolean;
  readonly marker?: string;
  readonly settings?: Partial<RecipeStore>;
  readonly signal?: AbortSignal;
}

export async function openOn(
  { environment }: Pick<CosmosServer, 'environment'>,
  { into, replace = false, marker = 'm1', settings = {}, signal = CALL.signal }: Opening,
): Promise<DerivedStore> {
  return await openCosmosStore({
    into,
    replace,
    marker,
    settings: { engine: 'cosmos', ...settings },
    environment,
    scratchDir: '/nowhere',
    signal,
  });
}

export function clientOf({ endpoint, key }: CosmosServer): CosmosClient {
  return new CosmosClient({ endpoint, key, connectionPolicy: { enableEndpointDiscovery: false } });
}

/** The container in which an unpublished build has a table. */
export function containerOf(client: CosmosClient, store: DerivedStore, table: string): Container {
  const [database = '', pattern = ''] = store.place.split('/');
  return client.database(database).container(pattern.replace('*', table));
}

/** Rows read back, sorted by their first cells. */
export async function readAll(store: DerivedStore, spec: TableSpec): Promise<readonly (readonly Cell[])[]> {
  const rows: Cell[][] = [];
  for await (const batch of store.readBack(spec, CALL)) {
    for (let row = 0; row < batch.rows; row += 1) rows.push(batch.columns.map((column) => column[row] ?? null));
  }
  return rows.sort((a, b) => (JSON.stringify(a[0]) < JSON.stringify(b[0]) ? -1 : 1));
}

/** `database/container` of all there is. */
export async function everythingIn(client: CosmosClient): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { id } of (await client.databases.readAll().fetchAll()).resources) {
    names.push(id);
    const { resources } = await client.database(id).containers.readAll().fetchAll();
    names.push(...resources.map((container) => `${id}/${container.id}`));
  }
  return names.sort();
}

/** Table to container; undefined where nothing was published. */
export async function publishedIn(client: CosmosClient, database: string): Promise<Record<string, string> | undefined> {
  try {
    const { resource } = await client.database(database).container('lakepack').item('current', 'current').read<{
      tables: Record<string, string>;
    }>();
    return resource?.tables;
  } catch {
    return undefined; // Nothing was ever published there.
  }
}
