/** The numbers a benchmark reports about its samples. Pure. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle value; of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('median: there are no values');
  const sorted = [...values].sort((a, b) => a - b);
  const upper = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[upper]! : (sorted[upper - 1]! + sorted[upper]!) / 2;
}

/** Nothing when a value is missing: a median of some rounds must not pass for one of all. */
export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0 || known.length < values.length) return null;
  return { median: median(known), min: Math.min(...known), max: Math.max(...known) };
}

/** The ratio of two medians: 0.5 says that the first takes half of what the second takes. */
export function ratioOf(first: Spread | null, second: Spread | null): number | null {
  if (first === null || second === null || second.median === 0) return null;
  return first.median / second.median;
}
