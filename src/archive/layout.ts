/** The names of objects in an archive (format, section 3): made and read here and nowhere else. Pure. */
import { bundleNumberText } from '../bundle/bag.js';

const EXPORTS = 'exports/';
const MANIFESTS = 'manifests/';
const MANIFEST_SUFFIX = '.export.json';
const FILES_INDEX_SUFFIX = '.files.jsonl.zst';
const CHECKSUM_FILE = 'SHA256SUMS';
const EXPORT_ID = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-([0-9a-f]{8})$/;

export interface ExportIdParts {
  readonly createdAt: Date;
  /** First 8 hex digits of the scan digest. */
  readonly scanDigestStart: string;
}

/** What a listing of `manifests/` alone says of an export. */
export interface ExportRef extends ExportIdParts {
  readonly exportId: string;
  /** Partition path. */
  readonly path: string;
  readonly manifestKey: string;
}

/** format 3.2. @param at cut to whole seconds. */
export function exportIdOf(at: Date, scanDigest: string): string {
  const time = at
    .toISOString()
    .replace(/[-:]/g, '')
    .replace(/\.\d+Z$/, 'Z');
  return `${time}-${scanDigest.slice(0, 8)}`;
}

/** The parts of an export id, or undefined when the text is none. */
export function parseExportId(exportId: string): ExportIdParts | undefined {
  const match = EXPORT_ID.exec(exportId);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, digest = ''] = match;
  const createdAt = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Date reads February 30 as March 2; no export was made then.
  const exists = !Number.isNaN(createdAt.getTime()) && exportIdOf(createdAt, digest) === exportId;
  return exists ? { createdAt, scanDigestStart: digest } : undefined;
}

export function manifestPrefix(partitionPath = ''): string {
  return partitionPath === '' ? MANIFESTS : `${MANIFESTS}${partitionPath}/`;
}

export function manifestKey(partitionPath: string, exportId: string): string {
  return `${MANIFESTS}${partitionPath}/${exportId}${MANIFEST_SUFFIX}`;
}

export function filesIndexName(exportId: string): string {
  return `${exportId}${FILES_INDEX_SUFFIX}`;
}

/** An object that stands beside the manifest. */
export function besideManifestKey(partitionPath: string, name: string): string {
  return `${MANIFESTS}${partitionPath}/${name}`;
}

/** The folder of an export's bundles, with a slash at its end. */
export function exportPrefix(partitionPath: string, exportId: string): string {
  return `${EXPORTS}${partitionPath}/${exportId}/`;
}

export function bundleName(exportId: string, bundleNumber: number): string {
  return `${exportId}-${bundleNumberText(bundleNumber)}.tar.zst`;
}

export function bundleKey(partitionPath: string, exportId: string, name: string): string {
  return `${exportPrefix(partitionPath, exportId)}${name}`;
}

export function checksumKey(partitionPath: string, exportId: string): string {
  return `${exportPrefix(partitionPath, exportId)}${CHECKSUM_FILE}`;
}

/** Reads a key below `manifests/`; undefined for an object that is not an export manifest. */
export function parseManifestKey(key: string): ExportRef | undefined {
  if (!key.startsWith(MANIFESTS) || !key.endsWith(MANIFEST_SUFFIX)) return undefined;
  const slash = key.lastIndexOf('/');
  const exportId = key.slice(slash + 1, -MANIFEST_SUFFIX.length);
  const parts = parseExportId(exportId);
  if (parts === undefined || slash < MANIFESTS.length) return undefined;
  return { ...parts, exportId, path: key.slice(MANIFESTS.length, slash), manifestKey: key };
}

/** Reads a key below `exports/`; undefined for an object that is not a bundle. */
export function parseBundleKey(key: string): { path: string; exportId: string; name: string } | undefined {
  // `s`: a partition path may hold a line break.
  const match = /^exports\/(.+)\/([^/]+)\/([^/]+-\d{5,}\.tar\.zst)$/s.exec(key);
  const [, partitionPath = '', exportId = '', name = ''] = match ?? [];
  if (parseExportId(exportId) === undefined || !name.startsWith(`${exportId}-`)) return undefined;
  return { path: partitionPath, exportId, name };
}
