/**
 * What must hold in an export manifest beyond its shape (format 5): names follow from the id, sums agree, positions
 * lie inside what they point into. Pure; the shape was checked before. The rules for entries are in `entry-rules.ts`.
 */
import { BLOCK_BYTES, MAX_BLOCKS } from '../base/limits.js';
import { lakePathFault } from '../base/paths.js';
import { createEntryRules } from './entry-rules.js';
import type { BundleFacts, EmbeddedManifest, ExportManifest, FileEntry } from './export-manifest.js';
import { showValue, type ManifestFault } from './manifest-fault.js';

/** All faults of a manifest that is valid by its schema; those of its entries too, where it has them inline. */
export function manifestFaults(manifest: ExportManifest): readonly ManifestFault[] {
  return [
    ...identityFaults(manifest),
    ...sourceFaults(manifest),
    ...manifest.bundles.flatMap((bundle, index) => bundleFaults(manifest.exportId, bundle, index)),
    ...totalsFaults(manifest),
    ...indexFaults(manifest),
    ...(manifest.files === undefined ? [] : inlineEntryFaults(manifest, manifest.files)),
  ];
}

/** All faults of an embedded manifest that is valid by its schema. */
export function embeddedManifestFaults(manifest: EmbeddedManifest): readonly ManifestFault[] {
  return sourceFaults(manifest);
}

function identityFaults(manifest: ExportManifest): readonly ManifestFault[] {
  const { exportId, createdAt, parent } = manifest;
  const { scanDigest } = manifest.source;
  const faults = [...differs('/createdAt', idTime(exportId), createdAt.slice(0, 19))];
  if (scanDigest !== undefined) {
    faults.push(...differs('/source/scanDigest', exportId.slice(-8), scanDigest.slice(0, 8)));
  }
  if (parent === exportId) faults.push({ path: '/parent', message: 'is the export itself' });
  return faults;
}

/** The time in an export id, as RFC 3339 has it, to the second and without the zone. */
function idTime(exportId: string): string {
  return exportId.replace(/^(....)(..)(..)T(..)(..)(..)Z.*$/, '$1-$2-$3T$4:$5:$6');
}

function sourceFaults(manifest: Pick<ExportManifest, 'source' | 'provenance'>): readonly ManifestFault[] {
  const runManifests = manifest.provenance.runManifests ?? [];
  return [
    ...pathFaults('/source/path', manifest.source.path),
    ...runManifests.flatMap(({ path }, index) => pathFaults(`/provenance/runManifests/${index}/path`, path)),
  ];
}

function pathFaults(path: string, lakePath: string): readonly ManifestFault[] {
  const problem = lakePathFault(lakePath);
  return problem === undefined ? [] : [{ path, message: `the path ${showValue(lakePath)} ${problem}` }];
}

function bundleFaults(exportId: string, bundle: BundleFacts, index: number): readonly ManifestFault[] {
  const at = `/bundles/${index}`;
  const name = `${exportId}-${String(index + 1).padStart(5, '0')}.tar.zst`;
  const { seekTable, storedBytes } = bundle;
  return [
    ...differs(`${at}/name`, name, bundle.name),
    ...blockFaults(`${at}/blocks`, bundle),
    // format 4.7: the seek table is the last thing in a bundle
    ...differs(`${at}/seekTable/offset`, storedBytes - seekTable.bytes, seekTable.offset),
    ...(bundle.payload.bytes < bundle.tarBytes
      ? []
      : [{ path: `${at}/payload/bytes`, message: `expected less than tarBytes, got ${bundle.payload.bytes}` }]),
  ];
}

function blockFaults(at: string, bundle: BundleFacts): readonly ManifestFault[] {
  const { size, sha256 } = bundle.blocks;
  if (size % BLOCK_BYTES !== 0) return differs(`${at}/size`, `a multiple of ${BLOCK_BYTES}`, size);
  const count = Math.ceil(bundle.storedBytes / size);
  if (count > MAX_BLOCKS) return differs(`${at}/size`, `a size that gives at most ${MAX_BLOCKS} blocks`, size);
  return differs(`${at}/sha256`, `${count} blocks`, `${sha256.length} blocks`);
}

function totalsFaults(manifest: ExportManifest): readonly ManifestFault[] {
  const { totals, bundles } = manifest;
  return [
    ...differs('/totals/files', sum(bundles.map((bundle) => bundle.payload.files)), totals.files),
    ...differs('/totals/bytes', sum(bundles.map((bundle) => bundle.payload.bytes)), totals.bytes),
    ...differs('/totals/storedBytes', sum(bundles.map((bundle) => bundle.storedBytes)), totals.storedBytes),
  ];
}

function indexFaults(manifest: ExportManifest): readonly ManifestFault[] {
  const { exportId, filesIndex, totals } = manifest;
  if (filesIndex === undefined) return [];
  return [
    ...differs('/filesIndex/name', `${exportId}.files.jsonl.zst`, filesIndex.name),
    ...differs('/filesIndex/entries', totals.files + totals.directories, filesIndex.entries),
  ];
}

function inlineEntryFaults(manifest: ExportManifest, files: readonly FileEntry[]): readonly ManifestFault[] {
  const rules = createEntryRules(manifest);
  const faults = files.flatMap((entry, index) =>
    rules.next(entry).map(({ path, message }) => ({ path: `/files/${index}${path}`, message })),
  );
  return [...faults, ...rules.end()];
}

function differs(path: string, expected: string | number, got: string | number): readonly ManifestFault[] {
  if (expected === got) return [];
  return [{ path, message: `expected ${String(expected)}, got ${showValue(got)}` }];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
