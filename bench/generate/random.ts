/** Numbers that look random and are the same on every machine. Not for secrets. */

/** Marsaglia's xorshift32: whole numbers from 1 to 2^32 - 1. */
export function randomOf(seed: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}

/** Bytes that nothing compresses. */
export function noise(random: () => number, bytes: number): Buffer {
  const words = Uint32Array.from({ length: Math.ceil(bytes / 4) }, random);
  return Buffer.from(words.buffer, 0, bytes);
}

/** A one-to-one map of byte values. What is mapped by it compresses exactly as before, and shares nothing with the original. */
export function permutationOf(random: () => number): Uint8Array {
  const table = Uint8Array.from({ length: 256 }, (_, index) => index);
  for (let last = 255; last > 0; last -= 1) {
    const other = random() % (last + 1);
    [table[last], table[other]] = [table[other]!, table[last]!];
  }
  return table;
}

export function mapBytes(bytes: Uint8Array, table: Uint8Array): Buffer {
  const mapped = Buffer.allocUnsafe(bytes.length);
  for (let index = 0; index < bytes.length; index += 1) mapped[index] = table[bytes[index]!]!;
  return mapped;
}
