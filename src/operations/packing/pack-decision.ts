/** Decides for each export a lake makes whether the archive has it already. It writes nothing. */
import { createHash } from 'node:crypto';
import type { Archive } from '../../archive/archive.js';
import type { ExportRef } from '../../archive/layout.js';
import { isLakepackError, tellsDamage, throwIfAborted } from '../../base/errors.js';
import type { ExportSelection, SourceEntry } from '../../lake/contract.js';
import { readSourceFile } from '../../lake/source-file.js';
import { createContentDigest } from '../../schema/content-digest.js';
import type { ExportManifest, FileEntry } from '../../schema/export-manifest.js';
import {
  definitionsDigest,
  fedTables,
  undescribedTables,
  type ExportFingerprinter,
  type UndescribedExport,
} from './export-fingerprints.js';
import type { PackJournal } from './pack-journal.js';

export interface DecisionContext {
  readonly lake: string;
  readonly archive: Archive;
  readonly journal: PackJournal;
  readonly fingerprint: ExportFingerprinter | undefined;
  readonly signal: AbortSignal;
}

export type PackDecision =
  | { readonly state: 'new' }
  | { readonly state: 'unchanged' }
  /** Unchanged, but fingerprints are asked for that its manifest does not have. */
  | { readonly state: 'undescribed'; readonly export: UndescribedExport };

/** Whether the newest export of a partition path holds what the lake holds, and says of its tables what it must. */
export async function decideExport(
  context: DecisionContext,
  selection: ExportSelection,
  newest: ExportRef | undefined,
): Promise<PackDecision> {
  if (newest === undefined || !(await isUnchanged(context, selection, newest))) return { state: 'new' };
  const undescribed = await findUndescribed(context, selection, newest);
  return undescribed === undefined ? { state: 'unchanged' } : { state: 'undescribed', export: undescribed };
}

async function findUndescribed(
  context: DecisionContext,
  selection: ExportSelection,
  newest: ExportRef,
): Promise<UndescribedExport | undefined> {
  const { fingerprint, journal } = context;
  if (fingerprint === undefined) return undefined;
  const wanted = await fedTables(fingerprint, selection);
  if (wanted.size === 0) return undefined;
  const digest = definitionsDigest(wanted);
  if (journal.knownDefinitions(newest.exportId) === digest) return undefined;
  const tables = undescribedTables(wanted, (await readOrUndefined(context, newest))?.fingerprints);
  if (tables.size > 0) return { exportId: newest.exportId, tables };
  journal.knowDefinitions(newest.exportId, digest);
  return undefined;
}

/**
 * Whether the newest export of this partition path holds just what the lake holds. Path, size and mtime of every file
 * decide; where only times differ, the bytes do, so that a copied lake is not packed again.
 */
async function isUnchanged(context: DecisionContext, selection: ExportSelection, newest: ExportRef): Promise<boolean> {
  const { journal } = context;
  const { scanDigest } = selection.entries;
  const known = journal.knownDigest(newest.exportId);
  if (known === scanDigest) return true;
  const manifest = await readOrUndefined(context, newest);
  // A manifest that cannot be read proves nothing: the export is made again.
  if (manifest === undefined) return false;
  const same =
    manifest.source.scanDigest === scanDigest || (await hasSameContent(context, selection, newest, manifest));
  if (same) journal.know(newest.exportId, scanDigest);
  return same;
}

async function readOrUndefined(context: DecisionContext, ref: ExportRef): Promise<ExportManifest | undefined> {
  try {
    return await context.archive.manifest(ref, context.signal);
  } catch (error) {
    if (isLakepackError(error, 'MANIFEST_INVALID') || isLakepackError(error, 'MANIFEST_VERSION')) return undefined;
    throw error;
  }
}

async function hasSameContent(
  context: DecisionContext,
  { entries }: ExportSelection,
  newest: ExportRef,
  manifest: ExportManifest,
): Promise<boolean> {
  const { totals, contentDigest } = manifest;
  const same =
    totals.files === entries.files && totals.directories === entries.directories && totals.bytes === entries.bytes;
  if (!same || !(await hasSameEntries(context, entries, newest, manifest))) return false;
  return (await digestOfLake(context, entries)) === contentDigest;
}

/** The content digest is of files only: empty folders and modes are compared one by one. */
async function hasSameEntries(
  { archive, signal }: DecisionContext,
  entries: ExportSelection['entries'],
  newest: ExportRef,
  manifest: ExportManifest,
): Promise<boolean> {
  const packed = archive.entries(newest, manifest, signal);
  try {
    for await (const entry of entries) {
      const next = await packed.next();
      if (next.done === true || !isSameEntry(entry, next.value)) return false;
    }
    return (await packed.next()).done === true;
  } catch (error) {
    // A damaged index proves nothing: the export is made again.
    if (tellsDamage(error)) return false;
    throw error;
  } finally {
    await packed.return(undefined);
  }
}

function isSameEntry(entry: SourceEntry, packed: FileEntry): boolean {
  return (
    entry.path === packed.path &&
    entry.type === (packed.type ?? 'file') &&
    entry.bytes === packed.bytes &&
    entry.executable === (packed.executable ?? false)
  );
}

/** Undefined when a file cannot be read as it was scanned: packing will say so. */
async function digestOfLake(
  { lake, signal }: DecisionContext,
  entries: ExportSelection['entries'],
): Promise<string | undefined> {
  const digest = createContentDigest();
  try {
    for await (const entry of entries) {
      throwIfAborted(signal);
      if (entry.type === 'directory') continue;
      const hash = createHash('sha256');
      for await (const chunk of readSourceFile(lake, entry)) hash.update(chunk);
      digest.add(entry.path, hash.digest('hex'));
    }
    return digest.hex();
  } catch (error) {
    if (isLakepackError(error, 'SOURCE_CHANGED') || isLakepackError(error, 'SOURCE_UNREADABLE')) return undefined;
    throw error;
  }
}
