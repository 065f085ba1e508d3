/**
 * Lists what is behind a web address, where that is a public bucket that lets anybody list it. It answers for finding
 * out where the bucket begins in the address, and for saying so where nothing can be listed.
 */
import { LakepackError, throwIfAborted } from '../base/errors.js';
import { MIB } from '../base/limits.js';
import { comparePathBytes, lakePathFault } from '../base/paths.js';
import { webRequest } from './http-request.js';
import { type ListingPage, parseListing } from './https-listing-xml.js';
import { splitPrefix } from './keys.js';
import type { CallOptions, Remote } from './remote.js';
import type { S3Timeouts } from './s3-settings.js';

/** A page has 1,000 keys of at most 1,024 bytes, escaped; more is no listing. */
const MAX_PAGE_BYTES = 16 * MIB;

/** A bucket's own address, and what the archive's keys begin with in it. */
interface Bucket {
  readonly address: string;
  readonly prefix: string;
}

/** @param base without a slash at its end. */
export function openHttpsList(base: string, timeouts: S3Timeouts): Remote['list'] {
  const buckets = bucketsOf(base);
  // Found with the first listing, and kept: an address does not change its kind.
  let known: Bucket | undefined;

  async function firstPage(prefix: string, options: CallOptions): Promise<{ bucket: Bucket; page: ListingPage }> {
    for (const bucket of known === undefined ? buckets : [known]) {
      const page = await pageOf(base, bucket, prefix, undefined, timeouts, options);
      if (page === undefined) continue;
      known = bucket;
      return { bucket, page };
    }
    throw notListable(base);
  }

  return async function* list(prefix, options = {}) {
    splitPrefix(prefix, base);
    throwIfAborted(options.signal);
    const first = await firstPage(prefix, options);
    const { bucket } = first;
    let { page } = first;
    const order = orderGuard(base);
    for (;;) {
      for (const { key, bytes } of page.objects) {
        throwIfAborted(options.signal);
        const own = order(key, bucket.prefix, prefix);
        if (own !== undefined) yield { key: own, bytes };
      }
      if (page.next === undefined) return;
      page = await nextPage(base, bucket, prefix, page.next, timeouts, options);
    }
  };
}

/** `https://bucket.host/prefix`: the bucket is at the root. `https://host/bucket/prefix`: one segment further. */
function bucketsOf(base: string): readonly Bucket[] {
  const { origin, hostname, pathname } = new URL(base);
  const segments = pathname.split('/').filter((segment) => segment !== '');
  const keysBelow = (from: number): string =>
    segments
      .slice(from)
      .map((one) => `${decode(one)}/`)
      .join('');
  const [first] = segments;
  const atRoot = { address: `${origin}/`, prefix: keysBelow(0) };
  if (first === undefined) return [atRoot];
  const below = { address: `${origin}/${first}`, prefix: keysBelow(1) };
  // A store's own host: its root is somebody's web page.
  return /^s3[.-]/.test(hostname) ? [below, atRoot] : [atRoot, below];
}

async function nextPage(
  base: string,
  bucket: Bucket,
  prefix: string,
  token: string,
  timeouts: S3Timeouts,
  options: CallOptions,
): Promise<ListingPage> {
  const page = await pageOf(base, bucket, prefix, token, timeouts, options);
  if (page === undefined) throw unsteady(base, 'a page of it is no listing');
  if (page.next === token) throw unsteady(base, 'a page of it leads to itself');
  return page;
}

/** Undefined where the answer is not a listing. @throws REMOTE_UNAVAILABLE, REMOTE_MISCONFIGURED, INTERRUPTED. */
async function pageOf(
  base: string,
  { address, prefix: above }: Bucket,
  prefix: string,
  token: string | undefined,
  { idleMs }: S3Timeouts,
  { signal }: CallOptions,
): Promise<ListingPage | undefined> {
  const query = new URLSearchParams({ 'list-type': '2', 'encoding-type': 'url', prefix: `${above}${prefix}` });
  if (token !== undefined) query.set('continuation-token', token);
  const url = `${address}?${query.toString().replaceAll('+', '%20')}`;
  const answer = await webRequest({ url, method: 'GET', headers: {}, subject: base, idleMs, signal });
  try {
    if (answer.status === 429 || answer.status >= 500) throw unsteady(base, `the server answers ${answer.status}`);
    if (answer.status !== 200 || (answer.header('content-encoding') ?? 'identity') !== 'identity') return undefined;
    const text = await textOf(answer.body());
    return text === undefined ? undefined : parseListing(text, base);
  } finally {
    await answer.dismiss();
  }
}

/** Undefined for what cannot be a listing: it is not read to its end. */
async function textOf(body: AsyncIterable<Buffer>): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_PAGE_BYTES) return undefined;
    chunks.push(chunk);
    if (chunks.length === 1 && !/^\s*</.test(chunk.toString('latin1'))) return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Gives a key of the bucket as the archive's own, undefined for what is no object of it, and watches the order. */
function orderGuard(base: string): (key: string, above: string, prefix: string) => string | undefined {
  let last: string | undefined;
  return (key, above, prefix) => {
    if (last !== undefined && comparePathBytes(last, key) >= 0) throw unsteady(base, 'its keys are not in order');
    last = key;
    if (!key.startsWith(`${above}${prefix}`)) throw unsteady(base, 'it has keys that were not asked for');
    const own = key.slice(above.length);
    // The marker of a folder, and names that no archive has.
    return lakePathFault(own) === undefined ? own : undefined;
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // A lone percent sign: servers take it as it is.
    return segment;
  }
}

function unsteady(base: string, says: string): LakepackError {
  return new LakepackError('REMOTE_UNAVAILABLE', `${base}: cannot be listed: ${says}`, { retryable: true });
}

function notListable(base: string): LakepackError {
  return new LakepackError('ARCHIVE_UNSUPPORTED', `${base}: this address cannot be listed`, {
    hint: 'name the export as PARTITION/EXPORT-ID, or give an archive that can be listed',
    retryable: false,
  });
}
