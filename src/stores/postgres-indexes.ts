/** What a table gets after its rows: the primary key, indexes, the vector index, and statistics for the planner. */
import { isLakepackError, LakepackError } from '../base/errors.js';
import type { StoreCall, TableSpec } from './contract.js';
import type { GuardOptions, PostgresConnection } from './postgres-connection.js';
import { sqlStateOf } from './postgres-errors.js';
import type { ReadPlace } from './postgres-read.js';
import { HNSW_DIMENSIONS, quoted } from './postgres-types.js';

/** Sorting for an index, and the graph of a vector index, fit into this or become many times slower. */
const INDEX_MEMORY_MIB = 256;
const OPERATOR_CLASSES = { cosine: 'vector_cosine_ops', l2: 'vector_l2_ops', dot: 'vector_ip_ops' } as const;

/** Throws KEYS_NOT_UNIQUE, STORE_REFUSED and what else the contract of stores says. */
export async function sealTable(
  connection: PostgresConnection,
  { schema, vectors }: ReadPlace,
  spec: TableSpec,
  call: StoreCall,
): Promise<void> {
  const options = { subject: `table ${spec.name}`, signal: call.signal };
  const table = `${quoted(schema)}.${quoted(spec.name)}`;
  await connection.run(`SET maintenance_work_mem = '${INDEX_MEMORY_MIB}MB'`, options);
  await addKeys(connection, table, spec.keys, options);
  for (const { columns, unique } of spec.indexes) {
    await connection.run(`CREATE ${unique ? 'UNIQUE ' : ''}INDEX ON ${table} (${listOf(columns)})`, options);
  }
  if (spec.vector !== undefined && vectors.kind === 'pgvector' && spec.vector.dimensions <= HNSW_DIMENSIONS) {
    const { column, metric } = spec.vector;
    await connection.run(
      `CREATE INDEX ON ${table} USING hnsw (${quoted(column)} ${OPERATOR_CLASSES[metric]})`,
      options,
    );
  }
  await connection.run(`ANALYZE ${table}`, options);
}

const UNIQUE_VIOLATION = '23505';
const NOT_NULL_VIOLATION = '23502';

async function addKeys(
  connection: PostgresConnection,
  table: string,
  keys: readonly string[],
  options: GuardOptions,
): Promise<void> {
  if (keys.length === 0) return;
  try {
    await connection.run(`ALTER TABLE ${table} ADD PRIMARY KEY (${listOf(keys)})`, options);
  } catch (error) {
    const state = isLakepackError(error) ? sqlStateOf(error.cause) : undefined;
    if (state === UNIQUE_VIOLATION && isLakepackError(error)) {
      throw new LakepackError('KEYS_NOT_UNIQUE', error.message, { cause: error, hint: 'mend the keys in the recipe' });
    }
    if (state !== NOT_NULL_VIOLATION) throw error;
    // A primary key has no NULL in it, which a key of the recipe may have.
    await connection.run(`CREATE UNIQUE INDEX ON ${table} (${listOf(keys)})`, options);
  }
}

function listOf(columns: readonly string[]): string {
  return columns.map(quoted).join(', ');
}
