/** A remote that is opened when it is asked. */
import { expect, test } from 'vitest';
import { LakepackError } from '../../src/base/errors.js';
import { lazyRemote } from '../../src/remote/lazy.js';
import { collect, expectCode, keysOf, pattern } from './bodies.js';
import { openMemoryRemote } from './memory.js';

test('is opened once, by the first call, and read as any other', async () => {
  const memory = openMemoryRemote();
  await memory.put('a/b', pattern(100));
  let opened = 0;
  let closed = 0;
  const remote = lazyRemote('shown', async () => {
    opened += 1;
    return { ...memory, close: async () => void (closed += 1) };
  });
  expect([remote.url, remote.writable, opened]).toEqual(['shown', false, 0]);
  const range = { offset: 10, length: 5 };
  expect(await Promise.all([remote.head('a/b'), remote.read('a/b', 100), remote.readRange('a/b', range)])).toEqual([
    { key: 'a/b', bytes: 100 },
    pattern(100),
    pattern(100).subarray(10, 15),
  ]);
  expect(await collect(remote.stream('a/b'))).toEqual(pattern(100));
  expect(await keysOf(remote.list(''))).toEqual(['a/b']);
  expect([await remote.checksum('a/b'), await remote.link('a/b', 1)]).toEqual([undefined, undefined]);
  await expectCode(remote.put('a/c', pattern(1)), 'PERMISSION_DENIED');
  await expectCode(remote.delete('a/b'), 'PERMISSION_DENIED');
  await remote.close();
  expect([opened, closed]).toEqual([1, 1]);
});

test('one that cannot be opened says so at every call, and closes', async () => {
  const remote = lazyRemote('shown', () => Promise.reject(new LakepackError('NOT_FOUND', 'not there')));
  await expectCode(remote.head('a'), 'NOT_FOUND');
  await expectCode(collect(remote.stream('a')), 'NOT_FOUND');
  await remote.close();
});

test('one that nobody asked is never opened, nor closed', async () => {
  const remote = lazyRemote('shown', () => Promise.reject(new Error('opened')));
  await remote.close();
});
