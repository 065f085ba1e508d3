/**
 * The remote that is a web address: a public bucket, a CDN in front of one, any server that answers ranges. Reading only.
 *
 * - A 403 is PERMISSION_DENIED also for what is not there: a public bucket that does not let itself be listed answers so
 *   for every key it does not have, and nothing tells the two apart.
 * - A range that is answered with the whole object is an error: 4 GiB are never fetched by mistake.
 * - Bytes that were encoded on the way are refused, not decoded: offsets would mean something else.
 * - Over http: nobody vouches for the choice of the bytes; that they are those of the manifest is checked all the same.
 */
import { LakepackError } from '../base/errors.js';
import { assertLakePath } from '../base/paths.js';
import { openBody } from './body.js';
import { webRequest, type WebAnswer } from './http-request.js';
import { openHttpsList } from './https-list.js';
import { assertReadable, objectAbsent, rangeWithin } from './keys.js';
import type { ByteRange, CallOptions, ObjectInfo, Remote } from './remote.js';
import type { S3Timeouts } from './s3-settings.js';

/** What the functions below share. `base` ends without a slash. */
interface Site {
  readonly base: string;
  readonly timeouts: S3Timeouts;
}

/** @param base without user, query and fragment. Makes no request. */
export function openHttpsRemote(base: string, timeouts: S3Timeouts): Remote {
  const site: Site = { base: base.replace(/\/+$/, ''), timeouts };
  const list = openHttpsList(site.base, timeouts);
  return {
    url: site.base,
    identity: `web ${site.base}`,
    writable: false,
    isDistant: true,
    parts: undefined,
    head: (key, options) => head(site, key, options),
    read: (key, maxBytes, options) => read(site, key, maxBytes, options),
    readRange: (key, range, options) => readRange(site, key, range, options),
    stream: (key, range, options) => stream(site, key, range, options),
    list,
    checksum: async () => undefined,
    // It lasts for ever, which is more than was asked for: what is public is public.
    link: async (key) => addressOf(site, key),
    put: async (key, body) => {
      await openBody(body, undefined).close();
      throw readsOnly(site, key);
    },
    copy: async (_from, _fromKey, key) => {
      throw readsOnly(site, key);
    },
    delete: async (key) => {
      throw readsOnly(site, key);
    },
    flush: async () => undefined,
    close: async () => undefined,
  };
}

async function head(site: Site, key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
  const answer = await ask(site, key, 'HEAD', {}, options);
  await answer.dismiss();
  if (answer.status === 404 || answer.status === 410) return undefined;
  if (answer.status === 405 || answer.status === 501) return await headByRange(site, key, options);
  assertGood(answer, key, [200]);
  const bytes = lengthOf(answer);
  return bytes === undefined ? await headByRange(site, key, options) : { key, bytes };
}

/** For servers that know no HEAD, or tell no length in it. */
async function headByRange(site: Site, key: string, options: CallOptions): Promise<ObjectInfo | undefined> {
  const answer = await ask(site, key, 'GET', { range: 'bytes=0-0' }, options);
  await answer.dismiss();
  if (answer.status === 404 || answer.status === 410) return undefined;
  const total = contentRangeOf(answer)?.total ?? (answer.status === 200 ? lengthOf(answer) : undefined);
  if (answer.status !== 416) assertGood(answer, key, [200, 206]);
  if (total === undefined) throw wrongServer(key, 'does not say how large the object is');
  return { key, bytes: total };
}

async function read(site: Site, key: string, maxBytes: number, options: CallOptions = {}): Promise<Buffer> {
  const answer = await ask(site, key, 'GET', {}, options);
  try {
    assertFound(answer, key);
    assertGood(answer, key, [200]);
    const length = lengthOf(answer);
    assertReadable(key, length ?? 0, maxBytes);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body()) {
      bytes += chunk.length;
      assertReadable(key, bytes, maxBytes);
      chunks.push(chunk);
    }
    if (length !== undefined && bytes !== length) throw endedEarly(key, length, bytes);
    return Buffer.concat(chunks);
  } finally {
    await answer.dismiss();
  }
}

async function readRange(site: Site, key: string, range: ByteRange, options: CallOptions = {}): Promise<Buffer> {
  rangeWithin(range, Number.MAX_SAFE_INTEGER, key);
  const buffer = Buffer.allocUnsafeSlow(range.length);
  let at = 0;
  for await (const chunk of stream(site, key, range, options)) at += chunk.copy(buffer, at);
  return buffer;
}

async function* stream(
  site: Site,
  key: string,
  range: ByteRange | undefined,
  options: CallOptions = {},
): AsyncGenerator<Buffer> {
  rangeWithin(range, Number.MAX_SAFE_INTEGER, key);
  if (range?.length === 0) {
    const found = await head(site, key, options);
    if (found === undefined) throw objectAbsent(key);
    rangeWithin(range, found.bytes, key);
    return;
  }
  const wanted: Record<string, string> =
    range === undefined ? {} : { range: `bytes=${range.offset}-${range.offset + range.length - 1}` };
  const answer = await ask(site, key, 'GET', wanted, options);
  try {
    assertFound(answer, key);
    yield* exactly(answer.body(), range === undefined ? wholeLength(answer, key) : partLength(answer, key, range), key);
  } finally {
    await answer.dismiss();
  }
}

function wholeLength(answer: WebAnswer, key: string): number | undefined {
  assertGood(answer, key, [200]);
  return lengthOf(answer);
}

/** The length of the range, after all that the answer says of itself fits to it. */
function partLength(answer: WebAnswer, key: string, range: ByteRange): number {
  if (answer.status === 416) rangeWithin(range, contentRangeOf(answer)?.total ?? 0, key);
  assertGood(answer, key, [200, 206]);
  // A server may answer a range that is the whole object with the object.
  if (answer.status === 200 && range.offset === 0 && lengthOf(answer) === range.length) return range.length;
  if (answer.status === 200) throw wrongServer(key, 'ignores range requests: it sent the whole object');
  const got = contentRangeOf(answer);
  if (got?.total !== undefined) rangeWithin(range, got.total, key);
  if (got?.first === range.offset && got.last === range.offset + range.length - 1) return range.length;
  throw wrongServer(key, 'answers another range than the one that was asked for');
}

/** The chunks, as many bytes as were announced and not one more. */
async function* exactly(
  chunks: AsyncIterable<Buffer>,
  length: number | undefined,
  key: string,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (length !== undefined && bytes > length) throw wrongServer(key, 'sends more bytes than it announced');
    yield chunk;
  }
  if (length !== undefined && bytes !== length) throw endedEarly(key, length, bytes);
}

async function ask(
  site: Site,
  key: string,
  method: 'GET' | 'HEAD',
  headers: Readonly<Record<string, string>>,
  { signal }: CallOptions,
): Promise<WebAnswer> {
  const url = addressOf(site, key);
  return await webRequest({ url, method, headers, subject: key, idleMs: site.timeouts.idleMs, signal });
}

/** Each segment escaped for itself: a key with `%2F`, `?` or `#` in it is that key. */
function addressOf({ base }: Site, key: string): string {
  assertLakePath(key, base);
  return `${base}/${key.split('/').map(encodeURIComponent).join('/')}`;
}

function assertFound({ status }: WebAnswer, key: string): void {
  if (status === 404 || status === 410) throw objectAbsent(key);
}

/** @throws what a status that is not wanted means, and for an answer that is not the object's own bytes. */
function assertGood(answer: WebAnswer, key: string, wanted: readonly number[]): void {
  const { status } = answer;
  if (!wanted.includes(status)) throw refusal(status, key);
  const encoding = answer.header('content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw wrongServer(key, `sends the object encoded (${encoding.slice(0, 20)})`);
  const isPage = /^text\/html\b/i.test(answer.header('content-type') ?? '') && !/\.html?$/i.test(key);
  if (isPage) throw wrongServer(key, 'sends a web page, not an archive');
}

function refusal(status: number, key: string): LakepackError {
  if (status === 401 || status === 403) {
    return new LakepackError('PERMISSION_DENIED', `${key}: the server does not give it out (${status})`, {
      hint: 'is it public? a bucket that may not be listed also answers so for what it does not have',
      retryable: false,
    });
  }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return new LakepackError('REMOTE_UNAVAILABLE', `${key}: the server is not able to answer now (${status})`, {
      retryable: true,
    });
  }
  return wrongServer(key, `answers ${status}`);
}

function lengthOf(answer: WebAnswer): number | undefined {
  const text = answer.header('content-length');
  const length = text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  return length !== undefined && Number.isSafeInteger(length) ? length : undefined;
}

interface ContentRange {
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly total: number | undefined;
}

/** `bytes 0-9/100`. The total may be a star, and in a 416 the range is one. */
function contentRangeOf(answer: WebAnswer): ContentRange | undefined {
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/i.exec(answer.header('content-range') ?? '');
  if (match === null) return undefined;
  const number = (text: string | undefined): number | undefined =>
    text === undefined || text === '*' ? undefined : Number(text);
  return { first: number(match[1]), last: number(match[2]), total: number(match[3]) };
}

function endedEarly(key: string, expected: number, got: number): LakepackError {
  return new LakepackError(
    'REMOTE_UNAVAILABLE',
    `${key}: the answer ended early: expected ${expected} bytes, got ${got}`,
    {
      retryable: true,
    },
  );
}

function wrongServer(key: string, says: string): LakepackError {
  return new LakepackError('REMOTE_MISCONFIGURED', `${key}: the server ${says}`, {
    hint: 'check the address; a CDN must pass bytes through as they are, answer ranges, and not answer errors with pages',
    retryable: false,
  });
}

function readsOnly({ base }: Site, key: string): LakepackError {
  return new LakepackError('PERMISSION_DENIED', `${key}: ${base} can only be read`, { retryable: false });
}
