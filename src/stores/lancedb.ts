/**
 * The LanceDB store: a folder with a table of vectors and metadata for each table, searchable. Rows are added in large
 * batches; keys get scalar indexes and vectors an IVF index without compression (docs/decisions/0100). LanceDB has no
 * unique constraint: that keys are unique is for the caller to see. It has no SQL.
 */
import type { Connection, Table } from '@lancedb/lancedb';
import type { DataType, Field, Schema } from 'apache-arrow';
import path from 'node:path';
import { LakepackError, throwIfAborted } from '../base/errors.js';
import { keyTextOf } from './canonical-cell.js';
import type {
  BuiltTable,
  Cell,
  DerivedStore,
  OpenStore,
  RowBatch,
  StoreCall,
  StoredColumn,
  TableColumn,
  TableRows,
  TableSpec,
} from './contract.js';
import { decodeColumn, foreignColumn, storedColumns, type StoredData } from './lancedb-decode.js';
import { BuildFolder } from './lancedb-folder.js';
import { indexPlan, partitionsOf } from './lancedb-indexes.js';
import { fromLanceError, type LancePackage, loadLance, onLance, tellsTableMissing } from './lancedb-package.js';
import { arrowField, typeText } from './lancedb-types.js';
import { addRows } from './lancedb-write.js';

/** `into` is a folder. Throws STORE_NOT_INSTALLED, TARGET_NOT_EMPTY, USAGE, DISK_FULL. */
export const openLanceDbStore: OpenStore = async ({ into, marker, replace, signal }) => {
  throwIfAborted(signal);
  assertFolder(into);
  const engine = await loadLance();
  const folder = await BuildFolder.open(into, marker, replace);
  return new LanceDbStore(engine, folder);
};

/** The engine takes `s3://…` too; nothing there could be swapped in or swept. */
function assertFolder(into: string): void {
  if (into !== '' && !/^[a-z][a-z0-9+.-]+:\/\//i.test(into)) return;
  throw new LakepackError('USAGE', `${JSON.stringify(into)}: not a place for lancedb: expected a folder`, {
    hint: 'give the path of a folder on this computer',
  });
}

interface BuiltFacts {
  readonly spec: TableSpec;
  readonly rows: number;
}

class LanceDbStore implements DerivedStore {
  readonly engine = 'lancedb';
  readonly #engine: LancePackage;
  readonly #folder: BuildFolder;
  readonly #built = new Map<string, BuiltFacts>();
  #connection: Connection | undefined;

  constructor(engine: LancePackage, folder: BuildFolder) {
    this.#engine = engine;
    this.#folder = folder;
  }

  get place(): string {
    return this.#folder.place;
  }

  async build(rows: TableRows, call: StoreCall): Promise<BuiltTable> {
    const { spec } = rows;
    const { arrow } = this.#engine;
    const schema = new arrow.Schema(spec.columns.map((column) => arrowField(arrow, column)));
    const connection = await this.#connect();
    const table = await onLance(spec.name, 'STORE_REFUSED', () => createTable(connection, spec, schema));
    try {
      const count = await addRows({ arrow, table, schema, rows, call });
      this.#built.set(spec.name, { spec, rows: count });
      return { rows: count };
    } finally {
      table.close();
    }
  }

  async seal(call: StoreCall): Promise<void> {
    for (const { spec, rows } of this.#built.values()) {
      const table = await this.#table(spec);
      if (table === undefined) continue;
      try {
        for (const { column, config } of indexPlan(this.#engine.lance, spec, rows)) {
          throwIfAborted(call.signal);
          await onLance(`${spec.name}.${column}`, 'STORE_REFUSED', () => table.createIndex(quoted(column), { config }));
        }
      } finally {
        table.close();
      }
    }
  }

  async columns(spec: TableSpec, { signal }: StoreCall): Promise<readonly StoredColumn[]> {
    throwIfAborted(signal);
    const table = await this.#table(spec);
    const schema = table && (await onLance(spec.name, 'STORE_UNAVAILABLE', () => table.schema()));
    table?.close();
    const fields = (schema?.fields ?? []) as readonly Field<DataType>[];
    const found = new Map(fields.map((field) => [field.name, typeText(field)]));
    const expected = new Map(spec.columns.map((column) => [column.name, this.#typeText(column)]));
    const names = [...new Set([...expected.keys(), ...found.keys()])];
    return names.map((name) => ({ name, expected: expected.get(name), found: found.get(name) }));
  }

  async *readBack(spec: TableSpec, { signal }: StoreCall): AsyncGenerator<RowBatch> {
    const table = await this.#table(spec);
    if (table === undefined) return;
    try {
      for await (const batch of table.query()) {
        throwIfAborted(signal);
        const found = storedColumns(batch);
        const columns = spec.columns.map((column) => this.#cells(column, found.get(column.name), batch.numRows));
        yield { rows: batch.numRows, columns };
      }
    } catch (error) {
      throw fromLanceError(spec.name, 'STORE_UNAVAILABLE', error);
    } finally {
      table.close();
    }
  }

  /** Every partition of the index is looked into: it proves that each row can be found through it. */
  async search(spec: TableSpec, query: Float32Array, count: number, { signal }: StoreCall): Promise<readonly string[]> {
    const { vector } = spec;
    const table = vector && (await this.#table(spec));
    if (vector === undefined || table === undefined) return [];
    try {
      throwIfAborted(signal);
      const rows = await onLance(spec.name, 'STORE_UNAVAILABLE', async () =>
        table
          .vectorSearch(query)
          .column(vector.column)
          .distanceType(vector.metric)
          .nprobes(partitionsOf(await table.countRows()))
          .limit(count)
          // Named, because LanceDB writes a warning to the terminal for each search that leaves it out.
          .select([...spec.keys, '_distance'])
          .toArrow(),
      );
      return rows.batches.flatMap((batch) => keyTexts(spec, storedColumns(batch), batch.numRows));
    } finally {
      table.close();
    }
  }

  async publish({ signal }: StoreCall): Promise<void> {
    throwIfAborted(signal);
    this.#disconnect();
    await this.#folder.publish();
  }

  async discard(): Promise<void> {
    this.#disconnect();
    await this.#folder.discard();
  }

  async close(): Promise<void> {
    this.#disconnect();
    await this.#folder.release();
  }

  async #connect(): Promise<Connection> {
    const { place } = this;
    this.#connection ??= await onLance(path.basename(place), 'STORE_UNAVAILABLE', () =>
      this.#engine.lance.connect(place),
    );
    return this.#connection;
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** Undefined when there is no such table. */
  async #table(spec: TableSpec): Promise<Table | undefined> {
    const connection = await this.#connect();
    try {
      return await connection.openTable(spec.name);
    } catch (error) {
      if (tellsTableMissing(error)) return undefined;
      throw fromLanceError(spec.name, 'STORE_UNAVAILABLE', error);
    }
  }

  #typeText(column: TableColumn): string {
    return typeText(arrowField(this.#engine.arrow, column));
  }

  #cells(column: TableColumn, stored: StoredData | undefined, rows: number): readonly Cell[] {
    if (stored === undefined) return Array.from({ length: rows }, () => null);
    if (stored.type === this.#typeText(column)) return decodeColumn(column.type, stored.data);
    return foreignColumn(this.#engine.arrow, stored);
  }
}

async function createTable(connection: Connection, spec: TableSpec, schema: Schema): Promise<Table> {
  const clash = spec.columns.find(({ name }) => /^_(distance|score|relevance_score)$/.test(name));
  if (clash !== undefined) throw new Error(`the column name ${clash.name} is its own`);
  return await connection.createEmptyTable(spec.name, schema);
}

/** An index names its column as a path, in which other characters need quotes. */
function quoted(column: string): string {
  return /^\w+$/.test(column) ? column : `\`${column.replaceAll('`', '``')}\``;
}

function keyTexts(spec: TableSpec, stored: ReadonlyMap<string, StoredData>, rows: number): readonly string[] {
  const types = new Map(spec.columns.map(({ name, type }) => [name, type]));
  const keys = spec.keys.map((name) => {
    const [type, found] = [types.get(name), stored.get(name)];
    return type === undefined || found === undefined ? [] : decodeColumn(type, found.data);
  });
  return Array.from({ length: rows }, (_, row) => {
    const cells = keys.map((column) => column[row] ?? null);
    return keyTextOf(spec, cells);
  });
}
