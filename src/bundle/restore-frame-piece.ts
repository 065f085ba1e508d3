/**
 * Jobs of one lane: restore a file that lies in several frames, frame by frame. Frames are decoded at once, and hashed
 * and written in their order; the state of the hash and the open file stay on the thread between them.
 */
import { createHash, type Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { fromSystemError } from '../base/system-errors.js';
import { decodeStored, type RestoredFolders, type StoredFrame } from './restore-frame.js';
import {
  diskTime,
  FileWriter,
  modeOf,
  removeUnfinished,
  wrongBytes,
  type FileRow,
  type RestorePlace,
} from './restore-frame-file.js';

export interface FilePiece extends RestorePlace {
  /** Of the file: unique in the process. The first piece of an unknown one begins it. */
  readonly id: number;
  readonly row: FileRow;
  readonly frame: StoredFrame;
  /** What of the content of the frame belongs to the file. */
  readonly from: number;
  readonly to: number;
}

/** Files that were begun and are not ended. */
const begun = new Map<number, LargeFile>();

/**
 * Hashes and writes the next piece of a file; with the last one its SHA-256 is compared, and it is synced and closed.
 * Throws as {@link restoreFrame} does; then every later piece throws the same, until {@link abandonFile}.
 */
export async function restorePiece(piece: FilePiece): Promise<RestoredFolders> {
  const file = begun.get(piece.id) ?? new LargeFile(piece);
  begun.set(piece.id, file);
  const isWhole = await file.add(piece);
  if (!isWhole) return { folders: [] };
  begun.delete(piece.id);
  return { folders: file.folders };
}

/** Closes and removes a file that will get no more pieces. One that is not known is no error. */
export async function abandonFile({ id }: { readonly id: number }): Promise<void> {
  const file = begun.get(id);
  begun.delete(id);
  await file?.abandon();
}

class LargeFile {
  readonly #row: FileRow;
  readonly #writer: FileWriter;
  readonly #hash: Hash = createHash('sha256');
  #opened: { readonly disk: string; readonly handle: FileHandle } | undefined;
  #bytes = 0;
  /** Settles when the pieces so far are written; rejects for ever after the first one that failed. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ row, root, isResumed }: FilePiece) {
    this.#row = row;
    this.#writer = new FileWriter({ root, isResumed });
  }

  get folders(): readonly string[] {
    return this.#writer.folders;
  }

  /** Resolves when the piece is written: true for the last one. */
  async add(piece: FilePiece): Promise<boolean> {
    const before = this.#turn;
    const decoding = decodeStored(piece.frame);
    // It throws below, also where the piece before it has failed first.
    decoding.catch(() => undefined);
    const turn = before.then(async () => await this.#write((await decoding).subarray(piece.from, piece.to), piece));
    this.#turn = turn;
    // The frame is lent for as long as the decoder reads it.
    await Promise.allSettled([turn, decoding]);
    return await turn;
  }

  async #write(content: Buffer, { frame }: FilePiece): Promise<boolean> {
    const [lakePath, , bytes, expected] = this.#row;
    const { disk, handle } = this.#opened ?? (await this.#open());
    try {
      const writing = writeWhole(handle, content);
      writing.catch(() => undefined);
      // Meanwhile: the bytes are written on a thread of the pool.
      this.#hash.update(content);
      await writing;
      this.#bytes += content.length;
      if (this.#bytes < bytes) return false;
      const found = this.#hash.digest('hex');
      if (found !== expected) throw wrongBytes(frame.bundle, lakePath, expected, found);
      await this.#end(handle);
      return true;
    } catch (error) {
      await this.#drop();
      throw fromSystemError(error, disk);
    }
  }

  async #open(): Promise<{ disk: string; handle: FileHandle }> {
    const [lakePath, , , , , isExecutable] = this.#row;
    const disk = this.#writer.prepare(lakePath);
    try {
      this.#opened = { disk, handle: await open(disk, 'w', modeOf(isExecutable === 1)) };
      return this.#opened;
    } catch (error) {
      throw fromSystemError(error, disk);
    }
  }

  async #end(handle: FileHandle): Promise<void> {
    const time = diskTime(this.#row[4]);
    await handle.utimes(time, time);
    await handle.sync();
    this.#opened = undefined;
    await handle.close();
  }

  async #drop(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened === undefined) return;
    await opened.handle.close();
    removeUnfinished(opened.disk);
  }

  async abandon(): Promise<void> {
    await Promise.allSettled([this.#turn]);
    await this.#drop();
  }
}

async function writeWhole(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
}
