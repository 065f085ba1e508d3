/**
 * Reads a file of the lake while watching it: what is yielded is exactly what the scan saw, or an error says what
 * happened to the file. Small files are read in one synchronous go, which costs a fraction of four trips through the
 * thread pool; large ones as a stream.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { LakepackError, systemErrorCode } from '../base/errors.js';
import { showPath } from '../base/paths.js';
import type { SourceEntry } from './contract.js';

/** Files up to this size are read in one go. */
export const SMALL_FILE_BYTES = 256 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** A link or a fifo that took a file's place since the scan is not opened, and does not block. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The bytes of a scanned file. Throws SOURCE_CHANGED when it is not the file the scan saw (size, mtime, kind) or did
 * not stay so, SOURCE_UNREADABLE when it cannot be read.
 */
export async function* readSourceFile(lake: string, entry: SourceEntry): AsyncGenerator<Buffer> {
  if (entry.bytes <= SMALL_FILE_BYTES) {
    const content = readSmall(path.join(lake, entry.path), entry);
    if (content.length > 0) yield content;
    return;
  }
  yield* readLarge(path.join(lake, entry.path), entry);
}

function readSmall(file: string, entry: SourceEntry): Buffer {
  let fd: number | undefined;
  try {
    fd = openSync(file, OPEN_FLAGS);
    assertSame(entry, fstatSync(fd, { bigint: true }));
    // One byte more than the scan saw tells a file that grew.
    const buffer = Buffer.allocUnsafe(entry.bytes + 1);
    let filled = 0;
    for (let read = -1; read !== 0 && filled < buffer.length; filled += read) {
      read = readSync(fd, buffer, filled, buffer.length - filled, filled);
    }
    assertLength(entry, filled);
    assertSame(entry, fstatSync(fd, { bigint: true }));
    return buffer.subarray(0, filled);
  } catch (error) {
    throw asSourceError(error, entry);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

async function* readLarge(file: string, entry: SourceEntry): AsyncGenerator<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, OPEN_FLAGS);
    assertSame(entry, await handle.stat({ bigint: true }));
    let total = 0;
    while (total <= entry.bytes) {
      const length = Math.min(CHUNK_BYTES, entry.bytes + 1 - total);
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, total);
      if (bytesRead === 0) break;
      total += bytesRead;
      if (total > entry.bytes) break;
      yield buffer.subarray(0, bytesRead);
    }
    assertLength(entry, total);
    assertSame(entry, await handle.stat({ bigint: true }));
  } catch (error) {
    throw asSourceError(error, entry);
  } finally {
    await handle?.close();
  }
}

/**
 * Some bytes of a scanned file, for a look at its end. Throws as `readSourceFile` does, and SOURCE_CHANGED for bytes
 * that are not there.
 */
export async function readSourceRange(
  lake: string,
  entry: SourceEntry,
  offset: number,
  length: number,
): Promise<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path.join(lake, entry.path), OPEN_FLAGS);
    assertSame(entry, await handle.stat({ bigint: true }));
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, offset);
    if (bytesRead !== length) throw changed(entry, `${length} bytes at ${offset}`, String(bytesRead));
    return buffer;
  } catch (error) {
    throw asSourceError(error, entry);
  } finally {
    await handle?.close();
  }
}

function assertSame(entry: SourceEntry, stats: BigIntStats): void {
  if (!stats.isFile()) throw changed(entry, 'a regular file', 'something else');
  if (stats.size !== BigInt(entry.bytes)) throw changed(entry, `${entry.bytes} bytes`, `${stats.size} bytes`);
  if (stats.mtimeNs !== entry.mtimeNs) throw changed(entry, `mtime ${entry.mtimeNs} ns`, `${stats.mtimeNs} ns`);
}

function assertLength(entry: SourceEntry, found: number): void {
  if (found === entry.bytes) return;
  throw changed(entry, `${entry.bytes} bytes`, found > entry.bytes ? 'more' : `${found} bytes`);
}

function changed(entry: SourceEntry, expected: string, found: string, cause?: unknown): LakepackError {
  return new LakepackError(
    'SOURCE_CHANGED',
    `${showPath(entry.path)}: the file changed while it was packed: expected ${expected}, got ${found}`,
    { hint: 'pack again when nothing writes to it, or use --on-change retry', cause, retryable: true },
  );
}

function asSourceError(error: unknown, entry: SourceEntry): unknown {
  if (error instanceof LakepackError) return error;
  const code = systemErrorCode(error);
  // ELOOP is what O_NOFOLLOW answers for a symbolic link.
  if (code === 'ENOENT' || code === 'ENOTDIR') return changed(entry, 'the file', 'nothing: it is gone', error);
  if (code === 'ELOOP' || code === 'ENXIO') return changed(entry, 'a regular file', 'a link or socket', error);
  if (code === undefined) return error;
  return new LakepackError('SOURCE_UNREADABLE', `${showPath(entry.path)}: cannot be read: ${code}`, {
    cause: error,
    hint: code === 'EACCES' || code === 'EPERM' ? 'run as a user who may read it' : 'check the disk',
  });
}
