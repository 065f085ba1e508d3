/**
 * An archive: a remote with exports in it (format, section 3). It lists what is there, reads manifests and their file
 * entries, and gives the stored bytes of bundles. Writing an export is `commit.ts`.
 */
import { LakepackError } from '../base/errors.js';
import { MAX_MANIFEST_BYTES } from '../base/limits.js';
import type { ByteSource } from '../bundle/byte-source.js';
import type { OpenRemoteOptions } from '../remote/open.js';
import { openRemote } from '../remote/open.js';
import type { Remote } from '../remote/remote.js';
import type { ExportManifest, FileEntry } from '../schema/export-manifest.js';
import { parseManifest } from '../schema/parse-manifest.js';
import { readFilesIndex } from './files-index.js';
import * as layout from './layout.js';
import type { ExportRef } from './layout.js';

export class Archive {
  readonly remote: Remote;
  readonly #isBorrowed: boolean;

  /** @param isBorrowed true where somebody else closes the remote. */
  constructor(remote: Remote, isBorrowed = false) {
    this.remote = remote;
    this.#isBorrowed = isBorrowed;
  }

  /** How it is shown to people. */
  get url(): string {
    return this.remote.url;
  }

  /** Every export, sorted by manifest key, so by partition path and then by time. Reads no manifest. */
  async *list(options: { readonly under?: string; readonly signal?: AbortSignal } = {}): AsyncGenerator<ExportRef> {
    for await (const { key } of this.remote.list(layout.manifestPrefix(options.under), options)) {
      const ref = layout.parseManifestKey(key);
      if (ref !== undefined) yield ref;
    }
  }

  /** The manifest of an export. Throws NOT_FOUND, MANIFEST_INVALID, MANIFEST_VERSION. */
  async manifest(ref: ExportRef, signal?: AbortSignal): Promise<ExportManifest> {
    const bytes = await this.remote.read(ref.manifestKey, MAX_MANIFEST_BYTES, { ...(signal && { signal }) });
    const manifest = parseManifest(bytes, ref.manifestKey);
    assertInPlace(manifest, ref);
    return manifest;
  }

  /**
   * The file entries of an export in tar order, one at a time. Where they stand in an object of their own, its SHA-256
   * is known only at the end: an iteration that throws has yielded entries that must not be used.
   */
  async *entries(ref: ExportRef, manifest: ExportManifest, signal?: AbortSignal): AsyncGenerator<FileEntry> {
    if (manifest.filesIndex === undefined) {
      yield* manifest.files ?? [];
      return;
    }
    const key = layout.besideManifestKey(ref.path, manifest.filesIndex.name);
    yield* readFilesIndex(this.remote.stream(key, undefined, { ...(signal && { signal }) }), manifest.filesIndex, key);
  }

  /** The stored bytes of a bundle. Throws NOT_FOUND when the object is missing. */
  async bundleSource(ref: ExportRef, name: string, signal?: AbortSignal): Promise<ByteSource> {
    const key = layout.bundleKey(ref.path, ref.exportId, name);
    const call = { ...(signal && { signal }) };
    const info = await this.remote.head(key, call);
    if (info === undefined) throw missingBundle(key, this.url);
    return {
      name,
      bytes: info.bytes,
      read: (offset, length) => this.remote.readRange(key, { offset, length }, call),
      stream: (offset, length) => this.remote.stream(key, { offset, length }, call),
      close: () => Promise.resolve(),
    };
  }

  async close(): Promise<void> {
    if (!this.#isBorrowed) await this.remote.close();
  }
}

/** Where an archive is (a folder, a `file:` URL), or an archive that is open: that one stays open. */
export type ArchivePlace = string | Archive;

/** Opens an archive, or lends an open one. Throws as `openArchive`. */
export async function archiveAt(place: ArchivePlace, options: OpenRemoteOptions): Promise<Archive> {
  return typeof place === 'string' ? await openArchive(place, options) : new Archive(place.remote, true);
}

/** How a place is shown to people. */
export function showPlace(place: ArchivePlace): string {
  return typeof place === 'string' ? place : place.url;
}

/** Opens an archive. Throws NOT_FOUND where there is none to read, ARCHIVE_UNSUPPORTED for an unknown scheme. */
export async function openArchive(location: string, options: OpenRemoteOptions): Promise<Archive> {
  return new Archive(await openRemote(location, options));
}

/** A manifest that was copied to another name would send its reader to other bundles (format 5.6). */
function assertInPlace(manifest: ExportManifest, ref: ExportRef): void {
  if (manifest.exportId === ref.exportId && manifest.source.path === ref.path) return;
  throw new LakepackError(
    'MANIFEST_INVALID',
    `${ref.manifestKey}: the manifest belongs elsewhere: expected ${ref.path} ${ref.exportId}, got ${manifest.source.path} ${manifest.exportId}`,
    { hint: 'it was moved or renamed; put it back under its own name' },
  );
}

function missingBundle(key: string, url: string): LakepackError {
  return new LakepackError('NOT_FOUND', `${key}: the bundle is not in ${url}`, {
    hint: 'take it from another copy of this archive, or run verify to see all that is missing',
  });
}
