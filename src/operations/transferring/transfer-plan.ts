/**
 * What a transfer would do, from what both sides say: which exports go, how many objects and bytes that is, and in how
 * many requests. Pure.
 */
import type { ProofMode } from '../../archive/contract.js';
import type { ExportRef } from '../../archive/layout.js';
import type { ExportManifest } from '../../schema/export-manifest.js';
import { BLOCK_BYTES } from '../../base/limits.js';

/** What the plan keeps of a manifest of the source: its sizes, not its entries. */
export interface SourceExport {
  readonly ref: ExportRef;
  /** Of the manifest's bytes, hex. */
  readonly manifestSha256: string;
  /** Blocks of each bundle. */
  readonly bundleBlocks: readonly number[];
  /** Stored bytes of all bundles. */
  readonly bytes: number;
  /** 0 where the entries stand in the manifest. */
  readonly indexBytes: number;
}

export interface PlannedExport extends SourceExport {
  /** `present`: the target has it. `differs`: the target has another export of this name. */
  readonly action: 'send' | 'present' | 'differs';
}

/** What a side is, as far as the number of requests hangs on it. */
export interface SideFacts {
  readonly isDistant: boolean;
}

export interface TransferPlan {
  readonly exports: readonly PlannedExport[];
  /** Of the exports that go. */
  readonly objects: number;
  readonly bytes: number;
  readonly requests: { readonly write: number; readonly read: number };
}

export interface PlanInput {
  readonly source: readonly SourceExport[];
  /** SHA-256 of the manifests of the target, by key. */
  readonly target: ReadonlyMap<string, string>;
  /** Requests that listing and reading the manifests of both sides cost. */
  readonly looking: { readonly write: number; readonly read: number };
  readonly from: SideFacts;
  readonly to: SideFacts;
  readonly proof: ProofMode;
}

export function sourceExport(ref: ExportRef, manifest: ExportManifest, manifestSha256: string): SourceExport {
  return {
    ref,
    manifestSha256,
    bundleBlocks: manifest.bundles.map(({ blocks }) => blocks.sha256.length),
    bytes: manifest.bundles.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    indexBytes: manifest.filesIndex?.bytes ?? 0,
  };
}

export function planTransfer(input: PlanInput): TransferPlan {
  const exports = input.source.map((one) => ({ ...one, action: actionFor(one, input.target) }));
  const sent = exports.filter(({ action }) => action === 'send');
  const sum = (of: (one: PlannedExport) => number): number => sent.reduce((total, one) => total + of(one), 0);
  return {
    exports,
    objects: sum(objectsOf),
    bytes: sum(({ bytes }) => bytes),
    requests: {
      write: input.looking.write + (input.to.isDistant ? sum(writesOf) : 0),
      read:
        input.looking.read +
        (input.from.isDistant ? sum(sourceReadsOf) : 0) +
        (input.to.isDistant ? sum((one) => proofReadsOf(one, input.proof)) : 0),
    },
  };
}

/** Bundles, SHA256SUMS, manifest, and the index where there is one. */
export function objectsOf({ bundleBlocks, indexBytes }: SourceExport): number {
  return bundleBlocks.length + 2 + (indexBytes > 0 ? 1 : 0);
}

function actionFor({ ref, manifestSha256 }: SourceExport, target: PlanInput['target']): PlannedExport['action'] {
  const there = target.get(ref.manifestKey);
  if (there === undefined) return 'send';
  return there === manifestSha256 ? 'present' : 'differs';
}

/** One put, or the parts between a beginning and an end. */
function writesOf(one: SourceExport): number {
  const writes = (blocks: number): number => (blocks <= 1 ? 1 : blocks + 2);
  return blockCounts(one).reduce((sum, blocks) => sum + writes(blocks), 0) + 2;
}

/** A range for each block, and SHA256SUMS, which is compared. */
function sourceReadsOf(one: SourceExport): number {
  return blockCounts(one).reduce((sum, blocks) => sum + blocks, 0) + 1;
}

/**
 * At most: a store that keeps SHA-256 answers with one request for an object. SHA256SUMS and the manifest are one each. An
 * object in parts is looked up before it is begun and before it is completed.
 */
function proofReadsOf(one: SourceExport, proof: ProofMode): number {
  const lookUps = blockCounts(one).filter((blocks) => blocks > 1).length * 2;
  const reads = blockCounts(one).reduce((sum, blocks) => sum + blocksProven(blocks, proof), 0);
  return lookUps + reads + 2;
}

function blocksProven(blocks: number, proof: ProofMode): number {
  if (proof === 'none') return 1;
  if (proof === 'sample') return Math.min(blocks, 2 + Math.ceil(Math.max(0, blocks - 2) / 20));
  return blocks;
}

/** Blocks of each object that has any. */
function blockCounts({ bundleBlocks, indexBytes }: SourceExport): readonly number[] {
  return indexBytes === 0 ? bundleBlocks : [...bundleBlocks, Math.ceil(indexBytes / BLOCK_BYTES)];
}
