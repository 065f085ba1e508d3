/**
 * The contract of a byte store under an archive. Implementations stand one to a file beside this one; wrappers
 * (retry, read-only, throttle) implement it too, and one suite (`test/remote/contract.ts`) runs over all of them.
 * A remote is a record of functions that use no `this`: a wrapper spreads it and replaces what it changes.
 *
 * Guarantees:
 * - Keys are `/`-separated lake paths (base/paths); anything else is refused with PATH_UNSAFE.
 * - An object is whole or absent: `put` and `complete` make it visible under its key only when all its bytes are there.
 * - Objects are created, never overwritten: `put`, `copy` and `complete` on a key that exists throw OBJECT_EXISTS and
 *   leave it alone. Where a store cannot promise that under a race, its file says so.
 * - A `put` that throws or is aborted leaves nothing under the key, unless only the answer was lost: then the whole
 *   object may be there, at once or a little later. The body is closed in every case.
 * - `list` is complete or throws; it never ends early without an error.
 * - After `flush` everything put before survives a power cut. Before it, order is not promised.
 * - No call waits for ever: one without an answer ends with REMOTE_UNAVAILABLE within the bounds of its file.
 *
 * Errors: NOT_FOUND (read, delete of nothing is not an error), OBJECT_EXISTS, PERMISSION_DENIED, CREDENTIALS_INVALID,
 * REMOTE_MISCONFIGURED, DISK_FULL, REMOTE_UNAVAILABLE (retryable), HASH_MISMATCH (the store refused a body that does
 * not have the SHA-256 it was announced with; retryable), INTERRUPTED, LIMIT_EXCEEDED (a read that would pass
 * `maxBytes`). Reads and lists may be retried freely; a put only as a whole.
 */

export interface ObjectInfo {
  readonly key: string;
  readonly bytes: number;
  /** When it was stored; only in a listing `withTimes`, and only where the store says so. */
  readonly storedAt?: Date;
}

export interface ByteRange {
  /** First byte, from 0. */
  readonly offset: number;
  /** Number of bytes; a range that passes the end of the object is an error (LIMIT_EXCEEDED), not a short read. */
  readonly length: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ListOptions extends CallOptions {
  /** Also tells when each object was stored. */
  readonly withTimes?: boolean;
}

export interface ReadRangeOptions extends CallOptions {
  /** Lent for the bytes: a store may put them there and give back that part of it, or another buffer. */
  readonly into?: Buffer;
}

export interface StreamOptions extends CallOptions {
  /**
   * True where the reader is done with a chunk when it asks for the next: a store may then put that into the same
   * memory. Default false: chunks may be kept.
   */
  readonly isLent?: boolean;
}

export interface PutOptions extends CallOptions {
  /** SHA-256 of a Buffer body, hex, where the caller knows it: a store that can compares it with what arrived. */
  readonly sha256?: string;
}

/** A checksum that the store itself made of what it received, and keeps. Never an ETag. */
export interface StoreChecksum {
  /** `composite`: SHA-256 of the parts' SHA-256s (as bytes, one after the other). `full`: of the object. */
  readonly type: 'composite' | 'full';
  /** Hex. */
  readonly sha256: string;
  /** Parts of the upload; 1 for `full`. */
  readonly parts: number;
}

/** An object that is being written in parts. It outlives this process. */
export interface Upload {
  readonly key: string;
  /** The store's own name for it. */
  readonly id: string;
}

export interface PartBody {
  /** From 1. */
  readonly number: number;
  /** Where the part begins in the object: (number - 1) × the size of all parts but the last. */
  readonly offset: number;
  readonly bytes: Buffer;
  /** Of `bytes`, hex. Sent to a store that compares it. */
  readonly sha256: string;
}

/** A part that the store has. */
export interface StoredPart {
  readonly number: number;
  readonly bytes: number;
  /** What `complete` needs to name it (S3: its ETag). Says nothing about its content. */
  readonly tag: string;
  /** Hex, where the store made and kept one itself. */
  readonly sha256?: string;
}

export interface UploadInfo extends Upload {
  /** When it was begun, where the store says so. */
  readonly begunAt?: Date;
}

export interface PartStore {
  /** Least size of every part but the last, bytes. */
  readonly minPartBytes: number;
  readonly maxPartBytes: number;
  readonly maxParts: number;
  /** Parts of one object that are sent at once with profit. */
  readonly partsAtOnce: number;
  /** Begins an upload. Throws OBJECT_EXISTS when the key is taken. */
  begin(key: string, options?: CallOptions): Promise<Upload>;
  /** Stores a part; one of the same number is replaced. Throws NOT_FOUND when the upload is gone. */
  send(upload: Upload, part: PartBody, options?: CallOptions): Promise<StoredPart>;
  /** The parts the store has, by number. Throws NOT_FOUND when it has no such upload (completed, aborted, reaped). */
  listParts(upload: Upload, options?: CallOptions): Promise<readonly StoredPart[]>;
  /** Makes the object of all `parts`, which are complete and by number. Throws OBJECT_EXISTS, NOT_FOUND. */
  complete(upload: Upload, parts: readonly StoredPart[], options?: CallOptions): Promise<void>;
  /** Gives up an upload and frees its parts. One that is gone already is no error. */
  abort(upload: Upload, options?: CallOptions): Promise<void>;
  /** Every unfinished upload below the prefix, whoever began it. */
  listUploads(prefix: string, options?: CallOptions): AsyncIterable<UploadInfo>;
}

export interface Remote {
  /** How it is shown to people: a path or a URL, without credentials. */
  readonly url: string;
  /** The same text for the same place however it was spelled: journals and locks hang on it. Without credentials. */
  readonly identity: string;
  /** False for a store that only reads. */
  readonly writable: boolean;
  /** True where a call takes a network's time: then many are made at once, and what was stored is proven. */
  readonly isDistant: boolean;
  /** Writing in parts; undefined for a store that only reads. */
  readonly parts: PartStore | undefined;

  /** Size of an object, or undefined when there is none. */
  head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined>;
  /** The whole object, refused with LIMIT_EXCEEDED when it is larger than `maxBytes`. */
  read(key: string, maxBytes: number, options?: CallOptions): Promise<Buffer>;
  /** Exactly the bytes of the range. */
  readRange(key: string, range: ByteRange, options?: ReadRangeOptions): Promise<Buffer>;
  /** The bytes of the object, or of a range of it, as they arrive. Chunk sizes are the store's. */
  stream(key: string, range?: ByteRange, options?: StreamOptions): AsyncIterable<Buffer>;
  /** Create-only. Resolves with the number of bytes stored. */
  put(key: string, body: Buffer | AsyncIterable<Buffer>, options?: PutOptions): Promise<number>;
  /**
   * Copies an object of `from` to `key` inside the store, without moving its bytes through this machine. Create-only.
   * False, and nothing done, where the store cannot: `from` is another store, or it has no such call.
   */
  copy(from: Remote, fromKey: string, key: string, options?: CallOptions): Promise<boolean>;
  /** The checksum the store keeps of an object, or undefined where it keeps none that is a SHA-256. */
  checksum(key: string, options?: CallOptions): Promise<StoreChecksum | undefined>;
  /** A link that reads one object and nothing else, for so many seconds; undefined where there can be none. */
  link(key: string, seconds: number): Promise<string | undefined>;
  /** All objects whose key starts with `prefix`, in byte order of their keys. An absent folder lists nothing. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>;
  /** Removes an object. Removing what is not there succeeds. */
  delete(key: string, options?: CallOptions): Promise<void>;
  /** Resolves when everything put so far is durable. */
  flush(): Promise<void>;
  /** Frees what the remote holds (sockets, handles). Idempotent. */
  close(): Promise<void>;
}
