/**
 * Sums of truncated SHA-256s modulo 2^128 (docs/fingerprints.md, section 3.1): they do not depend on the order of what
 * is added, and those of two sets are added to that of both. They tell accidents and faults, not an adversary who may
 * choose the rows: for that the manifests have SHA-256s of the files.
 */
import { hash } from 'node:crypto';

/** 16 bytes, each a character of code 0 … 255. One third of the time that making a Buffer of each takes. */
export type Digest = string;

export const DIGEST_CHARACTERS = 16;
const LANE = 2 ** 32;
/** Sums of so many lanes below 2^32 are still exact in a double. */
const ADDITIONS_BETWEEN_CARRIES = 2 ** 20;

export function digestOf(text: string): Digest {
  return wholeDigestOf(text).slice(0, DIGEST_CHARACTERS);
}

function wholeDigestOf(text: string): string {
  return hash('sha256', text, 'binary');
}

export function digestHex(digest: Digest): string {
  return Buffer.from(digest, 'latin1').toString('hex');
}

export class DigestSum {
  /** Most significant lane first. */
  readonly #lanes = new Float64Array(4);
  #additions = 0;

  /** Adds the digest of a text. */
  addText(text: string): void {
    // What stands after the first 16 characters is not looked at: to cut it off would be work for nothing.
    this.add(wholeDigestOf(text));
  }

  add(digest: Digest): void {
    const lanes = this.#lanes;
    lanes[0] = (lanes[0] ?? 0) + laneOf(digest, 0);
    lanes[1] = (lanes[1] ?? 0) + laneOf(digest, 4);
    lanes[2] = (lanes[2] ?? 0) + laneOf(digest, 8);
    lanes[3] = (lanes[3] ?? 0) + laneOf(digest, 12);
    this.#additions += 1;
    if (this.#additions >= ADDITIONS_BETWEEN_CARRIES) this.#carry();
  }

  /** Adds a sum that was written as 32 hex characters. */
  addHex(sum: string): void {
    this.add(Buffer.from(sum, 'hex').toString('latin1'));
  }

  hex(): string {
    this.#carry();
    return Array.from(this.#lanes, (lane) => lane.toString(16).padStart(8, '0')).join('');
  }

  #carry(): void {
    let carried = 0;
    for (let lane = 3; lane >= 0; lane -= 1) {
      const sum = (this.#lanes[lane] ?? 0) + carried;
      carried = Math.floor(sum / LANE);
      this.#lanes[lane] = sum - carried * LANE;
    }
    this.#additions = 0;
  }
}

function laneOf(digest: Digest, at: number): number {
  const low = (digest.charCodeAt(at + 1) << 16) | (digest.charCodeAt(at + 2) << 8) | digest.charCodeAt(at + 3);
  return digest.charCodeAt(at) * 16_777_216 + low;
}
