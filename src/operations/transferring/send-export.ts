/**
 * Brings all objects of one export into the target and proves them; its manifest is the commit's business. Blocks are
 * read by ranges from the source, several at once, and each is compared before it is sent.
 */
import { checksumFile } from '../../archive/checksum-file.js';
import { sha256Of } from '../../base/sha256.js';
import type { Archive } from '../../archive/archive.js';
import type { ProofKind } from '../../archive/contract.js';
import type { ReadOrder } from '../../archive/read-order.js';
import * as layout from '../../archive/layout.js';
import type { ExportRef } from '../../archive/layout.js';
import type { BlockObject } from '../../archive/store-object.js';
import { isLakepackError, LakepackError } from '../../base/errors.js';
import { BLOCK_BYTES } from '../../base/limits.js';
import type { Remote } from '../../remote/remote.js';
import type { BundleFacts, ExportManifest } from '../../schema/export-manifest.js';
import { mapSettled } from '../map-settled.js';
import { openIndexObject } from './index-object.js';
import { storeProven, type ObjectToStore, type ProvenObject, type StoreTarget } from './store-proven.js';

export interface SendSource {
  readonly archive: Archive;
  /** For what the archive does not read by itself: the index of file entries. */
  readonly order: ReadOrder;
  /** Undefined where the store of the target cannot copy from it. */
  readonly copyFrom: Remote | undefined;
}

export interface SentExport {
  readonly sentBytes: number;
  readonly resumedBytes: number;
  readonly copied: boolean;
  readonly proof: ProofKind | undefined;
}

/** Told of objects and bytes as they are in the target. */
export type OnStored = (objects: number, bytes: number) => void;

/** Bundles of one export that are under way at once; the lanes bound all of them together. */
const BUNDLES_AT_ONCE = 4;

/** Throws as `storeProven`, and NOT_FOUND where the source has not all its manifest names. */
export async function sendExport(
  source: SendSource,
  target: StoreTarget,
  ref: ExportRef,
  manifest: ExportManifest,
  onStored: OnStored,
): Promise<SentExport> {
  const tasks: (() => Promise<ProvenObject | undefined>)[] = [
    ...manifest.bundles.map(
      (facts, index) => () => sendBundle(source, target, { ref, manifest, facts, index }, onStored),
    ),
    () => sendChecksums(source, target, ref, manifest, onStored),
    () => sendIndex(source, target, ref, manifest, onStored),
  ];
  const results = await mapSettled(tasks, BUNDLES_AT_ONCE, (task) => task());
  const bundles = results.slice(0, manifest.bundles.length).filter((one) => one !== undefined);
  const sum = (of: (one: ProvenObject) => number): number =>
    results.reduce((total, one) => total + (one === undefined ? 0 : of(one)), 0);
  return {
    sentBytes: sum((one) => one.sentBytes),
    resumedBytes: sum((one) => one.resumedBytes),
    copied: bundles.length > 0 && bundles.every((one) => one.copied),
    proof: weakest(bundles.map((one) => one.proof)),
  };
}

/** What the export as a whole rests on is the least of what its bundles rest on. */
export function weakest(proofs: readonly ProofKind[]): ProofKind | undefined {
  const order: readonly ProofKind[] = ['size', 'sample', 'written-here', 'store-sha256', 'read-back'];
  return order.find((kind) => proofs.includes(kind));
}

interface BundleOfExport {
  readonly ref: ExportRef;
  readonly manifest: ExportManifest;
  readonly facts: BundleFacts;
  readonly index: number;
}

async function sendBundle(
  { archive, copyFrom }: SendSource,
  target: StoreTarget,
  { ref, manifest, facts, index }: BundleOfExport,
  onStored: OnStored,
): Promise<ProvenObject> {
  const { blocks, storedBytes: bytes } = facts;
  async function read(block: number, signal: AbortSignal, into?: Buffer): Promise<Buffer> {
    // A reader for each block: one for all would keep blocks that nobody asks for again.
    const reader = await archive.bundleReader(ref, manifest, index + 1, signal);
    const offset = block * blocks.size;
    return await reader.read(offset, Math.min(blocks.size, bytes - offset), into);
  }
  const key = layout.bundleKey(ref.path, ref.exportId, facts.name);
  const one: ObjectToStore = { key, ...namesOf(ref), object: { bytes, blocks, read }, copyFrom };
  const result = await storeProven(target, one, (stored) => onStored(0, stored));
  onStored(1, 0);
  return result;
}

async function sendIndex(
  { order }: SendSource,
  target: StoreTarget,
  ref: ExportRef,
  { filesIndex }: ExportManifest,
  onStored: OnStored,
): Promise<ProvenObject | undefined> {
  if (filesIndex === undefined) return undefined;
  const key = layout.besideManifestKey(ref.path, filesIndex.name);
  const object = await openIndexObject(order, key, filesIndex, target.signal);
  const result = await storeProven(target, { key, ...namesOf(ref), object, copyFrom: undefined }, () => undefined);
  onStored(1, 0);
  return result;
}

/** Made from the manifest, and proven like a bundle: people rely on it where lakepack is not. */
async function sendChecksums(
  { archive }: SendSource,
  target: StoreTarget,
  ref: ExportRef,
  manifest: ExportManifest,
  onStored: OnStored,
): Promise<ProvenObject> {
  const bytes = checksumFile(manifest.bundles);
  const key = layout.checksumKey(ref.path, ref.exportId);
  await assertSameChecksums(archive, key, bytes, target.signal);
  const sha256 = sha256Of(bytes);
  const object: BlockObject = {
    bytes: bytes.length,
    blocks: { size: BLOCK_BYTES, sha256: [sha256] },
    read: async () => bytes,
  };
  const one: ObjectToStore = { key, ...namesOf(ref), object, copyFrom: undefined };
  const result = await storeProven(target, one, () => undefined);
  onStored(1, 0);
  return result;
}

/**
 * One that is not there is made anew; one that says something else means that the export was tampered with. A source
 * with fallbacks may have it wrong, or not at all: bundles are taken from where they are right, and this is made anew.
 */
async function assertSameChecksums(source: Archive, key: string, bytes: Buffer, signal: AbortSignal): Promise<void> {
  if (source.fallbacks.length > 0) return;
  try {
    if ((await source.remote.read(key, bytes.length, { signal })).equals(bytes)) return;
  } catch (error) {
    if (isLakepackError(error, 'NOT_FOUND')) return;
    if (!isLakepackError(error, 'LIMIT_EXCEEDED')) throw error;
  }
  throw new LakepackError('HASH_MISMATCH', `${key}: does not say what the manifest says`, {
    hint: 'lakepack verify tells whether the bundles are sound; then delete this file, and it is made anew',
  });
}

function namesOf({ path, exportId }: ExportRef): { readonly path: string; readonly exportId: string } {
  return { path, exportId };
}
