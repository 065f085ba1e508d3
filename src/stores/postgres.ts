/**
 * PostgreSQL as a derived store. Tables are built in a schema of their own, `<schema>__lakepack_<marker>`, and `publish`
 * renames it to the target in one transaction. Vectors need the extension pgvector in the database
 * (`CREATE EXTENSION vector`, which is left to whoever owns the database); without it they become `real[]` and nothing
 * searches them. A pooler in front must keep a session to one connection, as for all session locks.
 */
import path from 'node:path';
import { isLakepackError } from '../base/errors.js';
import type {
  BuiltTable,
  DerivedStore,
  OpenStoreOptions,
  RowBatch,
  StoreCall,
  TableRows,
  TableSpec,
} from './contract.js';
import { connect, type GuardOptions, type PostgresConnection } from './postgres-connection.js';
import { copyTable } from './postgres-copy.js';
import { sealTable } from './postgres-indexes.js';
import { nearestKeys, queryRecords, readTable, storedColumns, type ReadPlace } from './postgres-read.js';
import {
  buildSchemaOf,
  createBuild,
  dropLeftovers,
  dropSchema,
  refuseFilled,
  swapIn,
  type BuildSchema,
} from './postgres-schemas.js';
import { parsePostgresTarget, type PostgresTarget } from './postgres-target.js';
import { literal, postgresColumns, quoted, type VectorSupport } from './postgres-types.js';

/**
 * Opens a build beside `into`: `SCHEMA`, or `postgres://user@host:port/database?schema=NAME`, of which PGHOST, PGPORT,
 * PGUSER, PGDATABASE, PGSSLMODE, PGSSLROOTCERT say what is missing, and PGPASSWORD or `~/.pgpass` the password. Throws
 * USAGE (no such target, a password in it), STORE_NOT_INSTALLED, STORE_UNAVAILABLE, TARGET_NOT_EMPTY, TARGET_CONFLICT.
 */
export async function openPostgresStore(options: OpenStoreOptions): Promise<DerivedStore> {
  const target = parsePostgresTarget(options.into, options.environment);
  const build = buildSchemaOf(target.schema, options.marker);
  const connection = await connect(target, options.signal);
  const call = { subject: `schema ${target.schema}`, signal: options.signal };
  try {
    await refuseFilled(connection, target.schema, options.replace, call);
    await dropLeftovers(connection, target.schema, call);
    const vectors = await vectorSupport(connection, call);
    await createBuild(connection, build, call);
    await connection.run(settings(build.name, vectors), call);
    await watchClient(connection, call);
    return storeOf({ options, target, build, connection, vectors });
  } catch (error) {
    await connection.end();
    throw error;
  }
}

interface Opened {
  readonly options: OpenStoreOptions;
  readonly target: PostgresTarget;
  readonly build: BuildSchema;
  /** Holds the lock of the build. */
  readonly connection: PostgresConnection;
  readonly vectors: VectorSupport;
}

function storeOf({ options, target, build, connection, vectors }: Opened): DerivedStore {
  const built = new Map<string, TableSpec>();
  let place: ReadPlace = { schema: build.name, vectors };
  let state: 'building' | 'published' | 'discarded' = 'building';

  /** Readers have connections of their own: a broken reading, or a query with a mind of its own, harms no build. */
  const withReader = async <T>(call: StoreCall, action: (reader: PostgresConnection) => Promise<T>): Promise<T> => {
    const reader = await openReader(target, place, call);
    try {
      return await action(reader);
    } finally {
      await reader.end();
    }
  };

  return {
    engine: 'postgres',
    get place() {
      return place.schema;
    },
    async build(rows: TableRows, call: StoreCall): Promise<BuiltTable> {
      const { spec } = rows;
      const columns = postgresColumns(spec, vectors);
      const spool = path.join(options.scratchDir, `postgres-${options.marker}-${built.size}.csv`);
      const count = await copyTable({ connection, schema: build.name, rows, columns, spool, call });
      built.set(spec.name, spec);
      return { rows: count };
    },
    async seal(call) {
      for (const spec of built.values()) await sealTable(connection, place, spec, call);
    },
    columns: async (spec, call) => await storedColumns(connection, place, spec, call),
    readBack: (spec, call) => readAlone(target, place, spec, call),
    ...(vectors.kind === 'array'
      ? {}
      : {
          search: async (spec: TableSpec, query: Float32Array, count: number, call: StoreCall) =>
            await nearestKeys(connection, place, spec, query, count, call),
        }),
    query: async (sql, call) => await withReader(call, async (reader) => await queryRecords(reader, sql, call)),
    async publish(call) {
      await swapIn(connection, build, options.replace, { subject: `schema ${target.schema}`, signal: call.signal });
      state = 'published';
      place = { schema: target.schema, vectors };
      await connection.run(settings(target.schema, vectors), { subject: 'connection', signal: call.signal });
    },
    async discard() {
      if (state !== 'building') return;
      await discardBuild(connection, target, build);
      state = 'discarded';
    },
    close: async () => await connection.end(),
  };
}

async function* readAlone(
  target: PostgresTarget,
  place: ReadPlace,
  spec: TableSpec,
  call: StoreCall,
): AsyncIterable<RowBatch> {
  const reader = await openReader(target, place, call);
  try {
    yield* readTable(reader, place, spec, call);
  } finally {
    await reader.end();
  }
}

async function openReader(
  target: PostgresTarget,
  place: ReadPlace,
  { signal }: StoreCall,
): Promise<PostgresConnection> {
  const reader = await connect(target, signal);
  await reader.run(settings(place.schema, place.vectors), { subject: 'connection', signal });
  return reader;
}

/** Names of types are shown short when they are found without their schema; so are the operators of pgvector. */
function settings(schema: string, vectors: VectorSupport): string {
  const schemas = vectors.kind === 'pgvector' ? [schema, vectors.schema] : [schema];
  return `SET search_path = ${schemas.map(quoted).join(', ')}`;
}

/**
 * Lets the server look now and then whether its client lives, so that the index of a killed run is not made to its end.
 * Not every version and system has this; then a leftover is locked until the statement ends, which harms nothing.
 */
async function watchClient(connection: PostgresConnection, call: GuardOptions): Promise<void> {
  const name = 'client_connection_check_interval';
  try {
    await connection.run(`SELECT set_config(name, '2s', false) FROM pg_settings WHERE name = '${name}'`, call);
  } catch (error) {
    if (!isLakepackError(error, 'STORE_REFUSED')) throw error;
  }
}

async function vectorSupport(connection: PostgresConnection, call: GuardOptions): Promise<VectorSupport> {
  const { rows } = await connection.run(
    `SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = ${literal('vector')}`,
    call,
  );
  const schema = rows[0]?.[0];
  return typeof schema !== 'string' ? { kind: 'array' } : { kind: 'pgvector', schema };
}

/** On the connection that holds the lock, or a new one where that broke. A cancel of before may arrive in the drop. */
async function discardBuild(connection: PostgresConnection, target: PostgresTarget, build: BuildSchema): Promise<void> {
  const call = { subject: `schema ${build.name}` };
  if (connection.isOpen()) {
    try {
      await dropSchema(connection, build.name, call);
      return;
    } catch (error) {
      if (!isLakepackError(error)) throw error;
    }
  }
  const second = await connect(target);
  try {
    await dropSchema(second, build.name, call);
  } finally {
    await second.end();
  }
}
