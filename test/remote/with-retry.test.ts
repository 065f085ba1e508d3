/** The retrying wrapper: what is repeated, how often, after what waits, and what is believed after a lost answer. */
import { beforeEach, describe, expect, test } from 'vitest';
import { type ErrorCode, LakepackError } from '../../src/base/errors.js';
import { seededRandom } from '../../src/base/random.js';
import { isFileRemote, openFileRemote } from '../../src/remote/file.js';
import type { Remote, UploadInfo } from '../../src/remote/remote.js';
import { type RetryNotice, type RetryOptions, withRetry } from '../../src/remote/with-retry.js';
import { collect, expectCode, keysOf, pattern, streamOf } from './bodies.js';
import { describeRemote } from './contract.js';
import { type Fault, faulty, type FaultyRemote } from './faulty.js';
import { type MemoryRemote, openMemoryRemote } from './memory.js';
import { sha256Of } from './memory-parts.js';

describeRemote('with retries', async () => ({ remote: withRetry(openMemoryRemote(), { baseDelayMs: 1 }) }));
describeRemote('with retries, over one that fails now and then', async () => {
  const remote = faulty(openMemoryRemote({ checksums: true }), [{ kind: 'fail', share: 0.2, on: SAFE_TO_FAIL }], 11);
  return { remote: withRetry(remote, { attempts: 50, sleep: async () => undefined }) };
});

/** All that is retried: a body that is a stream is not. */
const SAFE_TO_FAIL = ['head', 'read', 'readRange', 'stream', 'list', 'delete', 'copy', 'begin', 'send'] as const;

const bytes = pattern(1_000);
const RANGE = { offset: 100, length: 500 };

let inner: MemoryRemote;
let waits: number[];
let notices: RetryNotice[];

beforeEach(async () => {
  waits = [];
  notices = [];
  inner = openMemoryRemote({ chunkBytes: 100 });
  for (const key of ['a', 'b', 'c', 'd', 'e']) await inner.put(key, bytes);
});

function retrying(remote: Remote, options: RetryOptions = {}): Remote {
  return withRetry(remote, {
    now: () => waits.reduce((sum, ms) => sum + ms, 0),
    sleep: async (ms) => void waits.push(ms),
    onRetry: (notice) => notices.push(notice),
    ...options,
  });
}

function failing(faults: readonly Fault[], options: RetryOptions = {}): { remote: Remote; broken: FaultyRemote } {
  const broken = faulty(inner, faults);
  return { broken, remote: retrying(broken, options) };
}

function errorOf(code: ErrorCode, retryable?: boolean): () => Error {
  return () => new LakepackError(code, 'made up', { hint: 'do this', ...(retryable !== undefined && { retryable }) });
}

describe('a call that fails', () => {
  test.each<[string, (remote: Remote) => Promise<unknown>]>([
    ['head', (remote) => remote.head('a')],
    ['read', (remote) => remote.read('a', 1_000)],
    ['readRange', (remote) => remote.readRange('a', RANGE)],
    ['checksum', (remote) => remote.checksum('a')],
    ['list', (remote) => keysOf(remote.list(''))],
    ['delete', (remote) => remote.delete('a')],
    ['copy', (remote) => remote.copy(remote, 'a', 'z')],
    ['stream', (remote) => collect(remote.stream('a'))],
  ])('is made again: %s', async (method, call) => {
    const { remote, broken } = failing([{ kind: 'fail', times: 3 }]);
    const expected =
      method === 'delete'
        ? undefined
        : await call(openMemoryRemote({ store: { ...inner.store, objects: new Map(inner.objects) } }));
    expect(await call(remote)).toEqual(expected);
    expect(broken.hits).toHaveLength(3);
    expect(waits).toHaveLength(3);
    expect(notices.map(({ call: name, failed }) => `${name} ${failed}`)).toEqual(
      [1, 2, 3].map((n) => `${method} ${n}`),
    );
  });

  test('is given up after the attempts asked for; the error says so and keeps code, hint and retryable', async () => {
    const { remote, broken } = failing([{ kind: 'fail', times: 99, error: errorOf('REMOTE_UNAVAILABLE', true) }]);
    const error = await remote.head('a').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'REMOTE_UNAVAILABLE', hint: 'do this', retryable: true });
    expect(error).toMatchObject({ message: 'made up (tried 6 times)', cause: { message: 'made up' } });
    expect(broken.hits).toHaveLength(6);
  });

  test.each<[ErrorCode, boolean | undefined]>([
    ['REMOTE_UNAVAILABLE', false],
    ['REMOTE_UNAVAILABLE', undefined],
    ['CREDENTIALS_INVALID', false],
    ['INTERRUPTED', true],
  ])('with %s, retryable %s, is not made again', async (code, retryable) => {
    const { remote, broken } = failing([{ kind: 'fail', times: 9, error: errorOf(code, retryable) }]);
    await expectCode(remote.read('a', 1_000), code);
    expect(broken.hits).toHaveLength(1);
  });

  test('with an error that is not ours is not made again', async () => {
    const { remote, broken } = failing([{ kind: 'fail', times: 9, error: () => new RangeError('a bug') }]);
    await expect(remote.read('a', 1_000)).rejects.toThrow(new RangeError('a bug'));
    expect(broken.hits).toHaveLength(1);
  });

  test('waits longer each time, by chance and within the bound', async () => {
    const always = { kind: 'fail', times: 99 } as const;
    const longest = failing([always], { attempts: 9, baseDelayMs: 100, maxDelayMs: 2_000, random: () => 1 });
    await expectCode(longest.remote.head('a'), 'REMOTE_UNAVAILABLE');
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000]);
    waits = [];
    await expectCode(failing([always], { random: seededRandom(1) }).remote.head('a'), 'REMOTE_UNAVAILABLE');
    expect(new Set(waits).size).toBe(waits.length);
  });

  test('is given up when the next attempt would begin too late', async () => {
    const { remote } = failing([{ kind: 'fail', times: 99 }], {
      attempts: 1_000,
      baseDelayMs: 1_000,
      maxDelayMs: 1_000,
      maxTotalMs: 10_000,
      random: () => 1,
    });
    await expect(remote.head('a')).rejects.toThrow(/tried 11 times/);
    expect(waits).toHaveLength(10);
  });

  test('ends with INTERRUPTED at once when it is aborted while it waits', async () => {
    const abort = new AbortController();
    const broken = faulty(inner, [{ kind: 'fail', times: 99 }]);
    const remote = withRetry(broken, {
      baseDelayMs: 3_600_000,
      random: () => 1,
      maxDelayMs: 3_600_000,
      maxTotalMs: 1e9,
    });
    const call = remote.head('a', { signal: abort.signal });
    setImmediate(() => abort.abort());
    await expectCode(call, 'INTERRUPTED');
    expect(broken.hits).toHaveLength(1);
  });

  test('and was aborted meanwhile is not made again', async () => {
    const abort = new AbortController();
    const error = (): Error => {
      abort.abort();
      return errorOf('REMOTE_UNAVAILABLE', true)();
    };
    const { remote } = failing([{ kind: 'fail', times: 99, error }]);
    await expectCode(remote.head('a', { signal: abort.signal }), 'INTERRUPTED');
    expect(waits).toEqual([]);
  });
});

describe('a stream that breaks off', () => {
  test.each([undefined, RANGE])('goes on where it was: %j', async (range) => {
    const { remote, broken } = failing([{ kind: 'fail-late', on: 'stream', times: 20 }], { attempts: 2 });
    const expected = await collect(inner.stream('a', range));
    expect((await collect(remote.stream('a', range))).equals(expected)).toBe(true);
    expect(broken.hits.length).toBeGreaterThan(3);
    const asked = broken.calls.filter((call) => call.startsWith('head'));
    expect(asked.length > 0).toBe(range === undefined);
  });

  test('asks for no size when nothing fails', async () => {
    const { remote, broken } = failing([]);
    await collect(remote.stream('a'));
    expect(broken.calls).toEqual(['stream a']);
  });

  test('after its last byte is whole', async () => {
    const last = faulty(openStream([bytes.subarray(0, 600), bytes.subarray(600)], true), []);
    expect((await collect(retrying(last).stream('a'))).equals(bytes)).toBe(true);
    expect(last.calls).toEqual(['stream a', 'head a']);
  });

  test('and ends early without a word is gone on with, where its end is known', async () => {
    const { remote } = failing([{ kind: 'truncate', on: 'stream', times: 3 }]);
    const expected = bytes.subarray(100, 600);
    expect((await collect(remote.stream('a', RANGE))).equals(expected)).toBe(true);
  });

  test('without bringing anything is given up after the attempts', async () => {
    const { remote, broken } = failing([
      { kind: 'fail', on: 'stream', nth: 2, times: 99 },
      { kind: 'fail-late', on: 'stream' },
    ]);
    await expect(collect(remote.stream('a'))).rejects.toThrow(/tried 6 times/);
    expect(broken.hits).toHaveLength(1 + 5);
  });

  test('of an object that has changed its size meanwhile ends with an error that is not retryable', async () => {
    for (const size of [40, 2_000]) {
      inner.objects.set('a', bytes);
      const broken = faulty(inner, [{ kind: 'fail-late', on: 'stream', times: 2 }]);
      const remote = retrying({
        ...broken,
        head: async (key) => {
          const found = await inner.head(key);
          inner.objects.set('a', pattern(size));
          return found;
        },
      });
      const error = await collect(remote.stream('a')).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'REMOTE_UNAVAILABLE', retryable: false });
    }
  });

  test('of an object that is gone meanwhile ends with an error', async () => {
    const { remote } = failing([{ kind: 'fail-late', on: 'stream' }]);
    await expect(
      (async () => {
        for await (const _ of remote.stream('a')) inner.objects.delete('a');
      })(),
    ).rejects.toMatchObject({ code: 'REMOTE_UNAVAILABLE', retryable: false });
  });

  function openStream(chunks: readonly Buffer[], thenFails: boolean): Remote {
    return {
      ...inner,
      stream: async function* () {
        yield* chunks;
        if (thenFails) throw errorOf('REMOTE_UNAVAILABLE', true)();
      },
    };
  }
});

describe('a list that breaks off', () => {
  test('goes on behind the last key: none twice, none left out', async () => {
    for (let index = 0; index < 40; index += 1) await inner.put(`k/${index}`, Buffer.from('x'));
    const { remote, broken } = failing([
      { kind: 'fail-late', on: 'list', nth: 2, times: 1 },
      { kind: 'fail-late', on: 'list' },
    ]);
    expect(await keysOf(remote.list('k/'))).toEqual(await keysOf(inner.list('k/')));
    expect(broken.hits).toHaveLength(2);
  });

  test('leaves out what was put behind it, and nothing else', async () => {
    const { remote } = failing([{ kind: 'fail-late', on: 'list' }]);
    const keys: string[] = [];
    for await (const { key } of remote.list('')) {
      if (keys.length === 1) await inner.put('0', bytes);
      if (keys.length === 1) await inner.put('z', bytes);
      keys.push(key);
    }
    expect(keys).toEqual(['a', 'b', 'c', 'd', 'e', 'z']);
  });

  test('of uploads gives each once', async () => {
    for (const key of ['u', 'v', 'w', 'w']) await inner.parts!.begin(key);
    const { remote } = failing([{ kind: 'fail-late', on: 'listUploads' }]);
    const found: UploadInfo[] = [];
    for await (const upload of remote.parts!.listUploads('')) found.push(upload);
    expect(found.map(({ key }) => key)).toEqual(['u', 'v', 'w', 'w']);
    expect(new Set(found.map(({ id }) => id)).size).toBe(4);
  });
});

describe('a put', () => {
  test('of a buffer whose answer was lost is done', async () => {
    const { remote, broken } = failing([{ kind: 'fail-late', on: 'put' }]);
    expect(await remote.put('new', bytes)).toBe(1_000);
    expect(broken.calls).toEqual(['put new', 'put new', 'read new']);
  });

  test('whose answer may be lost, and another object is there: OBJECT_EXISTS', async () => {
    for (const other of [pattern(1_000, 5), pattern(1_001), Buffer.alloc(0)]) {
      inner.objects.set('new', other);
      const { remote } = failing([{ kind: 'fail', on: 'put' }]);
      await expectCode(remote.put('new', bytes), 'OBJECT_EXISTS');
      expect(inner.objects.get('new')).toBe(other);
    }
  });

  test('that may not read what is there does not claim it', async () => {
    const denied: Fault = { kind: 'fail', on: 'read', error: errorOf('PERMISSION_DENIED', false) };
    const { remote } = failing([{ kind: 'fail-late', on: 'put' }, denied]);
    await expectCode(remote.put('new', bytes), 'OBJECT_EXISTS');
  });

  test('that was refused at once is refused', async () => {
    const { remote, broken } = failing([]);
    await expectCode(remote.put('a', bytes), 'OBJECT_EXISTS');
    expect(broken.calls).toEqual(['put a']);
  });

  test('of a stream is not made again, and its body is closed', async () => {
    const { remote, broken } = failing([{ kind: 'fail', on: 'put' }]);
    const body = streamOf(bytes, 10);
    await expectCode(remote.put('new', body), 'REMOTE_UNAVAILABLE');
    expect(await body.next()).toEqual({ done: true, value: undefined });
    expect(broken.calls).toEqual(['put new']);
  });

  test('that the store refused as damaged on the way is made again', async () => {
    const { remote } = failing([{ kind: 'fail', on: 'put', error: errorOf('HASH_MISMATCH', true) }]);
    expect(await remote.put('new', bytes, { sha256: sha256Of(bytes) })).toBe(1_000);
  });
});

describe('a copy whose answer was lost', () => {
  test('is done when an object of the same size is there', async () => {
    const { remote } = failing([{ kind: 'fail-late', on: 'copy' }]);
    expect(await remote.copy(remote, 'a', 'z')).toBe(true);
  });

  test('is not done when it is another', async () => {
    inner.objects.set('z', pattern(3));
    const { remote } = failing([{ kind: 'fail', on: 'copy' }]);
    await expectCode(remote.copy(remote, 'a', 'z'), 'OBJECT_EXISTS');
  });
});

describe('an upload in parts', () => {
  const part = { number: 1, offset: 0, bytes, sha256: sha256Of(bytes) };

  test('goes through failures of every call, before and after the work', async () => {
    for (const kind of ['fail', 'fail-late'] as const) {
      const on = ['begin', 'send', 'listParts', 'complete', 'abort'] as const;
      const { remote, broken } = failing(on.map((method) => ({ kind, on: method })));
      const parts = remote.parts!;
      const upload = await parts.begin(`new-${kind}`);
      const stored = await parts.send(upload, part);
      expect(await parts.listParts(upload)).toEqual([stored]);
      await parts.complete(upload, [stored]);
      await parts.abort(upload);
      expect(inner.objects.get(`new-${kind}`)?.equals(bytes)).toBe(true);
      expect(broken.hits).toHaveLength(on.length);
    }
  });

  test('completed with a lost answer, and another object is there: an error', async () => {
    const { remote } = failing([{ kind: 'fail', on: 'complete' }]);
    const upload = await remote.parts!.begin('new');
    const stored = await remote.parts!.send(upload, part);
    inner.objects.set('new', pattern(3));
    await expectCode(remote.parts!.complete(upload, [stored]), 'OBJECT_EXISTS');
  });

  test('that was reaped between two attempts to complete it: NOT_FOUND', async () => {
    const { remote } = failing([{ kind: 'fail', on: 'complete' }]);
    const upload = await remote.parts!.begin('new');
    const stored = await remote.parts!.send(upload, part);
    await inner.parts!.abort(upload);
    await expectCode(remote.parts!.complete(upload, [stored]), 'NOT_FOUND');
  });
});

describe('the wrapper', () => {
  test('is shown and known as what it stands around, but for being a folder', () => {
    const folder = openFileRemote('some/where');
    const remote = withRetry(folder);
    expect(isFileRemote(remote)).toBe(false);
    const shown = ({ url, identity, writable, isDistant }: Remote): unknown => [url, identity, writable, isDistant];
    expect(shown(remote)).toEqual(shown(folder));
    expect(withRetry({ ...inner, parts: undefined, writable: false }).parts).toBeUndefined();
  });
});
