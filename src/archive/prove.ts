/**
 * Proves that an object in a store is what its manifest says, before anybody relies on it. An ETag is never believed:
 * the store's own SHA-256 is, where it keeps one of just these blocks, and else what is read back.
 */
import { createHash, type Hash } from 'node:crypto';
import { isLakepackError, LakepackError } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import { samplePicker, seededRandom } from '../base/random.js';
import { forEachBounded } from '../remote/bounded.js';
import type { CallOptions, Remote, StoreChecksum } from '../remote/remote.js';
import type { BundleFacts } from '../schema/export-manifest.js';
import type { ProofKind, ProofMode } from './contract.js';

/** What an object must be. The facts of a bundle fit; an object with one hash is one block. */
export interface ProvableObject {
  readonly storedBytes: number;
  readonly blocks: BundleFacts['blocks'];
  /** Of the whole object, where it is known. */
  readonly sha256?: string;
}

export interface ProofOptions extends CallOptions {
  /** Default `auto`. */
  readonly mode?: ProofMode;
  /** Blocks read at once. Default 4. They are hashed as they arrive, none is held. */
  readonly atOnce?: number;
  /** Which blocks `sample` takes; the same seed takes the same. Default 0. */
  readonly seed?: number;
  /**
   * Bytes that an interrupted run had stored (`StoredObject.resumedBytes`): a power cut may have come between, so a
   * folder is not believed either.
   */
  readonly resumedBytes?: number;
  /** Told of bytes as they are proven. */
  readonly onBytes?: (bytes: number) => void;
}

const DEFAULT_AT_ONCE = 4;
/** An object up to this size is read in one request, which finds a wrong size too. */
const WHOLE_BYTES = 4 * MIB;

/** Throws HASH_MISMATCH and NOT_FOUND, naming key, block, expected and found; and what reading throws. */
export async function proveBundle(
  remote: Remote,
  key: string,
  object: ProvableObject,
  options: ProofOptions = {},
): Promise<ProofKind> {
  const { mode = 'auto', resumedBytes = 0, onBytes } = options;
  const proof = new Proof(remote, key, object, options);
  if (mode === 'none') return await proof.size();
  if (mode === 'sample') return await proof.sample();
  if (mode === 'all') return await proof.readBack();
  if (!remote.isDistant && resumedBytes === 0) {
    onBytes?.(object.storedBytes);
    return 'written-here';
  }
  return (await proof.storeChecksum()) ? 'store-sha256' : await proof.readBack();
}

class Proof {
  readonly #remote: Remote;
  readonly #key: string;
  readonly #object: ProvableObject;
  readonly #options: ProofOptions;
  readonly #call: CallOptions;

  constructor(remote: Remote, key: string, object: ProvableObject, options: ProofOptions) {
    this.#remote = remote;
    this.#key = key;
    this.#object = object;
    this.#options = options;
    this.#call = options.signal === undefined ? {} : { signal: options.signal };
  }

  async size(): Promise<'size'> {
    const info = await this.#remote.head(this.#key, this.#call);
    if (info === undefined) throw absent(this.#key, this.#remote);
    this.#assertSize(info.bytes);
    return 'size';
  }

  async sample(): Promise<'sample'> {
    await this.size();
    const blocks = sampledBlocks(this.#object.blocks.sha256.length, this.#options.seed ?? 0);
    await this.#readBlocks(blocks);
    return 'sample';
  }

  async readBack(): Promise<'read-back'> {
    if (this.#object.blocks.sha256.length <= 1 && this.#object.storedBytes <= WHOLE_BYTES) {
      await this.#readWhole();
    } else {
      await this.size();
      await this.#readBlocks([...this.#object.blocks.sha256.keys()]);
    }
    return 'read-back';
  }

  /** False where the store keeps none that can be compared. */
  async storeChecksum(): Promise<boolean> {
    const found = await this.#remote.checksum(this.#key, this.#call);
    const expected = found === undefined ? undefined : expectedChecksum(this.#object, found);
    if (found === undefined || expected === undefined) return false;
    if (found.sha256 !== expected) throw this.#mismatch(`the store's ${found.type} SHA-256`, expected, found.sha256);
    // The size is in the checksum: other bytes, or more of them, have another.
    this.#options.onBytes?.(this.#object.storedBytes);
    return true;
  }

  async #readWhole(): Promise<void> {
    const { storedBytes, blocks } = this.#object;
    const bytes = await this.#reading(() => this.#remote.read(this.#key, storedBytes, this.#call));
    this.#assertSize(bytes.length);
    this.#assertBlock(0, blocks.sha256[0], createHash('sha256').update(bytes));
    this.#options.onBytes?.(bytes.length);
  }

  async #readBlocks(blocks: readonly number[]): Promise<void> {
    await forEachBounded(blocks, this.#options.atOnce ?? DEFAULT_AT_ONCE, async (block) => {
      const { storedBytes, blocks: facts } = this.#object;
      const offset = block * facts.size;
      const range = { offset, length: Math.min(facts.size, storedBytes - offset) };
      const hash = createHash('sha256');
      await this.#reading(async () => {
        const chunks = this.#remote.stream(this.#key, range, { ...this.#call, isLent: true });
        for await (const chunk of chunks) hash.update(chunk);
      });
      this.#assertBlock(block, facts.sha256[block], hash);
      this.#options.onBytes?.(range.length);
    });
  }

  async #reading<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isLakepackError(error, 'NOT_FOUND')) throw absent(this.#key, this.#remote, error);
      if (isLakepackError(error, 'LIMIT_EXCEEDED')) {
        throw this.#mismatch('its size', `${this.#object.storedBytes} bytes`, error.message);
      }
      throw error;
    }
  }

  #assertSize(found: number): void {
    const { storedBytes } = this.#object;
    if (found !== storedBytes) throw this.#mismatch('its size', `${storedBytes} bytes`, `${found} bytes`);
  }

  #assertBlock(block: number, expected: string | undefined, hash: Hash): void {
    const found = hash.digest('hex');
    // An object without bytes has no block.
    if (expected === undefined && this.#object.storedBytes === 0) return;
    if (found !== expected) throw this.#mismatch(`the SHA-256 of block ${block}`, String(expected), found);
  }

  #mismatch(what: string, expected: string, found: string): LakepackError {
    const { url } = this.#remote;
    const message = `${this.#key}: ${url} does not hold what was sent: ${what}: expected ${expected}, got ${found}`;
    return new LakepackError('HASH_MISMATCH', message, {
      hint: 'nothing relies on this object; run the same command again, it is sent anew. If it happens again, something between here and the store changes bytes: look at memory, proxies and the store itself',
    });
  }
}

const SAMPLED_ONE_IN = 20;

/** The first, the last, and one in twenty of the others. */
function sampledBlocks(count: number, seed: number): number[] {
  const between = Math.max(0, count - 2);
  const picked = samplePicker(Math.ceil(between / SAMPLED_ONE_IN), between, seededRandom(seed));
  return [...Array(count).keys()].filter((block) => block === 0 || block === count - 1 || picked());
}

/** Undefined where the store's checksum is one of other pieces than the blocks. */
function expectedChecksum(object: ProvableObject, { type, parts }: StoreChecksum): string | undefined {
  const { sha256: blocks } = object.blocks;
  if (type === 'full') return object.sha256 ?? (blocks.length === 1 ? blocks[0] : undefined);
  if (parts !== blocks.length) return undefined;
  const hash = createHash('sha256');
  for (const block of blocks) hash.update(Buffer.from(block, 'hex'));
  return hash.digest('hex');
}

function absent(key: string, { url }: Remote, cause?: unknown): LakepackError {
  return new LakepackError('NOT_FOUND', `${key}: ${url} does not have it, though it took it`, {
    cause,
    hint: 'run the same command again: it is sent anew',
  });
}
