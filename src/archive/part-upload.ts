/**
 * One object that is written in parts, whatever happens to the process: it goes on with what the journal says and the
 * store confirms. Which parts, and what is in them, its caller knows.
 */
import { isLakepackError, LakepackError } from '../base/errors.js';
import type { CallOptions, PartStore, Remote, StoredPart } from '../remote/remote.js';
import type { UploadJournal, UploadRecord } from './upload-journal.js';

export interface PartUploadOptions {
  readonly remote: Remote;
  readonly key: string;
  readonly journal: UploadJournal;
  /** Size of every part but the last. */
  readonly partBytes: number;
  readonly signal: AbortSignal | undefined;
}

export interface PartUpload {
  /** True where an earlier run has stored just this part. */
  has(number: number, sha256: string, bytes: number): boolean;
  send(number: number, offset: number, bytes: Buffer, sha256: string): Promise<void>;
  /** Makes the object of all parts. Throws OBJECT_EXISTS, and then the upload is gone. */
  complete(): Promise<void>;
  /** Gives it up and frees its parts. Does not throw: what stays is journalled, and `prune` removes it. */
  abort(): Promise<void>;
  /** Leaves it to the next run. */
  leave(): Promise<void>;
}

/** How long a store may take to abort an upload: Ctrl-C does not wait for more. */
const ABORT_MS = 10_000;

/** Throws OBJECT_EXISTS when the key is taken; ARCHIVE_UNSUPPORTED for a store without parts. */
export async function openPartUpload(options: PartUploadOptions): Promise<PartUpload> {
  const { remote, key, signal } = options;
  const store = remote.parts;
  if (store === undefined) throw new LakepackError('ARCHIVE_UNSUPPORTED', `${remote.url}: it takes no parts`);
  const call: CallOptions = signal === undefined ? {} : { signal };
  const found = await goOn(store, options, call);
  const upload = found ?? { record: await begin(store, options, call), stored: new Map<number, KnownPart>() };
  return partUpload(store, key, upload, call);
}

interface OpenUpload {
  readonly record: UploadRecord;
  /** Parts that the store has, by number. */
  readonly stored: Map<number, KnownPart>;
}

interface KnownPart {
  /** As the store has it. */
  readonly part: StoredPart;
  /** Of the bytes that were sent. */
  readonly sha256: string;
}

async function begin(store: PartStore, options: PartUploadOptions, call: CallOptions): Promise<UploadRecord> {
  const upload = await store.begin(options.key, call);
  return await options.journal.begun(upload, options.partBytes);
}

/** The upload of a run that was killed; undefined where there is none that fits. */
async function goOn(store: PartStore, options: PartUploadOptions, call: CallOptions): Promise<OpenUpload | undefined> {
  const { journal, key, partBytes } = options;
  for (let record = await journal.claim(key); record !== undefined; record = await journal.claim(key)) {
    try {
      if (record.partBytes === partBytes) return { record, stored: await confirmed(store, record, call) };
      await store.abort(record, call);
    } catch (error) {
      if (!isLakepackError(error, 'NOT_FOUND')) {
        await record.leave();
        throw error;
      }
    }
    await record.end();
  }
  return undefined;
}

/** A part counts when the journal has it as sent and the store lists just that one. */
async function confirmed(store: PartStore, record: UploadRecord, call: CallOptions): Promise<Map<number, KnownPart>> {
  const stored = new Map<number, KnownPart>();
  for (const part of await store.listParts(record, call)) {
    const sent = record.sent.get(part.number);
    if (sent?.tag !== part.tag || sent.bytes !== part.bytes) continue;
    if (part.sha256 === undefined || part.sha256 === sent.sha256)
      stored.set(part.number, { part, sha256: sent.sha256 });
  }
  return stored;
}

function partUpload(store: PartStore, key: string, { record, stored }: OpenUpload, call: CallOptions): PartUpload {
  async function abort(): Promise<void> {
    try {
      await store.abort(record, { signal: AbortSignal.timeout(ABORT_MS) });
      await record.end();
    } catch {
      // It costs money until it is gone, but no data: the journal keeps it for the next run and for `prune`.
      await record.leave();
    }
  }
  return {
    has: (number, sha256, bytes) => {
      const known = stored.get(number);
      return known?.sha256 === sha256 && known.part.bytes === bytes;
    },
    send: async (number, offset, bytes, sha256) => {
      await record.sendingPart(number);
      const part = await withKey(key, () => store.send(record, { number, offset, bytes, sha256 }, call));
      await record.sentPart(part, sha256);
      stored.set(number, { part, sha256 });
    },
    complete: async () => {
      const parts = [...stored.values()].map(({ part }) => part).sort((a, b) => a.number - b.number);
      try {
        await withKey(key, () => store.complete(record, parts, call));
      } catch (error) {
        if (isLakepackError(error, 'OBJECT_EXISTS')) await abort();
        throw error;
      }
      await record.end();
    },
    abort,
    leave: () => record.leave(),
  };
}

/** An upload that vanished while it was written: reaped by a lifecycle rule, or pruned by hand. */
async function withKey<T>(key: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isLakepackError(error, 'NOT_FOUND')) throw error;
    throw new LakepackError('REMOTE_UNAVAILABLE', `${key}: the upload is gone from the store`, {
      cause: error,
      retryable: true,
      hint: 'something aborted it, such as a lifecycle rule or prune; run the same command again: it begins anew',
    });
  }
}
