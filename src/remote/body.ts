/**
 * Reads the body of a put: one chunk at a time, giving up as soon as the signal fires, and closed in every case.
 * It answers for the caller's iterator being released; where the bytes go is the remote's.
 */
import { Readable } from 'node:stream';
import { interrupted } from '../base/errors.js';

/** How long a body may take to close after an abort. One that waits on something dead must not hold the put. */
const CLOSE_WAIT_MS = 1_000;

export interface BodyReader {
  /** The next chunk, or undefined at the end. @throws INTERRUPTED, and whatever the body throws, unchanged. */
  next(): Promise<Buffer | undefined>;
  /** Releases the body. Idempotent; after a body has ended by itself there is nothing left to do. */
  close(): Promise<void>;
}

export function openBody(body: Buffer | AsyncIterable<Buffer>, signal: AbortSignal | undefined): BodyReader {
  return Buffer.isBuffer(body) ? readBuffer(body) : readIterable(body, signal);
}

function readBuffer(buffer: Buffer): BodyReader {
  let rest: Buffer | undefined = buffer;
  return {
    next: async () => {
      const chunk = rest;
      rest = undefined;
      return chunk;
    },
    close: async () => undefined,
  };
}

function readIterable(body: AsyncIterable<Buffer>, signal: AbortSignal | undefined): BodyReader {
  const iterator = body[Symbol.asyncIterator]();
  let open = true;
  async function next(): Promise<Buffer | undefined> {
    const result = await untilAborted(iterator.next(), signal);
    if (result.done !== true) return result.value;
    open = false;
    return undefined;
  }
  async function close(): Promise<void> {
    if (!open) return;
    open = false;
    // A stream whose iterator never began is not destroyed by the iterator's return.
    if (body instanceof Readable) body.destroy();
    await waitAtMost(Promise.resolve(iterator.return?.()), CLOSE_WAIT_MS);
  }
  return { next, close };
}

/** The promise, or INTERRUPTED as soon as the signal fires; the promise is then left to itself. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let onAbort = ignore;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(interrupted(signal.reason));
  });
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Settles with the promise or with the clock; a failure to close adds nothing to why the put failed. */
async function waitAtMost(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise.then(ignore, ignore), timeout]);
  clearTimeout(timer);
}

function ignore(): void {
  // Nothing to do, and nothing to say: the callers above tell why.
}
