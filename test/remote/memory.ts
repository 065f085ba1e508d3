/** A remote in memory: the contract with nothing around it. For tests of what stands on a remote. */
import { throwIfAborted } from '../../src/base/errors.js';
import { assertLakePath, comparePathBytes } from '../../src/base/paths.js';
import { openBody } from '../../src/remote/body.js';
import { assertReadable, objectAbsent, objectExists, rangeWithin, splitPrefix } from '../../src/remote/keys.js';
import type { Remote, StoreChecksum } from '../../src/remote/remote.js';
import { assertSha256, type MemoryUpload, openMemoryParts, sha256Of } from './memory-parts.js';

export interface MemoryOptions {
  /** Largest chunk of a stream. Default 64 KiB. */
  readonly chunkBytes?: number;
  /** What `isDistant` says; the calls stay quick. Default false. */
  readonly distant?: boolean;
  /** Keeps a SHA-256 of all it stores, a composite one after an upload in parts. Default false. */
  readonly checksums?: boolean;
  /** Default 1. */
  readonly minPartBytes?: number;
  /** Default: a new and empty one. With that of another remote: the same place, opened again. */
  readonly store?: MemoryStore;
}

export interface MemoryStore {
  readonly identity: string;
  readonly objects: Map<string, Buffer>;
  /** By id. */
  readonly uploads: Map<string, MemoryUpload>;
  readonly checksums: Map<string, StoreChecksum>;
}

export interface MemoryRemote extends Remote {
  /** What is stored, to look at and to damage. */
  readonly objects: Map<string, Buffer>;
  readonly store: MemoryStore;
}

const URL = 'memory:';
let stores = 0;

/** A number is the size of chunks. */
export function openMemoryRemote(given: MemoryOptions | number = {}): MemoryRemote {
  const options = typeof given === 'number' ? { chunkBytes: given } : given;
  const { chunkBytes = 64 * 1024, distant = false, minPartBytes = 1, store = newStore() } = options;
  const { objects, checksums } = store;
  function find(key: string, signal: AbortSignal | undefined): Buffer | undefined {
    assertLakePath(key, URL);
    throwIfAborted(signal);
    return objects.get(key);
  }
  function get(key: string, signal: AbortSignal | undefined): Buffer {
    const object = find(key, signal);
    if (object === undefined) throw objectAbsent(key);
    return object;
  }
  function refuseTaken(key: string, signal: AbortSignal | undefined): void {
    if (find(key, signal) !== undefined) throw objectExists(key);
  }
  function keep(key: string, object: Buffer, checksum: StoreChecksum): void {
    objects.set(key, object);
    if (options.checksums === true) checksums.set(key, checksum);
  }
  return {
    url: URL,
    identity: store.identity,
    writable: true,
    isDistant: distant,
    parts: openMemoryParts({ store, minPartBytes, refuseTaken, keep }),
    objects,
    store,
    copy: async (from, fromKey, key, { signal } = {}) => {
      if (from.identity !== store.identity) return false;
      const object = get(fromKey, signal);
      refuseTaken(key, signal);
      keep(key, object, checksums.get(fromKey) ?? fullChecksum(object));
      return true;
    },
    checksum: async (key, { signal } = {}) => (find(key, signal) === undefined ? undefined : checksums.get(key)),
    link: async () => undefined,
    head: async (key, { signal } = {}) => {
      const object = find(key, signal);
      return object === undefined ? undefined : { key, bytes: object.length };
    },
    read: async (key, maxBytes, { signal } = {}) => {
      const object = get(key, signal);
      assertReadable(key, object.length, maxBytes);
      return Buffer.from(object);
    },
    readRange: async (key, range, { signal } = {}) => {
      const object = get(key, signal);
      const { offset, length } = rangeWithin(range, object.length, key);
      return Buffer.from(object.subarray(offset, offset + length));
    },
    stream: async function* (key, range, { signal } = {}) {
      const object = get(key, signal);
      const { offset, length } = rangeWithin(range, object.length, key);
      for (let at = offset; at < offset + length; at += chunkBytes) {
        throwIfAborted(signal);
        yield Buffer.from(object.subarray(at, Math.min(at + chunkBytes, offset + length)));
      }
    },
    put: async (key, body, { signal, sha256 } = {}) => {
      const reader = openBody(body, signal);
      try {
        refuseTaken(key, signal);
        const chunks: Buffer[] = [];
        for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) {
          throwIfAborted(signal);
          chunks.push(Buffer.from(chunk));
        }
        refuseTaken(key, signal);
        const object = Buffer.concat(chunks);
        assertSha256(key, object, sha256);
        keep(key, object, fullChecksum(object));
        return object.length;
      } finally {
        await reader.close();
      }
    },
    list: async function* (prefix, { signal } = {}) {
      splitPrefix(prefix, URL);
      throwIfAborted(signal);
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(comparePathBytes);
      for (const key of keys) {
        throwIfAborted(signal);
        const object = objects.get(key);
        if (object !== undefined) yield { key, bytes: object.length };
      }
    },
    delete: async (key, { signal } = {}) => {
      find(key, signal);
      objects.delete(key);
      checksums.delete(key);
    },
    flush: async () => undefined,
    close: async () => undefined,
  };
}

function newStore(): MemoryStore {
  stores += 1;
  return { identity: `${URL}${stores}`, objects: new Map(), uploads: new Map(), checksums: new Map() };
}

function fullChecksum(object: Buffer): StoreChecksum {
  return { type: 'full', sha256: sha256Of(object), parts: 1 };
}
