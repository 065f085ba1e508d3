/**
 * Remembers, on this machine, the uploads in parts that were begun in an archive and not ended, so that a run after a
 * kill goes on with them and `prune` finds them. A file of JSON lines for each upload, appended before and after each
 * part. A damaged one is the same as none: losing it costs time, never data.
 */
import { sha256Of } from '../base/sha256.js';
import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { isLakepackError } from '../base/errors.js';
import { acquireLock, type ProcessLock } from '../base/process-lock.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import type { StoredPart, Upload } from '../remote/remote.js';
import { readUploadLines, type JournalledUpload, type UploadLine } from './upload-lines.js';

export type { JournalledPart, JournalledUpload } from './upload-lines.js';

/** An upload that is this process's own: nobody else takes it over while it is held. */
export interface UploadRecord extends JournalledUpload {
  /** Says that a part is about to be sent. */
  sendingPart(number: number): Promise<void>;
  sentPart(part: StoredPart, sha256: string): Promise<void>;
  /** Completed, aborted or gone: forgets it, and lets it go. */
  end(): Promise<void>;
  /** Lets it go as it is, for the next run. */
  leave(): Promise<void>;
}

export class UploadJournal {
  readonly #folder: string;
  readonly #identity: string;
  readonly #held = new Set<ProcessLock>();

  private constructor(stateDir: string, identity: string) {
    this.#folder = path.join(stateDir, 'uploads', shortHash(identity));
    this.#identity = identity;
  }

  /** Touches nothing; folders are made when something is written. @param identity of the remote. */
  static async open(stateDir: string, identity: string): Promise<UploadJournal> {
    return new UploadJournal(stateDir, identity);
  }

  /** Every upload of this archive that was begun on this machine and not ended, also those of live processes. */
  async all(): Promise<readonly JournalledUpload[]> {
    return (await this.#read('')).map(({ upload }) => upload);
  }

  /** Takes over an upload of a key whose process is gone; undefined where there is none. */
  async claim(key: string): Promise<UploadRecord | undefined> {
    for (const { file, upload } of await this.#read(`${shortHash(key)}-`)) {
      if (upload.key !== key) continue;
      const lock = await this.#lock(upload);
      if (lock === undefined) continue;
      // Its owner may have ended it, or sent more, before the lock was ours.
      const now = await readUpload(file);
      if (now !== undefined) return this.#record(now, lock);
      await this.#release(lock);
    }
    return undefined;
  }

  /** Remembers a new upload, as this process's own. */
  async begun(upload: Upload, partBytes: number): Promise<UploadRecord> {
    // Locked before it can be read: a file without a lock is anybody's.
    const lock = await this.#lock(upload);
    const now: JournalledUpload = {
      key: upload.key,
      id: upload.id,
      partBytes,
      begunAt: new Date(),
      sent: new Map(),
      sending: new Set(),
    };
    await onDisk(this.#folder, () => mkdir(this.#folder, { recursive: true }));
    const { key, id, begunAt } = now;
    await this.#append(upload, { begun: { key, id, partBytes, at: begunAt.toISOString() } });
    return this.#record(now, lock);
  }

  /** True while a process of this machine, this one too, works on it. */
  async isLive(upload: Upload): Promise<boolean> {
    const lock = await this.#lock(upload);
    if (lock !== undefined) await this.#release(lock);
    return lock === undefined;
  }

  /** Forgets an upload that is gone from the store. */
  async forget(upload: Upload): Promise<void> {
    await onDisk(this.#folder, () => rm(this.#file(upload), { force: true }));
  }

  /** Leaves what is still held. Idempotent. */
  async close(): Promise<void> {
    for (const lock of [...this.#held]) await this.#release(lock);
  }

  #record(upload: JournalledUpload, lock: ProcessLock | undefined): UploadRecord {
    const leave = async (): Promise<void> => {
      if (lock !== undefined) await this.#release(lock);
    };
    return {
      ...upload,
      sendingPart: (number) => this.#append(upload, { sending: number }),
      sentPart: ({ number, bytes, tag }, sha256) => this.#append(upload, { sent: { number, bytes, tag, sha256 } }),
      end: async () => {
        await this.forget(upload);
        await leave();
      },
      leave,
    };
  }

  /** A line feed first: the run before may have been killed in the middle of a line. */
  async #append(upload: Upload, line: UploadLine): Promise<void> {
    const file = this.#file(upload);
    await onDisk(file, () => appendFile(file, `\n${JSON.stringify(line)}\n`));
  }

  async #read(prefix: string): Promise<{ file: string; upload: JournalledUpload }[]> {
    const names = (await onDisk(this.#folder, () => unlessAbsent(() => readdir(this.#folder)))) ?? [];
    const found: { file: string; upload: JournalledUpload }[] = [];
    for (const name of names.filter((one) => one.startsWith(prefix)).sort()) {
      const file = path.join(this.#folder, name);
      const upload = await readUpload(file);
      if (upload !== undefined) found.push({ file, upload });
    }
    return found;
  }

  async #lock({ key, id }: Upload): Promise<ProcessLock | undefined> {
    try {
      const lock = await acquireLock(`upload\n${this.#identity}\n${key}\n${id}`, key);
      this.#held.add(lock);
      return lock;
    } catch (error) {
      if (isLakepackError(error, 'OBJECT_EXISTS')) return undefined;
      throw error;
    }
  }

  async #release(lock: ProcessLock): Promise<void> {
    if (this.#held.delete(lock)) await lock.release();
  }

  #file({ key, id }: Upload): string {
    return path.join(this.#folder, `${shortHash(key)}-${shortHash(id)}.jsonl`);
  }
}

async function readUpload(file: string): Promise<JournalledUpload | undefined> {
  const text = await onDisk(file, () => unlessAbsent(() => readFile(file, 'utf8')));
  return text === undefined ? undefined : readUploadLines(text);
}

function shortHash(text: string): string {
  return sha256Of(text).slice(0, 32);
}
