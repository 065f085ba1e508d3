/** Makes links that read the objects of exports for a while, with what their bytes must be. Writes and stores nothing. */
import { sha256Of } from '../base/sha256.js';
import { archiveAt, type Archive, type ArchivePlace } from '../archive/archive.js';
import { besideManifestKey, bundleKey, checksumKey, type ExportRef } from '../archive/layout.js';
import { LakepackError } from '../base/errors.js';
import { findExports } from './export-selection.js';
import type { ExportSelector } from './selection.js';

/** What version 4 signatures of S3 allow. */
export const MAX_SHARE_SECONDS = 7 * 24 * 60 * 60;

export interface ShareOptions {
  readonly archive: ArchivePlace;
  readonly select: ExportSelector;
  /** How long the links hold. Default one day, at most seven. */
  readonly expiresSeconds?: number;
  readonly signal?: AbortSignal;
}

export interface SharedFile {
  /** The name to store it under. */
  readonly name: string;
  readonly key: string;
  readonly url: string;
  /** Absent for what the manifest does not describe. */
  readonly bytes?: number;
  /** Hex; absent for what the manifest does not describe. */
  readonly sha256?: string;
}

export interface SharedExport {
  readonly exportId: string;
  readonly path: string;
  /** The manifest first, then the index of files, the checksums and the bundles. */
  readonly files: readonly SharedFile[];
}

export interface ShareReport {
  readonly archive: string;
  /** RFC 3339, UTC; absent where the links are those of a public address and hold for ever. */
  readonly expiresAt?: string;
  readonly exports: readonly SharedExport[];
}

/** Throws USAGE, ARCHIVE_UNSUPPORTED where there are no links, NOT_FOUND; what reading a manifest throws. */
export async function share(options: ShareOptions): Promise<ShareReport> {
  const { select, signal, expiresSeconds = 24 * 60 * 60 } = options;
  assertTime(expiresSeconds);
  const archive = await archiveAt(options.archive, { mode: 'read' });
  try {
    const begun = Date.now();
    const refs = await findExports(archive, select, signal);
    const exports: SharedExport[] = [];
    for (const ref of refs) exports.push(await shareExport(archive, ref, expiresSeconds, signal));
    const isSigned = exports.some(({ files }) => files.some(({ url }) => new URL(url).search !== ''));
    const expiresAt = new Date(begun + expiresSeconds * 1000).toISOString();
    return { archive: archive.url, ...(isSigned && { expiresAt }), exports };
  } finally {
    await archive.close();
  }
}

function assertTime(seconds: number): void {
  if (Number.isSafeInteger(seconds) && seconds >= 1 && seconds <= MAX_SHARE_SECONDS) return;
  throw new LakepackError('USAGE', `share: a link holds from 1 second to 7 days, got ${seconds} seconds`, {
    hint: 'for longer, put the archive behind a public address, or share again when the time is over',
  });
}

async function shareExport(
  archive: Archive,
  ref: ExportRef,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<SharedExport> {
  const { exportId, path, manifestKey } = ref;
  const { bytes, manifest } = await archive.storedManifest(ref, signal);
  const index = manifest.filesIndex;
  const objects: readonly Omit<SharedFile, 'url' | 'name'>[] = [
    { key: manifestKey, bytes: bytes.length, sha256: sha256Of(bytes) },
    ...(index === undefined
      ? []
      : [{ key: besideManifestKey(path, index.name), bytes: index.bytes, sha256: index.sha256 }]),
    { key: checksumKey(path, exportId) },
    ...manifest.bundles.map(({ name, storedBytes, sha256 }) => {
      return { key: bundleKey(path, exportId, name), bytes: storedBytes, sha256 };
    }),
  ];
  const files: SharedFile[] = [];
  for (const object of objects) files.push({ ...object, ...(await linkTo(archive, object.key, exportId, seconds)) });
  return { exportId, path, files };
}

async function linkTo(
  archive: Archive,
  key: string,
  exportId: string,
  seconds: number,
): Promise<Pick<SharedFile, 'name' | 'url'>> {
  const url = await archive.remote.link(key, seconds);
  if (url === undefined) {
    throw new LakepackError('ARCHIVE_UNSUPPORTED', `${archive.url}: has no links: nobody else can reach it`, {
      hint: 'push the export into a bucket first (lakepack export push), and share it from there',
    });
  }
  const last = key.slice(key.lastIndexOf('/') + 1);
  // Several exports are fetched into one folder: what all of them have gets a name of its own.
  return { name: last === 'SHA256SUMS' ? `${exportId}.SHA256SUMS` : last, url };
}
