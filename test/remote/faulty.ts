/**
 * A remote that fails on purpose, around any other: at the nth call, before, in the middle of or after the work, or at
 * random from a seed. For tests that an operation neither believes what it reads nor loses what it wrote.
 */
import { interrupted, LakepackError } from '../../src/base/errors.js';
import { seededRandom } from '../../src/base/random.js';
import type { CallOptions, PartStore, PutOptions, Remote } from '../../src/remote/remote.js';
import { sha256Of } from './memory-parts.js';

/** `begin` to `listUploads` are those of `parts`. */
export type Method =
  | 'head'
  | 'read'
  | 'readRange'
  | 'stream'
  | 'put'
  | 'copy'
  | 'checksum'
  | 'list'
  | 'delete'
  | 'flush'
  | 'begin'
  | 'send'
  | 'listParts'
  | 'complete'
  | 'abort'
  | 'listUploads';

/**
 * `fail` throws before anything is done. `fail-late` throws in the middle of a stream, list or body, and after the work
 * of any other call: a put whose answer is lost has stored its object. `truncate` ends reads, streams and lists early
 * without an error. `flip` changes one bit of what is read. `flip-sent` changes one bit of what is stored, and the
 * SHA-256 it is announced with: the store cannot know. `hang` waits until the signal fires.
 */
export type FaultKind = 'fail' | 'fail-late' | 'truncate' | 'flip' | 'flip-sent' | 'hang';

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
const PARTS: readonly Method[] = ['begin', 'send', 'listParts', 'complete', 'abort', 'listUploads'];
const ALL: readonly Method[] = ['head', ...DATA, 'put', 'copy', 'checksum', 'list', 'delete', 'flush', ...PARTS];
const CAN: Readonly<Record<FaultKind, readonly Method[]>> = {
  fail: ALL,
  'fail-late': ALL,
  truncate: [...DATA, 'list'],
  flip: DATA,
  'flip-sent': ['put', 'send'],
  hang: ALL,
};

export function faulty(inner: Remote, faults: readonly Fault[], seed = 1): FaultyRemote {
  const random = seededRandom(seed);
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
  /** Counts the call, and damages what it sends where its fault says so. */
  function sent(
    method: Method,
    key: string,
    bytes: Buffer,
  ): { readonly fault: Fault | undefined; readonly bytes: Buffer } {
    const fault = enter(method, key);
    return { fault, bytes: fault?.kind === 'flip-sent' ? flipBit(bytes, random) : bytes };
  }
  function faultyParts(parts: PartStore): PartStore {
    return {
      ...parts,
      begin: (key, options = {}) => call('begin', key, options, () => parts.begin(key, options)),
      send: async (upload, part, options = {}) => {
        const { fault, bytes } = sent('send', upload.key, part.bytes);
        await before(fault, upload.key, options);
        const sha256 = bytes === part.bytes ? part.sha256 : sha256Of(bytes);
        const stored = await parts.send(upload, { ...part, bytes, sha256 }, options);
        if (fault?.kind === 'fail-late') throw errorOf(fault, upload.key);
        return stored;
      },
      listParts: (upload, options = {}) =>
        call('listParts', upload.key, options, () => parts.listParts(upload, options)),
      complete: (upload, stored, options = {}) =>
        call('complete', upload.key, options, () => parts.complete(upload, stored, options)),
      abort: (upload, options = {}) => call('abort', upload.key, options, () => parts.abort(upload, options)),
      listUploads: async function* (prefix, options = {}) {
        const fault = enter('listUploads', prefix);
        await before(fault, prefix, options);
        yield* cutHalfWay(parts.listUploads(prefix, options), fault, prefix);
      },
    };
  }
  return {
    ...inner,
    url: `faulty:${inner.url}`,
    parts: inner.parts === undefined ? undefined : faultyParts(inner.parts),
    calls,
    hits,
    copy: (from, fromKey, key, options = {}) =>
      call('copy', key, options, () => inner.copy(from, fromKey, key, options)),
    checksum: (key, options = {}) => call('checksum', key, options, () => inner.checksum(key, options)),
    head: (key, options = {}) => call('head', key, options, () => inner.head(key, options)),
    read: (key, maxBytes, options = {}) => call('read', key, options, () => inner.read(key, maxBytes, options)),
    readRange: (key, range, options = {}) =>
      call('readRange', key, options, () => inner.readRange(key, range, options)),
    stream: async function* (key, range, options = {}) {
      const fault = enter('stream', key);
      await before(fault, key, options);
      yield* damageStream(inner.stream(key, range, options), fault, key, random);
    },
    put: (key, body, options = {}) => {
      if (!Buffer.isBuffer(body)) return put(inner, key, body, options, enter('put', key), random);
      const { fault, bytes } = sent('put', key, body);
      const { sha256: _announced, ...call } = options;
      return put(inner, key, bytes, bytes === body ? options : call, fault, random);
    },
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
  options: PutOptions,
  fault: Fault | undefined,
  random: () => number,
): Promise<number> {
  try {
    await before(fault, key, options);
  } catch (error) {
    // The contract: the body is closed in every case.
    if (!Buffer.isBuffer(body)) await body[Symbol.asyncIterator]().return?.();
    throw error;
  }
  const damaged = fault?.kind === 'flip-sent' && !Buffer.isBuffer(body) ? flipStream(body, random) : body;
  const bytes = await inner.put(key, damaged, options);
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
  return fault?.kind === 'flip' ? flipBit(bytes, random) : bytes;
}

function flipBit(bytes: Buffer, random: () => number): Buffer {
  if (bytes.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  const at = Math.floor(random() * copy.length);
  copy[at] = copy[at]! ^ (1 << Math.floor(random() * 8));
  return copy;
}

/** The first chunk that has bytes. */
async function* flipStream(body: AsyncIterable<Buffer>, random: () => number): AsyncGenerator<Buffer> {
  let isDone = false;
  for await (const chunk of body) {
    yield isDone ? chunk : flipBit(chunk, random);
    isDone ||= chunk.length > 0;
  }
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
