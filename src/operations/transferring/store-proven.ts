/**
 * Brings one object into the target and proves that it is there as its manifest says. What stands at its key already is
 * kept if it is the same and replaced if it is not: without a manifest it is garbage.
 */
import { assertUncommitted } from '../../archive/put-once.js';
import type { ProofKind, ProofMode } from '../../archive/contract.js';
import { manifestKey } from '../../archive/layout.js';
import { proveBundle } from '../../archive/prove.js';
import { storeBlocks, type BlockObject, type StoreContext, type StoredObject } from '../../archive/store-object.js';
import type { UploadJournal } from '../../archive/upload-journal.js';
import type { ByteBudget } from '../../base/byte-budget.js';
import type { LakepackError } from '../../base/errors.js';
import { isLakepackError } from '../../base/errors.js';
import type { Remote } from '../../remote/remote.js';

export interface StoreTarget {
  readonly remote: Remote;
  readonly uploads: UploadJournal;
  /** Bounds the bytes of blocks that all objects together hold. */
  readonly memory: ByteBudget;
  readonly proof: ProofMode;
  readonly signal: AbortSignal;
}

export interface ObjectToStore {
  readonly key: string;
  readonly path: string;
  readonly exportId: string;
  readonly object: BlockObject;
  /** Where the target may copy it from by itself. */
  readonly copyFrom: Remote | undefined;
}

export interface ProvenObject extends StoredObject {
  readonly copied: boolean;
  readonly proof: ProofKind;
}

type Placed = StoredObject & { readonly how: 'stored' | 'copied' | 'found' };

const NOTHING_SENT = { sentBytes: 0, resumedBytes: 0 };

/**
 * Throws HASH_MISMATCH when the source does not give what its manifest says, or when what was stored twice did not
 * stay so; OBJECT_EXISTS when another export of this name was committed meanwhile; and what remotes throw.
 */
export async function storeProven(
  target: StoreTarget,
  one: ObjectToStore,
  onBytes: (bytes: number) => void,
): Promise<ProvenObject> {
  const first = await place(target, one, onBytes);
  try {
    return { ...facts(first), proof: await prove(target, one, first) };
  } catch (error) {
    if (!isWrong(error)) throw error;
    const { remote, signal } = target;
    await assertUncommitted(remote, manifestKey(one.path, one.exportId), { signal }, error);
    await remote.delete(one.key, { signal });
  }
  // A copy may have copied damage: now the blocks are read and compared one by one.
  const second = await place(target, { ...one, copyFrom: undefined }, onBytes);
  const sentBytes = first.sentBytes + second.sentBytes;
  return { ...facts(second), sentBytes, proof: await prove(target, one, second) };
}

function facts({ how, sentBytes, resumedBytes }: Placed): StoredObject & { readonly copied: boolean } {
  return { sentBytes, resumedBytes, copied: how === 'copied' };
}

async function place(target: StoreTarget, one: ObjectToStore, onBytes: (bytes: number) => void): Promise<Placed> {
  const { remote, uploads: journal, memory, signal } = target;
  const { key, object, copyFrom } = one;
  const context: StoreContext = { remote, journal, signal, memory, onBytes };
  try {
    if (copyFrom !== undefined && (await remote.copy(copyFrom, key, key, { signal }))) {
      onBytes(object.bytes);
      return { ...NOTHING_SENT, how: 'copied' };
    }
    return { ...(await storeBlocks(context, key, object)), how: 'stored' };
  } catch (error) {
    // The copy's source may be missing or damaged where a fallback has it: the other way says so.
    if (copyFrom !== undefined && isLakepackError(error, 'NOT_FOUND')) {
      return await place(target, { ...one, copyFrom: undefined }, onBytes);
    }
    if (!isLakepackError(error, 'OBJECT_EXISTS')) throw error;
    onBytes(object.bytes);
    return { ...NOTHING_SENT, how: 'found' };
  }
}

/** What this run did not write block by block is not believed, whatever the mode. */
async function prove(target: StoreTarget, one: ObjectToStore, placed: Placed): Promise<ProofKind> {
  const { remote, signal, proof } = target;
  const { bytes: storedBytes, blocks } = one.object;
  const foreign = remote.isDistant ? 'auto' : 'all';
  const mode = placed.how === 'found' ? (proof === 'all' ? 'all' : foreign) : modeOf(placed, proof, foreign);
  const { resumedBytes } = placed;
  return await proveBundle(remote, one.key, { storedBytes, blocks }, { mode, resumedBytes, signal });
}

function modeOf({ how }: Placed, proof: ProofMode, foreign: ProofMode): ProofMode {
  return how === 'copied' && proof === 'auto' ? foreign : proof;
}

function isWrong(error: unknown): error is LakepackError {
  return isLakepackError(error, 'HASH_MISMATCH') || isLakepackError(error, 'NOT_FOUND');
}
