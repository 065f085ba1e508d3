import { expect, test } from 'vitest';
import { openPace } from '../../src/stores/cosmos-pace.js';

/** A clock that only sleep moves. */
function handClock(): { now: () => number; sleep: (ms: number) => Promise<void>; asleepMs: () => number } {
  let nowMs = 0;
  return { now: () => nowMs, sleep: async (ms) => void (nowMs += ms), asleepMs: () => nowMs };
}

const signal = new AbortController().signal;

test('a thousand requests of 7 units take the time that 100 units a second leave them', async () => {
  const clock = handClock();
  const pace = openPace(100, clock);
  for (let sent = 0; sent < 1_000; sent += 1) (await pace.begin('write', signal))(7);
  expect(pace.spent()).toBe(7_000);
  expect(clock.asleepMs()).toBeGreaterThan(69_000);
  expect(clock.asleepMs()).toBeLessThan(71_000);
});

test('requests at once are let through one after the other, and dear ones make the next wait longer', async () => {
  const clock = handClock();
  const pace = openPace(10, clock);
  const settles = [await pace.begin('write', signal), await pace.begin('write', signal)];
  expect(clock.asleepMs()).toBe(1_000);
  settles.forEach((settle) => settle(100));
  await pace.begin('write', signal);
  expect(clock.asleepMs()).toBe(20_000);
});

test('without a bound nobody waits, and with a fired signal nobody begins', async () => {
  const clock = handClock();
  const pace = openPace(undefined, clock);
  for (let sent = 0; sent < 10; sent += 1) (await pace.begin('page', signal))(1_000);
  expect(clock.asleepMs()).toBe(0);
  await expect(pace.begin('page', AbortSignal.abort())).rejects.toMatchObject({ code: 'INTERRUPTED' });
  const slow = openPace(1, { now: () => 0 });
  await slow.begin('write', signal);
  const interruption = new AbortController();
  const waiting = slow.begin('write', interruption.signal);
  interruption.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' });
});
