/**
 * What can be said of an export without reading its bundles: its manifest, its file entries, and whether the objects
 * it names are there. Every fault is a finding.
 */
import { checksumFile } from '../../archive/checksum-file.js';
import type { Archive } from '../../archive/archive.js';
import type { EntryBatch } from '../../archive/files-index.js';
import * as layout from '../../archive/layout.js';
import type { ExportRef } from '../../archive/layout.js';
import { isLakepackError, tellsDamage } from '../../base/errors.js';
import { finding, type Finding, type FindingCode, type FindingPlace } from '../../base/findings.js';
import { MAX_MANIFEST_BYTES, MIB } from '../../base/limits.js';
import { createEntryRules } from '../../schema/entry-rules.js';
import type { ExportManifest } from '../../schema/export-manifest.js';
import { readManifest } from '../../schema/parse-manifest.js';
import { mapSettled } from '../map-settled.js';
import type { FoundBundle } from './found-source.js';

const OTHER_COPY = 'take this object from another copy of the archive';
const MAX_ENTRY_FINDINGS = 100;
/** Objects that are looked up at once. */
const LOOKS_AT_ONCE = 16;

export interface VerifiedManifest {
  /** Undefined where it cannot be used; then the findings say why. */
  readonly manifest: ExportManifest | undefined;
  readonly findings: readonly Finding[];
  /** The bundles of the manifest that are there, by name. */
  readonly bundles: ReadonlyMap<string, FoundBundle>;
}

/** The manifest itself, and what stands beside it; not its entries. */
export async function verifyManifest(archive: Archive, ref: ExportRef, signal: AbortSignal): Promise<VerifiedManifest> {
  const { findings, report } = collectFindings(ref);
  const manifest = await readAll(archive, ref, report, signal);
  if (manifest === undefined) return { manifest, findings, bundles: new Map() };
  return { manifest, findings, bundles: await checkObjects(archive, ref, manifest, report, signal) };
}

export interface VerifiedEntries {
  readonly findings: readonly Finding[];
  /** True where the file entries could be read and are those that the manifest means. */
  readonly hasEntries: boolean;
}

/** Gets entries while they are read, in their order, before all is known of them. */
export interface EntryListener {
  take(batch: EntryBatch): Promise<void>;
}

/** The file entries of an export by themselves, and against its manifest, which was found to be sound. */
export async function verifyEntries(
  archive: Archive,
  ref: ExportRef,
  manifest: ExportManifest,
  listener: EntryListener | undefined,
  signal: AbortSignal,
): Promise<VerifiedEntries> {
  const { findings, report } = collectFindings(ref);
  const hasEntries = await checkEntries(archive, ref, manifest, report, listener, signal);
  return { findings, hasEntries };
}

function collectFindings(ref: ExportRef): { readonly findings: Finding[]; readonly report: Report } {
  const findings: Finding[] = [];
  const where: FindingPlace = { exportId: ref.exportId, partition: ref.path };
  const report: Report = (code, message, more = {}) => {
    findings.push(finding(code, message, where, { ...more, repair: OTHER_COPY }));
  };
  return { findings, report };
}

type Report = (code: FindingCode, message: string, more?: { expected?: string; found?: string }) => void;

async function readAll(
  archive: Archive,
  ref: ExportRef,
  report: Report,
  signal: AbortSignal,
): Promise<ExportManifest | undefined> {
  let bytes: Buffer;
  try {
    bytes = await archive.remote.read(ref.manifestKey, MAX_MANIFEST_BYTES, { signal });
  } catch (error) {
    if (!isLakepackError(error, 'LIMIT_EXCEEDED')) throw error;
    report('MANIFEST_INVALID', error.message);
    return undefined;
  }
  const reading = readManifest(bytes);
  if (!reading.ok) {
    for (const { path, message } of reading.list.faults)
      report('MANIFEST_INVALID', `${ref.manifestKey} ${path}: ${message}`);
    const unlisted = reading.list.count - reading.list.faults.length;
    if (unlisted > 0) report('MANIFEST_INVALID', `${ref.manifestKey}: and ${unlisted} faults more`);
    return undefined;
  }
  const { exportId, source } = reading.value;
  if (exportId === ref.exportId && source.path === ref.path) return reading.value;
  const found = `${source.path} ${exportId}`;
  report('MANIFEST_INVALID', `${ref.manifestKey}: belongs elsewhere`, {
    expected: `${ref.path} ${ref.exportId}`,
    found,
  });
  return undefined;
}

async function checkEntries(
  archive: Archive,
  ref: ExportRef,
  manifest: ExportManifest,
  report: Report,
  listener: EntryListener | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (manifest.files !== undefined) {
    // Whoever read the manifest asked the rules of them.
    await listener?.take({ entries: manifest.files, embedded: [] });
    return true;
  }
  const rules = createEntryRules(manifest);
  let told = 0;
  const tell = (subject: string, faults: readonly { path: string; message: string }[]): void => {
    for (const { path, message } of faults) {
      told += 1;
      if (told <= MAX_ENTRY_FINDINGS) report('MANIFEST_INCONSISTENT', `${subject}${path}: ${message}`);
    }
  };
  try {
    let number = 0;
    for await (const batch of archive.entryBatches(ref, manifest, signal)) {
      for (const entry of batch.entries) {
        const faults = rules.next(entry);
        if (faults.length > 0) tell(`entry ${number} `, faults);
        number += 1;
      }
      await listener?.take(batch);
    }
    tell('', rules.end());
    return true;
  } catch (error) {
    if (!tellsDamage(error)) throw error;
    report('FILES_INDEX_DAMAGED', error.message);
    return false;
  }
}

/** Finds the bundles that are there, and looks at what stands beside them. */
async function checkObjects(
  archive: Archive,
  ref: ExportRef,
  manifest: ExportManifest,
  report: Report,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, FoundBundle>> {
  const key = layout.checksumKey(ref.path, ref.exportId);
  const [found, sums] = await bothSettled(
    mapSettled(manifest.bundles, LOOKS_AT_ONCE, async ({ name }) =>
      archive.remote.head(layout.bundleKey(ref.path, ref.exportId, name), { signal }),
    ),
    readOrUndefined(archive, key, signal),
  );
  const bundles = new Map<string, FoundBundle>();
  for (const [index, { name, storedBytes }] of manifest.bundles.entries()) {
    const info = found[index];
    if (info === undefined) report('BUNDLE_MISSING', `${name}: the bundle is not there`);
    else {
      bundles.set(name, { name, bytes: info.bytes });
      if (info.bytes === storedBytes) continue;
      const more = { expected: String(storedBytes), found: String(info.bytes) };
      report('BUNDLE_SIZE_WRONG', `${name}: its size is not what the manifest says`, more);
    }
  }
  if (sums?.equals(checksumFile(manifest.bundles)) !== true) {
    report('CHECKSUM_FILE_WRONG', `${key}: ${sums === undefined ? 'is not there' : 'is not what the manifest says'}`);
  }
  return bundles;
}

async function bothSettled<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}

/** Undefined for an object that is not there, or too large to be what is looked for. */
async function readOrUndefined(archive: Archive, key: string, signal: AbortSignal): Promise<Buffer | undefined> {
  try {
    return await archive.remote.read(key, 8 * MIB, { signal });
  } catch (error) {
    if (isLakepackError(error, 'NOT_FOUND') || isLakepackError(error, 'LIMIT_EXCEEDED')) return undefined;
    throw error;
  }
}
