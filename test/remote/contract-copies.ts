/** The part of the contract that is about what a store does by itself: copies, and checksums of what it received. */
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import { expectCode, keysOf, pattern } from './bodies.js';
import { expectNothingLeft, KEY, type Subject, UNSAFE_KEYS } from './under-test.js';

export function describeCopies(on: Subject): void {
  describe('copying', () => {
    beforeEach((context) => {
      if (!on.remote.writable) context.skip();
    });

    test('gives equal bytes, or does nothing and says so', async () => {
      const bytes = pattern(200_000);
      await on.remote.put(KEY, bytes);
      const isCopied = await on.remote.copy(on.remote, KEY, 'copy');
      expect(await keysOf(on.remote.list(''))).toEqual(isCopied ? ['copy', KEY] : [KEY]);
      if (isCopied) expect((await on.remote.read('copy', bytes.length)).equals(bytes)).toBe(true);
    });

    test('never overwrites', async () => {
      await on.remote.put(KEY, Buffer.from('first'));
      await on.remote.put('copy', Buffer.from('second'));
      const result = await on.remote.copy(on.remote, KEY, 'copy').catch((error: unknown) => error);
      expect(result === false || isLakepackError(result, 'OBJECT_EXISTS')).toBe(true);
      expect((await on.remote.read('copy', 10)).toString()).toBe('second');
    });

    test('what is not there is not copied', async () => {
      const result = await on.remote.copy(on.remote, KEY, 'copy').catch((error: unknown) => error);
      expect(result === false || isLakepackError(result, 'NOT_FOUND')).toBe(true);
      await expectNothingLeft(on);
    });

    test('from another store is not done', async () => {
      expect(await on.remote.copy({ ...on.remote, identity: 'elsewhere' }, KEY, 'copy')).toBe(false);
      await expectNothingLeft(on);
    });
  });

  test('a store that only reads copies nothing', async (context) => {
    if (on.remote.writable) context.skip();
    await on.writer.put(KEY, Buffer.from('x'));
    await expectCode(on.remote.copy(on.remote, KEY, 'copy'), 'PERMISSION_DENIED');
    expect(await keysOf(on.remote.list(''))).toEqual([KEY]);
  });

  describe('checksums', () => {
    test('of an object is that of its bytes, or there is none', async () => {
      const bytes = pattern(10_000);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      await on.writer.put(KEY, bytes, { sha256 });
      expect((await on.remote.read(KEY, bytes.length)).equals(bytes)).toBe(true);
      const found = await on.remote.checksum(KEY);
      if (found !== undefined) expect(found).toEqual({ type: 'full', sha256, parts: 1 });
    });

    test('announced wrongly: HASH_MISMATCH and nothing stored, or stored as it was sent', async () => {
      const put = on.writer.put(KEY, Buffer.from('x'), { sha256: '0'.repeat(64) });
      const error = await put.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) expect((await on.remote.read(KEY, 10)).toString()).toBe('x');
      else {
        expect(error).toMatchObject({ code: 'HASH_MISMATCH' });
        await expectNothingLeft(on);
      }
    });

    test('a link leads to one object, or there is none', async () => {
      await on.writer.put(KEY, Buffer.from('x'));
      const link = await on.remote.link(KEY, 60);
      if (link !== undefined) expect(new URL(link).protocol).toMatch(/^https?:$/);
    });

    test('and copies are refused for what is no lake path', async () => {
      for (const key of UNSAFE_KEYS) {
        const checksum = await on.remote.checksum(key).catch((error: unknown) => error);
        expect(checksum === undefined || isLakepackError(checksum, 'PATH_UNSAFE')).toBe(true);
        if (!on.remote.writable) continue;
        const copied = await on.remote.copy(on.remote, KEY, key).catch((error: unknown) => error);
        expect(copied === false || isLakepackError(copied)).toBe(true);
      }
      expect(await keysOf(on.remote.list(''))).toEqual([]);
    });
  });
}
