/**
 * Writes exports into an archive in the one order that is safe: bundles and what goes with them first, made durable,
 * then the manifests, made durable. Many exports share the two flushes.
 */
import { createHash } from 'node:crypto';
import { LakepackError, isLakepackError, throwIfAborted } from '../base/errors.js';
import type { LineSpool } from '../base/line-spool.js';
import { MAX_INLINE_FILES } from '../base/limits.js';
import type { BundleWriter } from '../bundle/write.js';
import type { CallOptions, Remote } from '../remote/remote.js';
import type { BundleFacts, ExportManifest, FileEntry, FilesIndexFacts } from '../schema/export-manifest.js';
import { createEntryRules } from '../schema/entry-rules.js';
import type { ManifestFault } from '../schema/manifest-fault.js';
import { parseFileEntry, parseManifest } from '../schema/parse-manifest.js';
import { serializeManifest } from '../schema/serialize-manifest.js';
import { writeFilesIndex } from './files-index.js';
import * as layout from './layout.js';

/** An export whose bundles are written and whose manifest is not. */
export interface FinishedExport {
  /** Everything but `files` and `filesIndex`. */
  readonly head: Omit<ExportManifest, 'files' | 'filesIndex'>;
  /** Serialized file entries in tar order. */
  readonly entries: LineSpool;
}

/**
 * Stores one bundle. When an object of this name is there already (an interrupted run, or another process at the same
 * export), it is kept if it is the same byte for byte and replaced if it is not: without a manifest it is garbage.
 * @param open starts the writing of the bundle; the facts returned are those of the writer opened last.
 */
export async function storeBundle(
  remote: Remote,
  key: string,
  open: () => BundleWriter,
  options: CallOptions,
): Promise<BundleFacts> {
  if ((await remote.head(key, options)) === undefined) {
    try {
      const writer = open();
      await remote.put(key, writer.stored(), options);
      return writer.facts;
    } catch (error) {
      if (!isLakepackError(error, 'OBJECT_EXISTS')) throw error;
    }
  }
  return await keepOrReplace(remote, key, open, options);
}

/**
 * Removes what an export that will not be committed has stored. An export that has a manifest is left alone, whoever
 * committed it.
 */
export async function discardExport(
  remote: Remote,
  exportPath: string,
  exportId: string,
  options: CallOptions = {},
): Promise<void> {
  if ((await remote.head(layout.manifestKey(exportPath, exportId), options)) !== undefined) return;
  for await (const { key } of remote.list(layout.exportPrefix(exportPath, exportId), options)) {
    await remote.delete(key, options);
  }
  await remote.delete(layout.besideManifestKey(exportPath, layout.filesIndexName(exportId)), options);
}

async function keepOrReplace(
  remote: Remote,
  key: string,
  open: () => BundleWriter,
  options: CallOptions,
): Promise<BundleFacts> {
  const dry = open();
  await drain(dry.stored());
  if ((await objectSha256(remote, key, options)) === dry.facts.sha256) return dry.facts;
  await assertUncommitted(remote, key, options);
  await remote.delete(key, options);
  const writer = open();
  await remote.put(key, writer.stored(), options);
  return writer.facts;
}

async function drain(stored: AsyncGenerator<Buffer>): Promise<void> {
  while ((await stored.next()).done !== true);
}

/** Other bytes under the name of a bundle are garbage only while no manifest names them. */
async function assertUncommitted(remote: Remote, bundleKey: string, options: CallOptions): Promise<void> {
  const bundle = layout.parseBundleKey(bundleKey);
  if (bundle === undefined) return;
  const manifest = await remote.head(layout.manifestKey(bundle.path, bundle.exportId), options);
  if (manifest !== undefined) throw committedMeanwhile(manifest.key);
}

async function objectSha256(remote: Remote, key: string, options: CallOptions): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of remote.stream(key, undefined, options)) hash.update(chunk);
  return hash.digest('hex');
}

export interface CommitOptions extends CallOptions {
  /** Told just before a manifest is sent: from then on the export may be visible, and its bundles must stay. */
  readonly onManifest: (exportId: string) => void;
}

/** Commits finished exports: after this they are visible, and survive a power cut. */
export async function commitExports(
  remote: Remote,
  finished: readonly FinishedExport[],
  options: CommitOptions,
): Promise<void> {
  if (finished.length === 0) return;
  const { signal, onManifest } = options;
  const call: CallOptions = signal === undefined ? {} : { signal };
  const manifests: { readonly exportId: string; readonly key: string; readonly bytes: Buffer }[] = [];
  for (const one of finished) manifests.push({ exportId: one.head.exportId, ...(await prepare(remote, one, call)) });
  await remote.flush();
  for (const { exportId, key, bytes } of manifests) {
    throwIfAborted(signal);
    onManifest(exportId);
    await withGrace(signal, (late) => putOnce(remote, key, bytes, { signal: late }));
  }
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
  options: CallOptions,
): Promise<{ key: string; bytes: Buffer }> {
  const { exportId, source, bundles } = one.head;
  const sums = bundles.map(({ sha256, name }) => `${sha256}  ${name}\n`).join('');
  await putOnce(remote, layout.checksumKey(source.path, exportId), Buffer.from(sums), options);
  const entries =
    one.entries.count > MAX_INLINE_FILES
      ? { filesIndex: await putFilesIndex(remote, one, options) }
      : { files: await inlineEntries(one.entries) };
  const bytes = serializeManifest({ ...one.head, ...entries });
  const key = layout.manifestKey(source.path, exportId);
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
    for await (const line of entries) faults.push(...rules.next(parseFileEntry(line, key)));
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

async function putFilesIndex(remote: Remote, one: FinishedExport, options: CallOptions): Promise<FilesIndexFacts> {
  const { exportId, source } = one.head;
  const name = layout.filesIndexName(exportId);
  const key = layout.besideManifestKey(source.path, name);
  const hash = createHash('sha256');
  let bytes = 0;
  async function* stored(): AsyncGenerator<Buffer> {
    for await (const chunk of writeFilesIndex(one.entries)) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  // Left by an interrupted run: without a manifest it is garbage, and its bytes are not known to be these.
  await remote.delete(key, options);
  await remote.put(key, stored(), options);
  return { name, bytes, sha256: hash.digest('hex'), entries: one.entries.count };
}

/** Creates a small object; one that is there with the same bytes is as good. */
async function putOnce(remote: Remote, key: string, bytes: Buffer, options: CallOptions): Promise<void> {
  try {
    await remote.put(key, bytes, options);
  } catch (error) {
    if (!isLakepackError(error, 'OBJECT_EXISTS')) throw error;
    if (await holds(remote, key, bytes, options)) return;
    await replaceGarbage(remote, key, bytes, options, error);
  }
}

async function holds(remote: Remote, key: string, bytes: Buffer, options: CallOptions): Promise<boolean> {
  const info = await remote.head(key, options);
  if (info?.bytes !== bytes.length) return false;
  return (await remote.read(key, bytes.length, options)).equals(bytes);
}

/** A manifest is never replaced; anything else of an export without a manifest is garbage. */
async function replaceGarbage(
  remote: Remote,
  key: string,
  bytes: Buffer,
  options: CallOptions,
  cause: LakepackError,
): Promise<void> {
  if (layout.parseManifestKey(key) !== undefined) throw committedMeanwhile(key, cause);
  await remote.delete(key, options);
  await remote.put(key, bytes, options);
}

function committedMeanwhile(key: string, cause?: LakepackError): LakepackError {
  return new LakepackError('OBJECT_EXISTS', `${key}: another export of this name was written at the same time`, {
    cause,
    hint: 'run the same command again: it will find that export',
  });
}
