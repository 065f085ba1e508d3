/** Uploads of the remote in memory: parts by number, made one object at the end. */
import { createHash } from 'node:crypto';
import { LakepackError, throwIfAborted } from '../../src/base/errors.js';
import { comparePathBytes } from '../../src/base/paths.js';
import { objectAbsent, splitPrefix } from '../../src/remote/keys.js';
import type { CallOptions, PartStore, StoreChecksum, StoredPart, Upload } from '../../src/remote/remote.js';
import type { MemoryStore } from './memory.js';

export interface MemoryUpload extends Upload {
  readonly begunAt: Date;
  readonly parts: Map<number, { readonly bytes: Buffer; readonly stored: StoredPart }>;
}

export interface MemoryPlace {
  readonly store: MemoryStore;
  readonly minPartBytes: number;
  readonly refuseTaken: (key: string, signal: AbortSignal | undefined) => void;
  readonly keep: (key: string, object: Buffer, checksum: StoreChecksum) => void;
}

/** Of this process: several instances share a store. */
let ids = 0;
let tags = 0;

export function openMemoryParts({ store, minPartBytes, refuseTaken, keep }: MemoryPlace): PartStore {
  const { uploads } = store;
  function find({ key, id }: Upload, { signal }: CallOptions): MemoryUpload {
    throwIfAborted(signal);
    const upload = uploads.get(id);
    if (upload?.key !== key) throw objectAbsent(`${key}, upload ${id}`);
    return upload;
  }
  return {
    minPartBytes,
    maxPartBytes: 1024 ** 3,
    maxParts: 10_000,
    partsAtOnce: 4,
    begin: async (key, { signal } = {}) => {
      refuseTaken(key, signal);
      ids += 1;
      const id = `upload-${ids}`;
      uploads.set(id, { key, id, begunAt: new Date(), parts: new Map() });
      return { key, id };
    },
    send: async (upload, { number, bytes, sha256 }, options = {}) => {
      const { parts } = find(upload, options);
      assertSha256(upload.key, bytes, sha256);
      tags += 1;
      const stored: StoredPart = { number, bytes: bytes.length, tag: `tag-${tags}`, sha256: sha256Of(bytes) };
      parts.set(number, { bytes: Buffer.from(bytes), stored });
      return stored;
    },
    listParts: async (upload, options = {}) => {
      const { parts } = find(upload, options);
      return [...parts.values()].map(({ stored }) => stored).sort((a, b) => a.number - b.number);
    },
    complete: async (upload, parts, options = {}) => {
      const found = find(upload, options);
      refuseTaken(upload.key, options.signal);
      const bodies = parts.map((part, index) => partOf(found, part, index === parts.length - 1 ? 0 : minPartBytes));
      const digests = Buffer.concat(bodies.map((body) => createHash('sha256').update(body).digest()));
      keep(upload.key, Buffer.concat(bodies), { type: 'composite', sha256: sha256Of(digests), parts: parts.length });
      uploads.delete(upload.id);
    },
    abort: async ({ id }, { signal } = {}) => {
      throwIfAborted(signal);
      uploads.delete(id);
    },
    listUploads: async function* (prefix, { signal } = {}) {
      splitPrefix(prefix, 'memory:');
      throwIfAborted(signal);
      const found = [...uploads.values()].filter(({ key }) => key.startsWith(prefix));
      for (const { key, id, begunAt } of found.sort((a, b) => comparePathBytes(a.key, b.key))) {
        throwIfAborted(signal);
        yield { key, id, begunAt };
      }
    },
  };
}

function partOf(upload: MemoryUpload, { number, tag }: StoredPart, least: number): Buffer {
  const part = upload.parts.get(number);
  if (part?.stored.tag === tag && part.bytes.length >= least) return part.bytes;
  throw new LakepackError('INTERNAL', `${upload.key}: part ${number} is not there, another, or too small`);
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What a store that compares does with a body that is not what was announced. */
export function assertSha256(key: string, bytes: Buffer, expected: string | undefined): void {
  const found = sha256Of(bytes);
  if (expected === undefined || expected === found) return;
  throw new LakepackError('HASH_MISMATCH', `${key}: the body is another: expected ${expected}, got ${found}`, {
    retryable: true,
  });
}
