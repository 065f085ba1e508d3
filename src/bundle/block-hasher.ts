/** SHA-256 of stored bytes as a whole and of each of their blocks (format 5.3), in one pass. */
import { createHash, type Hash } from 'node:crypto';
import { BLOCK_BYTES, MAX_BLOCKS } from '../base/limits.js';

export interface StoredHashes {
  readonly bytes: number;
  readonly sha256: string;
  readonly blocks: readonly string[];
}

export class BlockHasher {
  readonly #blockBytes: number;
  readonly #whole: Hash = createHash('sha256');
  #block: Hash = createHash('sha256');
  #inBlock = 0;
  #bytes = 0;
  readonly #blocks: string[] = [];

  /** @param blockBytes size of every block but the last. */
  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** SHA-256 of the blocks that are whole; after `finish` also of the last. */
  get blocks(): readonly string[] {
    return this.#blocks;
  }

  update(chunk: Buffer): void {
    this.#whole.update(chunk);
    this.#bytes += chunk.length;
    let at = 0;
    while (at < chunk.length) {
      const part = chunk.subarray(at, at + this.#blockBytes - this.#inBlock);
      this.#block.update(part);
      this.#inBlock += part.length;
      at += part.length;
      if (this.#inBlock === this.#blockBytes) this.#endBlock();
    }
  }

  #endBlock(): void {
    this.#blocks.push(this.#block.digest('hex'));
    this.#block = createHash('sha256');
    this.#inBlock = 0;
  }

  finish(): StoredHashes {
    if (this.#inBlock > 0) this.#endBlock();
    return { bytes: this.#bytes, sha256: this.#whole.digest('hex'), blocks: this.#blocks };
  }
}

/**
 * The block size of a bundle whose stored bytes are at most `maxStoredBytes`: 16 MiB, doubled until no more than
 * 10,000 blocks can be needed (format 5.3).
 */
export function blockBytesFor(maxStoredBytes: number): number {
  let size = BLOCK_BYTES;
  while (Math.ceil(maxStoredBytes / size) > MAX_BLOCKS) size *= 2;
  return size;
}
