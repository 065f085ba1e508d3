/** Transfers over remotes that fail: nothing half visible, a typed error or a finding, and the next run finishes. */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import { faulty, type Fault, type FaultKind, type Method } from '../../remote/faulty.js';
import { openMemoryRemote, type MemoryRemote } from '../../remote/memory.js';
import { Archive } from '../../../src/archive/archive.js';
import { packInto, placeWith } from '../lakes.js';
import {
  contents,
  copyOf,
  freshStateDir,
  keys,
  manifestsWithoutBundles,
  outcome,
  packedSource,
  send,
  writeLarge,
} from './kit.js';

const KINDS: readonly FaultKind[] = ['fail', 'fail-late', 'truncate', 'flip', 'flip-sent'];
/** What an operation may end with, whatever a remote does. */
const ENDS = ['done', 'findings', 'REMOTE_UNAVAILABLE'];

describe('after any fault', () => {
  test('the target has no manifest without its bundles, no wrong byte, and a second run makes it equal', async () => {
    const { remote } = await packedSource();
    const many = Object.fromEntries(Array.from({ length: 2_001 }, (_, n) => [`silver/many/dt=1/f${n}`, `${n}`]));
    const { remote: indexed } = await packedSource(many);
    const ended = new Set<string>();
    for (let seed = 1; seed <= 80; seed += 1) {
      const source = seed % 5 === 0 ? indexed : remote;
      const run = await oneRun(source, seed);
      ended.add(run.first);
      expect(ENDS, `seed ${seed}`).toContain(run.first);
      expect(run.broken, `seed ${seed}`).toEqual([]);
      expect(run.second, `seed ${seed}`).toBe('done');
      expect(run.target, `seed ${seed}`).toEqual(contents(source));
    }
    expect([...ended].sort()).toEqual([...ENDS].sort());
  });

  test('the same with a store that keeps checksums, and with a migration that deletes', async () => {
    const { remote } = await packedSource();
    for (let seed = 1_000; seed < 1_040; seed += 1) {
      const source = copyOf(remote, { distant: seed % 3 === 0 });
      const target = openMemoryRemote({ distant: true, checksums: seed % 2 === 0 });
      const stateDir = freshStateDir();
      const options = { stateDir, wholeArchive: true, deleteSource: true };
      const faults = faultsFrom(seed);
      const first = await outcome(send(faulty(source, faults, seed), faulty(target, faults, seed + 1), options));
      expect(ENDS, `seed ${seed}`).toContain(first);
      const broken = [...manifestsWithoutBundles(target), ...manifestsWithoutBundles(source)];
      expect(broken, `seed ${seed}`).toEqual([]);
      // Whatever happened, every export is whole on one side at least.
      const whole = new Set([...keys(source, /export\.json$/), ...keys(target, /export\.json$/)]);
      expect([...whole].sort(), `seed ${seed}`).toEqual(keys(remote, /export\.json$/));
      expect(await outcome(send(source, target, options)), `seed ${seed}`).toBe('done');
      expect(contents(target), `seed ${seed}`).toEqual(contents(remote));
      expect(keys(source, /export\.json$/), `seed ${seed}`).toEqual([]);
    }
  });
});

describe('what would fail every export', () => {
  test.each(['CREDENTIALS_INVALID', 'PERMISSION_DENIED', 'DISK_FULL', 'REMOTE_UNAVAILABLE'] as const)(
    '%s ends the run, and nothing is begun after it',
    async (code) => {
      const { LakepackError } = await import('../../../src/base/errors.js');
      const { remote } = await packedSource();
      const error = () => new LakepackError(code, 'the store says no');
      const target = openMemoryRemote({ distant: true });
      const watched = faulty(target, [{ kind: 'fail', on: 'put', nth: 2, times: 1_000, error }]);
      expect(await outcome(send(remote, watched, { concurrency: 1 }))).toBe(code);
      expect(keys(target, /export\.json$/)).toEqual([]);
      expect(watched.calls.filter((call) => call.startsWith('put ')).length).toBeLessThan(5);
    },
  );
});

describe('an interrupted transfer', () => {
  test('ends with INTERRUPTED and goes on, also in the middle of a large bundle', async () => {
    const source = await largeSource();
    const target = openMemoryRemote({ distant: true });
    const stateDir = freshStateDir();
    const controller = new AbortController();
    const stopping = faulty(target, [{ kind: 'hang', on: 'send', nth: 3, times: 10 }]);
    const running = outcome(send(source, stopping, { stateDir, memoryBytes: 1, signal: controller.signal }));
    await until(() => stopping.hits.length > 0);
    controller.abort();
    expect(await running).toBe('INTERRUPTED');
    expect(keys(target)).not.toContainEqual(expect.stringMatching(/tar\.zst$|export\.json$/));
    const watched = faulty(target, []);
    const report = await send(source, watched, { stateDir });
    expect(report.exports[0]).toMatchObject({ status: 'transferred', resumedBytes: 2 * 16 * 1024 * 1024 });
    expect(watched.calls.filter((call) => call.startsWith('send '))).toHaveLength(1);
    expect(contents(target)).toEqual(contents(source));
  });

  test('a run that nobody began is not begun', async () => {
    const { remote } = await packedSource();
    const target = openMemoryRemote();
    expect(await outcome(send(remote, target, { signal: AbortSignal.abort() }))).toBe('INTERRUPTED');
    expect(keys(target)).toEqual([]);
  });
});

async function oneRun(
  source: MemoryRemote,
  seed: number,
): Promise<{ first: string; second: string; broken: string[]; target: Record<string, string> }> {
  const target = openMemoryRemote({ distant: seed % 2 === 0 });
  const stateDir = freshStateDir();
  const random = seededRandom(seed * 31);
  const faults = faultsFrom(seed);
  const from = random() < 0.5 ? faulty(source, faults, seed) : source;
  const to = from === source || random() < 0.3 ? faulty(target, faults.filter(isProvable(target)), seed) : target;
  const first = await outcome(send(from, to, { stateDir }));
  const broken = [...manifestsWithoutBundles(target), ...wrongObjects(source, target)];
  const second = await outcome(send(source, target, { stateDir }));
  return { first, second, broken, target: contents(target) };
}

/** A folder is believed to hold what was written to it: that is what its proof says. */
function isProvable({ isDistant }: MemoryRemote): (fault: Fault) => boolean {
  return ({ kind }) => isDistant || kind !== 'flip-sent';
}

/** Objects that a manifest of the target names and that are not those of the source. */
function wrongObjects(source: MemoryRemote, target: MemoryRemote): string[] {
  const committed = keys(target, /export\.json$/).map((key) =>
    key.slice(key.lastIndexOf('/') + 1, -'.export.json'.length),
  );
  return keys(target).filter(
    (key) =>
      committed.some((id) => key.includes(id)) &&
      source.objects.get(key)?.equals(target.objects.get(key) ?? Buffer.alloc(0)) !== true,
  );
}

function faultsFrom(seed: number): Fault[] {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const methods: readonly Method[] = [
    'head',
    'read',
    'readRange',
    'stream',
    'put',
    'list',
    'delete',
    'flush',
    'checksum',
  ];
  const first = pick(KINDS);
  // What is damaged on its way is noticed when it is read back, unless that fails as well: one fault at a time there.
  const kinds =
    first === 'flip-sent' || random() < 0.5 ? [first] : [first, pick(KINDS.filter((one) => one !== 'flip-sent'))];
  return kinds.map((kind) => {
    // A listing that is cut short without an error is a fault that no contract allows.
    const on =
      kind === 'truncate'
        ? { on: pick(['read', 'readRange', 'stream'] as const) }
        : random() < 0.6
          ? { on: pick(methods) }
          : {};
    return { kind, ...on, ...(random() < 0.5 ? { nth: 1 + Math.floor(random() * 12) } : { share: 0.15 }) };
  });
}

async function largeSource(): Promise<MemoryRemote> {
  const place = placeWith({});
  writeLarge(place, 40 * 1024 * 1024);
  const remote = openMemoryRemote();
  await packInto(place, { to: new Archive(remote) });
  return remote;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
