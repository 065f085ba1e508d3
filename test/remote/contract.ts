/**
 * The suite of the contract in `src/remote/remote.ts`, run over every remote and wrapper. What only one of them
 * promises is tested beside it.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MIB } from '../../src/base/limits.js';
import type { ObjectInfo } from '../../src/remote/remote.js';
import { collect, expectCode, keysOf, pattern } from './bodies.js';
import { describeCopies } from './contract-copies.js';
import { describeParts } from './contract-parts.js';
import { describeWriting } from './contract-writing.js';
import { KEY, type RemoteUnderTest, type Subject, UNSAFE_KEYS } from './under-test.js';

/** Keys in byte order. Each stands where some other order would put it elsewhere. */
export const ODD_KEYS = [
  '!first',
  'B/upper',
  'a b/with space',
  'a-b',
  'a.b',
  'a/b',
  'a/b.c',
  'a/c',
  'a0/x',
  'dt=2025-01-01/x+y',
  'dt=2025-01-01/x,y',
  'o\u0301/decomposed',
  'percent%2Fslash',
  'q?query#hash',
  'x:y',
  '~tilde',
  '\u00e9/composed',
  '\u65e5\u672c\u8a9e/\u6771\u4eac',
  '\uff5e/above the surrogates',
  '\u{1f600}/astral',
];

export function describeRemote(name: string, factory: () => Promise<RemoteUnderTest>): void {
  // In a block of its own: these hooks are not for the other tests of the file.
  describe(name, () => describeContract(factory));
}

function describeContract(factory: () => Promise<RemoteUnderTest>): void {
  const on = {} as Subject;

  beforeEach(async () => {
    const under = await factory();
    Object.assign(on, { traces: async () => [], writer: under.remote, ...under });
  });
  afterEach(async () => {
    await on.remote.close();
    await on.dispose?.();
  });

  describe('reading', () => {
    test('gives back what was put, whole, as a range and as a stream', async () => {
      const bytes = pattern(300_000);
      await on.writer.put(KEY, bytes);
      expect(await on.remote.head(KEY)).toEqual({ key: KEY, bytes: bytes.length });
      expect((await on.remote.read(KEY, bytes.length)).equals(bytes)).toBe(true);
      const range = { offset: 70_001, length: 150_000 };
      const part = bytes.subarray(70_001, 220_001);
      expect((await on.remote.readRange(KEY, range)).equals(part)).toBe(true);
      expect((await collect(on.remote.stream(KEY))).equals(bytes)).toBe(true);
      expect((await collect(on.remote.stream(KEY, range))).equals(part)).toBe(true);
    });

    test('chunks of a stream stay as they were when later ones arrive', async () => {
      const bytes = pattern(5 * MIB);
      await on.writer.put(KEY, bytes);
      const chunks: Buffer[] = [];
      for await (const chunk of on.remote.stream(KEY)) chunks.push(chunk);
      expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    });

    test('an object of no bytes is an object', async () => {
      expect(await on.writer.put(KEY, Buffer.alloc(0))).toBe(0);
      expect(await on.remote.head(KEY)).toEqual({ key: KEY, bytes: 0 });
      expect(await on.remote.read(KEY, 0)).toHaveLength(0);
      expect(await on.remote.readRange(KEY, { offset: 0, length: 0 })).toHaveLength(0);
      expect(await collect(on.remote.stream(KEY))).toHaveLength(0);
      expect(await keysOf(on.remote.list(''))).toEqual([KEY]);
    });

    test('what is not there: head says undefined, every read NOT_FOUND', async () => {
      await on.writer.put('a/b', Buffer.from('x'));
      for (const key of [KEY, 'a', 'a/b/c']) {
        expect(await on.remote.head(key)).toBeUndefined();
        await expectCode(on.remote.read(key, 10), 'NOT_FOUND');
        await expectCode(on.remote.readRange(key, { offset: 0, length: 0 }), 'NOT_FOUND');
        await expectCode(collect(on.remote.stream(key)), 'NOT_FOUND');
      }
    });

    test('a read beyond maxBytes is refused', async () => {
      await on.writer.put(KEY, Buffer.alloc(11));
      await expectCode(on.remote.read(KEY, 10), 'LIMIT_EXCEEDED');
      expect(await on.remote.read(KEY, 11)).toHaveLength(11);
    });

    test.each([
      { offset: 0, length: 11 },
      { offset: 10, length: 1 },
      { offset: 11, length: 0 },
      { offset: -1, length: 1 },
      { offset: 0, length: -1 },
      { offset: 0.5, length: 1 },
      { offset: Number.MAX_SAFE_INTEGER, length: Number.MAX_SAFE_INTEGER },
      { offset: 0, length: Number.NaN },
    ])('a range outside of the object is refused: %j', async (range) => {
      await on.writer.put(KEY, Buffer.alloc(10));
      await expectCode(on.remote.readRange(KEY, range), 'LIMIT_EXCEEDED');
      await expectCode(collect(on.remote.stream(KEY, range)), 'LIMIT_EXCEEDED');
    });

    test('ranges at both ends are read', async () => {
      await on.writer.put(KEY, Buffer.from('0123456789'));
      expect((await on.remote.readRange(KEY, { offset: 0, length: 1 })).toString()).toBe('0');
      expect((await on.remote.readRange(KEY, { offset: 9, length: 1 })).toString()).toBe('9');
      expect(await on.remote.readRange(KEY, { offset: 10, length: 0 })).toHaveLength(0);
    });

    test('a stream may be left early, and read again', async () => {
      await on.writer.put(KEY, pattern(3 * MIB));
      for await (const chunk of on.remote.stream(KEY)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      expect(await collect(on.remote.stream(KEY))).toHaveLength(3 * MIB);
    });

    test('an aborted signal interrupts reads and lists', async () => {
      await on.writer.put(KEY, Buffer.from('x'));
      const options = { signal: AbortSignal.abort() };
      await expectCode(on.remote.head(KEY, options), 'INTERRUPTED');
      await expectCode(on.remote.read(KEY, 10, options), 'INTERRUPTED');
      await expectCode(on.remote.readRange(KEY, { offset: 0, length: 1 }, options), 'INTERRUPTED');
      await expectCode(collect(on.remote.stream(KEY, undefined, options)), 'INTERRUPTED');
      await expectCode(keysOf(on.remote.list('', options)), 'INTERRUPTED');
    });

    test('an abort between two chunks ends a stream with INTERRUPTED', async () => {
      await on.writer.put(KEY, pattern(3 * MIB));
      const abort = new AbortController();
      await expectCode(
        (async () => {
          for await (const chunk of on.remote.stream(KEY, undefined, { signal: abort.signal }))
            abort.abort(chunk.length);
        })(),
        'INTERRUPTED',
      );
    });

    test.each(UNSAFE_KEYS)('refuses the key %j', async (key) => {
      await expectCode(on.remote.head(key), 'PATH_UNSAFE');
      await expectCode(on.remote.read(key, 10), 'PATH_UNSAFE');
      await expectCode(on.remote.readRange(key, { offset: 0, length: 1 }), 'PATH_UNSAFE');
      await expectCode(collect(on.remote.stream(key)), 'PATH_UNSAFE');
    });

    test('close can be called twice', async () => {
      await on.remote.close();
      await on.remote.close();
    });
  });

  describe('listing', () => {
    test('nothing, where nothing is', async () => {
      expect(await keysOf(on.remote.list(''))).toEqual([]);
      expect(await keysOf(on.remote.list('exports/absent/'))).toEqual([]);
    });

    test('is in byte order of the keys, with sizes', async () => {
      for (const [index, key] of ODD_KEYS.toReversed().entries()) await on.writer.put(key, Buffer.alloc(index));
      const found: ObjectInfo[] = [];
      for await (const info of on.remote.list('')) found.push(info);
      expect(found.map(({ key }) => key)).toEqual(ODD_KEYS);
      expect(found.map(({ bytes }) => bytes)).toEqual(ODD_KEYS.map((_, index) => ODD_KEYS.length - 1 - index));
      for (const key of ODD_KEYS) expect(await on.remote.head(key)).toBeDefined();
    });

    test.each(['a', 'a/', 'a/b', 'a/b.', 'a.', 'dt=2025-01-01/x', 'd', '\u00e9', '\u65e5', 'zzz', 'a/b/'])(
      'by the prefix %j gives just the keys that begin so',
      async (prefix) => {
        for (const key of ODD_KEYS) await on.writer.put(key, Buffer.from('x'));
        expect(await keysOf(on.remote.list(prefix))).toEqual(ODD_KEYS.filter((key) => key.startsWith(prefix)));
      },
    );

    test('by a prefix that is itself a key', async () => {
      await on.writer.put('a/b', Buffer.from('x'));
      await on.writer.put('a/bc', Buffer.from('x'));
      expect(await keysOf(on.remote.list('a/b'))).toEqual(['a/b', 'a/bc']);
    });

    test.each(['../', '/', 'a/../', '/a', 'a//', 'a\0'])('refuses the prefix %j', async (prefix) => {
      await expectCode(keysOf(on.remote.list(prefix)), 'PATH_UNSAFE');
    });

    test('a list may be left early', async () => {
      for (const key of ODD_KEYS) await on.writer.put(key, Buffer.from('x'));
      for await (const { key } of on.remote.list('')) {
        expect(key).toBe(ODD_KEYS[0]);
        break;
      }
    });
  });

  describeWriting(on);
  describeParts(on);
  describeCopies(on);
}
