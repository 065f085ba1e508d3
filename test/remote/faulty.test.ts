/** The canary: each fault of the faulty remote does happen, at the call it was asked for, and none without asking. */
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { collect, expectCode, keysOf, pattern, streamOf } from './bodies.js';
import { describeRemote } from './contract.js';
import { faulty } from './faulty.js';
import { type MemoryRemote, openMemoryRemote } from './memory.js';
import { sha256Of } from './memory-parts.js';

describeRemote('faulty, without faults', async () => ({ remote: faulty(openMemoryRemote(), []) }));

describe('the faulty remote', () => {
  const bytes = pattern(1_000);
  let inner: MemoryRemote;

  beforeEach(async () => {
    inner = openMemoryRemote(100);
    for (const key of ['a', 'b', 'c', 'd']) await inner.put(key, bytes);
  });

  test('fails the nth call, as often as asked, and tells', async () => {
    const remote = faulty(inner, [{ kind: 'fail', on: 'read', nth: 2, times: 2 }]);
    await remote.head('a');
    await remote.read('a', 1_000);
    await expectCode(remote.read('a', 1_000), 'REMOTE_UNAVAILABLE');
    await expect(remote.read('b', 1_000)).rejects.toMatchObject({ retryable: true });
    await remote.read('a', 1_000);
    expect(remote.hits).toEqual(['fail read a', 'fail read b']);
    expect(remote.calls).toEqual(['head a', 'read a', 'read a', 'read b', 'read a']);
  });

  test('fails by key, with the error it is given', async () => {
    const remote = faulty(inner, [{ kind: 'fail', key: /^b/, error: () => new RangeError('mine') }]);
    await remote.head('a');
    await expect(remote.head('b')).rejects.toThrow(RangeError);
  });

  test('loses the answer of a put that was done', async () => {
    const remote = faulty(inner, [{ kind: 'fail-late', on: 'put' }]);
    await expectCode(remote.put('new', bytes), 'REMOTE_UNAVAILABLE');
    expect(inner.objects.has('new')).toBe(true);
  });

  test('closes the body of a put that it fails', async () => {
    const remote = faulty(inner, [{ kind: 'fail', on: 'put' }]);
    const body = streamOf(bytes, 10);
    await expectCode(remote.put('new', body), 'REMOTE_UNAVAILABLE');
    expect(await body.next()).toEqual({ done: true, value: undefined });
    expect(inner.objects.has('new')).toBe(false);
  });

  test('breaks a stream and a list in the middle', async () => {
    const remote = faulty(inner, [{ kind: 'fail-late', on: ['stream', 'list'], times: 9 }]);
    await expectCode(collect(remote.stream('a')), 'REMOTE_UNAVAILABLE');
    await expectCode(keysOf(remote.list('')), 'REMOTE_UNAVAILABLE');
  });

  test('truncates reads, streams and lists without a word', async () => {
    const remote = faulty(inner, [{ kind: 'truncate', times: 9 }]);
    expect((await remote.read('a', 1_000)).length).toBeLessThan(1_000);
    expect((await remote.readRange('a', { offset: 0, length: 500 })).length).toBeLessThan(500);
    expect((await collect(remote.stream('a'))).length).toBeLessThan(1_000);
    expect(await keysOf(remote.list(''))).toEqual(['a', 'b']);
  });

  test.each([1, 2, 3])('flips one bit, the same one for the same seed: %i', async (seed) => {
    const differing = async (): Promise<readonly number[]> => {
      const remote = faulty(inner, [{ kind: 'flip', times: 9 }], seed);
      const read = await remote.read('a', 1_000);
      const streamed = await collect(remote.stream('a'));
      return [...bitsThatDiffer(read), ...bitsThatDiffer(streamed)];
    };
    const first = await differing();
    expect(first).toHaveLength(2);
    expect(await differing()).toEqual(first);
    expect(inner.objects.get('a')?.equals(bytes)).toBe(true);
  });

  test('flips one bit of what is stored, of a part too, and the store cannot know', async () => {
    const announced = { sha256: sha256Of(bytes) };
    const remote = faulty(inner, [{ kind: 'flip-sent', times: 9 }]);
    await remote.put('whole', bytes, announced);
    await remote.put('stream', streamOf(bytes, 77));
    const upload = await remote.parts!.begin('parts');
    const stored = await remote.parts!.send(upload, { number: 1, offset: 0, bytes, ...announced });
    await remote.parts!.complete(upload, [stored]);
    for (const key of ['whole', 'stream', 'parts']) expect(bitsThatDiffer(inner.objects.get(key)!)).toHaveLength(1);
    expect(remote.hits).toEqual(['flip-sent put whole', 'flip-sent put stream', 'flip-sent send parts']);
  });

  test.each(['begin', 'send', 'listParts', 'complete', 'abort'] as const)(
    'fails a call of parts, before and after the work: %s',
    async (on) => {
      for (const kind of ['fail', 'fail-late'] as const) {
        const remote = faulty(inner, [{ kind, on }]);
        const steps = async (): Promise<void> => {
          const parts = remote.parts!;
          const upload = await parts.begin(`new-${kind}`);
          const part = { number: 1, offset: 0, bytes, sha256: sha256Of(bytes) };
          const stored = await parts.send(upload, part);
          await parts.listParts(upload);
          await parts.complete(upload, [stored]);
          await parts.abort(upload);
        };
        await expectCode(steps(), 'REMOTE_UNAVAILABLE');
        expect(remote.hits).toEqual([`${kind} ${on} new-${kind}`]);
        expect(inner.objects.has(`new-${kind}`)).toBe(on === 'abort' || (on === 'complete' && kind === 'fail-late'));
      }
    },
  );

  test('hangs until it is aborted', async () => {
    const remote = faulty(inner, [{ kind: 'hang', times: 9 }]);
    const abort = new AbortController();
    const read = remote.read('a', 1_000, { signal: abort.signal });
    expect(await Promise.race([read, delay(20, 'waits')])).toBe('waits');
    abort.abort();
    await expectCode(read, 'INTERRUPTED');
    await expectCode(remote.head('a', { signal: AbortSignal.abort() }), 'INTERRUPTED');
  });

  test('hits a share of the calls', async () => {
    const remote = faulty(inner, [{ kind: 'fail', share: 0.3 }], 7);
    const results = await Promise.allSettled(Array.from({ length: 200 }, () => remote.head('a')));
    const failed = results.filter(({ status }) => status === 'rejected').length;
    expect(failed).toBeGreaterThan(30);
    expect(failed).toBeLessThan(90);
    expect(remote.hits).toHaveLength(failed);
  });

  function bitsThatDiffer(found: Buffer): readonly number[] {
    expect(found).toHaveLength(bytes.length);
    return [...found].flatMap((byte, at) =>
      Array.from({ length: 8 }, (_, bit) => bit)
        .filter((bit) => ((byte ^ bytes[at]!) >> bit) & 1)
        .map((bit) => at * 8 + bit),
    );
  }
});
