/**
 * Stores one object of a folder archive: a temporary file beside the final name, then a link that only succeeds when
 * the name is free. It answers for whole-or-absent and create-only; durability is `file-flush.ts`.
 */
import { link, mkdir, open, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { LakepackError, systemErrorCode, throwIfAborted } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import { fromSystemError, onDisk, unlessAbsent } from '../base/system-errors.js';
import { type BodyReader, openBody } from './body.js';
import { objectExists } from './keys.js';
import { temporaryName } from '../base/temporary-name.js';

export interface PutTarget {
  readonly key: string;
  /** Final path on this disk. */
  readonly disk: string;
}

const STAGING_BYTES = 1 * MIB;
/** Another process may remove an empty folder between our making it and using it. */
const FOLDER_ATTEMPTS = 5;
/** What a file system without hard links answers. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Paths of the temporaries that this process is writing now; a sweep leaves them alone. */
const beingWritten = new Set<string>();

export function isBeingWritten(disk: string): boolean {
  return beingWritten.has(disk);
}

/**
 * Stores the body and resolves with its number of bytes. @throws OBJECT_EXISTS, TARGET_CONFLICT (a folder stands at
 * the key, or a file where its folder must be), DISK_FULL, PERMISSION_DENIED, REMOTE_UNAVAILABLE, INTERRUPTED, and
 * what the body throws, unchanged.
 */
export async function putFile(
  target: PutTarget,
  body: Buffer | AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
): Promise<number> {
  const reader = openBody(body, signal);
  try {
    throwIfAborted(signal);
    await refuseTaken(target);
    return await writeAndPublish(target, reader, signal);
  } finally {
    await reader.close();
  }
}

async function writeAndPublish(
  target: PutTarget,
  reader: BodyReader,
  signal: AbortSignal | undefined,
): Promise<number> {
  const temporary = path.join(path.dirname(target.disk), temporaryName(path.basename(target.disk)));
  beingWritten.add(temporary);
  try {
    const bytes = await writeTemporary(target, temporary, reader, signal);
    throwIfAborted(signal);
    await publish(temporary, target);
    return bytes;
  } finally {
    await unlink(temporary).catch(leaveToSweep);
    beingWritten.delete(temporary);
  }
}

/** Looked up before the body is read: nobody sends 4 GiB to learn that they are there. The link decides later. */
export async function refuseTaken({ key, disk }: PutTarget): Promise<void> {
  const there = await onDisk(key, () => unlessAbsent(() => stat(disk)));
  if (there === undefined) return;
  if (there.isDirectory()) throw inTheWay(key, 'a folder stands at this key');
  throw objectExists(key);
}

async function writeTemporary(
  target: PutTarget,
  temporary: string,
  reader: BodyReader,
  signal: AbortSignal | undefined,
): Promise<number> {
  const handle = await createFile(target, temporary);
  try {
    return await copyBody(target.key, handle, reader, signal);
  } finally {
    // A network file system may report a full disk only here.
    await onDisk(target.key, () => handle.close());
  }
}

/** Opens a new file beside the object, for writing only; makes its folder. */
export async function createFile(target: PutTarget, temporary: string): Promise<FileHandle> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await open(temporary, 'wx');
    } catch (error) {
      if (systemErrorCode(error) === 'ENOTDIR') throw inTheWay(target.key, 'a file stands where its folder must be');
      if (systemErrorCode(error) !== 'ENOENT' || attempt === FOLDER_ATTEMPTS) throw fromSystemError(error, target.key);
      await makeFolder(target);
    }
  }
}

async function makeFolder({ key, disk }: PutTarget): Promise<void> {
  try {
    await mkdir(path.dirname(disk), { recursive: true });
  } catch (error) {
    const name = systemErrorCode(error);
    if (name === 'EEXIST' || name === 'ENOTDIR') throw inTheWay(key, 'a file stands where its folder must be');
    throw fromSystemError(error, key);
  }
}

/** Buffers for gathering, used again: a new one for each of thousands of small objects keeps the garbage collector busy. */
const idleStaging: Buffer[] = [];
const MOST_IDLE = 4;

/** Few calls: chunks are gathered into 1 MiB, and copied, so that a body may use its own buffers again. */
async function copyBody(
  key: string,
  handle: FileHandle,
  reader: BodyReader,
  signal: AbortSignal | undefined,
): Promise<number> {
  const staging = idleStaging.pop() ?? Buffer.allocUnsafeSlow(STAGING_BYTES);
  try {
    return await gather(staging, reader, signal, (bytes) => onDisk(key, () => writeAll(handle, bytes)));
  } finally {
    if (idleStaging.length < MOST_IDLE) idleStaging.push(staging);
  }
}

async function gather(
  staging: Buffer,
  reader: BodyReader,
  signal: AbortSignal | undefined,
  write: (bytes: Buffer) => Promise<void>,
): Promise<number> {
  let staged = 0;
  let total = 0;
  for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) {
    throwIfAborted(signal);
    total += chunk.length;
    const isLarge = chunk.length >= STAGING_BYTES / 2;
    // A large chunk is written by itself, and so after all that was gathered before it.
    if (staged > 0 && (isLarge || staged + chunk.length > STAGING_BYTES)) {
      await write(staging.subarray(0, staged));
      staged = 0;
    }
    if (isLarge) await write(chunk);
    else staged += chunk.copy(staging, staged);
  }
  if (staged > 0) await write(staging.subarray(0, staged));
  return total;
}

/** At `position`, or where the last write ended. */
export async function writeAll(handle: FileHandle, bytes: Buffer, position?: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const to = position === undefined ? null : position + at;
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, to);
    at += bytesWritten;
  }
}

/** Gives the temporary its final name, unless that is taken. @throws OBJECT_EXISTS. */
export async function publish(temporary: string, target: PutTarget): Promise<void> {
  try {
    await link(temporary, target.disk);
  } catch (error) {
    const name = systemErrorCode(error) ?? '';
    if (name === 'EEXIST') return refuseUnlessSame(temporary, target, error);
    if (!NO_LINKS.has(name)) throw fromSystemError(error, target.key);
    await publishByRename(temporary, target);
  }
}

/** NFS may carry out a link, lose the answer, and refuse the second try: then both names are one file. */
async function refuseUnlessSame(temporary: string, target: PutTarget, cause: unknown): Promise<void> {
  const [ours, theirs] = await onDisk(target.key, () =>
    Promise.all([temporary, target.disk].map((file) => unlessAbsent(() => stat(file, { bigint: true })))),
  );
  const isSame = ours !== undefined && ours.ino === theirs?.ino && ours.dev === theirs.dev;
  if (!isSame) throw objectExists(target.key, cause);
}

/** The renames of this process, one after the other. */
let lastRename: Promise<void> = Promise.resolve();

/**
 * For file systems without hard links (exFAT, some FUSE and network mounts). Still whole or absent, and create-only
 * within this process. The race that is left: when two processes put the same key in the same instant, the later one
 * replaces the earlier one.
 */
async function publishByRename(temporary: string, target: PutTarget): Promise<void> {
  const turn = lastRename.then(async () => {
    await refuseTaken(target);
    await onDisk(target.key, () => rename(temporary, target.disk));
  });
  lastRename = turn.catch(() => undefined);
  return turn;
}

function inTheWay(key: string, fault: string): LakepackError {
  return new LakepackError('TARGET_CONFLICT', `${key}: ${fault}`, {
    hint: 'a folder archive cannot hold both: move away what is there',
  });
}

/** It is gone already (renamed), or stays as what a killed process would leave: a sweep removes it. */
function leaveToSweep(): void {
  // See above: neither changes whether the object is there.
}
