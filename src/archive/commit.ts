/**
 * Writes exports into an archive in the one order that is safe: bundles and what goes with them first, made durable,
 * then the manifests, made durable. Many exports share the two flushes.
 */
import { createHash } from 'node:crypto';
import { LakepackError, isLakepackError } from '../base/errors.js';
import type { LineSpool } from '../base/line-spool.js';
import { MAX_INLINE_FILES } from '../base/limits.js';
import type { BundleWriter } from '../bundle/write.js';
import type { CallOptions, Remote } from '../remote/remote.js';
import type { BundleFacts, ExportManifest, FileEntry, FilesIndexFacts } from '../schema/export-manifest.js';
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

async function keepOrReplace(
  remote: Remote,
  key: string,
  open: () => BundleWriter,
  options: CallOptions,
): Promise<BundleFacts> {
  const dry = open();
  for await (const chunk of dry.stored()) void chunk;
  if ((await objectSha256(remote, key, options)) === dry.facts.sha256) return dry.facts;
  await remote.delete(key, options);
  const writer = open();
  await remote.put(key, writer.stored(), options);
  return writer.facts;
}

async function objectSha256(remote: Remote, key: string, options: CallOptions): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of remote.stream(key, undefined, options)) hash.update(chunk);
  return hash.digest('hex');
}

/** Commits finished exports: after this they are visible, and survive a power cut. */
export async function commitExports(
  remote: Remote,
  finished: readonly FinishedExport[],
  options: CallOptions,
): Promise<void> {
  if (finished.length === 0) return;
  const manifests: { readonly key: string; readonly bytes: Buffer }[] = [];
  for (const one of finished) manifests.push(await prepare(remote, one, options));
  await remote.flush();
  for (const { key, bytes } of manifests) await putOnce(remote, key, bytes, options);
  await remote.flush();
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
  return { key: layout.manifestKey(source.path, exportId), bytes };
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
    const there = await remote.read(key, Math.max(1, bytes.length), options).catch(() => undefined);
    if (there?.equals(bytes) === true) return;
    await replaceGarbage(remote, key, bytes, options, error);
  }
}

/** A manifest is never replaced; anything else of an export without a manifest is garbage. */
async function replaceGarbage(
  remote: Remote,
  key: string,
  bytes: Buffer,
  options: CallOptions,
  cause: LakepackError,
): Promise<void> {
  if (layout.parseManifestKey(key) !== undefined) {
    throw new LakepackError('OBJECT_EXISTS', `${key}: another export of this name was written at the same time`, {
      cause,
      hint: 'run the same command again: it will find that export',
    });
  }
  await remote.delete(key, options);
  await remote.put(key, bytes, options);
}
