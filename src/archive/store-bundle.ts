/**
 * Stores one bundle under its key. In a folder that is one put; in a distant store it goes in parts while it is made,
 * and is proven before anybody relies on it.
 */
import { isLakepackError } from '../base/errors.js';
import type { ByteBudget } from '../base/byte-budget.js';
import type { BundleWriter } from '../bundle/write.js';
import type { CallOptions, Remote } from '../remote/remote.js';
import type { BundleFacts } from '../schema/export-manifest.js';
import { assertUncommitted } from './put-once.js';
import type { ProofMode } from './contract.js';
import * as layout from './layout.js';
import { proveBundle } from './prove.js';
import { storeStream } from './store-object.js';
import type { UploadJournal } from './upload-journal.js';

export interface StoreBundleOptions extends CallOptions {
  /** Of the remote: a distant one is written in parts. */
  readonly journal?: UploadJournal;
  /** How a distant store's copy is proven. Default `auto`. */
  readonly proof?: ProofMode;
  /** Lends the memory of parts. */
  readonly memory?: ByteBudget;
  /** More than the bundle can ever store. */
  readonly maxStoredBytes?: number;
}

/**
 * When an object of this name is there already (an interrupted run, or another process at the same export), it is kept
 * if it is the same byte for byte and replaced if it is not: without a manifest it is garbage. Throws HASH_MISMATCH
 * where a store does not keep what it is sent, also at the second try.
 * @param open starts the writing of the bundle; the facts returned are those of the writer opened last.
 */
export async function storeBundle(
  remote: Remote,
  key: string,
  open: () => BundleWriter,
  options: StoreBundleOptions,
): Promise<BundleFacts> {
  const call: CallOptions = options.signal === undefined ? {} : { signal: options.signal };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await storeAndProve(remote, key, open, options, call);
    } catch (error) {
      const isWrong = isLakepackError(error, 'HASH_MISMATCH') || isLakepackError(error, 'NOT_FOUND');
      if (!isWrong) throw error;
      await assertGarbage(remote, key, call);
      await remote.delete(key, call);
      if (attempt === TRIES) throw error;
    }
  }
}

const TRIES = 2;

async function storeAndProve(
  remote: Remote,
  key: string,
  open: () => BundleWriter,
  options: StoreBundleOptions,
  call: CallOptions,
): Promise<BundleFacts> {
  // Near by a look costs nothing; in a distant store the first call that writes finds a key that is taken.
  const isTaken = !remote.isDistant && (await remote.head(key, call)) !== undefined;
  const stored = isTaken ? undefined : await storeUnlessTaken(remote, key, open, options, call);
  if (stored === undefined) return await proveLeftover(remote, key, open, call);
  await proveBundle(remote, key, stored, { ...call, mode: options.proof ?? 'auto' });
  return stored;
}

/** Undefined where something stands at the key. */
async function storeUnlessTaken(
  remote: Remote,
  key: string,
  open: () => BundleWriter,
  { journal, memory, maxStoredBytes: maxBytes, signal }: StoreBundleOptions,
  call: CallOptions,
): Promise<BundleFacts | undefined> {
  const writer = open();
  try {
    if (journal === undefined || !remote.isDistant) await remote.put(key, writer.stored(), call);
    else {
      const context = { remote, journal, signal, ...(memory && { memory }) };
      await storeStream(context, key, streamed(writer, maxBytes));
    }
    return writer.facts;
  } catch (error) {
    if (!isLakepackError(error, 'OBJECT_EXISTS')) throw error;
    return undefined;
  }
}

/** Nobody knows who left it: it is compared whole, whatever proof is asked for. */
async function proveLeftover(
  remote: Remote,
  key: string,
  open: () => BundleWriter,
  call: CallOptions,
): Promise<BundleFacts> {
  const dry = open();
  await drain(dry.stored());
  const { facts } = dry;
  await proveBundle(remote, key, facts, { ...call, mode: remote.isDistant ? 'auto' : 'all' });
  return facts;
}

function streamed(writer: BundleWriter, maxBytes: number | undefined): Parameters<typeof storeStream>[2] {
  return {
    blockBytes: writer.blockBytes,
    get finishedBlocks() {
      return writer.finishedBlocks;
    },
    stored: () => writer.stored(),
    ...(maxBytes !== undefined && { maxBytes }),
  };
}

async function drain(stored: AsyncGenerator<Buffer>): Promise<void> {
  while ((await stored.next()).done !== true);
}

/** Other bytes under the name of a bundle are garbage only while no manifest names them. */
async function assertGarbage(remote: Remote, bundleKey: string, call: CallOptions): Promise<void> {
  const bundle = layout.parseBundleKey(bundleKey);
  if (bundle !== undefined) await assertUncommitted(remote, layout.manifestKey(bundle.path, bundle.exportId), call);
}
