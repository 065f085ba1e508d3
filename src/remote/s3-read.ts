/**
 * Reads objects of an S3 store. It answers for every read being exactly the bytes that were asked for, or an error: a
 * body that ends early or late, an ignored range and a body that was re-encoded on its way are never passed on.
 */
import { GetObjectCommand, type GetObjectCommandOutput, HeadObjectCommand } from '@aws-sdk/client-s3';
import { interrupted, isLakepackError, LakepackError, throwIfAborted } from '../base/errors.js';
import { KIB, MIB } from '../base/limits.js';
import { assertReadable, rangeWithin } from './keys.js';
import type { ByteRange, CallOptions, ObjectInfo, ReadRangeOptions, StreamOptions } from './remote.js';
import { ask, expectLarge, objectOf, type S3Store } from './s3-client.js';
import { DirectBody } from './s3-direct-body.js';
import { s3ErrorOf } from './s3-errors.js';

/** From here on it is worth a connection that is read without copies. */
const LARGE_BYTES = 256 * KIB;
/** A stream of such an answer comes in chunks of this size. */
const CHUNK_BYTES = 1 * MIB;

/** The size of the object, or undefined. @throws as the contract says, REMOTE_MISCONFIGURED when the bucket is absent. */
export async function headObject(
  store: S3Store,
  key: string,
  options: CallOptions = {},
): Promise<ObjectInfo | undefined> {
  const object = objectOf(store, key);
  try {
    return await askHead(store, object, key, options);
  } catch (error) {
    const isAbsent = isLakepackError(error, 'NOT_FOUND');
    if (isAbsent && store.known.bucketExists) return undefined;
    if (!isAbsent && !isLakepackError(error, 'PERMISSION_DENIED')) throw error;
    const reason = await refusalOf(store, object, key, options);
    // It can be read: somebody has put it there in between.
    if (reason === undefined && isAbsent) return await askHead(store, object, key, options);
    if (reason === undefined) throw sizeRefused(key);
    if (reason.code !== 'NOT_FOUND') throw reason;
    store.known.bucketExists = true;
    return undefined;
  }
}

async function askHead(
  store: S3Store,
  object: { readonly Bucket: string; readonly Key: string },
  key: string,
  options: CallOptions,
): Promise<ObjectInfo> {
  const command = new HeadObjectCommand(object);
  const answer = await ask(store, { action: 'HeadObject', key }, options, (client, send) => client.send(command, send));
  if (answer.ContentLength === undefined) throw withoutLength(key);
  return { key, bytes: answer.ContentLength };
}

/**
 * Why HEAD was refused; undefined where a read is not. Its answer has no body: 404 may mean the bucket, 403 a wrong key or a clock that is off. A read
 * of one byte says which.
 */
export async function refusalOf(
  store: S3Store,
  object: { readonly Bucket: string; readonly Key: string },
  key: string,
  options: CallOptions,
): Promise<LakepackError | undefined> {
  try {
    const command = new GetObjectCommand({ ...object, Range: 'bytes=0-0' });
    const { Body } = await ask(store, { action: 'GetObject', key }, options, (client, send) =>
      client.send(command, send),
    );
    discard(Body);
  } catch (error) {
    // An object without a first byte can be read as well.
    if (isLakepackError(error) && error.code !== 'LIMIT_EXCEEDED') return error;
  }
  return undefined;
}

export async function readObject(
  store: S3Store,
  key: string,
  maxBytes: number,
  options: CallOptions = {},
): Promise<Buffer> {
  const answer = await get(store, key, undefined, options);
  try {
    assertReadable(key, answer.bytes, maxBytes);
  } catch (error) {
    discard(answer.body);
    throw error;
  }
  return collect(store, key, answer, options);
}

export async function readObjectRange(
  store: S3Store,
  key: string,
  range: ByteRange,
  options: ReadRangeOptions = {},
): Promise<Buffer> {
  const { offset, length } = range;
  if (!isAskable(range)) return emptyRange(store, key, range, options);
  return collect(store, key, await get(store, key, { offset, length }, options), options);
}

export async function* streamObject(
  store: S3Store,
  key: string,
  range: ByteRange | undefined,
  options: StreamOptions = {},
): AsyncGenerator<Buffer> {
  if (range !== undefined && !isAskable(range)) {
    await emptyRange(store, key, range, options);
    return;
  }
  yield* chunksOf(store, key, await get(store, key, range, options), options);
}

/** HTTP has no range of no bytes. */
function isAskable({ offset, length }: ByteRange): boolean {
  return Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length > 0;
}

async function emptyRange(store: S3Store, key: string, range: ByteRange, options: CallOptions): Promise<Buffer> {
  const found = await headObject(store, key, options);
  if (found === undefined)
    throw s3ErrorOf({ name: 'NoSuchKey', $metadata: { httpStatusCode: 404 } }, store.settings, {
      action: 'GetObject',
      key,
    });
  rangeWithin(range, found.bytes, key);
  return Buffer.alloc(0);
}

interface Body extends AsyncIterable<Uint8Array> {
  destroy(error?: Error): void;
}

interface Answer {
  readonly body: Body;
  /** What the body must have. */
  readonly bytes: number;
}

/** Begins to read. The body is the caller's to end. */
async function get(store: S3Store, key: string, range: ByteRange | undefined, options: CallOptions): Promise<Answer> {
  const command = new GetObjectCommand({
    ...objectOf(store, key),
    ...(range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
  });
  if (range !== undefined && range.length >= LARGE_BYTES) expectLarge(command);
  const answer = await ask(store, { action: 'GetObject', key }, options, (client, send) => client.send(command, send));
  try {
    assertPlain(key, answer.ContentEncoding);
    return {
      body: bodyOf(answer),
      bytes: range === undefined ? wholeLength(key, answer) : rangeLength(key, answer, range),
    };
  } catch (error) {
    discard(answer.Body);
    throw error;
  }
}

function bodyOf({ Body }: GetObjectCommandOutput): Body {
  if (!isBody(Body)) throw new LakepackError('INTERNAL', 's3: the client gave a body that is not a stream of Node');
  return Body;
}

function isBody(body: unknown): body is Body {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body && 'destroy' in body;
}

function discard(body: unknown): void {
  // Destroying may raise an error on a stream that nobody reads any more.
  if (isBody(body)) (body as Body & { on?(name: 'error', ignore: () => void): void }).on?.('error', () => undefined);
  if (isBody(body)) body.destroy();
}

function assertPlain(key: string, encoding: string | undefined): void {
  // Old clients leave `aws-chunked` in what they stored: it names how the body travelled, not what it is.
  const encodings = (encoding ?? '').split(',').map((one) => one.trim().toLowerCase());
  const odd = encodings.find((one) => one !== '' && one !== 'identity' && one !== 'aws-chunked');
  if (odd === undefined) return;
  throw new LakepackError(
    'REMOTE_MISCONFIGURED',
    `${key}: the store sends it encoded: expected the bytes as they are, got ${JSON.stringify(odd)}`,
    {
      hint: 'switch off compression in what stands in front of the store, or remove Content-Encoding from the object',
      retryable: false,
    },
  );
}

function wholeLength(key: string, { ContentLength }: GetObjectCommandOutput): number {
  if (ContentLength === undefined) throw withoutLength(key);
  return ContentLength;
}

/** `bytes 0-99/1000`: the range must be the one that was asked for. */
function rangeLength(
  key: string,
  { ContentRange, ContentLength, $metadata }: GetObjectCommandOutput,
  range: ByteRange,
): number {
  const found = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(ContentRange ?? '');
  if (found === null || $metadata.httpStatusCode !== 206) throw rangeIgnored(key);
  const [first, last, total] = [Number(found[1]), Number(found[2]), Number(found[3])];
  // A store cuts a range that passes the end, and says so only here.
  if (Number.isSafeInteger(total)) rangeWithin(range, total, key);
  const isWhatWasAsked = first === range.offset && last === range.offset + range.length - 1;
  if (!isWhatWasAsked || (ContentLength ?? range.length) !== range.length)
    throw otherRange(key, range, ContentRange ?? '');
  return range.length;
}

async function collect(store: S3Store, key: string, answer: Answer, options: ReadRangeOptions): Promise<Buffer> {
  const { bytes, body } = answer;
  const { into } = options;
  const whole = into !== undefined && into.length >= bytes ? into.subarray(0, bytes) : Buffer.allocUnsafeSlow(bytes);
  if (body instanceof DirectBody) {
    for await (const _filled of filled(store, key, { body, bytes }, options, () => whole));
    return whole;
  }
  let at = 0;
  for await (const chunk of chunksOf(store, key, answer, options)) at += chunk.copy(whole, at);
  return whole;
}

/** The chunks as they arrive, never more than announced; an error when there are fewer. */
async function* chunksOf(store: S3Store, key: string, answer: Answer, options: StreamOptions): AsyncGenerator<Buffer> {
  const { bytes, body } = answer;
  if (body instanceof DirectBody) {
    const lent = options.isLent === true ? Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, bytes)) : undefined;
    yield* filled(store, key, { body, bytes }, options, (left) => {
      const size = Math.min(CHUNK_BYTES, left);
      return lent?.subarray(0, size) ?? Buffer.allocUnsafeSlow(size);
    });
    return;
  }
  yield* reading(store, key, body, options, async function* () {
    let got = 0;
    for await (const chunk of body) {
      got += chunk.length;
      if (got > bytes) throw wrongLength(key, bytes, got);
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    }
    if (got !== bytes) throw wrongLength(key, bytes, got);
  });
}

/** The bytes in the buffers that `target` gives, one after the other; it is told how many are left. */
async function* filled(
  store: S3Store,
  key: string,
  { body, bytes }: { readonly body: DirectBody; readonly bytes: number },
  options: CallOptions,
  target: (left: number) => Buffer,
): AsyncGenerator<Buffer> {
  yield* reading(store, key, body, options, async function* () {
    if (body.left !== bytes) throw wrongLength(key, bytes, body.left);
    while (body.left > 0) {
      const buffer = target(body.left);
      await body.fill(buffer);
      yield buffer;
    }
  });
}

/** Reads on while the signal allows it. What fails is said as ours, and the body is ended in every case. */
async function* reading(
  store: S3Store,
  key: string,
  body: Body,
  { signal }: CallOptions,
  read: () => AsyncGenerator<Buffer>,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of read()) {
      throwIfAborted(signal);
      yield chunk;
      throwIfAborted(signal);
    }
  } catch (error) {
    if (signal?.aborted === true) throw interrupted(signal.reason);
    if (isLakepackError(error)) throw error;
    throw s3ErrorOf(error, store.settings, { action: 'GetObject', key });
  } finally {
    discard(body);
  }
}

function wrongLength(key: string, expected: number, got: number): LakepackError {
  const how = got < expected ? 'ended early' : 'did not end where it was announced';
  return broken(`${key}: the answer ${how}: expected ${expected} bytes, got ${got < expected ? got : 'more'}`);
}

function otherRange(key: string, { offset, length }: ByteRange, got: string): LakepackError {
  return broken(
    `${key}: the store sent another range: expected ${length} bytes from ${offset}, got ${JSON.stringify(got)}`,
  );
}

function withoutLength(key: string): LakepackError {
  return broken(`${key}: the store does not say how large the object is`);
}

/** Both ask for the same permission: one of the answers has passed by now. */
export function sizeRefused(key: string): LakepackError {
  return broken(`${key}: the store refuses to tell the size of an object that it gives`);
}

function broken(message: string): LakepackError {
  return new LakepackError('REMOTE_UNAVAILABLE', message, { retryable: true });
}

function rangeIgnored(key: string): LakepackError {
  return new LakepackError('REMOTE_MISCONFIGURED', `${key}: the store answers a range with something else`, {
    hint: 'what stands in front of the store must pass the header Range on',
    retryable: false,
  });
}
