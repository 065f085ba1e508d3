/** A small seeded generator, for samples that can be drawn again. Not for secrets. */

/** Numbers from 0 up to 1, always the same for a seed (mulberry32). @param seed an integer from 0 to 2^32-1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Picks exactly `wanted` of `total` items in one pass, each with the same chance (Knuth, TAOCP 2, 3.4.2, algorithm S).
 * Ask it once for every item, in order.
 */
export function samplePicker(wanted: number, total: number, random: () => number): () => boolean {
  let needed = Math.min(wanted, total);
  let left = total;
  return () => {
    const pick = left > 0 && random() * left < needed;
    left -= 1;
    if (pick) needed -= 1;
    return pick;
  };
}
