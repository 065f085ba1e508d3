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
  return hash('sha256', text, 'binary').slice(0, DIGEST_CHARACTERS);
}

export function digestHex(digest: Digest): string {
  return Buffer.from(digest, 'latin1').toString('hex');
}

export class DigestSum {
  /** Most significant lane first. */
  readonly #lanes = new Float64Array(4);
  #additions = 0;

  add(digest: Digest): void {
    const lanes = this.#lanes;
    for (let lane = 0; lane < 4; lane += 1) lanes[lane] = (lanes[lane] ?? 0) + laneOf(digest, lane);
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

function laneOf(digest: Digest, lane: number): number {
  const at = lane * 4;
  const high = digest.charCodeAt(at) * 256 + digest.charCodeAt(at + 1);
  return high * 65536 + digest.charCodeAt(at + 2) * 256 + digest.charCodeAt(at + 3);
}
