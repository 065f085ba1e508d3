/**
 * An archive: a remote with exports in it (format, section 3). It lists what is there, reads manifests and their file
 * entries, and gives the stored bytes of bundles; what it cannot give whole it takes from its fallbacks, where it has
 * some. Writing an export is `commit.ts`.
 */
import { createHash } from 'node:crypto';
import { LakepackError } from '../base/errors.js';
import { MAX_MANIFEST_BYTES, MIB } from '../base/limits.js';
import type { ByteSource } from '../bundle/byte-source.js';
import { schemeOf } from '../remote/folder-location.js';
import { lazyRemote } from '../remote/lazy.js';
import type { OpenRemoteOptions } from '../remote/open.js';
import { openRemote } from '../remote/open.js';
import type { CallOptions, Remote } from '../remote/remote.js';
import type { ExportManifest, FileEntry, FilesIndexFacts } from '../schema/export-manifest.js';
import { parseManifest } from '../schema/parse-manifest.js';
import { bundleReader, missingBundle } from './bundle-reader.js';
import type { ArchiveLocation, Healed } from './contract.js';
import { readEntryBatches, type EntryBatch } from './files-index.js';
import * as layout from './layout.js';
import type { ExportRef } from './layout.js';
import { mayBeElsewhere, ReadOrder } from './read-order.js';

/** Where an archive is (a folder, a URL, a name), or an archive that is open: that one stays open. */
export type ArchivePlace = string | ArchiveLocation | Archive;

export interface ArchiveOptions {
  /** True where somebody else closes the remotes. */
  readonly isBorrowed?: boolean;
  /** Archives to read from when this one fails, in order. They are only read. */
  readonly fallbacks?: readonly Archive[];
}

/** A manifest and the bytes it was read from. */
export interface StoredManifest {
  readonly bytes: Buffer;
  readonly manifest: ExportManifest;
}

/** With fallbacks, an index up to this size is held whole until its SHA-256 is known; a larger one is read twice. */
const HELD_INDEX_BYTES = 32 * MIB;

export class Archive {
  readonly remote: Remote;
  readonly fallbacks: readonly Archive[];
  readonly #isBorrowed: boolean;
  readonly #order: ReadOrder;

  constructor(remote: Remote, { isBorrowed = false, fallbacks = [] }: ArchiveOptions = {}) {
    this.remote = remote;
    this.fallbacks = fallbacks;
    this.#isBorrowed = isBorrowed;
    this.#order = new ReadOrder(
      remote,
      fallbacks.map((one) => one.remote),
    );
  }

  /** How it is shown to people. */
  get url(): string {
    return this.remote.url;
  }

  /**
   * Every export, sorted by manifest key, so by partition path and then by time. Reads no manifest. The listing of a
   * fallback is asked only when this one's fails; two are never mixed.
   */
  async *list(options: { readonly under?: string; readonly signal?: AbortSignal } = {}): AsyncGenerator<ExportRef> {
    const prefix = layout.manifestPrefix(options.under);
    if (!this.#order.hasFallbacks) {
      yield* listRefs(this.remote, prefix, options);
      return;
    }
    yield* await this.#order.first({ key: prefix }, async (remote) => {
      const refs: ExportRef[] = [];
      for await (const ref of listRefs(remote, prefix, options)) refs.push(ref);
      return refs;
    });
  }

  /** The manifest of an export. Throws NOT_FOUND, MANIFEST_INVALID, MANIFEST_VERSION. */
  async manifest(ref: ExportRef, signal?: AbortSignal): Promise<ExportManifest> {
    return (await this.storedManifest(ref, signal)).manifest;
  }

  /** As `manifest`, with the bytes as they are stored: what is moved must stay the same byte for byte. */
  async storedManifest(ref: ExportRef, signal?: AbortSignal): Promise<StoredManifest> {
    return await this.#order.first({ key: ref.manifestKey }, async (remote) => {
      const bytes = await remote.read(ref.manifestKey, MAX_MANIFEST_BYTES, callOf(signal));
      const manifest = parseManifest(bytes, ref.manifestKey);
      assertInPlace(manifest, ref);
      return { bytes, manifest };
    });
  }

  /**
   * The file entries of an export in tar order, one at a time. Where they stand in an object of their own, its SHA-256
   * is known only at the end: an iteration that throws has yielded entries that must not be used.
   */
  async *entries(ref: ExportRef, manifest: ExportManifest, signal?: AbortSignal): AsyncGenerator<FileEntry> {
    for await (const { entries } of this.entryBatches(ref, manifest, signal)) yield* entries;
  }

  /** As `entries`, some at a time: where there are many, a promise for each costs as much as reading it. */
  async *entryBatches(ref: ExportRef, manifest: ExportManifest, signal?: AbortSignal): AsyncGenerator<EntryBatch> {
    const { filesIndex } = manifest;
    if (filesIndex === undefined) {
      yield { entries: manifest.files ?? [], embedded: [] };
      return;
    }
    const key = layout.besideManifestKey(ref.path, filesIndex.name);
    const stored = this.#order.hasFallbacks
      ? await this.#soundIndex(key, filesIndex, callOf(signal))
      : this.remote.stream(key, undefined, callOf(signal));
    yield* readEntryBatches(stored, filesIndex, key);
  }

  /** The bytes of an index from the first archive where they are the manifest's. */
  async #soundIndex(key: string, facts: FilesIndexFacts, call: CallOptions): Promise<AsyncIterable<Buffer>> {
    return await this.#order.first({ key }, async (remote) => {
      const hash = createHash('sha256');
      const held: Buffer[] = [];
      for await (const chunk of remote.stream(key, undefined, call)) {
        hash.update(chunk);
        if (facts.bytes <= HELD_INDEX_BYTES) held.push(chunk);
      }
      const found = hash.digest('hex');
      if (found !== facts.sha256) throw wrongIndex(key, facts.sha256, found);
      return facts.bytes <= HELD_INDEX_BYTES ? inOrder(held) : remote.stream(key, undefined, call);
    });
  }

  /**
   * The stored bytes of a bundle as this archive has them, for looking at them: fallbacks are not asked. Throws
   * NOT_FOUND when the object is missing.
   */
  async bundleSource(ref: ExportRef, name: string, signal?: AbortSignal): Promise<ByteSource> {
    const key = layout.bundleKey(ref.path, ref.exportId, name);
    const call = callOf(signal);
    const info = await this.remote.head(key, call);
    if (info === undefined) throw missingBundle(key, this.url);
    return {
      name,
      bytes: info.bytes,
      read: (offset, length, into) =>
        this.remote.readRange(key, { offset, length }, { ...call, ...(into && { into }) }),
      stream: (offset, length) => this.remote.stream(key, { offset, length }, call),
      close: () => Promise.resolve(),
    };
  }

  /**
   * The stored bytes of a bundle for restoring them. Near by it looks at the object first, as `bundleSource` does; far
   * away it makes no request by itself, and reads throw NOT_FOUND when the object is missing, BUNDLE_INVALID when it is
   * cut short, HASH_MISMATCH (with fallbacks) when no archive has a block.
   * @param number of the bundle, from 1.
   */
  async bundleReader(
    ref: ExportRef,
    manifest: ExportManifest,
    number: number,
    signal?: AbortSignal,
  ): Promise<ByteSource> {
    const facts = manifest.bundles[number - 1];
    if (facts === undefined) {
      throw new LakepackError('MANIFEST_INVALID', `${ref.manifestKey}: there is no bundle ${number}`);
    }
    // A look costs nothing here, and tells a bundle that is not as long as its manifest says.
    const isNear = !this.remote.isDistant && !this.#order.hasFallbacks;
    if (isNear) return await this.bundleSource(ref, facts.name, signal);
    return bundleReader(this.#order, layout.bundleKey(ref.path, ref.exportId, facts.name), facts, callOf(signal));
  }

  /** What was taken from fallbacks since this was asked last. */
  takeHealed(): readonly Healed[] {
    return this.#order.takeHealed();
  }

  async close(): Promise<void> {
    if (this.#isBorrowed) return;
    await this.remote.close();
    for (const fallback of this.fallbacks) await fallback.close();
  }
}

/** Opens an archive, or lends an open one. Throws as `openArchive`. */
export async function archiveAt(place: ArchivePlace, options: OpenRemoteOptions): Promise<Archive> {
  if (!(place instanceof Archive)) return await openArchive(place, options);
  return new Archive(place.remote, { isBorrowed: true, fallbacks: place.fallbacks });
}

/** How a place is shown to people, before it is open. What follows a `?`, or precedes an `@`, may be a secret. */
export function showPlace(place: ArchivePlace): string {
  if (place instanceof Archive) return place.url;
  const location = typeof place === 'string' ? place : place.location;
  if (schemeOf(location) === undefined) return location;
  return location.replace(/\?.*$/s, '').replace(/^([^/]*:\/\/)[^/]*@/, '$1');
}

/**
 * Opens an archive. Throws NOT_FOUND where there is none to read, ARCHIVE_UNSUPPORTED for an unknown scheme. With
 * fallbacks an archive that cannot be opened for reading throws nothing: its reads go to them.
 */
export async function openArchive(location: string | ArchiveLocation, options: OpenRemoteOptions): Promise<Archive> {
  const whole = typeof location === 'string' ? { location } : location;
  // What is written must be read back from where it was written.
  const locations = options.mode === 'read' ? (whole.fallback ?? configuredFallback(whole)) : [];
  const fallbacks = locations.map((one) => openLater({ ...whole, location: one }));
  try {
    return new Archive(await openRemote(withoutFallback(whole), options), { fallbacks });
  } catch (error) {
    if (fallbacks.length === 0 || !mayBeElsewhere(error)) throw error;
    const unopened = lazyRemote(showPlace(whole), () => Promise.reject(error));
    return new Archive(unopened, { fallbacks });
  }
}

function openLater(location: ArchiveLocation): Archive {
  return new Archive(lazyRemote(showPlace(location), () => openRemote(withoutFallback(location), { mode: 'read' })));
}

function withoutFallback({ location, context }: ArchiveLocation): Parameters<typeof openRemote>[0] {
  return context === undefined ? location : { location, context };
}

function configuredFallback({ location, context }: ArchiveLocation): readonly string[] {
  return context?.remotes.get(schemeOf(location) ?? '')?.fallback ?? [];
}

async function* listRefs(remote: Remote, prefix: string, options: CallOptions): AsyncGenerator<ExportRef> {
  for await (const { key } of remote.list(prefix, options)) {
    const ref = layout.parseManifestKey(key);
    if (ref !== undefined) yield ref;
  }
}

function callOf(signal: AbortSignal | undefined): CallOptions {
  return signal === undefined ? {} : { signal };
}

async function* inOrder(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
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

function wrongIndex(key: string, expected: string, found: string): LakepackError {
  return new LakepackError('HASH_MISMATCH', `${key}: expected SHA-256 ${expected}, got ${found}`, {
    hint: 'take this object from another copy of the archive',
  });
}
