/**
 * Streams and lists that go on where they broke off. It answers for every byte, key and upload coming once; that the
 * bytes are the right ones is for the hashes above.
 */
import { isLakepackError, LakepackError } from '../base/errors.js';
import { comparePathBytes } from '../base/paths.js';
import type { Attempts } from './backoff.js';
import type { ByteRange, CallOptions, ObjectInfo, Remote, UploadInfo } from './remote.js';

interface Source {
  readonly remote: Remote;
  /** Its own attempts included. */
  readonly head: Remote['head'];
}

/** The size of a whole object is asked for only when it is needed: after a failure in the middle. */
export async function* resumingStream(
  { remote, head }: Source,
  attempts: Attempts,
  key: string,
  range: ByteRange | undefined,
  options: CallOptions,
): AsyncGenerator<Buffer> {
  const start = range?.offset ?? 0;
  let end = range === undefined ? undefined : range.offset + range.length;
  let at = start;
  while (at === start || end === undefined || at < end) {
    const rest = at === start ? range : { offset: at, length: (end ?? at) - at };
    try {
      for await (const chunk of remote.stream(key, rest, options)) {
        if (chunk.length === 0) continue;
        at += chunk.length;
        attempts.progress();
        yield chunk;
      }
      if (end === undefined || at >= end) return;
      throw endedEarly(key, end, at);
    } catch (error) {
      // What was inside of the object when the stream began is not outside of it now, unless it is another object.
      if (at > start && isLakepackError(error, 'LIMIT_EXCEEDED')) throw changed(key, error);
      await attempts.again(error);
    }
    if (at > start && range === undefined) end = await sizeOf(head, key, { at, before: end }, options);
  }
}

async function sizeOf(
  head: Remote['head'],
  key: string,
  { at, before }: { readonly at: number; readonly before: number | undefined },
  options: CallOptions,
): Promise<number> {
  const found = await head(key, options);
  const isSame = found !== undefined && found.bytes >= at && (before === undefined || found.bytes === before);
  if (!isSame) throw changed(key, undefined);
  return found.bytes;
}

function endedEarly(key: string, expected: number, got: number): LakepackError {
  return new LakepackError(
    'REMOTE_UNAVAILABLE',
    `${key}: the stream ended early: expected bytes up to ${expected}, got ${got}`,
    { retryable: true },
  );
}

function changed(key: string, cause: unknown): LakepackError {
  return new LakepackError('REMOTE_UNAVAILABLE', `${key}: the object changed while it was read`, {
    cause,
    retryable: false,
    hint: 'something writes to the archive that is not lakepack',
  });
}

/** Keys come in byte order: a list that broke off is read again, and what was given already is passed over. */
export async function* resumingList(
  attempts: Attempts,
  list: () => AsyncIterable<ObjectInfo>,
): AsyncGenerator<ObjectInfo> {
  let last: string | undefined;
  for (;;) {
    try {
      for await (const info of list()) {
        if (last !== undefined && comparePathBytes(info.key, last) <= 0) continue;
        last = info.key;
        attempts.progress();
        yield info;
      }
      return;
    } catch (error) {
      await attempts.again(error);
    }
  }
}

/** Their order is not promised, and they are few: those given are remembered. */
export async function* resumingUploads(
  attempts: Attempts,
  list: () => AsyncIterable<UploadInfo>,
): AsyncGenerator<UploadInfo> {
  const given = new Set<string>();
  for (;;) {
    try {
      for await (const info of list()) {
        const name = `${info.key}\0${info.id}`;
        if (given.has(name)) continue;
        given.add(name);
        attempts.progress();
        yield info;
      }
      return;
    } catch (error) {
      await attempts.again(error);
    }
  }
}
