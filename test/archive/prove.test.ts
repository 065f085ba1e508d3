/** What counts as proof that a store has what it was sent, and what is found when it has not. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { proveBundle, type ProvableObject } from '../../src/archive/prove.js';
import { expectCode, pattern } from '../remote/bodies.js';
import { faulty } from '../remote/faulty.js';
import { sha256Of } from '../remote/memory-parts.js';
import { openMemoryRemote, type MemoryOptions, type MemoryRemote } from '../remote/memory.js';

const KEY = 'exports/a/one';
const BLOCK = 1_000;

function objectOf(bytes: Buffer): ProvableObject {
  const blocks: string[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK) blocks.push(sha256Of(bytes.subarray(at, at + BLOCK)));
  return { storedBytes: bytes.length, sha256: sha256Of(bytes), blocks: { size: BLOCK, sha256: blocks } };
}

/** A distant store with an object in it, in parts that are its blocks. */
async function storeWith(bytes: Buffer, options: MemoryOptions = {}): Promise<MemoryRemote> {
  const remote = openMemoryRemote({ distant: true, ...options });
  const upload = await remote.parts!.begin(KEY);
  const parts = await Promise.all(
    objectOf(bytes).blocks.sha256.map((sha256, index) => {
      const part = bytes.subarray(index * BLOCK, (index + 1) * BLOCK);
      return remote.parts!.send(upload, { number: index + 1, offset: index * BLOCK, bytes: part, sha256 });
    }),
  );
  await remote.parts!.complete(upload, parts);
  return remote;
}

const BYTES = pattern(4_500);

describe('a proof', () => {
  test('of a folder is that it was written here; what an earlier run wrote is read back', async () => {
    const remote = faulty(await storeWith(BYTES, { distant: false }), []);
    expect(await proveBundle(remote, KEY, objectOf(BYTES))).toBe('written-here');
    expect(remote.calls).toEqual([]);
    expect(await proveBundle(remote, KEY, objectOf(BYTES), { resumedBytes: 1 })).toBe('read-back');
  });

  test('is the store’s own SHA-256 where it keeps one of just these blocks: no byte is read', async () => {
    const remote = faulty(await storeWith(BYTES, { checksums: true }), []);
    let proven = 0;
    expect(await proveBundle(remote, KEY, objectOf(BYTES), { onBytes: (bytes) => (proven += bytes) })).toBe(
      'store-sha256',
    );
    expect(remote.calls).toEqual([`checksum ${KEY}`]);
    expect(proven).toBe(BYTES.length);
  });

  test('is the store’s SHA-256 of the whole object, too', async () => {
    const remote = openMemoryRemote({ distant: true, checksums: true });
    await remote.put(KEY, BYTES);
    expect(await proveBundle(remote, KEY, objectOf(BYTES))).toBe('store-sha256');
    const { sha256: _whole, ...blocksOnly } = objectOf(BYTES);
    expect(await proveBundle(remote, KEY, blocksOnly)).toBe('read-back');
  });

  test('reads back where the store’s checksum is one of other pieces', async () => {
    const remote = await storeWith(BYTES, { checksums: true });
    const other = {
      ...remote,
      checksum: async () => ({ type: 'composite', sha256: 'f'.repeat(64), parts: 2 }) as const,
    };
    expect(await proveBundle(other, KEY, objectOf(BYTES))).toBe('read-back');
  });

  test('reads every byte back where the store keeps nothing', async () => {
    const remote = faulty(await storeWith(BYTES), []);
    let proven = 0;
    expect(await proveBundle(remote, KEY, objectOf(BYTES), { onBytes: (bytes) => (proven += bytes) })).toBe(
      'read-back',
    );
    expect(remote.calls.filter((call) => call.startsWith('stream'))).toHaveLength(5);
    expect(proven).toBe(BYTES.length);
  });

  test('of a small object is one read', async () => {
    const remote = openMemoryRemote({ distant: true });
    const bytes = pattern(BLOCK);
    await remote.put(KEY, bytes);
    const counted = faulty(remote, []);
    expect(await proveBundle(counted, KEY, objectOf(bytes), { mode: 'all' })).toBe('read-back');
    expect(counted.calls).toEqual([`read ${KEY}`]);
    await remote.put('empty', Buffer.alloc(0));
    expect(await proveBundle(remote, 'empty', objectOf(Buffer.alloc(0)))).toBe('read-back');
  });

  test('by sample reads the first, the last and one in twenty of the others, the same for a seed', async () => {
    const bytes = pattern(62 * BLOCK);
    const remote = await storeWith(bytes);
    async function readWith(seed: number): Promise<readonly string[]> {
      const reads: string[] = [];
      const counted: MemoryRemote = {
        ...remote,
        stream: (key, range, options) => {
          reads.push(String(range?.offset));
          return remote.stream(key, range, options);
        },
      };
      expect(await proveBundle(counted, KEY, objectOf(bytes), { mode: 'sample', seed })).toBe('sample');
      return reads;
    }
    const [one, again] = [await readWith(1), await readWith(1)];
    expect(one).toEqual(again);
    expect(one).toHaveLength(5);
    expect(one).toEqual(expect.arrayContaining(['0', String(61 * BLOCK)]));
    expect(new Set((await Promise.all([2, 3, 4, 5].map(readWith))).map(String)).size).toBeGreaterThan(1);
  });

  test('of none looks at the size', async () => {
    const remote = await storeWith(BYTES);
    expect(await proveBundle(remote, KEY, objectOf(BYTES), { mode: 'none' })).toBe('size');
    remote.objects.set(KEY, BYTES.subarray(1));
    await expectCode(proveBundle(remote, KEY, objectOf(BYTES), { mode: 'none' }), 'HASH_MISMATCH');
  });
});

describe('an object that is not what was sent', () => {
  test('is found at any bit, and the block is named', async () => {
    const remote = await storeWith(BYTES);
    for (const at of [0, 999, 1_000, 2_500, 4_499]) {
      const damaged = Buffer.from(BYTES);
      damaged[at]! ^= 1;
      remote.objects.set(KEY, damaged);
      const found = sha256Of(damaged.subarray(Math.floor(at / BLOCK) * BLOCK, (Math.floor(at / BLOCK) + 1) * BLOCK));
      await expect(proveBundle(remote, KEY, objectOf(BYTES))).rejects.toMatchObject({
        code: 'HASH_MISMATCH',
        message: expect.stringMatching(
          new RegExp(`^${KEY}: .*block ${Math.floor(at / BLOCK)}: expected .*got ${found}$`),
        ),
      });
    }
  });

  test.each(['all', 'auto', 'sample', 'none'] as const)(
    'is found by %s when it is shorter, longer or gone',
    async (mode) => {
      const remote = await storeWith(BYTES);
      for (const other of [BYTES.subarray(0, 4_000), Buffer.concat([BYTES, Buffer.alloc(1)])]) {
        remote.objects.set(KEY, other);
        await expectCode(proveBundle(remote, KEY, objectOf(BYTES), { mode }), 'HASH_MISMATCH');
      }
      const small = pattern(10);
      for (const other of [small.subarray(1), Buffer.concat([small, small])]) {
        remote.objects.set(KEY, other);
        await expectCode(proveBundle(remote, KEY, objectOf(small), { mode }), 'HASH_MISMATCH');
      }
      remote.objects.delete(KEY);
      for (const object of [objectOf(BYTES), objectOf(small)]) {
        await expectCode(proveBundle(remote, KEY, object, { mode }), 'NOT_FOUND');
      }
    },
  );

  test('is found by the store’s checksum, whatever a read would say', async () => {
    const remote = await storeWith(BYTES, { checksums: true });
    const other = pattern(4_500, 2);
    await expectCode(proveBundle(remote, KEY, objectOf(other)), 'HASH_MISMATCH');
    const digests = Buffer.concat(objectOf(BYTES).blocks.sha256.map((hex) => Buffer.from(hex, 'hex')));
    expect((await remote.checksum(KEY))?.sha256).toBe(createHash('sha256').update(digests).digest('hex'));
  });

  test('a read that fails says nothing of the object', async () => {
    const remote = await storeWith(BYTES);
    const failing = faulty(remote, [{ kind: 'fail', on: 'stream', nth: 3 }]);
    await expectCode(proveBundle(failing, KEY, objectOf(BYTES)), 'REMOTE_UNAVAILABLE');
    const stopped = proveBundle(remote, KEY, objectOf(BYTES), { signal: AbortSignal.abort() });
    await expectCode(stopped, 'INTERRUPTED');
  });
});
