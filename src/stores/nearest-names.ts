/** The rows nearest to one query, kept while rows pass by (docs/fingerprints.md, section 3.5). */

/** Rows per query that a fingerprint tells. */
export const NEIGHBOURS = 10;

export interface Neighbour {
  /** Name of the row, as of a sampled one. */
  readonly key: string;
  /** Similarity: higher is nearer. */
  readonly score: number;
}

export class NearestNames {
  readonly #count: number;
  #kept: Neighbour[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  /** False where a row of that score cannot be among the nearest; a score that is no number never is. */
  wants(score: number): boolean {
    const last = this.#kept[this.#count - 1];
    return Number.isFinite(score) && (last === undefined || score >= last.score);
  }

  add(neighbour: Neighbour): void {
    if (!this.wants(neighbour.score)) return;
    this.#kept = [...this.#kept, neighbour].sort(byNearness).slice(0, this.#count);
  }

  /** Nearest first. */
  values(): readonly Neighbour[] {
    return this.#kept;
  }
}

function byNearness(a: Neighbour, b: Neighbour): number {
  if (a.score !== b.score) return b.score - a.score;
  return a.key < b.key ? -1 : 1;
}
