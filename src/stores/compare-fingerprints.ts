/**
 * Compares what a table must contain with what it was found to contain, level by level (docs/fingerprints.md, section
 * 4). Pure: it reads no store, and names single rows only as far as they were sampled.
 */
import type { DrilledTable, FingerprintLevel, TableDifference } from '../schema/drill-record.js';
import type { SampledRow, VectorFingerprint } from '../schema/fingerprint.js';
import type { StoredColumn, TableSpec } from './contract.js';
import type { TableContent } from './fingerprint.js';
import { similarity } from './fixed-queries.js';
import { readableCanonical, readableName } from './readable-cell.js';

export const MIN_RECALL_AT_10 = 0.9;
export const MIN_COSINE = 1 - 1e-6;

export interface FoundTable {
  readonly content: TableContent;
  readonly columns: readonly StoredColumn[];
  /** Rows read back whose names are among the expected samples. */
  readonly samples: ReadonlyMap<string, readonly SampledRow[]>;
  readonly vectors: ReadonlyMap<string, Float32Array | undefined>;
  readonly recallAt10: number | undefined;
}

export interface Comparison {
  readonly levels: DrilledTable['levels'];
  /** About the table, its columns and its sampled rows. */
  readonly differences: readonly TableDifference[];
}

type Difference = Omit<TableDifference, 'table'>;

export function compareFingerprints(spec: TableSpec, expected: TableContent, found: FoundTable): Comparison {
  const differences = [
    ...rowCount(expected, found.content),
    ...keySet(expected, found.content),
    ...types(found.columns),
    ...values(expected, found.content),
    ...samples(spec, expected, found),
    ...(expected.vectors === undefined ? [] : vectors(spec, expected.vectors, found)),
  ];
  return {
    levels: levelsOf(expected, differences),
    differences: differences.map((difference) => ({ ...difference, table: spec.name })),
  };
}

function levelsOf(expected: TableContent, differences: readonly Difference[]): DrilledTable['levels'] {
  const verdict = (level: FingerprintLevel): 'equal' | 'differs' =>
    differences.some((difference) => difference.level === level) ? 'differs' : 'equal';
  return {
    L0: verdict('L0'),
    L1: expected.keys === undefined ? 'not compared' : verdict('L1'),
    L2: verdict('L2'),
    L3: expected.samples.length === 0 ? 'not compared' : verdict('L3'),
    L4: expected.vectors === undefined ? 'not compared' : verdict('L4'),
  };
}

function rowCount(expected: TableContent, found: TableContent): readonly Difference[] {
  if (expected.rows === found.rows) return [];
  return [{ level: 'L0', reason: 'ROWS_DIFFER', expected: `${expected.rows} rows`, found: `${found.rows} rows` }];
}

function keySet(expected: TableContent, found: TableContent): readonly Difference[] {
  if (expected.keys === undefined || expected.keys === found.keys) return [];
  const [wanted, got] = [`keys of digest ${expected.keys}`, `keys of digest ${found.keys ?? 'none'}`];
  return [{ level: 'L1', reason: 'KEYS_DIFFER', expected: wanted, found: got }];
}

function types(columns: readonly StoredColumn[]): readonly Difference[] {
  return columns
    .filter((column) => column.expected !== column.found)
    .map(({ name, expected, found }) => ({
      level: 'L2',
      reason: 'TYPES_DIFFER',
      column: name,
      expected: expected === undefined ? 'no such column' : `type ${expected}`,
      found: found === undefined ? 'no such column' : `type ${found}`,
    }));
}

/** By column first: they say more. The rows' own digest can differ alone, where whole cells changed places. */
function values(expected: TableContent, found: TableContent): readonly Difference[] {
  const columns = Object.keys({ ...expected.columns, ...found.columns })
    .filter((name) => expected.columns[name] !== found.columns[name])
    .map((name) => ({ column: name, ...digests(expected.columns[name], found.columns[name]) }));
  const rows = columns.length > 0 || expected.digest === found.digest ? [] : [digests(expected.digest, found.digest)];
  return [...columns, ...rows].map((one) => ({ level: 'L2', reason: 'VALUES_DIFFER', ...one }));
}

function digests(expected: string | undefined, found: string | undefined): { expected: string; found: string } {
  return { expected: `values of digest ${expected ?? 'none'}`, found: `values of digest ${found ?? 'none'}` };
}

function samples(spec: TableSpec, expected: TableContent, found: FoundTable): readonly Difference[] {
  return expected.samples.flatMap((sample): readonly Difference[] => {
    const key = readableName(spec, sample.key);
    const rows = found.samples.get(sample.key) ?? [];
    const base = { level: 'L3', reason: 'SAMPLES_DIFFER', key } as const;
    if (rows.length === 0) return [{ ...base, expected: 'the sampled row', found: 'no such row' }];
    return sampledCells(sample, rows).map((difference) => ({ ...base, ...difference }));
  });
}

/** Of several rows with one key, one that is equal is enough: that there are too many is told by level 0. */
function sampledCells(
  sample: SampledRow,
  rows: readonly SampledRow[],
): readonly { column: string; expected: string; found: string }[] {
  const differing = rows.map((row) =>
    Object.entries(sample.cells).filter(([column, cell]) => row.cells[column] !== cell),
  );
  const [first = [], row] = [differing[0], rows[0]];
  if (differing.some((cells) => cells.length === 0)) return [];
  return first.map(([column, cell]) => ({
    column,
    expected: readableCanonical(cell),
    found: readableCanonical(row?.cells[column] ?? ''),
  }));
}

function vectors(spec: TableSpec, expected: VectorFingerprint, found: FoundTable): readonly Difference[] {
  const content = found.content.vectors;
  const base = {
    level: 'L4',
    reason: 'VECTORS_DIFFER',
    ...(spec.vector === undefined ? {} : { column: spec.vector.column }),
  } as const;
  const facts: readonly (readonly [string | number, string | number, (value: string | number) => string])[] = [
    [expected.count, content?.count ?? 0, (count) => `${count} vectors`],
    [expected.dimensions, content?.dimensions ?? 0, (dimensions) => `${dimensions} dimensions`],
    [expected.digest, content?.digest ?? 'none', (digest) => `vectors of digest ${digest}`],
  ];
  const differing = facts.filter(([wanted, got]) => wanted !== got);
  return [
    ...differing.map(([wanted, got, words]) => ({ ...base, expected: words(wanted), found: words(got) })),
    ...sampledVectors(spec, expected, found).map((difference) => ({ ...base, ...difference })),
    ...recall(found.recallAt10).map((difference) => ({ ...base, ...difference })),
  ];
}

function sampledVectors(
  spec: TableSpec,
  expected: VectorFingerprint,
  found: FoundTable,
): readonly { key: string; expected: string; found: string }[] {
  return expected.samples.flatMap(({ key, base64 }) => {
    const wanted = vectorOf(base64);
    const got = found.vectors.get(key);
    if (got !== undefined && isSameDirection(wanted, got)) return [];
    const cosine = got?.length === wanted.length ? `cosine ${similarity(wanted, got, 'cosine')}` : 'no such vector';
    return [{ key: readableName(spec, key), expected: `cosine at least ${MIN_COSINE}`, found: cosine }];
  });
}

/** Where there is no direction (all zero, or no numbers) the elements are compared: a cosine would say nothing. */
function isSameDirection(wanted: Float32Array, got: Float32Array): boolean {
  if (wanted.length !== got.length) return false;
  const cosine = similarity(wanted, got, 'cosine');
  if (Number.isFinite(cosine)) return cosine >= MIN_COSINE;
  return wanted.every((element, at) => Object.is(element, got[at]) || element === got[at]);
}

function vectorOf(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  return Float32Array.from({ length: Math.floor(bytes.length / 4) }, (_, at) => bytes.readFloatLE(at * 4));
}

function recall(found: number | undefined): readonly { expected: string; found: string }[] {
  if (found === undefined || found >= MIN_RECALL_AT_10) return [];
  return [{ expected: `recall@10 of at least ${MIN_RECALL_AT_10}`, found: `recall@10 of ${found.toFixed(3)}` }];
}
