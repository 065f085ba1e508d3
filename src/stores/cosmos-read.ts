/** Reads containers: all rows back, nearest rows, and queries of a drill's own. */
import type { Container, QueryIterator, SqlQuerySpec } from '@azure/cosmos';
import { LakepackError } from '../base/errors.js';
import { keyColumns, keyTextOf } from './canonical-cell.js';
import type { RowBatch } from './contract.js';
import { cosmosCode, storeError } from './cosmos-errors.js';
import { cellsOf, keyProperties, type ItemShape } from './cosmos-items.js';
import type { Pace } from './cosmos-pace.js';
import { fromJson } from './cosmos-values.js';

export interface ReadTarget {
  readonly container: Container;
  readonly shape: ItemShape;
  readonly pace: Pace;
}

type Properties = Readonly<Record<string, unknown>>;

/** Items a page, at most: the service also ends a page at 4 MB. */
const PAGE_ITEMS = 2_000;
const HTTP_BAD_REQUEST = 400;
const FROM_WORD = /\bfrom\s+([A-Za-z_]\w*)/i;

export async function* readRows(target: ReadTarget, signal: AbortSignal): AsyncIterable<RowBatch> {
  for await (const items of pages<Properties>(target, 'SELECT * FROM c', signal)) {
    const rows = items.map((item) => cellsOf(target.shape, item));
    yield { rows: rows.length, columns: target.shape.columns.map((_, at) => rows.map((row) => row[at] ?? null)) };
  }
}

/** Key texts of the nearest rows, by the service's own vector search; never run against a server that has it. */
export async function searchRows(
  target: ReadTarget,
  query: Float32Array,
  count: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { shape } = target;
  const keys = keyProperties(shape);
  const types = keyColumns(shape.spec).map(({ type }) => type);
  const found: string[] = [];
  for await (const items of pages<Properties>(target, nearestQuery(shape, query, count), signal)) {
    for (const item of items) {
      const cells = types.map((type, at) => fromJson(item[keys[at] ?? ''], type));
      found.push(keyTextOf(shape.spec, cells));
    }
  }
  return found.slice(0, count);
}

/** False: the server knows no vector search, as emulators and accounts without the capability. */
export async function canSearch(target: ReadTarget, signal: AbortSignal): Promise<boolean> {
  const query = new Float32Array(target.shape.spec.vector?.dimensions ?? 1).fill(1);
  try {
    await searchRows(target, query, 1, signal);
    return true;
  } catch (error) {
    if (error instanceof LakepackError && cosmosCode(error.cause) === HTTP_BAD_REQUEST) return false;
    throw error;
  }
}

/** What a query gives, as records; a bare value (`SELECT VALUE …`) is in `value`. */
export async function queryRows(target: ReadTarget, sql: string, signal: AbortSignal): Promise<readonly Properties[]> {
  const rows: Properties[] = [];
  for await (const items of pages(target, sql, signal)) rows.push(...items.map(asRecord));
  return rows;
}

/** The table after `FROM`, which Cosmos itself takes as any alias; where a store has one table only, that one. */
export function tableOfQuery(sql: string, tables: readonly string[]): string {
  const name = FROM_WORD.exec(sql)?.[1];
  const named = tables.find((table) => table === name) ?? (tables.length === 1 ? tables[0] : undefined);
  if (named !== undefined) return named;
  throw new LakepackError('STORE_REFUSED', `query: names no table of the store after FROM: got ${name ?? 'none'}`, {
    hint: `a cosmos query is about one table: FROM ${tables.join(', FROM ')}`,
  });
}

async function* pages<T>(target: ReadTarget, query: string | SqlQuerySpec, signal: AbortSignal): AsyncIterable<T[]> {
  const subject = `table ${target.shape.spec.name}`;
  const iterator = target.container.items.query<T>(query, { maxItemCount: PAGE_ITEMS, abortSignal: signal });
  while (iterator.hasMoreResults()) {
    const items = await nextPage(iterator, target.pace, subject, signal);
    if (items.length > 0) yield items;
  }
}

async function nextPage<T>(iterator: QueryIterator<T>, pace: Pace, subject: string, signal: AbortSignal): Promise<T[]> {
  const settle = await pace.begin('page', signal);
  try {
    const page = await iterator.fetchNext();
    settle(page.requestCharge);
    // Typed as a list always; an empty page of a query over several partitions has none.
    return Array.isArray(page.resources) ? page.resources : [];
  } catch (error) {
    throw storeError(error, subject, signal);
  }
}

function nearestQuery(shape: ItemShape, query: Float32Array, count: number): SqlQuerySpec {
  const vector = shape.columns.find(({ name }) => name === shape.spec.vector?.column)?.property ?? '';
  const keys = keyProperties(shape).map((key) => `c[${JSON.stringify(key)}]`);
  return {
    query: `SELECT TOP ${count} ${keys.join(', ')} FROM c ORDER BY VectorDistance(c[${JSON.stringify(vector)}], @query)`,
    parameters: [{ name: '@query', value: Array.from(query) }],
  };
}

function asRecord(value: unknown): Properties {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Properties) : { value };
}
