/** Which rows a fingerprint samples, and under which names (docs/fingerprints.md, section 3.4). */
import { sha256Of } from '../base/sha256.js';
import { type Digest, digestOf } from './digest-sum.js';

/** Sampled rows of one export, and at most of many together. */
export const SAMPLES = 4;
export const MERGED_SAMPLES = 64;
/** Longer texts stand in a manifest as `#` and their SHA-256. */
const MAX_CHARACTERS = 256;

/** No canonical text begins with `#`. */
export function sampledCell(cell: string): string {
  return isLong(cell) ? `#${sha256Of(cell)}` : cell;
}

/** The name of a row with that key text. */
export function shortName(keyText: string): string {
  return sampledCell(keyText);
}

/** The digest of the key that a name stands for; of a row without key, whose digest is its name. */
export function nameDigest(name: string): Digest {
  if (name.startsWith('#')) return Buffer.from(name.slice(1, 33), 'hex').toString('latin1');
  return /^[0-9a-f]{32}$/.test(name) ? Buffer.from(name, 'hex').toString('latin1') : digestOf(name);
}

/** Keeps the few values whose digests are the smallest. */
export class SmallestNames<T extends { readonly key: string }> {
  readonly #count: number;
  #kept: { readonly digest: Digest; readonly value: T }[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  wants(digest: Digest): boolean {
    const last = this.#kept[this.#count - 1];
    return last === undefined || digest < last.digest;
  }

  /** Of two rows with one digest, which have one key, the first stays. */
  add(digest: Digest, value: T): void {
    if (!this.wants(digest) || this.#kept.some((one) => one.digest === digest)) return;
    const kept = [...this.#kept, { digest, value }].sort((a, b) => (a.digest < b.digest ? -1 : 1));
    this.#kept = kept.slice(0, this.#count);
  }

  /** By digest. */
  values(): readonly T[] {
    return this.#kept.map(({ value }) => value);
  }
}

/** Characters are code points; text of that many code units can have no more of them. */
function isLong(text: string): boolean {
  return text.length > MAX_CHARACTERS && Array.from(text).length > MAX_CHARACTERS;
}
