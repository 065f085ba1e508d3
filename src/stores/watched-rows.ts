/**
 * What a comparison wants of single rows while a table is read back: the sampled ones, and how near to the fixed
 * queries those are that the store's own search named.
 */
import type { SampledRow } from '../schema/fingerprint.js';
import type { RowWatcher, TableContent } from './fingerprint.js';
import type { Neighbour } from './nearest-names.js';
import { shortName } from './sampled-names.js';

/** Two sums of the same products in another order differ by less. */
const SCORE_TOLERANCE = 1e-9;

export class WatchedRows implements RowWatcher {
  readonly names: ReadonlySet<string>;
  readonly samples = new Map<string, readonly SampledRow[]>();
  readonly vectors = new Map<string, Float32Array | undefined>();
  /** By query: names that the store's search gave. */
  readonly #searched: readonly ReadonlySet<string>[] | undefined;
  readonly #scores: readonly Map<string, number>[];

  /** `searched`: key texts by fixed query. Undefined: the store has no search. */
  constructor(expected: TableContent, searched: readonly (readonly string[])[] | undefined) {
    this.names = new Set([...expected.samples, ...(expected.vectors?.samples ?? [])].map(({ key }) => key));
    this.#searched = searched?.map((keys) => new Set(keys.map(shortName)));
    this.#scores = (searched ?? []).map(() => new Map<string, number>());
  }

  sampled(row: SampledRow): void {
    this.samples.set(row.key, [...(this.samples.get(row.key) ?? []), row]);
  }

  vector(name: string, vector: Float32Array | undefined): void {
    // A copy: a batch may be a window into memory that is used again.
    if (!this.vectors.has(name)) this.vectors.set(name, vector?.slice());
  }

  scored(name: string, scores: readonly number[]): void {
    for (const [query, names] of this.#searched?.entries() ?? []) {
      if (names.has(name)) this.#scores[query]?.set(name, scores[query] ?? Number.NaN);
    }
  }

  /**
   * The share of the expected neighbours that was found: by the store's search, or exactly in what was read back. One
   * as near as the last expected counts too, because equal vectors may stand in any order. Undefined: none expected.
   */
  recall(expected: TableContent, found: TableContent): number | undefined {
    const lists = expected.vectors?.neighbours ?? [];
    let [wanted, hits] = [0, 0];
    for (const [query, list] of lists.entries()) {
      wanted += list.length;
      hits += Math.min(list.length, this.#hits(list, query, found));
    }
    return wanted === 0 ? undefined : hits / wanted;
  }

  #hits(expected: readonly Neighbour[], query: number, found: TableContent): number {
    const exact = found.vectors?.neighbours[query] ?? [];
    const scores = this.#scores[query] ?? new Map(exact.map(({ key, score }) => [key, score]));
    const names = new Set(expected.map(({ key }) => key));
    const last = expected.at(-1)?.score ?? 0;
    const enough = last - SCORE_TOLERANCE * (1 + Math.abs(last));
    return [...scores].filter(([key, score]) => names.has(key) || score >= enough).length;
  }
}
