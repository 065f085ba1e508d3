/**
 * The stored bytes of a bundle for a reader that has its manifest: no request is spent on what the manifest says. With
 * fallbacks to go to, every read goes by blocks, each compared with its SHA-256; without, restored files are compared
 * anyway, and reads go straight.
 */
import { sha256Of } from '../base/sha256.js';
import { isLakepackError, LakepackError } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import type { ByteSource } from '../bundle/byte-source.js';
import type { ByteRange, CallOptions, Remote, ReadRangeOptions } from '../remote/remote.js';
import type { BundleFacts } from '../schema/export-manifest.js';
import type { ReadOrder } from './read-order.js';

/** A bundle up to this size is read in one request and kept while it is open. */
const WHOLE_BYTES = 4 * MIB;
/** Blocks kept for the frames that are still to be read from them; two at least, since a frame may lie across. */
const KEPT_BYTES = 64 * MIB;

/** Makes no request. */
export function bundleReader(order: ReadOrder, key: string, facts: BundleFacts, options: CallOptions): ByteSource {
  if (order.hasFallbacks) return blockReader(order, key, facts, options);
  const [remote] = order.remotes;
  return facts.storedBytes <= WHOLE_BYTES
    ? wholeReader(remote, key, facts, options)
    : straightReader(remote, key, facts, options);
}

function straightReader(remote: Remote, key: string, facts: BundleFacts, options: CallOptions): ByteSource {
  const { name, storedBytes: bytes } = facts;
  return {
    name,
    bytes,
    read: (offset, length, into) =>
      readRange(remote, key, { offset, length }, facts, { ...options, ...(into && { into }) }),
    stream: async function* (offset, length) {
      try {
        yield* remote.stream(key, { offset, length }, options);
      } catch (error) {
        throw asBundleError(error, remote, key, facts);
      }
    },
    close: () => Promise.resolve(),
  };
}

function wholeReader(remote: Remote, key: string, facts: BundleFacts, options: CallOptions): ByteSource {
  let whole: Promise<Buffer> | undefined;
  function get(): Promise<Buffer> {
    if (whole === undefined) {
      const reading = readRange(remote, key, { offset: 0, length: facts.storedBytes }, facts, options);
      // A failure is not kept: the next read asks again.
      reading.catch(() => (whole = undefined));
      whole = reading;
    }
    return whole;
  }
  return sliced(facts, async (offset, length) => (await get()).subarray(offset, offset + length));
}

function blockReader(order: ReadOrder, key: string, facts: BundleFacts, options: CallOptions): ByteSource {
  const { size } = facts.blocks;
  const most = Math.max(2, Math.floor(KEPT_BYTES / size));
  const kept = new Map<number, Promise<Buffer>>();
  function block(number: number): Promise<Buffer> {
    const found = kept.get(number) ?? readBlock(order, key, facts, number, options);
    // Put last again: the one that was not asked for the longest is let go.
    kept.delete(number);
    kept.set(number, found);
    found.catch(() => kept.delete(number));
    const [oldest] = kept.keys();
    if (kept.size > most && oldest !== undefined) kept.delete(oldest);
    return found;
  }
  return sliced(facts, async (offset, length) => {
    const number = Math.floor(offset / size);
    const start = offset - number * size;
    return (await block(number)).subarray(start, start + length);
  });
}

/** @param part some bytes from an offset: `length` of them, or fewer where something ends; never none. */
function sliced(facts: BundleFacts, part: (offset: number, length: number) => Promise<Buffer>): ByteSource {
  const { name, storedBytes: bytes } = facts;
  async function* stream(offset: number, length: number): AsyncGenerator<Buffer> {
    const end = offset + length;
    if (offset < 0 || end > bytes) throw outside(name, offset, length, bytes);
    for (let at = offset; at < end;) {
      const piece = await part(at, end - at);
      // A store that gives less than it was asked for must not be asked for ever.
      if (piece.length === 0) throw endedEarly(name, bytes, at);
      at += piece.length;
      yield piece;
    }
  }
  async function read(offset: number, length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of stream(offset, length)) pieces.push(piece);
    const [only] = pieces;
    return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
  }
  return { name, bytes, read, stream, close: () => Promise.resolve() };
}

async function readBlock(
  order: ReadOrder,
  key: string,
  facts: BundleFacts,
  block: number,
  options: CallOptions,
): Promise<Buffer> {
  const { size, sha256 } = facts.blocks;
  const offset = block * size;
  const length = Math.min(size, facts.storedBytes - offset);
  return await order.first({ key, block }, async (remote) => {
    const bytes = await readRange(remote, key, { offset, length }, facts, options);
    const found = sha256Of(bytes);
    if (found === sha256[block]) return bytes;
    throw new LakepackError('HASH_MISMATCH', `${key} block ${block}: expected SHA-256 ${sha256[block]}, got ${found}`, {
      hint: 'the bundle is damaged: take it from another copy of the archive',
    });
  });
}

async function readRange(
  remote: Remote,
  key: string,
  range: ByteRange,
  facts: BundleFacts,
  options: ReadRangeOptions,
): Promise<Buffer> {
  try {
    return await remote.readRange(key, range, options);
  } catch (error) {
    throw asBundleError(error, remote, key, facts);
  }
}

/** A range that the manifest says is there, and is not. */
function asBundleError(error: unknown, { url }: Remote, key: string, facts: BundleFacts): unknown {
  if (isLakepackError(error, 'NOT_FOUND')) return missingBundle(key, url, error);
  if (!isLakepackError(error, 'LIMIT_EXCEEDED')) return error;
  return new LakepackError(
    'BUNDLE_INVALID',
    `${key}: the object is cut short: expected ${facts.storedBytes} bytes, as its manifest says`,
    { cause: error, hint: 'take it from another copy of this archive; verify shows all that is damaged' },
  );
}

export function missingBundle(key: string, url: string, cause?: unknown): LakepackError {
  return new LakepackError('NOT_FOUND', `${key}: the bundle is not in ${url}`, {
    cause,
    hint: 'take it from another copy of this archive, or run verify to see all that is missing',
  });
}

function endedEarly(name: string, bytes: number, at: number): LakepackError {
  return new LakepackError('BUNDLE_INVALID', `${name}: its bytes ended early: expected ${bytes}, got ${at}`, {
    hint: 'take it from another copy of this archive; verify shows all that is damaged',
  });
}

function outside(name: string, offset: number, length: number, bytes: number): LakepackError {
  return new LakepackError(
    'BUNDLE_INVALID',
    `${name}: expected a range within ${bytes} bytes, got ${length} from ${offset}`,
    { hint: 'the manifest and the bundle do not belong together: verify the export' },
  );
}
