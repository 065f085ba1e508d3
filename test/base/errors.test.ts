/** The error type and its codes. */
import { describe, expect, test } from 'vitest';
import {
  ERROR_CODES,
  interrupted,
  isLakepackError,
  LakepackError,
  systemErrorCode,
  throwIfAborted,
} from '../../src/base/errors.js';

describe('the codes', () => {
  test('are written in capitals, each once', () => {
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
    expect(ERROR_CODES.filter((code) => !/^[A-Z]+(_[A-Z]+)*$/.test(code))).toEqual([]);
  });
});

describe('an error', () => {
  test('keeps its code, hint, cause and whether a retry may help', () => {
    const cause = new Error('why');
    const error = new LakepackError('DISK_FULL', 'x: is full', { hint: 'free space', cause, retryable: false });
    expect(error).toMatchObject({ name: 'LakepackError', code: 'DISK_FULL', hint: 'free space', cause });
    expect(error.retryable).toBe(false);
    expect(error).toBeInstanceOf(Error);
    expect(error.stack).toContain('x: is full');
  });

  test('says nothing about what is not known', () => {
    const error = new LakepackError('INTERNAL', 'x');
    expect(error.hint).toBeUndefined();
    expect(error.retryable).toBeUndefined();
    expect('cause' in error).toBe(false);
  });

  test('is told by its code', () => {
    const error: unknown = new LakepackError('NOT_FOUND', 'x');
    expect(isLakepackError(error)).toBe(true);
    expect(isLakepackError(error, 'NOT_FOUND')).toBe(true);
    expect(isLakepackError(error, 'USAGE')).toBe(false);
    expect(isLakepackError(new Error('x'))).toBe(false);
    expect(isLakepackError(undefined)).toBe(false);
  });
});

describe('an abort', () => {
  test('is INTERRUPTED, with its reason as the cause', () => {
    const reason = new Error('ctrl-c');
    expect(() => throwIfAborted(AbortSignal.abort(reason))).toThrow(expect.objectContaining({ code: 'INTERRUPTED' }));
    expect(interrupted(reason).cause).toBe(reason);
  });

  test('that did not happen is nothing', () => {
    expect(() => throwIfAborted(undefined)).not.toThrow();
    expect(() => throwIfAborted(new AbortController().signal)).not.toThrow();
  });
});

describe('the code of a system error', () => {
  test('is read where there is one', () => {
    expect(systemErrorCode(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe('ENOENT');
    expect(systemErrorCode(Object.assign(new Error('x'), { code: 5 }))).toBeUndefined();
    expect(systemErrorCode(new Error('x'))).toBeUndefined();
    expect(systemErrorCode({ code: 'ENOENT' })).toBeUndefined();
    expect(systemErrorCode(undefined)).toBeUndefined();
  });
});
