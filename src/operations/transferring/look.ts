/** Looks at both sides of a transfer: which exports are meant, what their manifests say, and which the target has. */
import { sha256Of } from '../../base/sha256.js';
import type { Archive } from '../../archive/archive.js';
import type { ExportRef } from '../../archive/layout.js';
import { isLakepackError, type LakepackError } from '../../base/errors.js';
import { MAX_MANIFEST_BYTES, MIB } from '../../base/limits.js';
import type { ExportManifest } from '../../schema/export-manifest.js';
import { findExports } from '../export-selection.js';
import { mapSettled } from '../map-settled.js';
import { isOfOneExport } from './failures.js';
import { sourceExport, type SourceExport } from './transfer-plan.js';
import type { TransferSettings } from './transfer-settings.js';

/** Manifests kept between looking and sending, so that small ones are read once. */
const KEPT_BYTES = 16 * MIB;
const READS_AT_ONCE = 16;
/** So few exports are asked for one by one: the target may hold a hundred thousand others. */
const ASKED_ONE_BY_ONE = 16;
const KEYS_A_LIST = 1_000;

export interface Look {
  readonly source: readonly SourceExport[];
  /** Exports whose manifest cannot be read or used. */
  readonly unreadable: readonly { readonly ref: ExportRef; readonly error: LakepackError }[];
  /** SHA-256 of the manifests of the target, by key, of those the source has too. */
  readonly target: ReadonlyMap<string, string>;
  /** Bytes of manifests of the source, of as many as may be kept. */
  readonly kept: ReadonlyMap<string, Buffer>;
  readonly requests: { readonly write: number; readonly read: number };
}

/** Throws as `findExports` and as remotes do. An empty source is none only where all of it is meant. */
export async function lookAtSides(from: Archive, to: Archive | undefined, settings: TransferSettings): Promise<Look> {
  const { signal } = settings;
  const refs = await selected(from, settings);
  const kept = new Map<string, Buffer>();
  let keptBytes = 0;
  const read = await mapSettled(refs, READS_AT_ONCE, async (ref) => {
    const found = await readSource(from, ref, signal);
    if ('error' in found) return found;
    if (keptBytes + found.bytes.length <= KEPT_BYTES) {
      keptBytes += found.bytes.length;
      kept.set(ref.manifestKey, found.bytes);
    }
    return { one: sourceExport(ref, found.manifest, sha256Of(found.bytes)) };
  });
  const source = read.flatMap((one) => ('one' in one ? [one.one] : []));
  const unreadable = read.flatMap((one) => ('error' in one ? [one] : []));
  const target = to === undefined ? new Map<string, string>() : await lookAtTarget(to, refs, signal);
  return { source, unreadable, target, kept, requests: requestsOf(from, to, refs.length, target.size) };
}

async function selected(
  from: Archive,
  { select, isWhole, wholeArchive, signal }: TransferSettings,
): Promise<ExportRef[]> {
  try {
    return await findExports(from, select, signal);
  } catch (error) {
    // After a migration that deleted, the source is empty, and saying so again is no fault.
    if (wholeArchive && isWhole && isLakepackError(error, 'NOT_FOUND') && (await isEmpty(from, signal))) return [];
    throw error;
  }
}

async function isEmpty(from: Archive, signal: AbortSignal): Promise<boolean> {
  for await (const _ref of from.list({ signal })) return false;
  return true;
}

type SourceRead =
  | { readonly bytes: Buffer; readonly manifest: ExportManifest }
  | { readonly ref: ExportRef; readonly error: LakepackError };

async function readSource(from: Archive, ref: ExportRef, signal: AbortSignal): Promise<SourceRead> {
  try {
    return await from.storedManifest(ref, signal);
  } catch (error) {
    if (!isOfOneExport(error)) throw error;
    return { ref, error };
  }
}

async function lookAtTarget(
  to: Archive,
  refs: readonly ExportRef[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const wanted = new Set(refs.map((ref) => ref.manifestKey));
  const there = refs.length <= ASKED_ONE_BY_ONE ? wanted : await listed(to, wanted, signal);
  const found = await mapSettled(
    there,
    READS_AT_ONCE,
    async (key) => [key, await manifestSha256(to, key, signal)] as const,
  );
  return new Map(found.flatMap(([key, sha256]) => (sha256 === undefined ? [] : [[key, sha256]])));
}

async function listed(to: Archive, wanted: ReadonlySet<string>, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const there = new Set<string>();
  for await (const { manifestKey } of to.list({ signal })) if (wanted.has(manifestKey)) there.add(manifestKey);
  return there;
}

/** Of a manifest as it is stored, whatever it says; undefined where there is none. */
export async function manifestSha256(archive: Archive, key: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return sha256Of(await archive.remote.read(key, MAX_MANIFEST_BYTES, { signal }));
  } catch (error) {
    if (isLakepackError(error, 'NOT_FOUND')) return undefined;
    // It is there, and not ours.
    if (isLakepackError(error, 'LIMIT_EXCEEDED')) return 'too large';
    throw error;
  }
}

/** Listing is billed like writing. */
function requestsOf(
  from: Archive,
  to: Archive | undefined,
  exports: number,
  there: number,
): { readonly write: number; readonly read: number } {
  const lists = Math.max(1, Math.ceil(exports / KEYS_A_LIST));
  const isListed = exports > ASKED_ONE_BY_ONE;
  const isDistant = to?.remote.isDistant === true;
  return {
    write: (from.remote.isDistant ? lists : 0) + (isDistant && isListed ? lists : 0),
    read: (from.remote.isDistant ? exports : 0) + (isDistant ? (isListed ? there : exports) : 0),
  };
}
