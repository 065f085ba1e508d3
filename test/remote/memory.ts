/** A remote in memory: the contract with nothing around it. For tests of what stands on a remote. */
import { throwIfAborted } from '../../src/base/errors.js';
import { assertLakePath, comparePathBytes } from '../../src/base/paths.js';
import { openBody } from '../../src/remote/body.js';
import { assertReadable, objectAbsent, objectExists, rangeWithin, splitPrefix } from '../../src/remote/keys.js';
import type { Remote } from '../../src/remote/remote.js';

export interface MemoryRemote extends Remote {
  /** What is stored, to look at and to damage. */
  readonly objects: Map<string, Buffer>;
}

const URL = 'memory:';

export function openMemoryRemote(chunkBytes = 64 * 1024): MemoryRemote {
  const objects = new Map<string, Buffer>();
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
  return {
    url: URL,
    identity: URL,
    writable: true,
    isDistant: false,
    parts: undefined,
    objects,
    copy: async () => false,
    checksum: async () => undefined,
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
    put: async (key, body, { signal } = {}) => {
      const reader = openBody(body, signal);
      try {
        if (find(key, signal) !== undefined) throw objectExists(key);
        const chunks: Buffer[] = [];
        for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) {
          throwIfAborted(signal);
          chunks.push(Buffer.from(chunk));
        }
        if (find(key, signal) !== undefined) throw objectExists(key);
        const object = Buffer.concat(chunks);
        objects.set(key, object);
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
    },
    flush: async () => undefined,
    close: async () => undefined,
  };
}
