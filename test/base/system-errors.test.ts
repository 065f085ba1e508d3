/** Which LakepackError a failed system call becomes. */
import { open } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { LakepackError } from '../../src/base/errors.js';
import { fromSystemError, onDisk, unlessAbsent } from '../../src/base/system-errors.js';

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: failed, open '/secret/place'`), { code, errno: -1, syscall: 'open' });
}

describe('a system error', () => {
  test.each([
    ['ENOENT', 'NOT_FOUND', undefined],
    ['ENOTDIR', 'NOT_FOUND', undefined],
    ['ELOOP', 'NOT_FOUND', undefined],
    ['EACCES', 'PERMISSION_DENIED', undefined],
    ['EPERM', 'PERMISSION_DENIED', undefined],
    ['EROFS', 'PERMISSION_DENIED', undefined],
    ['ENOSPC', 'DISK_FULL', undefined],
    ['EDQUOT', 'DISK_FULL', undefined],
    ['EEXIST', 'OBJECT_EXISTS', undefined],
    ['EISDIR', 'TARGET_CONFLICT', undefined],
    ['ENOTEMPTY', 'TARGET_NOT_EMPTY', undefined],
    ['EFBIG', 'LIMIT_EXCEEDED', undefined],
    ['ENAMETOOLONG', 'LIMIT_EXCEEDED', undefined],
    ['EIO', 'REMOTE_UNAVAILABLE', true],
    ['EBUSY', 'REMOTE_UNAVAILABLE', true],
    ['EMFILE', 'REMOTE_UNAVAILABLE', true],
    ['ESTALE', 'REMOTE_UNAVAILABLE', true],
    ['ETIMEDOUT', 'REMOTE_UNAVAILABLE', true],
    ['EWEIRD', 'REMOTE_UNAVAILABLE', undefined],
  ])('%s is %s', (name, code, retryable) => {
    const error = fromSystemError(systemError(name), 'exports/x');
    expect(error.code).toBe(code);
    expect(error.retryable).toBe(retryable);
    expect(error.message).toMatch(new RegExp(`^exports/x: .*\\(${name}\\)$`));
    expect(error.message).not.toContain('secret');
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('from the real system is known', async () => {
    const opening = onDisk('x', () => open('/nowhere/at/all'));
    await expect(opening).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('what is no system error', () => {
  test('an error of our own comes back as it is', () => {
    const error = new LakepackError('HASH_MISMATCH', 'x');
    expect(fromSystemError(error, 'y')).toBe(error);
  });

  test('an abort is INTERRUPTED', () => {
    const error = Object.assign(new Error('aborted'), { name: 'AbortError', code: 'ABORT_ERR' });
    expect(fromSystemError(error, 'x').code).toBe('INTERRUPTED');
  });

  test('the rest is INTERNAL', () => {
    const ofNode = Object.assign(new TypeError('bad'), { code: 'ERR_INVALID_ARG_TYPE' });
    expect(fromSystemError(ofNode, 'x').code).toBe('INTERNAL');
    expect(fromSystemError(new Error('odd'), 'x')).toMatchObject({ code: 'INTERNAL', message: 'x: odd' });
    expect(fromSystemError('text', 'x')).toMatchObject({ code: 'INTERNAL', message: 'x: text' });
  });
});

describe('a step on the disk', () => {
  test('gives its result, or a LakepackError about the subject', async () => {
    expect(await onDisk('x', async () => 7)).toBe(7);
    await expect(onDisk('x', () => Promise.reject(systemError('ENOSPC')))).rejects.toMatchObject({ code: 'DISK_FULL' });
  });

  test('what is absent is undefined, other failures pass', async () => {
    expect(await unlessAbsent(async () => 7)).toBe(7);
    for (const name of ['ENOENT', 'ENOTDIR', 'ELOOP']) {
      const absent = unlessAbsent<number>(() => Promise.reject(systemError(name)));
      await expect(absent).resolves.toBeUndefined();
    }
    await expect(unlessAbsent(() => Promise.reject(systemError('EACCES')))).rejects.toThrow('EACCES');
  });
});
