/** A derived store in memory: what the suite of all stores is tested with, and what can be changed behind its back. */
import { LakepackError, throwIfAborted } from '../../../src/base/errors.js';
import { keyWriter } from '../../../src/stores/canonical-cell.js';
import type { Cell, DerivedStore, StoredColumn, TableRows, TableSpec } from '../../../src/stores/contract.js';
import { similarity } from '../../../src/stores/fixed-queries.js';
import { batchOf } from './table-rows.js';

export interface MemoryTable {
  readonly spec: TableSpec;
  readonly types: Map<string, string>;
  rows: (readonly Cell[])[];
}

/** Tables by target, as a server keeps them. */
export type MemoryPlaces = Map<string, Map<string, MemoryTable>>;

export class MemoryStore implements DerivedStore {
  readonly engine = 'duckdb';
  readonly place: string;
  readonly #places: MemoryPlaces;
  readonly #into: string;

  constructor(places: MemoryPlaces, into: string, options: { readonly replace: boolean; readonly marker: string }) {
    if ((places.get(into)?.size ?? 0) > 0 && !options.replace) {
      throw new LakepackError('TARGET_NOT_EMPTY', `${into}: is not empty`, { hint: 'say that it may be replaced' });
    }
    this.#places = places;
    this.#into = into;
    this.place = `${into}.lakepack-${options.marker}`;
    places.set(this.place, new Map());
  }

  table(name: string): MemoryTable {
    const table = this.#places.get(this.place)?.get(name);
    if (table === undefined) throw new LakepackError('STORE_REFUSED', `${name}: no such table`);
    return table;
  }

  async build(source: TableRows, call: { signal: AbortSignal }): Promise<{ rows: number }> {
    const { spec } = source;
    const table: MemoryTable = { spec, types: new Map(spec.columns.map((one) => [one.name, one.sqlType])), rows: [] };
    for await (const batch of source.batches(call)) {
      for (let row = 0; row < batch.rows; row += 1) table.rows.push(batch.columns.map((cells) => cells[row] ?? null));
    }
    this.#places.get(this.place)?.set(spec.name, table);
    return { rows: table.rows.length };
  }

  async seal(): Promise<void> {
    // Nothing to seal: no keys, no indexes.
  }

  async columns(spec: TableSpec): Promise<readonly StoredColumn[]> {
    const { types } = this.table(spec.name);
    return spec.columns.map(({ name, sqlType }) => ({ name, expected: sqlType, found: types.get(name) }));
  }

  async *readBack(spec: TableSpec, call: { signal: AbortSignal }): AsyncGenerator<ReturnType<typeof batchOf>> {
    const { rows } = this.table(spec.name);
    for (let from = 0; from < rows.length; from += 7) {
      throwIfAborted(call.signal);
      yield batchOf(spec, rows.slice(from, from + 7));
    }
  }

  async search(spec: TableSpec, query: Float32Array, count: number): Promise<readonly string[]> {
    const { rows } = this.table(spec.name);
    const [write, at] = [keyWriter(spec), spec.columns.findIndex(({ name }) => name === spec.vector?.column)];
    const batch = batchOf(spec, rows);
    const scored = rows.flatMap((row, index) => {
      const vector = row[at];
      if (!(vector instanceof Float32Array)) return [];
      return [{ key: write(batch, index), score: similarity(query, vector, spec.vector?.metric ?? 'cosine') }];
    });
    return scored
      .sort((a, b) => b.score - a.score)
      .slice(0, count)
      .map(({ key }) => key);
  }

  async publish(): Promise<void> {
    this.#places.set(this.#into, this.#places.get(this.place) ?? new Map<string, MemoryTable>());
    this.#places.delete(this.place);
  }

  async discard(): Promise<void> {
    this.#places.delete(this.place);
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}
