import { afterEach, describe, expect, it } from 'vitest';
import { isLakepackError, LakepackError, systemErrorCode } from '../../src/base/errors.js';
import {
  hasThreadScript,
  openInlineRunner,
  openThreads,
  type JobRunner,
  type Lane,
} from '../../src/base/job-runner.js';

const SCRIPT = new URL('./job-thread.mjs', import.meta.url);

function refuse(): never {
  const cause = Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' });
  throw new LakepackError('DISK_FULL', 'scratch: no room: expected some, got none', { hint: 'make room', cause });
}

interface Jobs {
  readonly echo: (input: unknown) => unknown;
  readonly whoAmI: (input: undefined) => number;
  readonly countCalls: (input: undefined) => number;
  readonly fill: (input: { memory: SharedArrayBuffer; value: number }) => void;
  readonly refuse: (input: undefined) => never;
  readonly die: (input: undefined) => never;
  readonly never: (input: undefined) => Promise<never>;
}

let calls = 0;
const JOBS: Jobs = {
  echo: (input) => input,
  whoAmI: () => 0,
  countCalls: () => (calls += 1),
  fill: ({ memory, value }) => void new Uint8Array(memory).fill(value),
  refuse,
  die: () => {
    throw new Error('only a thread can die');
  },
  never: () => new Promise(() => undefined),
};

let runner: JobRunner<Jobs>;
afterEach(async () => {
  await runner.close();
});

describe.each([
  { where: 'on threads', open: () => openThreads<Jobs>(SCRIPT, 2) },
  { where: 'inline', open: () => openInlineRunner(JOBS) },
])('jobs $where', ({ open }) => {
  it('gives back what the job gives', async () => {
    runner = open();
    const input = { path: 'a/ü', mtimeNs: 1_700_000_000_123_456_789n, list: [1, 2] };
    expect(await runner.run('echo', input)).toEqual(input);
  });

  it('shares memory instead of copying it', async () => {
    runner = open();
    const memory = new SharedArrayBuffer(16);
    await runner.run('fill', { memory, value: 7 });
    expect([...new Uint8Array(memory)]).toEqual(Array.from({ length: 16 }, () => 7));
  });

  it('throws what the job throws: code, words, hint and causes', async () => {
    runner = open();
    const error = await runner.run('refuse', undefined).catch((thrown: unknown) => thrown);
    if (!isLakepackError(error, 'DISK_FULL')) throw new Error('expected DISK_FULL', { cause: error });
    expect(error.message).toBe('scratch: no room: expected some, got none');
    expect(error.hint).toBe('make room');
    expect(error.retryable).toBeUndefined();
    expect(systemErrorCode(error.cause)).toBe('ENOSPC');
    expect(error.stack).toContain('refuse');
  });

  it('begins the jobs of a lane in order', async () => {
    runner = open();
    const lane: Lane = {};
    const first = await runner.run('countCalls', undefined, lane);
    const others = await Promise.all([1, 2, 3].map(() => runner.run('countCalls', undefined, lane)));
    expect(others).toEqual([first + 1, first + 2, first + 3]);
  });

  it('can be closed twice', async () => {
    runner = open();
    await runner.close();
    await runner.close();
  });
});

describe('threads', () => {
  it('shares the jobs out, and keeps a lane on one thread', async () => {
    runner = openThreads<Jobs>(SCRIPT, 2);
    const both = await Promise.all([runner.run('whoAmI', undefined), runner.run('whoAmI', undefined)]);
    expect(new Set(both).size).toBe(2);
    const lane: Lane = {};
    const lanes = await Promise.all([1, 2, 3, 4].map(() => runner.run('whoAmI', undefined, lane)));
    expect(new Set(lanes).size).toBe(1);
  });

  it('fails what is under way, and what comes later, when a thread dies', async () => {
    runner = openThreads<Jobs>(SCRIPT, 1);
    const waiting = runner.run('never', undefined).catch((error: unknown) => error);
    const died = runner.run('die', undefined).catch((error: unknown) => error);
    for (const error of [await waiting, await died]) {
      if (!isLakepackError(error, 'INTERNAL')) throw new Error('expected INTERNAL', { cause: error });
      expect(error.message).toContain('exit code 3');
    }
    await expect(runner.run('echo', 1)).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('fails what is under way when it is closed', async () => {
    runner = openThreads<Jobs>(SCRIPT, 1);
    const waiting = runner.run('never', undefined).catch((error: unknown) => error);
    await runner.close();
    expect(await waiting).toMatchObject({ code: 'INTERNAL' });
  });

  it('fails a job when the script is not there, and knows it before', async () => {
    const missing = new URL('./no-such-thread.mjs', import.meta.url);
    expect(hasThreadScript(missing)).toBe(false);
    expect(hasThreadScript(SCRIPT)).toBe(true);
    runner = openThreads<Jobs>(missing, 1);
    await expect(runner.run('echo', 1)).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});
