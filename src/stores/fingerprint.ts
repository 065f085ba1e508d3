/**
 * Makes what an export says of a table from the table's rows, in memory that does not grow with them, and adds up what
 * several exports say (docs/fingerprints.md, section 3).
 */
import type { SampledRow, TableFingerprint } from '../schema/fingerprint.js';
import {
  cellEscaper,
  type CellWriter,
  cellWriter,
  FIELD_SEPARATOR,
  keyColumns,
  RECORD_SEPARATOR,
  vectorBytes,
} from './canonical-cell.js';
import type { Cell, RowBatch, TableColumn, TableSpec } from './contract.js';
import { type Digest, digestHex, digestOf, DigestSum } from './digest-sum.js';
import { fixedQueries, similarity } from './fixed-queries.js';
import { MERGED_SAMPLES, nameDigest, sampledCell, SAMPLES, shortName, SmallestNames } from './sampled-names.js';
import { type Neighbour, NEIGHBOURS, NearestNames } from './nearest-names.js';

export type TableContent = Omit<TableFingerprint, 'definition' | 'scope' | 'inputs' | 'files'>;

/** What a reader of a table is told of each row on the way, without reading it twice. */
export interface RowWatcher {
  /** Names of rows (as `SampledRow.key`) of which it wants the cells. */
  readonly names: ReadonlySet<string>;
  sampled(row: SampledRow): void;
  /** The vector of such a row; undefined: the row has none, or what is there is no vector. */
  vector(name: string, vector: Float32Array | undefined): void;
  /** How near the row is to each fixed query. */
  scored(name: string, scores: readonly number[]): void;
}

/** `rows`: without the digests of columns, which take most of the time and which equal rows have equal. */
export type Depth = 'rows' | 'rows and columns';

export interface FingerprintOptions {
  readonly watcher?: RowWatcher;
  /** Default: `rows and columns`, as a manifest has them. */
  readonly depth?: Depth;
}

interface PlannedColumn {
  readonly column: TableColumn;
  readonly index: number;
  readonly write: CellWriter;
  readonly escape: (cell: string) => string;
  /** What stands between the key and the cell in the column's digest. */
  readonly infix: string;
}

interface TablePlan {
  readonly columns: readonly PlannedColumn[];
  /** Where the keys stand among `columns`. */
  readonly keys: readonly number[];
  readonly vector: { readonly index: number; readonly write: CellWriter; readonly queries: readonly Float32Array[] };
}

export class FingerprintBuilder {
  readonly #spec: TableSpec;
  readonly #plan: TablePlan;
  readonly #watcher: RowWatcher | undefined;
  readonly #keySum = new DigestSum();
  readonly #rowSum = new DigestSum();
  readonly #columnSums: readonly DigestSum[];
  readonly #samples = new SmallestNames<SampledRow>(SAMPLES);
  readonly #vectors: VectorBuilder | undefined;
  /** Of the row at hand: used again for each. */
  readonly #cells: string[];
  readonly #escaped: string[];
  #rows = 0;

  constructor(spec: TableSpec, { watcher, depth = 'rows and columns' }: FingerprintOptions = {}) {
    this.#spec = spec;
    this.#plan = planOf(spec);
    this.#watcher = watcher;
    this.#columnSums = depth === 'rows' ? [] : this.#plan.columns.map(() => new DigestSum());
    this.#cells = this.#plan.columns.map(() => '');
    this.#escaped = this.#plan.columns.map(() => '');
    this.#vectors = spec.vector === undefined ? undefined : new VectorBuilder(spec.vector, this.#plan.vector, watcher);
  }

  addBatch(batch: RowBatch): void {
    for (let row = 0; row < batch.rows; row += 1) this.addRow(batch, row);
  }

  addRow(batch: RowBatch, row: number): void {
    const hasKeys = this.#plan.keys.length > 0;
    const rowText = this.#writeCells(batch, row);
    const keyText = this.#keyText();
    const keyDigest = digestOf(hasKeys ? keyText : rowText);
    this.#rows += 1;
    if (hasKeys) {
      this.#keySum.add(keyDigest);
      this.#rowSum.addText(rowText);
    } else this.#rowSum.add(keyDigest);
    if (this.#columnSums.length > 0) this.#addColumns(keyText);
    this.#sample(keyDigest, keyText);
    this.#vectors?.add(batch.columns[this.#plan.vector.index]?.[row] ?? null, keyDigest, keyText);
  }

  /** Gives the joined text of the row. Plain loops here and below: they run for every cell of every table. */
  #writeCells(batch: RowBatch, row: number): string {
    const { columns } = this.#plan;
    let rowText = '';
    for (let at = 0; at < columns.length; at += 1) {
      const { index, write, escape } = columns[at] as PlannedColumn;
      const cell = write(batch.columns[index]?.[row] ?? null);
      const escaped = escape(cell);
      this.#cells[at] = cell;
      this.#escaped[at] = escaped;
      rowText = at === 0 ? escaped : rowText + FIELD_SEPARATOR + escaped;
    }
    return rowText;
  }

  #keyText(): string {
    const [first, ...others] = this.#plan.keys;
    if (first === undefined) return '';
    let keyText = this.#escaped[first] ?? '';
    for (const at of others) keyText += FIELD_SEPARATOR + (this.#escaped[at] ?? '');
    return keyText;
  }

  #addColumns(keyText: string): void {
    let at = 0;
    for (const { infix } of this.#plan.columns) {
      this.#columnSums[at]?.addText(keyText + infix + (this.#cells[at] ?? ''));
      at += 1;
    }
  }

  content(): TableContent {
    const hasKeys = this.#spec.keys.length > 0;
    const vectors = this.#vectors?.content();
    return {
      rows: this.#rows,
      ...(hasKeys ? { keys: this.#keySum.hex() } : {}),
      digest: this.#rowSum.hex(),
      columns: this.#columnDigests(),
      samples: this.#samples.values(),
      ...(vectors === undefined ? {} : { vectors }),
    };
  }

  #columnDigests(): TableContent['columns'] {
    const digests = this.#columnSums.map((sum, at) => [this.#plan.columns[at]?.column.name ?? '', sum.hex()] as const);
    return Object.fromEntries(digests);
  }

  #sample(keyDigest: Digest, keyText: string): void {
    const isSmall = this.#samples.wants(keyDigest);
    if (!isSmall && this.#watcher === undefined) return;
    const name = rowName(keyDigest, keyText);
    if (isSmall) this.#samples.add(keyDigest, this.#sampledRow(name));
    if (this.#watcher?.names.has(name) === true) this.#watcher.sampled(this.#sampledRow(name));
  }

  #sampledRow(name: string): SampledRow {
    const cells = this.#plan.columns.map(
      ({ column }, at) => [column.name, sampledCell(this.#cells[at] ?? '')] as const,
    );
    return { key: name, cells: Object.fromEntries(cells) };
  }
}

/** The content of all rows together, from those of disjoint sets of rows. None: that of an empty table. */
export function addContents(spec: TableSpec, contents: readonly TableContent[]): TableContent {
  const empty = new FingerprintBuilder(spec).content();
  const vectors = empty.vectors === undefined ? undefined : addVectors(empty.vectors, contents);
  const addedColumns = Object.keys(empty.columns).map(
    (name) => [name, addHexes(contents.map(({ columns }) => columns[name]))] as const,
  );
  return {
    rows: contents.reduce((sum, { rows }) => sum + rows, 0),
    ...(empty.keys === undefined ? {} : { keys: addHexes(contents.map(({ keys }) => keys)) }),
    digest: addHexes(contents.map(({ digest }) => digest)),
    columns: Object.fromEntries(addedColumns),
    samples: smallest(contents.flatMap(({ samples }) => samples)),
    ...(vectors === undefined ? {} : { vectors }),
  };
}

type Vectors = NonNullable<TableContent['vectors']>;
type VectorSample = Vectors['samples'][number];

class VectorBuilder {
  readonly #vector: NonNullable<TableSpec['vector']>;
  readonly #plan: TablePlan['vector'];
  readonly #watcher: RowWatcher | undefined;
  readonly #sum = new DigestSum();
  readonly #samples = new SmallestNames<VectorSample>(SAMPLES);
  readonly #nearest: readonly NearestNames[];
  #count = 0;
  #dimensions: number;

  constructor(vector: NonNullable<TableSpec['vector']>, plan: TablePlan['vector'], watcher: RowWatcher | undefined) {
    this.#vector = vector;
    this.#plan = plan;
    this.#watcher = watcher;
    this.#dimensions = vector.dimensions;
    this.#nearest = plan.queries.map(() => new NearestNames(NEIGHBOURS));
  }

  add(cell: Cell, keyDigest: Digest, keyText: string): void {
    const vector = cell instanceof Float32Array ? cell : undefined;
    if (this.#watcher !== undefined) this.#tellVector(vector, keyDigest, keyText);
    if (cell === null) return;
    // Of a thing that is no vector too: it must make a difference.
    this.#sum.addText(keyText + RECORD_SEPARATOR + this.#hexOrForeign(cell));
    if (vector === undefined) return;
    this.#count += 1;
    if (vector.length !== this.#vector.dimensions) {
      this.#dimensions = strangest(this.#vector.dimensions, [this.#dimensions, vector.length]);
      return;
    }
    if (this.#samples.wants(keyDigest))
      this.#samples.add(keyDigest, sampledVector(rowName(keyDigest, keyText), vector));
    this.#score(vector, keyDigest, keyText);
  }

  content(): Vectors {
    return {
      dimensions: this.#dimensions,
      count: this.#count,
      digest: this.#sum.hex(),
      samples: this.#samples.values(),
      neighbours: this.#nearest.map((nearest) => nearest.values()),
    };
  }

  #hexOrForeign(cell: Cell): string {
    return cell instanceof Float32Array ? vectorBytes(cell).toString('hex') : this.#plan.write(cell);
  }

  #tellVector(vector: Float32Array | undefined, keyDigest: Digest, keyText: string): void {
    const name = rowName(keyDigest, keyText);
    if (this.#watcher?.names.has(name) === true) this.#watcher.vector(name, vector);
  }

  #score(vector: Float32Array, keyDigest: Digest, keyText: string): void {
    const scores = this.#plan.queries.map((query) => similarity(query, vector, this.#vector.metric));
    for (const [at, score] of scores.entries()) {
      const nearest = this.#nearest[at];
      if (nearest?.wants(score) === true) nearest.add({ key: rowName(keyDigest, keyText), score });
    }
    this.#watcher?.scored(rowName(keyDigest, keyText), scores);
  }
}

/** How a row is called in samples and neighbours: by its key text, without keys by its digest. */
function rowName(keyDigest: Digest, keyText: string): string {
  return keyText === '' ? digestHex(keyDigest) : shortName(keyText);
}

function sampledVector(name: string, vector: Float32Array): VectorSample {
  return { key: name, base64: vectorBytes(vector).toString('base64') };
}

/** The dimensions to tell: as declared, unless one vector has others; then the fewest of those. */
function strangest(declared: number, dimensions: readonly number[]): number {
  const others = dimensions.filter((one) => one !== declared);
  return others.length === 0 ? declared : Math.min(...others);
}

function addVectors(empty: Vectors, contents: readonly TableContent[]): Vectors {
  const all = contents.flatMap(({ vectors }) => (vectors === undefined ? [] : [vectors]));
  return {
    dimensions: strangest(
      empty.dimensions,
      all.map(({ dimensions }) => dimensions),
    ),
    count: all.reduce((sum, { count }) => sum + count, 0),
    digest: addHexes(all.map(({ digest }) => digest)),
    samples: smallest(all.flatMap(({ samples }) => samples)),
    neighbours: empty.neighbours.map((_, at) => mergeNearest(all.map(({ neighbours }) => neighbours[at] ?? []))),
  };
}

function mergeNearest(lists: readonly (readonly Neighbour[])[]): readonly Neighbour[] {
  const nearest = new NearestNames(NEIGHBOURS);
  for (const list of lists) for (const neighbour of list) nearest.add(neighbour);
  return nearest.values();
}

function smallest<T extends { readonly key: string }>(samples: readonly T[]): readonly T[] {
  const kept = new SmallestNames<T>(MERGED_SAMPLES);
  for (const sample of samples) kept.add(nameDigest(sample.key), sample);
  return kept.values();
}

function addHexes(sums: readonly (string | undefined)[]): string {
  const sum = new DigestSum();
  for (const one of sums) if (one !== undefined) sum.addHex(one);
  return sum.hex();
}

const plans = new WeakMap<TableSpec, TablePlan>();

/** One plan for all builders of a table: a lake may have thousands of partitions. */
function planOf(spec: TableSpec): TablePlan {
  const known = plans.get(spec);
  if (known !== undefined) return known;
  const planned = spec.columns.map((column, index) => ({
    column,
    index,
    write: cellWriter(column.type),
    escape: cellEscaper(column.type),
  }));
  const columns = planned
    .filter(({ column }) => column.name !== spec.vector?.column)
    .map((one) => ({ ...one, infix: RECORD_SEPARATOR + one.column.name + RECORD_SEPARATOR }));
  const keys = keyColumns(spec).map((key) => columns.findIndex(({ index }) => index === key.index));
  const vector = planned.find(({ column }) => column.name === spec.vector?.column);
  const plan = {
    columns,
    keys,
    vector: {
      index: vector?.index ?? -1,
      write: vector?.write ?? String,
      queries: spec.vector === undefined ? [] : fixedQueries(spec.vector.dimensions),
    },
  };
  plans.set(spec, plan);
  return plan;
}
