/**
 * Reads a file of the lake while watching it: what is read is exactly what the scan saw, or an error says what
 * happened to the file. All calls are synchronous: a thread that reads thousands of small files has nothing else to do,
 * and a promise for each call costs several times the call.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LakepackError, systemErrorCode } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import { showPath } from '../base/paths.js';
import type { SourceEntry } from './contract.js';

const CHUNK_BYTES = 1 * MIB;
/** Reading a larger file takes long enough that its name may lead elsewhere in the meantime. */
const SMALL_FILE_BYTES = 256 * 1024;
/** A link or a fifo that took a file's place since the scan is not opened, and does not block. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface SourceFile {
  /** Fills all of `into` from `offset`. Throws SOURCE_CHANGED where the file ends before, SOURCE_UNREADABLE. */
  read(into: Buffer, offset: number): void;
  /**
   * Closes it after a last look: throws SOURCE_CHANGED when it is not the file the scan saw (size, mtime, kind) or did
   * not stay so while it was read.
   */
  close(): void;
  /** Closes it without a look. Idempotent, also after `close`. */
  dispose(): void;
}

/** Reads all of a small scanned file into `into`, which is as long. Throws as {@link SourceFile} does. */
export function readWholeSource(lake: string, entry: SourceEntry, into: Buffer): void {
  let fd: number | undefined;
  try {
    fd = openSync(`${lake}/${entry.path}`, OPEN_FLAGS);
    readFully(fd, entry, into, 0);
    // Changed before or while it was read, it has another time or size by now.
    assertSame(entry, fstatSync(fd, { bigint: true }));
  } catch (error) {
    throw asSourceError(error, entry);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Opens a scanned file. Throws SOURCE_CHANGED when it is gone or something else, SOURCE_UNREADABLE. */
export function openSourceFile(lake: string, entry: SourceEntry): SourceFile {
  const file = path.join(lake, entry.path);
  let fd: number | undefined = watched(entry, () => openSync(file, OPEN_FLAGS));
  const isSmall = entry.bytes <= SMALL_FILE_BYTES;
  function dispose(): void {
    const open = fd;
    fd = undefined;
    if (open !== undefined) closeSync(open);
  }
  function handle(): number {
    if (fd === undefined) throw new LakepackError('INTERNAL', `${showPath(entry.path)}: is read after it was closed`);
    return fd;
  }
  function look(): void {
    assertSame(entry, fstatSync(handle(), { bigint: true }));
  }
  try {
    // A look at the end tells all; at a large file one at the beginning may spare reading it.
    if (!isSmall) watched(entry, look);
  } catch (error) {
    dispose();
    throw error;
  }
  return {
    read: (into, offset) => watched(entry, () => readFully(handle(), entry, into, offset)),
    close() {
      watched(entry, () => {
        look();
        // Read while open, a file is whole also when its name has gone or leads elsewhere: the lake changed all the same.
        if (!isSmall) assertSame(entry, lstatSync(file, { bigint: true }));
      });
      dispose();
    },
    dispose,
  };
}

function readFully(fd: number, entry: SourceEntry, into: Buffer, offset: number): void {
  for (let filled = 0; filled < into.length;) {
    const read = readSync(fd, into, filled, into.length - filled, offset + filled);
    if (read === 0) throw changed(entry, `${entry.bytes} bytes`, `${offset + filled} bytes`);
    filled += read;
  }
}

/** The bytes of a scanned file, in chunks of at most 1 MiB that are good until the next is asked for. Throws as above. */
export async function* readSourceFile(lake: string, entry: SourceEntry): AsyncGenerator<Buffer> {
  const source = openSourceFile(lake, entry);
  try {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, entry.bytes));
    for (let at = 0; at < entry.bytes; at += chunk.length) {
      // Between two chunks of a large file the event loop gets its turn: somebody may press Ctrl-C.
      if (at > 0) await nextTurn();
      const piece = chunk.subarray(0, entry.bytes - at);
      source.read(piece, at);
      yield piece;
    }
    source.close();
  } finally {
    source.dispose();
  }
}

function watched<T>(entry: SourceEntry, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw asSourceError(error, entry);
  }
}

function assertSame(entry: SourceEntry, stats: BigIntStats): void {
  if (!stats.isFile()) throw changed(entry, 'a regular file', 'something else');
  if (stats.size !== BigInt(entry.bytes)) throw changed(entry, `${entry.bytes} bytes`, `${stats.size} bytes`);
  if (stats.mtimeNs !== entry.mtimeNs) throw changed(entry, `mtime ${entry.mtimeNs} ns`, `${stats.mtimeNs} ns`);
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
  // What reading a folder, and a fifo that somebody holds open, answers.
  if (code === 'EISDIR' || code === 'EAGAIN') return changed(entry, 'a regular file', 'a folder or fifo', error);
  if (code === undefined) return error;
  return new LakepackError('SOURCE_UNREADABLE', `${showPath(entry.path)}: cannot be read: ${code}`, {
    cause: error,
    hint: code === 'EACCES' || code === 'EPERM' ? 'run as a user who may read it' : 'check the disk',
  });
}
