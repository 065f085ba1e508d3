/**
 * The contract of a byte store under an archive. Implementations stand one to a file beside this one; wrappers
 * (retry, read-only, throttle) implement it too, and one suite (`test/remote/contract.ts`) runs over all of them.
 *
 * Guarantees:
 * - Keys are `/`-separated lake paths (base/paths); anything else is refused with PATH_UNSAFE.
 * - An object is whole or absent: `put` makes it visible under its key only when all its bytes are there.
 * - Objects are created, never overwritten: `put` on a key that exists throws OBJECT_EXISTS and leaves it alone.
 *   Where a store cannot promise that under a race, its file says so.
 * - A `put` that throws or is aborted leaves nothing under the key. The body is closed in every case.
 * - `list` is complete or throws; it never ends early without an error.
 * - After `flush` everything put before survives a power cut. Before it, order is not promised.
 *
 * Errors: NOT_FOUND (read, delete of nothing is not an error), OBJECT_EXISTS, PERMISSION_DENIED, DISK_FULL,
 * REMOTE_UNAVAILABLE (retryable), INTERRUPTED, LIMIT_EXCEEDED (a read that would pass `maxBytes`).
 * Reads and lists may be retried freely; a put only as a whole.
 */

export interface ObjectInfo {
  readonly key: string;
  readonly bytes: number;
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

export interface Remote {
  /** How it is shown to people: a path or a URL, without credentials. */
  readonly url: string;
  /** False for a store that only reads. */
  readonly writable: boolean;

  /** Size of an object, or undefined when there is none. */
  head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined>;
  /** The whole object, refused with LIMIT_EXCEEDED when it is larger than `maxBytes`. */
  read(key: string, maxBytes: number, options?: CallOptions): Promise<Buffer>;
  /** Exactly the bytes of the range. */
  readRange(key: string, range: ByteRange, options?: CallOptions): Promise<Buffer>;
  /** The bytes of the object, or of a range of it, as they arrive. Chunk sizes are the store's. */
  stream(key: string, range?: ByteRange, options?: CallOptions): AsyncIterable<Buffer>;
  /** Create-only. Resolves with the number of bytes stored. */
  put(key: string, body: Buffer | AsyncIterable<Buffer>, options?: CallOptions): Promise<number>;
  /** All objects whose key starts with `prefix`, in byte order of their keys. An absent folder lists nothing. */
  list(prefix: string, options?: CallOptions): AsyncIterable<ObjectInfo>;
  /** Removes an object. Removing what is not there succeeds. */
  delete(key: string, options?: CallOptions): Promise<void>;
  /** Resolves when everything put so far is durable. */
  flush(): Promise<void>;
  /** Frees what the remote holds (sockets, handles). Idempotent. */
  close(): Promise<void>;
}
