/**
 * A bound on bytes a second around a remote. It answers for the bodies that pass, both directions together; requests
 * and listings are not counted. Around a remote that retries, what is sent again inside is not counted either.
 */
import { throwIfAborted } from '../base/errors.js';
import { sleepUntilAborted } from './backoff.js';
import { openBody } from './body.js';
import type { PartStore, Remote } from './remote.js';

/** One bound, shared by all remotes it is put around. */
export interface Bandwidth {
  /** Resolves when so many bytes may pass. Who asks first goes first, a slice at a time. @throws INTERRUPTED. */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
}

export interface BandwidthOptions {
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** What is saved up while nothing passes, and what goes through late sleeps: so much of a second's bytes. */
const SAVED_MS = 250;
/** A large part takes its share in slices, so that a small manifest does not wait for all of it. */
const SLICE_MS = 100;

export function openBandwidth(bytesPerSecond: number, options: BandwidthOptions = {}): Bandwidth {
  const { now = () => performance.now(), sleep = sleepUntilAborted } = options;
  const sliceBytes = Math.max(1, Math.floor((bytesPerSecond * SLICE_MS) / 1_000));
  /** When all bytes that were asked for until now have had their time. */
  let paidUntil = now() - SAVED_MS;
  return {
    take: async (bytes, signal) => {
      throwIfAborted(signal);
      for (let left = bytes; left > 0; left -= sliceBytes) {
        const slice = Math.min(left, sliceBytes);
        paidUntil = Math.max(paidUntil, now() - SAVED_MS) + (slice / bytesPerSecond) * 1_000;
        const waitMs = paidUntil - now();
        if (waitMs > 0) await sleep(waitMs, signal);
      }
    },
  };
}

export function throttle(remote: Remote, bandwidth: Bandwidth): Remote {
  return {
    url: remote.url,
    identity: remote.identity,
    writable: remote.writable,
    isDistant: remote.isDistant,
    parts: remote.parts === undefined ? undefined : throttleParts(remote.parts, bandwidth),
    head: (key, options) => remote.head(key, options),
    read: async (key, maxBytes, options = {}) =>
      passed(await remote.read(key, maxBytes, options), bandwidth, options.signal),
    readRange: async (key, range, options = {}) =>
      passed(await remote.readRange(key, range, options), bandwidth, options.signal),
    stream: async function* (key, range, options = {}) {
      for await (const chunk of remote.stream(key, range, options)) {
        yield await passed(chunk, bandwidth, options.signal);
      }
    },
    put: async (key, body, options = {}) => {
      if (!Buffer.isBuffer(body)) return remote.put(key, slowBody(body, bandwidth, options.signal), options);
      await bandwidth.take(body.length, options.signal);
      return remote.put(key, body, options);
    },
    copy: (from, fromKey, key, options) => remote.copy(from, fromKey, key, options),
    checksum: (key, options) => remote.checksum(key, options),
    link: (key, seconds) => remote.link(key, seconds),
    list: (prefix, options) => remote.list(prefix, options),
    delete: (key, options) => remote.delete(key, options),
    flush: () => remote.flush(),
    close: () => remote.close(),
  };
}

function throttleParts(parts: PartStore, bandwidth: Bandwidth): PartStore {
  return {
    ...parts,
    send: async (upload, part, options = {}) => {
      await bandwidth.take(part.bytes.length, options.signal);
      return parts.send(upload, part, options);
    },
  };
}

async function passed(bytes: Buffer, bandwidth: Bandwidth, signal: AbortSignal | undefined): Promise<Buffer> {
  await bandwidth.take(bytes.length, signal);
  return bytes;
}

/** By hand: a generator that was never begun would not close the body it stands around. */
function slowBody(
  body: AsyncIterable<Buffer>,
  bandwidth: Bandwidth,
  signal: AbortSignal | undefined,
): AsyncIterable<Buffer> {
  function iterate(): AsyncIterator<Buffer> {
    const reader = openBody(body, signal);
    return {
      next: async () => {
        const chunk = await reader.next();
        if (chunk === undefined) return { done: true, value: undefined };
        return { done: false, value: await passed(chunk, bandwidth, signal) };
      },
      return: async () => {
        await reader.close();
        return { done: true, value: undefined };
      },
    };
  }
  return { [Symbol.asyncIterator]: iterate };
}
