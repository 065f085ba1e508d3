/**
 * Says in which archives an export stands whole, by reading it there now: what was proven yesterday may be gone today,
 * and after this the source is deleted.
 */
import type { Archive } from '../../archive/archive.js';
import type { ProofKind, ProofMode } from '../../archive/contract.js';
import { bundleKey, manifestKey, parseManifestKey } from '../../archive/layout.js';
import { proveBundle } from '../../archive/prove.js';
import { LakepackError, tellsDamage } from '../../base/errors.js';
import type { ExportManifest } from '../../schema/export-manifest.js';
import type { PackedCopy } from './contract.js';

export interface ProofSettings {
  readonly proof: ProofMode;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

export interface CopiesProof {
  /** Of the first archive that has the export whole, and that archive; undefined where none has. */
  readonly manifest?: ExportManifest;
  readonly archive?: Archive;
  /** All that have it, byte for byte the same. */
  readonly copies: readonly PackedCopy[];
  /** Why the others do not count. */
  readonly refused: readonly string[];
}

/** `copies` is empty where no archive has it. Throws what keeps it from looking: REMOTE_UNAVAILABLE, INTERRUPTED … */
export async function proveCopies(
  archives: readonly Archive[],
  of: { readonly path: string; readonly exportId: string },
  settings: ProofSettings,
): Promise<CopiesProof> {
  const copies: PackedCopy[] = [];
  const refused: string[] = [];
  let first: { readonly bytes: Buffer; readonly manifest: ExportManifest; readonly archive: Archive } | undefined;
  for (const archive of archives) {
    try {
      const found = await proveIn(archive, of, settings);
      if (first !== undefined && !first.bytes.equals(found.bytes)) throw otherManifest(of.exportId, first.archive);
      first ??= { ...found, archive };
      copies.push({ archive: archive.url, proof: found.proof });
    } catch (error) {
      if (!tellsDamage(error)) throw error;
      refused.push(`${archive.url}: ${error.message}`);
    }
  }
  return { copies, refused, ...(first !== undefined && { manifest: first.manifest, archive: first.archive }) };
}

interface Proven {
  readonly bytes: Buffer;
  readonly manifest: ExportManifest;
  readonly proof: ProofKind;
}

async function proveIn(
  archive: Archive,
  of: { readonly path: string; readonly exportId: string },
  { proof, signal, onBytes }: ProofSettings,
): Promise<Proven> {
  const ref = parseManifestKey(manifestKey(of.path, of.exportId));
  if (ref === undefined) throw new LakepackError('MANIFEST_INVALID', `${of.exportId}: is no export id`);
  const { bytes, manifest } = await archive.storedManifest(ref, signal);
  // A folder is believed after a write of this run; here it is what the last copy of a file may depend on.
  const mode = archive.remote.isDistant ? proof : 'all';
  const kinds: ProofKind[] = [];
  for (const facts of manifest.bundles) {
    const key = bundleKey(ref.path, ref.exportId, facts.name);
    kinds.push(await proveBundle(archive.remote, key, facts, { mode, signal, onBytes }));
  }
  await readEntries(archive, ref, manifest, signal);
  return { bytes, manifest, proof: kinds.includes('read-back') ? 'read-back' : (kinds[0] ?? 'read-back') };
}

/** An index of entries is compared with its SHA-256 when it has been read to its end. */
async function readEntries(
  archive: Archive,
  ref: Parameters<Archive['entries']>[0],
  manifest: ExportManifest,
  signal: AbortSignal,
): Promise<void> {
  if (manifest.filesIndex === undefined) return;
  const entries = archive.entries(ref, manifest, signal);
  while ((await entries.next()).done !== true);
}

function otherManifest(exportId: string, first: Archive): LakepackError {
  return new LakepackError('MANIFEST_INVALID', `${exportId}: its manifest is not the one in ${first.url}`);
}
