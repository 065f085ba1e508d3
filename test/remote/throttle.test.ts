/** The bound on bytes a second: on a clock of the test, and the contract around it. */
import { describe, expect, test } from 'vitest';
import { isFileRemote, openFileRemote } from '../../src/remote/file.js';
import { type Bandwidth, openBandwidth, throttle } from '../../src/remote/throttle.js';
import { collect, expectCode, pattern, streamOf } from './bodies.js';
import { describeRemote } from './contract.js';
import { openMemoryRemote } from './memory.js';
import { sha256Of } from './memory-parts.js';

describeRemote('throttled', async () => ({ remote: throttle(openMemoryRemote(), openBandwidth(1e12)) }));

interface Clock {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Sleepers wake in the order of their times, when nothing else is left to do. */
function openClock(): Clock {
  let now = 0;
  const sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  function step(): void {
    sleepers.sort((a, b) => a.at - b.at);
    const next = sleepers.shift();
    if (next === undefined) return;
    now = Math.max(now, next.at);
    next.wake();
  }
  return {
    now: () => now,
    sleep: (ms) =>
      new Promise((wake) => {
        sleepers.push({ at: now + ms, wake });
        setImmediate(step);
      }),
  };
}

describe('a bandwidth', () => {
  test('lets a quarter of a second pass at once, and the rest at its rate', async () => {
    const clock = openClock();
    const bandwidth = openBandwidth(1_000, clock);
    await bandwidth.take(250);
    expect(clock.now()).toBe(0);
    await bandwidth.take(500);
    expect(clock.now()).toBeCloseTo(500);
    for (let index = 0; index < 100; index += 1) await bandwidth.take(100);
    expect(clock.now()).toBeCloseTo(10_500);
  });

  test('is shared by who asks at once: the bytes of all of them count', async () => {
    const clock = openClock();
    const bandwidth = openBandwidth(1_000, clock);
    await Promise.all(Array.from({ length: 8 }, () => bandwidth.take(1_000)));
    expect(clock.now()).toBeCloseTo(7_750);
  });

  test('a small request does not wait for the whole of a large one', async () => {
    const clock = openClock();
    const bandwidth = openBandwidth(1_000, clock);
    const large = bandwidth.take(60_000);
    await bandwidth.take(10);
    expect(clock.now()).toBeLessThan(1_000);
    await large;
    expect(clock.now()).toBeGreaterThan(59_000);
  });

  test('saves up no more than a quarter of a second while nothing passes', async () => {
    const clock = openClock();
    const bandwidth = openBandwidth(1_000, clock);
    await clock.sleep(3_600_000);
    await bandwidth.take(1_250);
    expect(clock.now()).toBeCloseTo(3_601_000);
  });

  test('makes up for sleeps that end late', async () => {
    const clock = openClock();
    const bandwidth = openBandwidth(1_000_000, { ...clock, sleep: (ms) => clock.sleep(ms + 20) });
    for (let index = 0; index < 100; index += 1) await bandwidth.take(100_000);
    expect(clock.now()).toBeLessThan(10_100);
  });

  test('is left at once when the signal fires', async () => {
    const bandwidth = openBandwidth(1);
    const abort = new AbortController();
    const take = bandwidth.take(1_000_000, abort.signal);
    setImmediate(() => abort.abort());
    await expectCode(take, 'INTERRUPTED');
    await expectCode(bandwidth.take(1, AbortSignal.abort()), 'INTERRUPTED');
  });

  test('of less than a byte a slice still moves', async () => {
    const clock = openClock();
    await openBandwidth(2, clock).take(10);
    expect(clock.now()).toBeCloseTo(4_750);
  });
});

describe('a throttled remote', () => {
  function counting(): Bandwidth & { readonly taken: number[] } {
    const taken: number[] = [];
    return { taken, take: async (bytes) => void taken.push(bytes) };
  }
  const bytes = pattern(1_000);

  test('counts every byte of a body, sent or received, once', async () => {
    const bandwidth = counting();
    const remote = throttle(openMemoryRemote({ chunkBytes: 300 }), bandwidth);
    const total = (): number => bandwidth.taken.splice(0).reduce((sum, one) => sum + one, 0);
    await remote.put('a', bytes);
    expect(total()).toBe(1_000);
    await remote.put('b', streamOf(bytes, 77));
    expect(total()).toBe(1_000);
    await remote.read('a', 1_000);
    expect(total()).toBe(1_000);
    await remote.readRange('a', { offset: 10, length: 20 });
    expect(total()).toBe(20);
    await collect(remote.stream('a'));
    expect(bandwidth.taken).toEqual([300, 300, 300, 100]);
    total();
    const upload = await remote.parts!.begin('c');
    await remote.parts!.send(upload, { number: 1, offset: 0, bytes, sha256: sha256Of(bytes) });
    expect(total()).toBe(1_000);
    await remote.copy(remote, 'a', 'd');
    expect(total()).toBe(0);
  });

  test('shares its bound with another, in both directions', async () => {
    const clock = openClock();
    const bandwidth = openBandwidth(1_000, clock);
    const [from, to] = [throttle(openMemoryRemote(), bandwidth), throttle(openMemoryRemote(), bandwidth)];
    await from.put('a', bytes);
    await to.put('a', await from.read('a', 1_000));
    expect(clock.now()).toBeCloseTo(2_750);
  });

  test('interrupts what waits for its turn', async () => {
    const inner = openMemoryRemote();
    const remote = throttle(inner, openBandwidth(1));
    const abort = new AbortController();
    const put = remote.put('a', bytes, { signal: abort.signal });
    setImmediate(() => abort.abort());
    await expectCode(put, 'INTERRUPTED');
    expect(inner.objects.size).toBe(0);
  });

  test('is shown and known as what it stands around, but for being a folder', () => {
    const remote = throttle(openFileRemote('some/where'), counting());
    expect(isFileRemote(remote)).toBe(false);
    expect(remote.url).toBe('some/where');
    expect(throttle({ ...remote, parts: undefined, writable: false }, counting()).parts).toBeUndefined();
  });
});
