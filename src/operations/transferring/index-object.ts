/**
 * The index of file entries of an export as an object of blocks, like a bundle. Its manifest has one SHA-256 of all of
 * it, so it is read once to make those of its blocks; a larger one is read again while it is sent.
 */
import type { ReadOrder } from '../../archive/read-order.js';
import type { BlockObject } from '../../archive/store-object.js';
import { LakepackError } from '../../base/errors.js';
import { BLOCK_BYTES, MIB } from '../../base/limits.js';
import { BlockHasher } from '../../bundle/block-hasher.js';
import type { Remote } from '../../remote/remote.js';
import type { FilesIndexFacts } from '../../schema/export-manifest.js';

/** Up to this size it is held in memory. */
const HELD_BYTES = 1 * MIB;

/** Throws HASH_MISMATCH where no archive has the index that the manifest means, and what remotes throw. */
export async function openIndexObject(
  order: ReadOrder,
  key: string,
  facts: FilesIndexFacts,
  signal: AbortSignal,
): Promise<BlockObject> {
  return await order.first({ key }, (remote) => readIndex(remote, key, facts, signal));
}

async function readIndex(
  remote: Remote,
  key: string,
  facts: FilesIndexFacts,
  signal: AbortSignal,
): Promise<BlockObject> {
  const { bytes } = facts;
  const held: Buffer[] = [];
  const hasher = new BlockHasher(BLOCK_BYTES);
  for await (const chunk of remote.stream(key, undefined, { signal })) {
    hasher.update(chunk);
    if (hasher.bytes > bytes) throw wrongIndex(key, `${bytes} bytes`, 'more');
    if (bytes <= HELD_BYTES) held.push(chunk);
  }
  const { sha256, blocks } = hasher.finish();
  if (sha256 !== facts.sha256) throw wrongIndex(key, `SHA-256 ${facts.sha256}`, sha256);
  const whole = bytes <= HELD_BYTES ? Buffer.concat(held) : undefined;
  return {
    bytes,
    blocks: { size: BLOCK_BYTES, sha256: blocks },
    read: async (block, stop) => {
      const offset = block * BLOCK_BYTES;
      const length = Math.min(BLOCK_BYTES, bytes - offset);
      return whole ?? (await remote.readRange(key, { offset, length }, { signal: stop }));
    },
  };
}

function wrongIndex(key: string, expected: string, found: string): LakepackError {
  return new LakepackError(
    'HASH_MISMATCH',
    `${key}: not the index the manifest names: expected ${expected}, got ${found}`,
    {
      hint: 'take this object from another copy of the archive, or give one with --fallback',
    },
  );
}
