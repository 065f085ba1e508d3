/**
 * The remote that is a folder: on this disk, on a mounted share, or a lake itself. It answers for reading and for
 * putting the parts together; writing, syncing and walking stand in the `file-…` files beside it.
 *
 * - Create-only is decided by the file system (a hard link), also between processes and machines. Where there are no
 *   hard links a race is left, see `file-put.ts`.
 * - A key cannot be both an object and the folder of other keys: such a put throws TARGET_CONFLICT.
 * - An unfinished put is a hidden `….partial` file beside its final name: never listed, and `sweepTemporary` removes
 *   what killed processes left. An unfinished upload in parts is one too, see `file-parts.ts`.
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { isLakepackError, LakepackError, throwIfAborted } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import { isAbandoned, temporaryId } from '../base/temporary-name.js';
import { type Durability, openDurability } from './file-flush.js';
import { isBeingWritten, putFile } from './file-put.js';
import { isPartOfUpload, openFileParts } from './file-parts.js';
import { objectPath, removeEmptyFolders } from './file-paths.js';
import { walkFiles } from './file-walk.js';
import { openBody } from './body.js';
import { assertReadable, objectAbsent, rangeWithin } from './keys.js';
import type { ByteRange, CallOptions, ListOptions, ObjectInfo, Remote, ReadRangeOptions } from './remote.js';

const CHUNK_BYTES = 1 * MIB;

export interface FileRemote extends Remote {
  /** The folder, as an absolute path. */
  readonly folder: string;
  /**
   * Removes the temporaries below a key prefix whose writer is gone, and resolves with how many. Those of a process
   * that runs, young ones of another machine, and unfinished uploads stay: an upload may be gone on with.
   */
  sweepTemporary(prefix: string, options?: CallOptions): Promise<number>;
}

/** The folder need not be there: then it lists nothing, and the first put makes it. */
export function openFileRemote(folder: string): FileRemote {
  const root = path.resolve(folder);
  const durability = openDurability(root);
  return {
    url: folder,
    identity: root,
    folder: root,
    writable: true,
    isDistant: false,
    parts: openFileParts(root, durability),
    copy: async () => false,
    checksum: async () => undefined,
    link: async () => undefined,
    head: (key, options) => head(root, key, options),
    read: (key, maxBytes, options) => read(root, key, maxBytes, options),
    readRange: (key, range, options) => readRange(root, key, range, options),
    stream: (key, range, options) => stream(root, key, range, options),
    put: (key, body, options) => put(root, durability, key, body, options),
    list: (prefix, options) => list(root, prefix, options),
    delete: (key, options) => remove(root, durability, key, options),
    flush: () => durability.flush(),
    close: async () => undefined,
    sweepTemporary: (prefix, options) => sweep(root, prefix, options),
  };
}

export function isFileRemote(remote: Remote): remote is FileRemote {
  return 'sweepTemporary' in remote;
}

async function head(root: string, key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
  const disk = objectPath(root, key);
  throwIfAborted(options.signal);
  const found = await onDisk(key, () => unlessAbsent(() => stat(disk)));
  return found?.isFile() === true ? { key, bytes: found.size } : undefined;
}

async function read(root: string, key: string, maxBytes: number, options: CallOptions = {}): Promise<Buffer> {
  return withObject(root, key, options, async (handle, bytes) => {
    assertReadable(key, bytes, maxBytes);
    return readExactly(handle, key, 0, bytes, options);
  });
}

async function readRange(root: string, key: string, range: ByteRange, options: ReadRangeOptions = {}): Promise<Buffer> {
  return withObject(root, key, options, async (handle, bytes) => {
    const { offset, length } = rangeWithin(range, bytes, key);
    return readExactly(handle, key, offset, length, options);
  });
}

/** Every chunk is a buffer of its own: the consumer may keep it. */
async function* stream(
  root: string,
  key: string,
  range: ByteRange | undefined,
  options: CallOptions = {},
): AsyncGenerator<Buffer> {
  const { handle, bytes } = await openObject(root, key, options);
  try {
    const { offset, length } = rangeWithin(range, bytes, key);
    for (let at = offset; at < offset + length; at += CHUNK_BYTES) {
      yield await readExactly(handle, key, at, Math.min(CHUNK_BYTES, offset + length - at), options);
    }
  } finally {
    await handle.close();
  }
}

async function withObject<T>(
  root: string,
  key: string,
  options: CallOptions,
  use: (handle: FileHandle, bytes: number) => Promise<T>,
): Promise<T> {
  const { handle, bytes } = await openObject(root, key, options);
  try {
    return await use(handle, bytes);
  } finally {
    await handle.close();
  }
}

async function openObject(
  root: string,
  key: string,
  options: CallOptions,
): Promise<{ readonly handle: FileHandle; readonly bytes: number }> {
  const disk = objectPath(root, key);
  throwIfAborted(options.signal);
  // O_NONBLOCK: opening a pipe that somebody left in the archive must not wait for a writer.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  const handle = await onDisk(key, () => unlessAbsent(() => open(disk, flags)));
  if (handle === undefined) throw objectAbsent(key);
  try {
    const found: Stats = await onDisk(key, () => handle.stat());
    if (!found.isFile()) throw objectAbsent(key);
    return { handle, bytes: found.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readExactly(
  handle: FileHandle,
  key: string,
  offset: number,
  length: number,
  { signal, into }: ReadRangeOptions,
): Promise<Buffer> {
  const buffer =
    into !== undefined && into.length >= length ? into.subarray(0, length) : Buffer.allocUnsafeSlow(length);
  for (let filled = 0; filled < length;) {
    throwIfAborted(signal);
    const at = filled;
    const { bytesRead } = await onDisk(key, () => handle.read(buffer, at, length - at, offset + at));
    if (bytesRead === 0) throw endedEarly(key, offset + length, offset + filled);
    filled += bytesRead;
  }
  return buffer;
}

function endedEarly(key: string, expected: number, got: number): LakepackError {
  return new LakepackError(
    'REMOTE_UNAVAILABLE',
    `${key}: the object became shorter while it was read: expected ${expected} bytes, got ${got}`,
    { retryable: true, hint: 'something writes to the archive that is not lakepack' },
  );
}

async function put(
  root: string,
  durability: Durability,
  key: string,
  body: Buffer | AsyncIterable<Buffer>,
  options: CallOptions = {},
): Promise<number> {
  const disk = await pathOrClose(root, key, body);
  try {
    const bytes = await putFile({ key, disk }, body, options.signal);
    durability.add(disk);
    return bytes;
  } catch (error) {
    // A run that goes on where a killed one was relies on this object: the next flush answers for it too.
    if (isLakepackError(error, 'OBJECT_EXISTS')) durability.add(disk);
    throw error;
  }
}

async function pathOrClose(root: string, key: string, body: Buffer | AsyncIterable<Buffer>): Promise<string> {
  try {
    return objectPath(root, key);
  } catch (error) {
    await openBody(body, undefined).close();
    throw error;
  }
}

async function* list(root: string, prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
  throwIfAborted(options.signal);
  for await (const { key, bytes, isTemporary, modifiedMs } of walkFiles(root, prefix, options.signal)) {
    const times = options.withTimes === true ? { storedAt: new Date(modifiedMs) } : {};
    if (!isTemporary) yield { key, bytes, ...times };
  }
}

async function remove(root: string, durability: Durability, key: string, options: CallOptions = {}): Promise<void> {
  const disk = objectPath(root, key);
  throwIfAborted(options.signal);
  // A folder is no object: there is nothing to remove, whatever stands in it.
  if ((await head(root, key, options)) === undefined) return;
  await onDisk(key, () => unlessAbsent(() => unlink(disk)));
  durability.remove(disk);
  await removeEmptyFolders(root, key);
}

async function sweep(root: string, prefix: string, options: CallOptions = {}): Promise<number> {
  let removed = 0;
  for await (const found of walkFiles(root, prefix, options.signal)) {
    const id = temporaryId(found.name);
    const isDead = id !== undefined && isAbandoned(id, found.modifiedMs, Date.now(), isBeingWritten(found.disk));
    if (!isDead || (await isPartOfUpload(found.disk))) continue;
    await onDisk(found.key, () => unlessAbsent(() => unlink(found.disk)));
    await removeEmptyFolders(root, found.key);
    removed += 1;
  }
  return removed;
}
