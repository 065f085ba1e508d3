/**
 * Reads a rebuilt table back, once, and says whether it is what the exports say it must be; where it is not, reads it
 * beside the files and names the rows (docs/fingerprints.md, section 4).
 */
import type { DrilledTable, TableDifference } from '../schema/drill-record.js';
import { type Comparison, compareFingerprints, type FoundTable } from './compare-fingerprints.js';
import type { DerivedStore, StoreCall, TableRows } from './contract.js';
import { FingerprintBuilder, type TableContent } from './fingerprint.js';
import { fixedQueries } from './fixed-queries.js';
import { NEIGHBOURS } from './nearest-names.js';
import { diffRows, type RowDiff } from './row-diff.js';
import { WatchedRows } from './watched-rows.js';

const MAX_DIFFERENCES = 20;

export type TableCheck = Omit<DrilledTable, 'expectedFromFilesBecause'> & {
  /** Something differs from the expected content, but the store has exactly what the files have. */
  readonly storeEqualsFiles: boolean;
};

export interface TableCheckRequest {
  readonly store: DerivedStore;
  readonly rows: TableRows;
  /** What the exports say; undefined: worked out from the files. */
  readonly expected: TableContent | undefined;
  readonly call: StoreCall;
}

/** Throws what reading the files and the store throws. Differences are no errors: they are returned. */
export async function checkTable(request: TableCheckRequest): Promise<TableCheck> {
  const expected = request.expected ?? (await contentOfFiles(request));
  const found = await readTable(request, expected);
  const comparison = compareFingerprints(request.rows.spec, expected, found);
  const isEqual = comparison.differences.length === 0;
  const rowDiff = isEqual ? { differences: [], omitted: 0 } : await nameRows(request);
  const all = isEqual ? [] : together(comparison, rowDiff);
  const differences = all.slice(0, MAX_DIFFERENCES);
  const ofStore = comparison.differences.some(isOfStore);
  return {
    name: request.rows.spec.name,
    outcome: isEqual ? 'pass' : 'fail',
    rows: found.content.rows,
    expectedFrom: request.expected === undefined ? 'files' : 'manifest',
    levels: comparison.levels,
    ...(found.recallAt10 === undefined ? {} : { recallAt10: found.recallAt10 }),
    differences,
    differencesOmitted: all.length - differences.length + rowDiff.omitted,
    storeEqualsFiles: request.expected !== undefined && !isEqual && !ofStore && rowDiff.differences.length === 0,
  };
}

async function contentOfFiles({ rows, call }: TableCheckRequest): Promise<TableContent> {
  const builder = new FingerprintBuilder(rows.spec);
  for await (const batch of rows.batches(call)) builder.addBatch(batch);
  return builder.content();
}

async function readTable(request: TableCheckRequest, expected: TableContent): Promise<FoundTable> {
  const { store, rows, call } = request;
  const watched = new WatchedRows(expected, await searchStore(request, expected));
  const builder = new FingerprintBuilder(rows.spec, watched);
  for await (const batch of store.readBack(rows.spec, call)) builder.addBatch(batch);
  const content = builder.content();
  return {
    content,
    columns: await store.columns(rows.spec, call),
    samples: watched.samples,
    vectors: watched.vectors,
    recallAt10: watched.recall(expected, content),
  };
}

/** Undefined: the store cannot search, or its rows have no key that it could name. */
async function searchStore(
  { store, rows: { spec }, call }: TableCheckRequest,
  expected: TableContent,
): Promise<readonly (readonly string[])[] | undefined> {
  const hasNeighbours = expected.vectors?.neighbours.some((list) => list.length > 0) ?? false;
  if (store.search === undefined || !hasNeighbours || spec.vector === undefined || spec.keys.length === 0) {
    return undefined;
  }
  const results: (readonly string[])[] = [];
  for (const query of fixedQueries(spec.vector.dimensions)) {
    results.push(await store.search(spec, query, NEIGHBOURS, call));
  }
  return results;
}

async function nameRows({ store, rows, call }: TableCheckRequest): Promise<RowDiff> {
  const [files, stored] = [() => rows.batches(call), () => store.readBack(rows.spec, call)];
  return diffRows(rows.spec, files, stored, { limit: MAX_DIFFERENCES });
}

/**
 * Named rows say more than digests do, so those are told only where no row was named; types, the number of rows and
 * what a search found are told in any case.
 */
function together(comparison: Comparison, { differences }: RowDiff): readonly TableDifference[] {
  if (differences.length === 0) return comparison.differences;
  const rest = comparison.differences.filter((difference) => difference.level === 'L0' || isOfStore(difference));
  return [...differences, ...rest];
}

/** Types and what a search finds are of the store alone: equal rows do not excuse them. */
function isOfStore({ reason, found }: TableDifference): boolean {
  return reason === 'TYPES_DIFFER' || found.startsWith('recall@10');
}
