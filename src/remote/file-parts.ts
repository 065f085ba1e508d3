/**
 * Objects of a folder archive that are written in parts: a temporary file takes them at their places, a record beside
 * it says which are whole, and a link publishes it as every put does. Any process can go on with an upload, so a sweep
 * leaves it alone; `abort` removes it (docs/decisions/0041).
 */
import { constants } from 'node:fs';
import { type FileHandle, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { isLakepackError, LakepackError, throwIfAborted } from '../base/errors.js';
import { lakePathFault } from '../base/paths.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import type { Durability } from './file-flush.js';
import {
  createRecord,
  openExisting,
  readHead,
  readRecord,
  recordBegun,
  type RecordedPart,
  recordWhole,
  type UploadFiles,
  uploadGone,
} from './file-parts-record.js';
import { objectPath, removeEmptyFolders } from './file-paths.js';
import { createFile, publish, refuseTaken, writeAll } from './file-put.js';
import { type FoundFile, walkFiles } from './file-walk.js';
import { splitPrefix } from './keys.js';
import type { PartBody, PartStore, StoredPart, Upload, UploadInfo } from './remote.js';
import { KEPT_NAME_BYTES, newTemporaryId, temporaryId, temporaryName } from '../base/temporary-name.js';

const MAX_PART_BYTES = 1024 ** 3;
const ID = /^[0-9a-f]{8}-\d{1,10}-[0-9a-f]{12}$/;

export function openFileParts(root: string, durability: Durability): PartStore {
  return {
    minPartBytes: 1,
    maxPartBytes: MAX_PART_BYTES,
    maxParts: 10_000,
    partsAtOnce: 4,
    begin: async (key, { signal } = {}) => begin(root, key, signal),
    send: async (upload, part, { signal } = {}) => send(filesOf(root, upload), part, signal),
    listParts: async (upload, { signal } = {}) => {
      const files = filesOf(root, upload);
      throwIfAborted(signal);
      await (await openData(files)).close();
      const parts = [...(await readRecord(files)).values()];
      return parts.map(storedPart).sort((a, b) => a.number - b.number);
    },
    complete: async (upload, parts, { signal } = {}) => {
      const files = filesOf(root, upload);
      throwIfAborted(signal);
      await complete(files, parts, durability);
    },
    abort: async (upload, { signal } = {}) => {
      const files = ID.test(upload.id) ? filesOf(root, upload) : undefined;
      throwIfAborted(signal);
      if (files === undefined) return;
      await remove(files);
      await removeEmptyFolders(root, upload.key);
    },
    listUploads: (prefix, { signal } = {}) => listUploads(root, prefix, signal),
  };
}

/** True for both files of an upload that is whole enough to be gone on with. */
export async function isPartOfUpload(disk: string): Promise<boolean> {
  const id = temporaryId(path.basename(disk));
  if (id === undefined) return false;
  const folder = path.dirname(disk);
  const record = path.join(folder, recordName(id));
  const head = await readHead(record);
  if (head === undefined) return false;
  const data = path.join(folder, temporaryName(head.name, id));
  if (disk !== data && disk !== record) return false;
  return (await onDisk(data, () => unlessAbsent(() => stat(data)))) !== undefined;
}

/** The data first: without a record it is what a put that was killed leaves, and swept. */
async function begin(root: string, key: string, signal: AbortSignal | undefined): Promise<Upload> {
  const upload = { key, id: newTemporaryId() };
  const files = filesOf(root, upload);
  throwIfAborted(signal);
  await refuseTaken(files);
  const data = await createFile(files, files.data);
  await onDisk(key, () => data.close());
  await createRecord(files, path.basename(files.disk));
  return upload;
}

async function send(files: UploadFiles, part: PartBody, signal: AbortSignal | undefined): Promise<StoredPart> {
  const { number, offset, bytes, sha256 } = part;
  throwIfAborted(signal);
  const data = await openData(files);
  try {
    const recorded: RecordedPart = { number, offset, bytes: bytes.length, sha256 };
    await recordBegun(files, number);
    await onDisk(files.key, () => writeAll(data, bytes, offset));
    throwIfAborted(signal);
    await recordWhole(files, recorded, data);
    return storedPart(recorded);
  } finally {
    await onDisk(files.key, () => data.close());
  }
}

/** @throws NOT_FOUND also when it was published already (a second name) and only its removal is missing. */
async function openData({ key, data }: UploadFiles): Promise<FileHandle> {
  const handle = await onDisk(key, () => openExisting(key, data, constants.O_RDWR));
  try {
    if ((await onDisk(key, () => handle.stat())).nlink > 1) throw uploadGone(key);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** May be called again after a kill in the middle: a name that is there and leads to the same file is ours. */
async function complete(files: UploadFiles, parts: readonly StoredPart[], durability: Durability): Promise<void> {
  const bytes = joinedBytes(files.key, parts, await readRecord(files));
  const data = await onDisk(files.key, () => openExisting(files.key, files.data, constants.O_RDWR));
  try {
    // A last part that was replaced by a shorter one has left its end.
    await onDisk(files.key, () => data.truncate(bytes));
  } finally {
    await onDisk(files.key, () => data.close());
  }
  try {
    await publish(files.data, files);
  } catch (error) {
    if (isLakepackError(error, 'OBJECT_EXISTS')) durability.add(files.disk);
    throw error;
  }
  durability.add(files.disk);
  await remove(files);
}

function joinedBytes(key: string, parts: readonly StoredPart[], recorded: ReadonlyMap<number, RecordedPart>): number {
  let at = 0;
  for (const [index, { number, tag }] of parts.entries()) {
    const part = recorded.get(number);
    if (number !== index + 1 || part?.offset !== at || tagOf(part) !== tag) throw partWrong(key, index + 1);
    at += part.bytes;
  }
  return at;
}

function partWrong(key: string, number: number): LakepackError {
  return new LakepackError('INTERNAL', `${key}: part ${number} was not stored, was replaced, or is of another size`);
}

/** The record first: what is left of a kill in between is swept. */
async function remove({ key, data, record }: UploadFiles): Promise<void> {
  await onDisk(key, () => unlessAbsent(() => unlink(record)));
  await onDisk(key, () => unlessAbsent(() => unlink(data)));
}

async function* listUploads(root: string, prefix: string, signal: AbortSignal | undefined): AsyncGenerator<UploadInfo> {
  const { folder, partial } = splitPrefix(prefix, root);
  throwIfAborted(signal);
  // The name of a temporary holds only the beginning of a long one.
  const isCut = Buffer.byteLength(partial) > KEPT_NAME_BYTES;
  const wide = folder === '' ? '' : `${folder}/`;
  for await (const found of walkFiles(root, isCut ? wide : prefix, signal)) {
    const info = found.isTemporary ? await uploadOf(found) : undefined;
    if (info?.key.startsWith(prefix) === true) yield info;
  }
}

async function uploadOf({ key, disk, name }: FoundFile): Promise<UploadInfo | undefined> {
  const id = temporaryId(name);
  if (id === undefined || name === recordName(id)) return undefined;
  const head = await readHead(path.join(path.dirname(disk), recordName(id)));
  // What a record says is as far from us as any other text on the disk.
  if (head === undefined || head.name.includes('/') || temporaryName(head.name, id) !== name) return undefined;
  const objectKey = key.slice(0, -name.length) + head.name;
  return lakePathFault(objectKey) === undefined ? { key: objectKey, id, begunAt: head.begunAt } : undefined;
}

function filesOf(root: string, { key, id }: Upload): UploadFiles {
  const disk = objectPath(root, key);
  if (!ID.test(id)) throw uploadGone(key);
  const beside = (name: string): string => path.join(path.dirname(disk), name);
  return { key, disk, data: beside(temporaryName(path.basename(disk), id)), record: beside(recordName(id)) };
}

/** That of an object without a name, which there is none of. */
function recordName(id: string): string {
  return temporaryName('', id);
}

function storedPart(part: RecordedPart): StoredPart {
  return { number: part.number, bytes: part.bytes, tag: tagOf(part) };
}

function tagOf({ bytes, sha256 }: RecordedPart): string {
  return `${bytes}-${sha256}`;
}
