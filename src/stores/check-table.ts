/**
 * Reads a rebuilt table back, once, and says whether it is what the exports say it must be; where it is not, reads it
 * again beside the files and names columns and rows (docs/fingerprints.md, section 4).
 */
import type { DrilledTable, TableDifference } from '../schema/drill-record.js';
import { type Comparison, compareFingerprints, type FoundTable } from './compare-fingerprints.js';
import type { DerivedStore, StoreCall, TableRows } from './contract.js';
import { type Depth, FingerprintBuilder, type TableContent } from './fingerprint.js';
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
  const { comparison, found } = await compareTable(request);
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

interface ComparedTable {
  readonly comparison: Comparison;
  readonly found: FoundTable;
}

/**
 * Where the digests of whole rows are equal, those of their columns are: they are sums over the same rows. So they, who
 * take most of the time, are worked out only where rows differ, to name the column.
 */
async function compareTable(request: TableCheckRequest): Promise<ComparedTable> {
  const { spec } = request.rows;
  const expected = request.expected ?? (await contentOfFiles(request, 'rows'));
  const found = await readTable(request, expected, 'rows');
  if (found.content.digest === expected.digest) {
    const equal = { ...found, content: { ...found.content, columns: expected.columns } };
    return { comparison: compareFingerprints(spec, expected, equal), found: equal };
  }
  const whole = request.expected ?? (await contentOfFiles(request, 'rows and columns'));
  const foundAgain = await readTable(request, whole, 'rows and columns');
  return { comparison: compareFingerprints(spec, whole, foundAgain), found: foundAgain };
}

async function contentOfFiles({ rows, call }: TableCheckRequest, depth: Depth): Promise<TableContent> {
  const builder = new FingerprintBuilder(rows.spec, { depth });
  for await (const batch of rows.batches(call)) builder.addBatch(batch);
  return builder.content();
}

async function readTable(request: TableCheckRequest, expected: TableContent, depth: Depth): Promise<FoundTable> {
  const { store, rows, call } = request;
  const watcher = new WatchedRows(expected, await searchStore(request, expected));
  const builder = new FingerprintBuilder(rows.spec, { watcher, depth });
  for await (const batch of store.readBack(rows.spec, call)) builder.addBatch(batch);
  const content = builder.content();
  return {
    content,
    columns: await store.columns(rows.spec, call),
    samples: watcher.samples,
    vectors: watcher.vectors,
    recallAt10: watcher.recall(expected, content),
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
