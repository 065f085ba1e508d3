/**
 * A remote that makes failed calls again, around any other. It answers for what may be repeated and how: a call that
 * failed may have been carried out, so the answer OBJECT_EXISTS or NOT_FOUND to a later attempt is not believed before
 * it was looked at. Only errors that say `retryable` are retried; docs/decisions/0091.
 */
import { isLakepackError } from '../base/errors.js';
import { type Attempts, DEFAULT_RETRIES, openAttempts, type RetryOptions, type RetrySettings } from './backoff.js';
import type { CallOptions, ObjectInfo, PartStore, Remote, StoredPart, Upload } from './remote.js';
import { resumingList, resumingStream, resumingUploads } from './resuming.js';

export type { RetryNotice, RetryOptions } from './backoff.js';

/** A body that is a stream is sent once: it cannot be read again. Whoever must not lose it sends parts. */
export function withRetry(remote: Remote, options: RetryOptions = {}): Remote {
  const settings: RetrySettings = { ...DEFAULT_RETRIES, ...options };
  const head = persisting(settings, 'head', (key: string, call?: CallOptions) => remote.head(key, call));
  const read: Remote['read'] = (key, maxBytes, call = {}) =>
    persist(openAttempts(settings, 'read', key, call.signal), () => remote.read(key, maxBytes, call));
  return {
    url: remote.url,
    identity: remote.identity,
    writable: remote.writable,
    isDistant: remote.isDistant,
    parts: remote.parts === undefined ? undefined : persistentParts(remote.parts, head, settings),
    head,
    read,
    readRange: (key, range, call = {}) =>
      persist(openAttempts(settings, 'readRange', key, call.signal), () => remote.readRange(key, range, call)),
    stream: (key, range, call = {}) =>
      resumingStream({ remote, head }, openAttempts(settings, 'stream', key, call.signal), key, range, call),
    put: (key, body, call = {}) => {
      if (!Buffer.isBuffer(body)) return remote.put(key, body, call);
      const attempts = openAttempts(settings, 'put', key, call.signal);
      const isOurs = (): Promise<boolean> => holds(read, key, body, call);
      return persist(
        attempts,
        unlessDone(attempts, () => remote.put(key, body, call), isOurs, body.length),
      );
    },
    copy: (from, fromKey, key, call = {}) => {
      const attempts = openAttempts(settings, 'copy', key, call.signal);
      const isOurs = async (): Promise<boolean> => isSameSize(await from.head(fromKey, call), await head(key, call));
      return persist(
        attempts,
        unlessDone(attempts, () => remote.copy(from, fromKey, key, call), isOurs, true),
      );
    },
    checksum: persisting(settings, 'checksum', (key: string, call?: CallOptions) => remote.checksum(key, call)),
    link: (key, seconds) => remote.link(key, seconds),
    list: (prefix, call = {}) =>
      resumingList(openAttempts(settings, 'list', prefix, call.signal), () => remote.list(prefix, call)),
    delete: persisting(settings, 'delete', (key: string, call?: CallOptions) => remote.delete(key, call)),
    flush: () => remote.flush(),
    close: () => remote.close(),
  };
}

function persistentParts(parts: PartStore, head: Remote['head'], settings: RetrySettings): PartStore {
  const attemptsFor = (call: string, key: string, { signal }: CallOptions = {}): Attempts =>
    openAttempts(settings, `parts.${call}`, key, signal);
  return {
    ...parts,
    // An upload whose answer was lost stays behind without parts: `listUploads` finds it.
    begin: (key, call) => persist(attemptsFor('begin', key, call), () => parts.begin(key, call)),
    send: (upload, part, call) => persist(attemptsFor('send', upload.key, call), () => parts.send(upload, part, call)),
    listParts: (upload, call) =>
      persist(attemptsFor('listParts', upload.key, call), () => parts.listParts(upload, call)),
    complete: (upload, sent, call) => {
      const attempts = attemptsFor('complete', upload.key, call);
      const isOurs = (): Promise<boolean> => isMade(head, upload, sent, call);
      return persist(
        attempts,
        unlessDone(attempts, () => parts.complete(upload, sent, call), isOurs, undefined),
      );
    },
    abort: (upload, call) => persist(attemptsFor('abort', upload.key, call), () => parts.abort(upload, call)),
    listUploads: (prefix, call) =>
      resumingUploads(attemptsFor('listUploads', prefix, call), () => parts.listUploads(prefix, call)),
  };
}

function persisting<T>(
  settings: RetrySettings,
  name: string,
  work: (key: string, call?: CallOptions) => Promise<T>,
): (key: string, call?: CallOptions) => Promise<T> {
  return (key, call) => persist(openAttempts(settings, name, key, call?.signal), () => work(key, call));
}

async function persist<T>(attempts: Attempts, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      await attempts.again(error);
    }
  }
}

/**
 * A write after an attempt whose answer may have been lost: that the object is there (or its upload gone) is then what
 * success looks like too. `isOurs` looks; a write that was carried out has the result `done`.
 */
function unlessDone<T>(
  attempts: Attempts,
  work: () => Promise<T>,
  isOurs: () => Promise<boolean>,
  done: T,
): () => Promise<T> {
  return async () => {
    try {
      return await work();
    } catch (error) {
      const mayBeDone = isLakepackError(error, 'OBJECT_EXISTS') || isLakepackError(error, 'NOT_FOUND');
      if (attempts.failed() > 0 && mayBeDone && (await isOurs())) return done;
      throw error;
    }
  };
}

/** False also for one that may not be read: then nothing says that it is ours. */
async function holds(read: Remote['read'], key: string, body: Buffer, call: CallOptions): Promise<boolean> {
  try {
    const found = await read(key, body.length, call);
    return found.equals(body);
  } catch (error) {
    if (isLakepackError(error) && NOT_OURS.has(error.code)) return false;
    throw error;
  }
}

const NOT_OURS: ReadonlySet<string> = new Set(['LIMIT_EXCEEDED', 'NOT_FOUND', 'PERMISSION_DENIED']);

function isSameSize(one: ObjectInfo | undefined, other: ObjectInfo | undefined): boolean {
  return one !== undefined && one.bytes === other?.bytes;
}

/** By its size only: who completes an upload proves the object. */
async function isMade(
  head: Remote['head'],
  { key }: Upload,
  sent: readonly StoredPart[],
  call: CallOptions | undefined,
): Promise<boolean> {
  const bytes = sent.reduce((sum, part) => sum + part.bytes, 0);
  return isSameSize({ key, bytes }, await head(key, call));
}
