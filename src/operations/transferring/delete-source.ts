/**
 * Deletes from the source what is proven in the target: by this run, by an earlier one that its journal remembers, or
 * now. In the source the manifest goes first, so that no manifest is ever left without its bundles.
 */
import { sha256Of } from '../../base/sha256.js';
import type { Archive, ArchivePlace, StoredManifest } from '../../archive/archive.js';
import type { ProofKind, ProofMode } from '../../archive/contract.js';
import * as layout from '../../archive/layout.js';
import { proveBundle } from '../../archive/prove.js';
import { LakepackError, throwIfAborted } from '../../base/errors.js';
import type { Finding } from '../../base/findings.js';
import { MAX_MANIFEST_BYTES } from '../../base/limits.js';
import type { ProgressListener } from '../../base/progress.js';
import type { CallOptions, Remote } from '../../remote/remote.js';
import type { ExportManifest } from '../../schema/export-manifest.js';
import { parseManifest } from '../../schema/parse-manifest.js';
import { mapSettled } from '../map-settled.js';
import { failureFinding, isOfOneExport } from './failures.js';
import { openIndexObject } from './index-object.js';
import { weakest } from './send-export.js';
import { openForDeleting } from './sides.js';
import type { TransferJournal } from './transfer-journal.js';
import type { PlannedExport } from './transfer-plan.js';
import { ReadOrder } from '../../archive/read-order.js';

export interface Deletion {
  readonly place: ArchivePlace;
  readonly source: Archive;
  readonly to: Archive;
  /** Exports that are in the target, with the manifest that the plan saw. */
  readonly exports: readonly PlannedExport[];
  readonly journal: TransferJournal;
  readonly proof: ProofMode;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
}

export interface DeletionResult {
  readonly deleted: boolean;
  /** What the proof rests on, where it was made now. */
  readonly proof: ProofKind | undefined;
  readonly findings: readonly Finding[];
}

type Tell = (one: PlannedExport, result: DeletionResult) => void;

/** Exports whose manifests go together, before the rest of them does. */
const BATCH = 64;
const AT_ONCE = 8;

/** Throws what ends a transfer; what keeps one export is told of it. */
export async function deleteFromSource(deletion: Deletion, tell: Tell): Promise<void> {
  const { place, source, exports, onProgress } = deletion;
  if (exports.length === 0) return;
  const writable = await openForDeleting(place, source);
  try {
    onProgress({ type: 'phase', phase: 'delete' });
    let isApart = false;
    for (let at = 0; at < exports.length; at += BATCH) {
      const proven = await proveBatch(deletion, exports.slice(at, at + BATCH), tell);
      const [first] = proven;
      if (first !== undefined && !isApart) await assertApart(deletion, writable.remote, first);
      isApart ||= first !== undefined;
      await deleteBatch(deletion, writable.remote, proven, tell);
    }
  } finally {
    await writable.close();
  }
}

interface Proven {
  readonly one: PlannedExport;
  readonly bytes: Buffer;
  readonly manifest: ExportManifest;
  readonly proof: ProofKind | undefined;
}

async function proveBatch(deletion: Deletion, batch: readonly PlannedExport[], tell: Tell): Promise<readonly Proven[]> {
  return (await mapSettled(batch, AT_ONCE, (one) => proveOne(deletion, one, tell))).flat();
}

/**
 * Two names may mean one place (a second host name, a mount), and then every proof is one of the source itself. So one
 * manifest goes first, and if it is gone from the target as well it is put back, and nothing else is touched.
 */
async function assertApart({ source, to }: Deletion, remote: Remote, { one, bytes }: Proven): Promise<void> {
  const key = one.ref.manifestKey;
  // Without the signal: between the deletion and its undoing nothing may stop.
  await remote.delete(key);
  if ((await to.remote.head(key)) !== undefined) return;
  await remote.put(key, bytes);
  await remote.flush();
  throw new LakepackError(
    'USAGE',
    `${to.url}: is the same place as ${source.url} under another name: nothing was deleted`,
    {
      hint: 'migrate to another place',
    },
  );
}

async function deleteBatch(deletion: Deletion, remote: Remote, proven: readonly Proven[], tell: Tell): Promise<void> {
  const { signal } = deletion;
  throwIfAborted(signal);
  await mapSettled(proven, AT_ONCE, ({ one }) => remote.delete(one.ref.manifestKey, { signal }));
  // The manifests are gone for good before anything that they name is.
  await remote.flush();
  await mapSettled(proven, AT_ONCE, async ({ one, manifest, proof }) => {
    await deleteObjects(remote, one, manifest, { signal });
    tell(one, { deleted: true, proof, findings: [] });
  });
}

async function proveOne(deletion: Deletion, one: PlannedExport, tell: Tell): Promise<readonly Proven[]> {
  const { to, journal, signal } = deletion;
  try {
    const { bytes, manifest } = await sameManifest(to.remote, one, { signal });
    const isKnown = journal.has(one.ref.manifestKey, one.manifestSha256);
    const proof = await proveObjects(deletion, one, manifest, isKnown ? 'none' : wholeMode(deletion));
    if (isKnown || proof === undefined) return [{ one, bytes, manifest, proof: undefined }];
    const at = new Date().toISOString();
    await journal.add({ key: one.ref.manifestKey, manifestSha256: one.manifestSha256, proof, at });
    return [{ one, bytes, manifest, proof }];
  } catch (error) {
    if (!isOfOneExport(error)) throw error;
    tell(one, { deleted: false, proof: undefined, findings: [failureFinding(one.ref, error)] });
    return [];
  }
}

/** What this run did not write is not believed to be written here. */
function wholeMode({ to, proof }: Deletion): ProofMode {
  return to.remote.isDistant ? proof : 'all';
}

/** The target's manifest, which must still be that of the source. */
async function sameManifest(to: Remote, one: PlannedExport, call: CallOptions): Promise<StoredManifest> {
  const key = one.ref.manifestKey;
  const bytes = await to.read(key, MAX_MANIFEST_BYTES, call);
  if (sha256Of(bytes) !== one.manifestSha256) {
    throw new LakepackError(
      'OBJECT_EXISTS',
      `${key}: the target has another manifest than the source: the source is kept`,
      {
        hint: 'verify both archives; keep the one that is sound',
      },
    );
  }
  return { bytes, manifest: parseManifest(bytes, key) };
}

/** With `none`: that each is there with its size. */
async function proveObjects(
  { to, signal }: Deletion,
  { ref }: PlannedExport,
  { bundles, filesIndex }: ExportManifest,
  mode: ProofMode,
): Promise<ProofKind | undefined> {
  const proofs = await mapSettled(bundles, 2, (facts) =>
    proveBundle(to.remote, layout.bundleKey(ref.path, ref.exportId, facts.name), facts, { mode, signal }),
  );
  // Read whole, because its manifest has one SHA-256 of all of it.
  if (filesIndex !== undefined) {
    const key = layout.besideManifestKey(ref.path, filesIndex.name);
    await openIndexObject(new ReadOrder(to.remote, []), key, filesIndex, signal);
  }
  return weakest(proofs);
}

async function deleteObjects(
  remote: Remote,
  { ref }: PlannedExport,
  { bundles, filesIndex }: ExportManifest,
  call: CallOptions,
): Promise<void> {
  for (const { name } of bundles) await remote.delete(layout.bundleKey(ref.path, ref.exportId, name), call);
  await remote.delete(layout.checksumKey(ref.path, ref.exportId), call);
  if (filesIndex !== undefined) await remote.delete(layout.besideManifestKey(ref.path, filesIndex.name), call);
}
