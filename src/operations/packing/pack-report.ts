/** The rows of a pack's report, one for each export: what came of it. Pure. */
import type { ExportRef } from '../../archive/layout.js';
import type { LakepackError } from '../../base/errors.js';
import { finding, type Finding } from '../../base/findings.js';
import type { ExportSelection } from '../../lake/contract.js';
import type { PackedExport } from './contract.js';
import type { UndescribedExport } from './export-fingerprints.js';
import type { WrittenExport } from './export-writer.js';

export function countsOf({
  path,
  entries,
}: ExportSelection): Pick<PackedExport, 'path' | 'files' | 'directories' | 'bytes'> {
  return { path, files: entries.files, directories: entries.directories, bytes: entries.bytes };
}

export function failedExport(selection: ExportSelection, findings: readonly Finding[]): PackedExport {
  return { ...countsOf(selection), status: 'failed', storedBytes: 0, bundles: 0, findings };
}

export function unchangedExport(selection: ExportSelection, newest: ExportRef | undefined): PackedExport {
  const exportId = newest?.exportId;
  const common = { ...countsOf(selection), storedBytes: 0, bundles: 0, findings: selection.findings };
  return { ...common, status: 'unchanged', ...(exportId !== undefined && { exportId }) };
}

/** It holds what the lake holds, and of its tables nothing more could be said. */
export function undescribedExport(
  selection: ExportSelection,
  { exportId }: UndescribedExport,
  findings: readonly Finding[],
): PackedExport {
  const common = { ...countsOf(selection), storedBytes: 0, bundles: 0 };
  return { ...common, status: 'unchanged', exportId, findings: [...selection.findings, ...findings] };
}

/** @param undescribed where nothing but its fingerprints is new. */
export function packedExport(
  selection: ExportSelection,
  { finished, findings }: WrittenExport,
  undescribed: UndescribedExport | undefined,
): PackedExport {
  const { exportId, totals, bundles, contentDigest } = finished.head;
  return {
    ...countsOf(selection),
    status: 'packed',
    exportId,
    storedBytes: totals.storedBytes,
    bundles: bundles.length,
    contentDigest,
    ...(undescribed !== undefined && { againForTables: [...undescribed.tables.keys()] }),
    findings: [...selection.findings, ...findings],
  };
}

/** A file that could not be packed as it was scanned, as a finding of its export. */
export function sourceFinding({ path }: ExportSelection, error: LakepackError): Finding {
  const code = error.code === 'SOURCE_CHANGED' ? 'SOURCE_CHANGED' : 'SOURCE_UNREADABLE';
  const repair = error.hint === undefined ? {} : { repair: error.hint };
  return finding(code, error.message, { partition: path }, repair);
}
