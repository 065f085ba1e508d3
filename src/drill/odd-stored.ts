/**
 * What the listing of an archive says of exports that are restored all the same: a pull takes as many bytes as a
 * manifest names, and writes the checksums anew, so that it would never see what is wrong with these. Pure.
 */
import { bundleKey, checksumKey, type ExportRef } from '../archive/layout.js';
import type { ExportManifest } from '../schema/export-manifest.js';
import type { DrillReason } from '../schema/drill-record.js';

/** @param listed bytes of the objects of the export, by key; empty where they are in a fallback only. */
export function oddStored(
  { path, exportId }: ExportRef,
  { bundles }: ExportManifest,
  listed: ReadonlyMap<string, number>,
): readonly DrillReason[] {
  const there = bundles.flatMap(({ name, storedBytes }) => {
    const bytes = listed.get(bundleKey(path, exportId, name));
    return bytes === undefined ? [] : [{ name, storedBytes, bytes }];
  });
  const longer = there.filter(({ bytes, storedBytes }) => bytes > storedBytes);
  const reasons = longer.map(({ name, storedBytes, bytes }): DrillReason => {
    const message = `${name}: is longer than its manifest says: expected ${storedBytes} bytes, got ${bytes}`;
    return { code: 'BUNDLE_DAMAGED', step: 'pick', message, where: name, hint: 'take it from another copy' };
  });
  const sums = checksumKey(path, exportId);
  if (there.length === 0 || listed.has(sums)) return reasons;
  return [...reasons, checksumsMissing(sums, `${path}/${exportId}`)];
}

function checksumsMissing(key: string, where: string): DrillReason {
  const hint = 'take it from another copy of the archive; a pull into an empty place writes it anew';
  return { code: 'MANIFEST_DAMAGED', step: 'pick', message: `${key}: is not there`, where, hint };
}
