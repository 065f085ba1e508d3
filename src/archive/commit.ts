/**
 * Writes exports into an archive in the one order that is safe: bundles and what goes with them first, made durable,
 * then the manifests, made durable. Many exports share the two flushes.
 */
import { checksumFile } from './checksum-file.js';
import { LakepackError, isLakepackError, throwIfAborted } from '../base/errors.js';
import type { LineSpool } from '../base/line-spool.js';
import { BLOCK_BYTES, MAX_INLINE_FILES } from '../base/limits.js';
import { BlockHasher, type StoredHashes } from '../bundle/block-hasher.js';
import { forEachBounded } from '../remote/bounded.js';
import type { CallOptions, Remote } from '../remote/remote.js';
import type { ExportManifest, FileEntry, FilesIndexFacts } from '../schema/export-manifest.js';
import { createEntryRules } from '../schema/entry-rules.js';
import type { ManifestFault } from '../schema/manifest-fault.js';
import { parseFileEntry, parseManifest } from '../schema/parse-manifest.js';
import { serializeManifest } from '../schema/serialize-manifest.js';
import { writeFilesIndex } from './files-index.js';
import * as layout from './layout.js';
import { proveBundle } from './prove.js';
import { assertUncommitted, putOnce } from './put-once.js';
import { storeStream } from './store-object.js';
import type { UploadJournal } from './upload-journal.js';

/** An export whose bundles are written and whose manifest is not. */
export interface FinishedExport {
  /** Everything but `files` and `filesIndex`. */
  readonly head: Omit<ExportManifest, 'files' | 'filesIndex'>;
  /** Serialized file entries in tar order. */
  readonly entries: LineSpool;
}

/**
 * Removes what an export that will not be committed has stored. An export that has a manifest is left alone, whoever
 * committed it.
 */
export async function discardExport(
  remote: Remote,
  exportPath: string,
  exportId: string,
  { signal, journal }: DiscardOptions = {},
): Promise<void> {
  const call: CallOptions = signal === undefined ? {} : { signal };
  if ((await remote.head(layout.manifestKey(exportPath, exportId), call)) !== undefined) return;
  const prefix = layout.exportPrefix(exportPath, exportId);
  if (journal !== undefined) await abortUploads(remote, prefix, journal, call);
  for await (const { key } of remote.list(prefix, call)) await remote.delete(key, call);
  await remote.delete(layout.besideManifestKey(exportPath, layout.filesIndexName(exportId)), call);
}

export interface DiscardOptions extends CallOptions {
  /** Of the remote: the uploads it has of this export are aborted too. */
  readonly journal?: UploadJournal;
}

async function abortUploads(remote: Remote, prefix: string, journal: UploadJournal, call: CallOptions): Promise<void> {
  for (const upload of await journal.all()) {
    if (!upload.key.startsWith(prefix) || (await journal.isLive(upload))) continue;
    await remote.parts?.abort(upload, call);
    await journal.forget(upload);
  }
}

export interface CommitOptions extends CallOptions {
  /** Told just before a manifest is sent: from then on the export may be visible, and its bundles must stay. */
  readonly onManifest: (exportId: string) => void;
  /** Of the remote; a distant one's large objects are written in parts. */
  readonly journal?: UploadJournal;
  /** Exports whose objects are written at once. Default 1. */
  readonly atOnce?: number;
}

/**
 * Commits finished exports: after this they are visible, and survive a power cut. No manifest is sent before all that
 * goes with all of them is there and, in a distant store, was read back.
 */
export async function commitExports(
  remote: Remote,
  finished: readonly FinishedExport[],
  options: CommitOptions,
): Promise<void> {
  if (finished.length === 0) return;
  const { signal, onManifest, atOnce = 1 } = options;
  const manifests: { readonly exportId: string; readonly key: string; readonly bytes: Buffer }[] = [];
  await forEachBounded(finished, atOnce, async (one) => {
    throwIfAborted(signal);
    manifests.push({ exportId: one.head.exportId, ...(await prepare(remote, one, options)) });
  });
  await remote.flush();
  await forEachBounded(manifests, atOnce, async ({ exportId, key, bytes }) => {
    throwIfAborted(signal);
    onManifest(exportId);
    await withGrace(signal, (late) => putOnce(remote, key, bytes, { signal: late }));
  });
  await remote.flush();
}

/** How long a Ctrl-C leaves a manifest that is being sent, so that it is there or not, and seldom in doubt. */
const GRACE_MS = 5_000;

/** Runs with a signal that fires a while after the given one does. */
async function withGrace(signal: AbortSignal | undefined, work: (late: AbortSignal) => Promise<void>): Promise<void> {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => void (timer = setTimeout(() => late.abort(signal?.reason), GRACE_MS));
  signal?.addEventListener('abort', begin, { once: true });
  try {
    await work(late.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', begin);
  }
}

async function prepare(
  remote: Remote,
  one: FinishedExport,
  options: CommitOptions,
): Promise<{ key: string; bytes: Buffer }> {
  const call: CallOptions = options.signal === undefined ? {} : { signal: options.signal };
  const { exportId, source, bundles } = one.head;
  const key = layout.manifestKey(source.path, exportId);
  await putOnce(remote, layout.checksumKey(source.path, exportId), checksumFile(bundles), { ...call, unless: key });
  const entries =
    one.entries.count > MAX_INLINE_FILES
      ? { filesIndex: await putFilesIndex(remote, one, options) }
      : { files: await inlineEntries(one.entries) };
  const bytes = serializeManifest({ ...one.head, ...entries });
  await assertReadable(key, bytes, one.entries);
  return { key, bytes };
}

/**
 * Reads a manifest back before anybody can see it: one that our own reader refuses would be an export that nobody can
 * restore. Throws INTERNAL.
 */
async function assertReadable(key: string, bytes: Buffer, entries: LineSpool): Promise<void> {
  try {
    const rules = createEntryRules(parseManifest(bytes, key));
    const faults: ManifestFault[] = [];
    for await (const lines of entries.batches()) {
      for (const line of lines) faults.push(...rules.next(parseFileEntry(line, key)));
    }
    faults.push(...rules.end());
    const [first] = faults;
    if (first !== undefined) throw new LakepackError('MANIFEST_INVALID', `${key} ${first.path}: ${first.message}`);
  } catch (cause) {
    if (!isLakepackError(cause)) throw cause;
    throw new LakepackError('INTERNAL', `${key}: the manifest that was made cannot be read back: ${cause.message}`, {
      cause,
      hint: 'nothing was committed; please report this, it is a fault of lakepack',
    });
  }
}

async function inlineEntries(lines: LineSpool): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  for await (const line of lines) entries.push(JSON.parse(line) as FileEntry);
  return entries;
}

async function putFilesIndex(remote: Remote, one: FinishedExport, options: CommitOptions): Promise<FilesIndexFacts> {
  const call: CallOptions = options.signal === undefined ? {} : { signal: options.signal };
  const { exportId, source } = one.head;
  const name = layout.filesIndexName(exportId);
  const key = layout.besideManifestKey(source.path, name);
  for (let attempt = 1; ; attempt += 1) {
    const { index, isOurs } = await storeIndex(remote, key, one, options);
    const { bytes, sha256, blocks } = index.hashes;
    const object = { storedBytes: bytes, sha256, blocks: { size: index.blockBytes, sha256: blocks } };
    try {
      await proveBundle(remote, key, object, { ...call, mode: isOurs ? 'auto' : 'all' });
      return { name, bytes, sha256, entries: one.entries.count };
    } catch (error) {
      if (!isLakepackError(error, 'HASH_MISMATCH') || attempt === INDEX_TRIES) throw error;
      await assertUncommitted(remote, layout.manifestKey(source.path, exportId), call);
      await remote.delete(key, call);
    }
  }
}

const INDEX_TRIES = 2;

/** One that is there may be garbage of an interrupted run, or belong to a manifest that is there: it is left alone. */
async function storeIndex(
  remote: Remote,
  key: string,
  one: FinishedExport,
  { signal, journal }: CommitOptions,
): Promise<{ index: IndexObject; isOurs: boolean }> {
  const index = new IndexObject(one);
  try {
    if (remote.isDistant && journal !== undefined) await storeStream({ remote, journal, signal }, key, index);
    else await remote.put(key, index.stored(), { ...(signal && { signal }) });
    return { index, isOurs: true };
  } catch (error) {
    if (!isLakepackError(error, 'OBJECT_EXISTS')) throw error;
    const dry = new IndexObject(one);
    for await (const _chunk of dry.stored());
    return { index: dry, isOurs: false };
  }
}

/** The bytes of a files index and their hashes, as they are made. */
class IndexObject {
  readonly blockBytes = BLOCK_BYTES;
  readonly #hasher = new BlockHasher(BLOCK_BYTES);
  readonly #export: FinishedExport;
  #hashes: StoredHashes | undefined;

  constructor(one: FinishedExport) {
    this.#export = one;
  }

  get finishedBlocks(): readonly string[] {
    return this.#hasher.blocks;
  }

  /** Once `stored` has been read to its end. */
  get hashes(): StoredHashes {
    if (this.#hashes === undefined) throw new Error('the index is not finished');
    return this.#hashes;
  }

  async *stored(): AsyncGenerator<Buffer> {
    for await (const chunk of writeFilesIndex(this.#export.entries.chunks(), this.#export.head.tool.level)) {
      this.#hasher.update(chunk);
      yield chunk;
    }
    this.#hashes = this.#hasher.finish();
  }
}
