/**
 * A remote that fails on purpose, around any other: at the nth call, before, in the middle of or after the work, or at
 * random from a seed. For tests that an operation neither believes what it reads nor loses what it wrote.
 */
import { interrupted, LakepackError } from '../../src/base/errors.js';
import type { CallOptions, Remote } from '../../src/remote/remote.js';

export type Method = 'head' | 'read' | 'readRange' | 'stream' | 'put' | 'list' | 'delete' | 'flush';

/**
 * `fail` throws before anything is done. `fail-late` throws in the middle of a stream, list or body, and after the work
 * of any other call: a put whose answer is lost has stored its object. `truncate` ends reads, streams and lists early
 * without an error. `flip` changes one bit of what is read. `hang` waits until the signal fires.
 */
export type FaultKind = 'fail' | 'fail-late' | 'truncate' | 'flip' | 'hang';

export interface Fault {
  readonly kind: FaultKind;
  /** Which calls are counted. Default: all that the kind can do something to. */
  readonly on?: Method | readonly Method[];
  readonly key?: RegExp;
  /** The first call that is hit, from 1. Default 1. */
  readonly nth?: number;
  /** How many calls in a row are hit. Default 1. */
  readonly times?: number;
  /** Instead of `nth` and `times`: the share of calls that are hit, decided by the seed. */
  readonly share?: number;
  /** What is thrown. Default REMOTE_UNAVAILABLE, retryable. */
  readonly error?: () => Error;
}

export interface FaultyRemote extends Remote {
  /** Every call, as `method key`. */
  readonly calls: readonly string[];
  /** Every fault that happened, as `kind method key`. A test that expects faults looks here. */
  readonly hits: readonly string[];
}

const DATA: readonly Method[] = ['read', 'readRange', 'stream'];
const ALL: readonly Method[] = ['head', ...DATA, 'put', 'list', 'delete', 'flush'];
const CAN: Readonly<Record<FaultKind, readonly Method[]>> = {
  fail: ALL,
  'fail-late': ALL,
  truncate: [...DATA, 'list'],
  flip: DATA,
  hang: ALL,
};

export function faulty(inner: Remote, faults: readonly Fault[], seed = 1): FaultyRemote {
  const random = randomFrom(seed);
  const counts = new Map<Fault, number>();
  const calls: string[] = [];
  const hits: string[] = [];

  function enter(method: Method, key: string): Fault | undefined {
    calls.push(`${method} ${key}`);
    const due = faults.filter((fault) => isDue(fault, method, key));
    const [fault] = due;
    if (fault !== undefined) hits.push(`${fault.kind} ${method} ${key}`);
    return fault;
  }
  function isDue(fault: Fault, method: Method, key: string): boolean {
    const methods = fault.on === undefined ? CAN[fault.kind] : [fault.on].flat();
    if (!methods.includes(method) || !CAN[fault.kind].includes(method) || fault.key?.test(key) === false) return false;
    if (fault.share !== undefined) return random() < fault.share;
    const count = (counts.get(fault) ?? 0) + 1;
    counts.set(fault, count);
    const first = fault.nth ?? 1;
    return count >= first && count < first + (fault.times ?? 1);
  }
  async function call<T>(method: Method, key: string, options: CallOptions, work: () => Promise<T>): Promise<T> {
    const fault = enter(method, key);
    await before(fault, key, options);
    const result = await work();
    if (fault?.kind === 'fail-late') throw errorOf(fault, key);
    return Buffer.isBuffer(result) ? (damage(result, fault, random) as T) : result;
  }
  return {
    ...inner,
    url: `faulty:${inner.url}`,
    calls,
    hits,
    head: (key, options = {}) => call('head', key, options, () => inner.head(key, options)),
    read: (key, maxBytes, options = {}) => call('read', key, options, () => inner.read(key, maxBytes, options)),
    readRange: (key, range, options = {}) =>
      call('readRange', key, options, () => inner.readRange(key, range, options)),
    stream: async function* (key, range, options = {}) {
      const fault = enter('stream', key);
      await before(fault, key, options);
      yield* damageStream(inner.stream(key, range, options), fault, key, random);
    },
    put: (key, body, options = {}) => put(inner, key, body, options, enter('put', key)),
    list: async function* (prefix, options = {}) {
      const fault = enter('list', prefix);
      await before(fault, prefix, options);
      yield* cutHalfWay(inner.list(prefix, options), fault, prefix);
    },
    delete: (key, options = {}) => call('delete', key, options, () => inner.delete(key, options)),
    flush: () => call('flush', '', {}, () => inner.flush()),
  };
}

async function put(
  inner: Remote,
  key: string,
  body: Buffer | AsyncIterable<Buffer>,
  options: CallOptions,
  fault: Fault | undefined,
): Promise<number> {
  try {
    await before(fault, key, options);
  } catch (error) {
    // The contract: the body is closed in every case.
    if (!Buffer.isBuffer(body)) await body[Symbol.asyncIterator]().return?.();
    throw error;
  }
  const bytes = await inner.put(key, body, options);
  if (fault?.kind === 'fail-late') throw errorOf(fault, key);
  return bytes;
}

async function before(fault: Fault | undefined, key: string, { signal }: CallOptions): Promise<void> {
  if (fault?.kind === 'fail') throw errorOf(fault, key);
  if (fault?.kind !== 'hang') return;
  await new Promise<never>((_, reject) => {
    const stop = (): void => reject(interrupted(signal?.reason));
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
  });
}

function errorOf(fault: Fault, key: string): Error {
  const ours = new LakepackError('REMOTE_UNAVAILABLE', `${key}: failed on purpose (${fault.kind})`, {
    retryable: true,
  });
  return fault.error?.() ?? ours;
}

function damage(bytes: Buffer, fault: Fault | undefined, random: () => number): Buffer {
  if (bytes.length === 0) return bytes;
  if (fault?.kind === 'truncate') return bytes.subarray(0, Math.floor(random() * bytes.length));
  if (fault?.kind !== 'flip') return bytes;
  const copy = Buffer.from(bytes);
  const at = Math.floor(random() * copy.length);
  copy[at] = copy[at]! ^ (1 << Math.floor(random() * 8));
  return copy;
}

/** One chunk of the stream is damaged, or the last that comes. */
async function* damageStream(
  stream: AsyncIterable<Buffer>,
  fault: Fault | undefined,
  key: string,
  random: () => number,
): AsyncGenerator<Buffer> {
  let isDone = false;
  for await (const chunk of stream) {
    const bytes = isDone ? chunk : damage(chunk, fault, random);
    isDone = true;
    if (fault?.kind === 'fail-late') {
      yield chunk.subarray(0, Math.ceil(chunk.length / 2));
      throw errorOf(fault, key);
    }
    if (bytes.length > 0) yield bytes;
    if (fault?.kind === 'truncate') return;
  }
  if (fault?.kind === 'fail-late') throw errorOf(fault, key);
}

async function* cutHalfWay<T>(list: AsyncIterable<T>, fault: Fault | undefined, key: string): AsyncGenerator<T> {
  if (fault?.kind !== 'truncate' && fault?.kind !== 'fail-late') {
    yield* list;
    return;
  }
  const items: T[] = [];
  for await (const item of list) items.push(item);
  yield* items.slice(0, Math.floor(items.length / 2));
  if (fault.kind === 'fail-late') throw errorOf(fault, key);
}

/** mulberry32: small, and the same on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
