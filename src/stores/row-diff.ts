/**
 * Names the rows and cells in which two readings of a table differ. Memory does not grow with the table: a first
 * reading of both sides tells in which of 65,536 buckets something differs, a second one keeps rows of those only.
 */
import type { TableDifference } from '../schema/drill-record.js';
import type { Digest } from './digest-sum.js';
import type { Cell, RowBatch, TableSpec } from './contract.js';
import { cellDifferences, rowDifference } from './row-words.js';
import { type IdentifiedRow, rowIdentifier } from './row-identity.js';

const BUCKETS = 65_536;
/** Rows of both sides that are kept for a look. */
const MAX_KEPT_ROWS = 20_000;
const LANE = 2 ** 32;

export interface RowDiff {
  readonly differences: readonly TableDifference[];
  /** Further differences that were found; where too much differs to look at all of it, at least so many. */
  readonly omitted: number;
}

export type ReadRows = () => AsyncIterable<RowBatch>;

export async function diffRows(
  spec: TableSpec,
  expected: ReadRows,
  found: ReadRows,
  options: { readonly limit: number },
): Promise<RowDiff> {
  const [expectedBuckets, foundBuckets] = [await bucketsOf(spec, expected), await bucketsOf(spec, found)];
  const differing = differingBuckets(expectedBuckets, foundBuckets);
  if (differing.length === 0) return { differences: [], omitted: 0 };
  const chosen = chooseBuckets(differing, expectedBuckets, foundBuckets);
  const rows = await unmatchedRows(spec, expected, found, chosen);
  const sameCount = expectedBuckets.rows === foundBuckets.rows;
  const differences = [...rows.values()].sort(byIdentity).flatMap((row) => differencesOf(spec, row, sameCount));
  const named = differences.slice(0, options.limit);
  return { differences: named, omitted: differences.length - named.length + differing.length - chosen.size };
}

/** Of each bucket: how many rows, and the sum of their digests. */
class Buckets {
  rows = 0;
  readonly counts = new Float64Array(BUCKETS);
  readonly #sums = new Float64Array(BUCKETS * 2);

  add(row: IdentifiedRow): void {
    const bucket = bucketOf(row.identityDigest);
    this.rows += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    for (const half of [0, 1]) {
      const at = bucket * 2 + half;
      this.#sums[at] = ((this.#sums[at] ?? 0) + halfOf(row.digest, half)) % LANE;
    }
  }

  equals(other: Buckets, bucket: number): boolean {
    const halves = [bucket * 2, bucket * 2 + 1];
    return this.counts[bucket] === other.counts[bucket] && halves.every((at) => this.#sums[at] === other.#sums[at]);
  }
}

async function bucketsOf(spec: TableSpec, read: ReadRows): Promise<Buckets> {
  const [buckets, identify] = [new Buckets(), rowIdentifier(spec)];
  for await (const batch of read()) {
    for (let row = 0; row < batch.rows; row += 1) buckets.add(identify(batch, row));
  }
  return buckets;
}

function differingBuckets(expected: Buckets, found: Buckets): readonly number[] {
  return Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter((bucket) => !expected.equals(found, bucket));
}

/** As many as can be held; always one. */
function chooseBuckets(differing: readonly number[], expected: Buckets, found: Buckets): ReadonlySet<number> {
  const chosen = new Set<number>();
  let kept = 0;
  for (const bucket of differing) {
    kept += (expected.counts[bucket] ?? 0) + (found.counts[bucket] ?? 0);
    if (chosen.size > 0 && kept > MAX_KEPT_ROWS) break;
    chosen.add(bucket);
  }
  return chosen;
}

interface KeptRow {
  readonly digest: Digest;
  /** Let go where the other side has the row too. */
  cells: readonly Cell[];
  /** Equal rows that the other side has not. */
  count: number;
}

interface KeptIdentity {
  readonly identity: string;
  readonly expected: KeptRow[];
  readonly found: KeptRow[];
  expectedRows: number;
  foundRows: number;
}

async function unmatchedRows(
  spec: TableSpec,
  expected: ReadRows,
  found: ReadRows,
  chosen: ReadonlySet<number>,
): Promise<ReadonlyMap<string, KeptIdentity>> {
  const kept = new Map<string, KeptIdentity>();
  await eachChosenRow(spec, expected, chosen, (row) => {
    const place = placeOf(kept, row);
    place.expectedRows += 1;
    keep(place.expected, row);
  });
  await eachChosenRow(spec, found, chosen, (row) => {
    const place = placeOf(kept, row);
    place.foundRows += 1;
    const same = place.expected.find(({ digest, count }) => digest === row.digest && count > 0);
    if (same === undefined) keep(place.found, row);
    else letGo(same);
  });
  return kept;
}

async function eachChosenRow(
  spec: TableSpec,
  read: ReadRows,
  chosen: ReadonlySet<number>,
  visit: (row: IdentifiedRow) => void,
): Promise<void> {
  const identify = rowIdentifier(spec);
  for await (const batch of read()) {
    for (let row = 0; row < batch.rows; row += 1) {
      const identified = identify(batch, row);
      if (chosen.has(bucketOf(identified.identityDigest))) visit(identified);
    }
  }
}

function placeOf(kept: Map<string, KeptIdentity>, row: IdentifiedRow): KeptIdentity {
  const known = kept.get(row.identity);
  if (known !== undefined) return known;
  const place = { identity: row.identity, expected: [], found: [], expectedRows: 0, foundRows: 0 };
  kept.set(row.identity, place);
  return place;
}

function keep(rows: KeptRow[], row: IdentifiedRow): void {
  const same = rows.find(({ digest }) => digest === row.digest);
  if (same === undefined) rows.push({ digest: row.digest, cells: row.cells(), count: 1 });
  else same.count += 1;
}

function letGo(row: KeptRow): void {
  row.count -= 1;
  if (row.count === 0) row.cells = [];
}

/** Rows of one identity are set side by side; what is left over on one side is missing or too many there. */
function differencesOf(spec: TableSpec, place: KeptIdentity, sameCount: boolean): readonly TableDifference[] {
  const expected = place.expected.filter(({ count }) => count > 0);
  const found = place.found.filter(({ count }) => count > 0);
  const [wanted, got] = [expected[0], found[0]];
  const [lost, extra] = [sum(expected), sum(found)];
  const differences = wanted === undefined || got === undefined ? [] : cellDifferences(spec, wanted.cells, got.cells);
  return lost === extra
    ? differences
    : [rowDifference(spec, { ...place, cells: (wanted ?? got)?.cells ?? [] }, sameCount), ...differences];
}

function sum(rows: readonly KeptRow[]): number {
  return rows.reduce((total, { count }) => total + count, 0);
}

function byIdentity(a: KeptIdentity, b: KeptIdentity): number {
  return a.identity < b.identity ? -1 : 1;
}

function bucketOf(digest: Digest): number {
  return digest.charCodeAt(0) * 256 + digest.charCodeAt(1);
}

function halfOf(digest: Digest, half: number): number {
  const at = 4 + half * 4;
  const high = digest.charCodeAt(at) * 256 + digest.charCodeAt(at + 1);
  return high * 65536 + digest.charCodeAt(at + 2) * 256 + digest.charCodeAt(at + 3);
}
