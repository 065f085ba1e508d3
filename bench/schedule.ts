/** In which order contenders take their turns. Pure. */

export interface Turn<T> {
  readonly contender: T;
  /** From 1. Warm-up rounds are counted apart. */
  readonly round: number;
  readonly isWarmUp: boolean;
}

/**
 * Interleaved, A B C A B C …: what slows the machine down for a while (another user, heat) then meets every contender and
 * not only one. Warm-up rounds come first, in the same order; they fill the page cache and are thrown away.
 */
export function interleave<T>(contenders: readonly T[], rounds: number, warmUpRounds: number): Turn<T>[] {
  const block = (isWarmUp: boolean) => (_: unknown, index: number) =>
    contenders.map((contender) => ({ contender, round: index + 1, isWarmUp }));
  return [...Array.from({ length: warmUpRounds }, block(true)), ...Array.from({ length: rounds }, block(false))].flat();
}
