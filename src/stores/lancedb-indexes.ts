/** Which indexes a LanceDB table gets. It decides; making them is `lancedb.ts`. Why these: docs/decisions/0100. */
import type { Index } from '@lancedb/lancedb';
import type { LogicalType, TableSpec } from './contract.js';
import type { Lance } from './lancedb-package.js';
import { storageOf } from './lancedb-types.js';

export interface PlannedIndex {
  readonly column: string;
  readonly config: Index;
}

/** Below it a flat search takes some milliseconds, and an index has too little to learn from. */
const MIN_INDEXED_VECTORS = 5000;
const ROWS_A_PARTITION = 4096;

/** One for each column: LanceDB has no index over several. An empty table gets none: it has nothing to train on. */
export function indexPlan(lance: Lance, spec: TableSpec, rows: number): readonly PlannedIndex[] {
  if (rows === 0) return [];
  const { vector } = spec;
  const named = new Set([...spec.keys, ...spec.indexes.flatMap(({ columns }) => columns)]);
  const scalars = spec.columns
    .filter(({ name }) => named.has(name))
    .flatMap(({ name, type }) => {
      const config = scalarIndex(lance, type);
      return config === undefined ? [] : [{ column: name, config }];
    });
  if (vector === undefined || rows < MIN_INDEXED_VECTORS) return scalars;
  const config = lance.Index.ivfFlat({ distanceType: vector.metric, numPartitions: partitionsOf(rows) });
  return [...scalars, { column: vector.column, config }];
}

/** Undefined where LanceDB has none: it refuses them on decimals, bytes and vectors, and on JSON text one would find nothing. */
function scalarIndex(lance: Lance, type: LogicalType): Index | undefined {
  const { as } = storageOf(type);
  if (as === 'decimal' || as === 'bytes' || as === 'vector' || as === 'nested') return undefined;
  return as === 'boolean' ? lance.Index.bitmap() : lance.Index.btree();
}

export function partitionsOf(rows: number): number {
  return Math.max(1, Math.ceil(rows / ROWS_A_PARTITION));
}
