/** The part of the contract that is about writing: create-only, whole or absent, bodies closed, deletes, flush. */
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { MIB } from '../../src/base/limits.js';
import { expectCode, expectErrorCode, keysOf, pattern, streamOf, watched } from './bodies.js';
import { expectNothingLeft, KEY, type Subject, UNSAFE_KEYS } from './under-test.js';

export function describeWriting(on: Subject): void {
  describe('writing', () => {
    beforeEach((context) => {
      if (!on.remote.writable) context.skip();
    });

    test('stores a body in chunks of any size and counts its bytes', async () => {
      const bytes = pattern(5 * MIB + 3);
      expect(await on.remote.put('odd', streamOf(bytes, 77_777))).toBe(bytes.length);
      expect(await on.remote.put('large', streamOf(bytes, 3 * MIB))).toBe(bytes.length);
      expect(await on.remote.put('one', streamOf(bytes, bytes.length))).toBe(bytes.length);
      for (const key of ['odd', 'large', 'one']) expect((await on.remote.read(key, 6 * MIB)).equals(bytes)).toBe(true);
    });

    test('keeps the order of chunks of very different sizes', async () => {
      const sizes = [100_000, 600_000, 10, 500_000, 530_000, 3, 2 * MIB, 1, 700_000, 400_000, 900_000, 5];
      const bytes = pattern(sizes.reduce((sum, size) => sum + size, 0));
      async function* uneven(): AsyncGenerator<Buffer> {
        let at = 0;
        for (const size of sizes) yield bytes.subarray(at, (at += size));
      }
      await on.remote.put(KEY, uneven());
      expect((await on.remote.read(KEY, 16 * MIB)).equals(bytes)).toBe(true);
    });

    test('stores a body one byte at a time, and one of empty chunks', async () => {
      await on.remote.put('bytes', streamOf(Buffer.from('one by one'), 1));
      expect((await on.remote.read('bytes', 100)).toString()).toBe('one by one');
      await on.remote.put('empty', Readable.from([Buffer.alloc(0), Buffer.alloc(0)]));
      expect(await on.remote.head('empty')).toEqual({ key: 'empty', bytes: 0 });
    });

    test('a body may use its buffer again', async () => {
      async function* reusing(): AsyncGenerator<Buffer> {
        const buffer = Buffer.alloc(10);
        for (let digit = 0; digit < 3; digit += 1) yield buffer.fill(String(digit));
      }
      await on.remote.put(KEY, reusing());
      expect((await on.remote.read(KEY, 100)).toString()).toBe('0'.repeat(10) + '1'.repeat(10) + '2'.repeat(10));
    });

    test('never overwrites: OBJECT_EXISTS, and what was there stays', async () => {
      await on.remote.put(KEY, Buffer.from('first'));
      await expectCode(on.remote.put(KEY, Buffer.from('second')), 'OBJECT_EXISTS');
      await expectCode(on.remote.put(KEY, streamOf(Buffer.from('third'), 1)), 'OBJECT_EXISTS');
      expect((await on.remote.read(KEY, 100)).toString()).toBe('first');
      expect(await on.traces()).toEqual([]);
    });

    test('of twenty concurrent puts of one key exactly one wins', async () => {
      const bodies = Array.from({ length: 20 }, (_, index) => pattern(200_000, index));
      const results = await Promise.allSettled(bodies.map((body) => on.remote.put(KEY, streamOf(body, 50_000))));
      const winners = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
      expect(winners).toHaveLength(1);
      for (const result of results) if (result.status === 'rejected') expectErrorCode(result.reason, 'OBJECT_EXISTS');
      expect((await on.remote.read(KEY, MIB)).equals(bodies[winners[0]!]!)).toBe(true);
      expect(await on.traces()).toEqual([]);
    });

    test('an object is not to be seen before all its bytes are there', async () => {
      async function* watching(): AsyncGenerator<Buffer> {
        yield pattern(2 * MIB);
        expect(await on.remote.head(KEY)).toBeUndefined();
        expect(await keysOf(on.remote.list(''))).toEqual([]);
        yield pattern(2 * MIB);
      }
      await on.remote.put(KEY, watching());
      expect(await on.remote.head(KEY)).toEqual({ key: KEY, bytes: 4 * MIB });
    });

    test('a body that throws: its own error, nothing left, closed', async () => {
      const body = watched(async function* () {
        yield pattern(2 * MIB);
        throw new RangeError('the source broke');
      });
      await expect(on.remote.put(KEY, body)).rejects.toThrow(new RangeError('the source broke'));
      expect(body.finished()).toBe(true);
      await expectNothingLeft(on);
      await on.remote.put(KEY, Buffer.from('again'));
    });

    test('an abort in the middle: INTERRUPTED, nothing left, body closed', async () => {
      const abort = new AbortController();
      const body = watched(async function* () {
        yield pattern(2 * MIB);
        abort.abort();
        yield pattern(2 * MIB);
      });
      await expectCode(on.remote.put(KEY, body, { signal: abort.signal }), 'INTERRUPTED');
      expect(body.finished()).toBe(true);
      await expectNothingLeft(on);
    });

    test('an abort while the body waits for ever does not wait with it', async () => {
      const abort = new AbortController();
      async function* hanging(): AsyncGenerator<Buffer> {
        yield Buffer.from('x');
        await new Promise(() => undefined);
      }
      const put = on.remote.put(KEY, hanging(), { signal: abort.signal });
      await delay(20);
      abort.abort();
      await expectCode(put, 'INTERRUPTED');
      await expectNothingLeft(on);
    });

    test('an abort before it began: nothing is read, the body is closed', async () => {
      const body = watched(async function* () {
        yield Buffer.from('x');
      });
      await expectCode(on.remote.put(KEY, body, { signal: AbortSignal.abort() }), 'INTERRUPTED');
      await expectCode(on.remote.put(KEY, Buffer.from('x'), { signal: AbortSignal.abort() }), 'INTERRUPTED');
      expect(body.returned()).toBe(true);
      await expectNothingLeft(on);
    });

    test('a body that is refused is closed, also a stream of Node', async () => {
      await on.remote.put(KEY, Buffer.from('x'));
      const body = watched(async function* () {
        yield Buffer.from('y');
      });
      await expectCode(on.remote.put(KEY, body), 'OBJECT_EXISTS');
      expect(body.returned()).toBe(true);
      const readable = Readable.from([Buffer.from('z')]);
      await expectCode(on.remote.put(KEY, readable), 'OBJECT_EXISTS');
      expect(readable.destroyed).toBe(true);
    });

    test.each(UNSAFE_KEYS)('refuses to put or delete the key %j', async (key) => {
      const body = watched(async function* () {
        yield Buffer.from('x');
      });
      await expectCode(on.remote.put(key, body), 'PATH_UNSAFE');
      expect(body.returned()).toBe(true);
      await expectCode(on.remote.put(key, Buffer.from('x')), 'PATH_UNSAFE');
      await expectCode(on.remote.delete(key), 'PATH_UNSAFE');
      await expectNothingLeft(on);
    });

    test('a name of 255 bytes is a name', async () => {
      const key = `a/${'\u00e9'.repeat(127)}x`;
      await on.remote.put(key, Buffer.from('x'));
      expect(await keysOf(on.remote.list(''))).toEqual([key]);
    });

    test('deletes one object, and only it; what is not there is deleted already', async () => {
      await on.remote.put('a/b/one', Buffer.from('1'));
      await on.remote.put('a/b/one.more', Buffer.from('2'));
      await on.remote.put('a/c', Buffer.from('3'));
      await on.remote.delete('a/b/one');
      await on.remote.delete('a/b/one');
      await on.remote.delete('a/b');
      await on.remote.delete('absent/x');
      await on.remote.delete('a/c/below');
      expect(await keysOf(on.remote.list(''))).toEqual(['a/b/one.more', 'a/c']);
      await expectCode(on.remote.delete('a/c', { signal: AbortSignal.abort() }), 'INTERRUPTED');
    });

    test('a deleted key is free again', async () => {
      await on.remote.put(KEY, Buffer.from('1'));
      await on.remote.delete(KEY);
      expect(await on.remote.head(KEY)).toBeUndefined();
      await on.remote.put(KEY, Buffer.from('2'));
      expect((await on.remote.read(KEY, 10)).toString()).toBe('2');
    });

    test('flush resolves with nothing put, after puts, twice at once, and after a delete', async () => {
      await on.remote.flush();
      await Promise.all(Array.from({ length: 40 }, (_, index) => on.remote.put(`a/${index}/x`, Buffer.from('x'))));
      await on.remote.delete('a/7/x');
      await Promise.all([on.remote.flush(), on.remote.flush()]);
      await on.remote.put('b', Buffer.from('x'));
      await on.remote.flush();
      await expectCode(on.remote.put('b', Buffer.from('x')), 'OBJECT_EXISTS');
      await on.remote.flush();
    });
  });

  describe('without writing', () => {
    beforeEach((context) => {
      if (on.remote.writable) context.skip();
    });

    test('put and delete are PERMISSION_DENIED, bodies are closed, nothing changes', async () => {
      await on.writer.put(KEY, Buffer.from('x'));
      const body = watched(async function* () {
        yield Buffer.from('y');
      });
      await expectCode(on.remote.put('new', body), 'PERMISSION_DENIED');
      expect(body.returned()).toBe(true);
      await expectCode(on.remote.put(KEY, Buffer.from('y')), 'PERMISSION_DENIED');
      await expectCode(on.remote.delete(KEY), 'PERMISSION_DENIED');
      await on.remote.flush();
      expect(await keysOf(on.remote.list(''))).toEqual([KEY]);
    });
  });
}
