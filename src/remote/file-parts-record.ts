/**
 * The record beside an unfinished upload of a folder archive: lines of JSON that say which object it is and which parts
 * are whole. It answers for another process never taking a part for whole that is not, also after a kill in the middle
 * of a line and after a power cut.
 */
import { constants, readFileSync } from 'node:fs';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { LakepackError, systemErrorCode } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import { assertReadable } from './keys.js';

export interface UploadFiles {
  readonly key: string;
  /** Where the object will be. */
  readonly disk: string;
  /** What its parts are written into. */
  readonly data: string;
  readonly record: string;
}

export interface RecordHead {
  /** Last name of the object's key. */
  readonly name: string;
  readonly begunAt: Date;
}

export interface RecordedPart {
  readonly number: number;
  readonly offset: number;
  readonly bytes: number;
  /** As it was announced by who sent it. */
  readonly sha256: string;
}

/** 10,000 parts, each sent a hundred times. */
const MAX_RECORD_BYTES = 256 * MIB;
/** A name has 255 bytes at most, and JSON writes one as six at most. */
const HEAD_BYTES = 4_096;

/**
 * Which run of this machine's kernel it is; undefined where it does not say. What was written and not synced is there
 * for every later process of the same run.
 */
const thisBoot = readBoot();

export async function createRecord({ key, record }: UploadFiles, name: string): Promise<void> {
  const head = `${JSON.stringify({ name, begunAt: new Date().toISOString() })}\n`;
  await onDisk(key, async () => {
    const handle = await open(record, 'wx');
    await handle.writeFile(head).finally(() => handle.close());
  });
}

/** Undefined when there is no record, or it was killed before it was one. */
export async function readHead(record: string): Promise<RecordHead | undefined> {
  const handle = await onDisk(record, () => unlessAbsent(() => open(record, 'r')));
  if (handle === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await onDisk(record, () => handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0));
    const text = buffer.toString('utf8', 0, bytesRead);
    return text.includes('\n') ? parseHead(text.slice(0, text.indexOf('\n'))) : undefined;
  } finally {
    await handle.close();
  }
}

/** From here on the part is not whole, whatever was recorded of it before. @throws NOT_FOUND when the upload is gone. */
export async function recordBegun(files: UploadFiles, number: number): Promise<void> {
  await append(files, { number });
}

/** The bytes of the part are written to `data`. @throws NOT_FOUND when the upload is gone. */
export async function recordWhole(files: UploadFiles, part: RecordedPart, data: FileHandle): Promise<void> {
  if (thisBoot === undefined) await onDisk(files.key, () => data.datasync());
  await append(files, thisBoot === undefined ? part : { ...part, boot: thisBoot });
}

async function append({ key, record }: UploadFiles, line: object): Promise<void> {
  await onDisk(key, async () => {
    const handle = await openExisting(key, record, constants.O_WRONLY | constants.O_APPEND);
    // A line feed before it too: the line of a killed process may have none.
    await handle.writeFile(`\n${JSON.stringify(line)}\n`).finally(() => handle.close());
  });
}

/** Opens a file of an upload. @throws NOT_FOUND when the upload is gone. */
export async function openExisting(key: string, file: string, flags: number): Promise<FileHandle> {
  try {
    return await open(file, flags);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') throw uploadGone(key, error);
    throw error;
  }
}

/** The whole parts by number. @throws NOT_FOUND when the upload is gone, LIMIT_EXCEEDED. */
export async function readRecord({ key, record }: UploadFiles): Promise<ReadonlyMap<number, RecordedPart>> {
  const text = await onDisk(key, () =>
    unlessAbsent(async () => {
      assertReadable(key, (await stat(record)).size, MAX_RECORD_BYTES);
      return readFile(record, 'utf8');
    }),
  );
  if (text === undefined) throw uploadGone(key);
  const parts = new Map<number, RecordedPart>();
  for (const line of text.split('\n').slice(1)) applyLine(parts, line);
  return parts;
}

function applyLine(parts: Map<number, RecordedPart>, line: string): void {
  const { number, offset, bytes, sha256, boot } = parseObject(line);
  if (!isCount(number)) return;
  parts.delete(number);
  const isSafe = boot === undefined || boot === thisBoot;
  if (isSafe && isCount(offset) && isCount(bytes) && typeof sha256 === 'string') {
    parts.set(number, { number, offset, bytes, sha256 });
  }
}

function parseHead(line: string): RecordHead | undefined {
  const { name, begunAt } = parseObject(line);
  if (typeof name !== 'string' || typeof begunAt !== 'string') return undefined;
  const date = new Date(begunAt);
  return Number.isNaN(date.getTime()) ? undefined : { name, begunAt: date };
}

function parseObject(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    // A line that a kill cut off says nothing: its part is sent again.
    return {};
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

export function uploadGone(key: string, cause?: unknown): LakepackError {
  return new LakepackError('NOT_FOUND', `${key}: there is no such unfinished upload`, { cause });
}

function readBoot(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Only Linux has this. Elsewhere each part is synced before it is recorded.
    return undefined;
  }
}
