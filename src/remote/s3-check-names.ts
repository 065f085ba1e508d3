/** Probes of keys and listings: after a write, in pages, in order, and with names that are not plain. */
import { HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { comparePathBytes } from '../base/paths.js';
import { errorOf, get, keyFor, put } from './s3-check-objects.js';
import { failed, missing, statusOf, works, type Probe, type S3Check, type Seen } from './s3-check-run.js';

/** Listed in the order of their bytes: `Z` before `a`, the folder between its neighbours. */
const NAMES = ['a', 'a-b', 'a/b', 'Zebra', 'ü'] as const;
const ODD_NAMES = [
  ...['with space', 'plus+sign', 'per%cent', '100%25', 'ümläut', '日本', "quote'", 'a&b=c', 'semi;colon', 'tilde~'],
  ...['dt=2025-10-11', 'hash#tag', 'question?', 'star*', '😀'],
];
/** S3 allows 1024 bytes for the whole key. */
const LONG_KEY_BYTES = 900;
const REQUESTS_AT_ONCE = 32;

export const NAME_PROBES: readonly Probe[] = [
  {
    ...{
      id: 'list-after-write',
      action: 'ListObjectsV2',
      tries: 'what was written is listed at once',
      neededFor: 'nothing',
      after: ['delete'],
    },
    ...{ stores: true, instead: 'another machine may see an export late; its own objects are asked for by name' },
    run: tryListAfterWrite,
  },
  {
    ...{
      id: 'list-pages',
      action: 'ListObjectsV2',
      tries: 'a listing in pages is whole',
      neededFor: 'reading',
      after: ['list-after-write'],
    },
    ...{ stores: true, fix: 'the store loses objects between two pages: do not use it', run: tryPages },
  },
  {
    ...{
      id: 'list-order',
      action: 'ListObjectsV2',
      tries: 'a listing is in the order of the bytes of keys',
      neededFor: 'reading',
    },
    ...{ after: ['list-pages'], stores: true, run: tryOrder },
    fix: 'the store lists in an order of its own: do not use it',
  },
  {
    ...{
      id: 'odd-names',
      action: 'PutObject',
      tries: 'spaces, signs and other alphabets stand in keys',
      neededFor: 'nothing',
    },
    ...{ after: ['delete'], stores: true, run: tryOddNames },
    instead: 'partitions whose paths have such names cannot be stored there',
  },
  {
    ...{
      id: 'long-key',
      action: 'PutObject',
      tries: `keys of ${LONG_KEY_BYTES} bytes`,
      neededFor: 'nothing',
      after: ['delete'],
    },
    ...{ stores: true, instead: 'partitions with long paths cannot be stored there', run: tryLongKey },
  },
  {
    ...{
      id: 'many-at-once',
      action: 'HeadObject',
      tries: `${REQUESTS_AT_ONCE} requests at once`,
      neededFor: 'nothing',
      after: ['head'],
    },
    ...{ instead: 'what is refused with 503 is sent again after a growing pause', fix: 'use a smaller --concurrency' },
    run: tryManyAtOnce,
  },
];

async function listed(check: S3Check, folder: string, pageSize: number): Promise<readonly string[]> {
  const prefix = `${check.scratch}${folder}`;
  const names: string[] = [];
  let token: string | undefined;
  for (let page = 0; page < 100; page += 1) {
    const more = token === undefined ? {} : { ContinuationToken: token };
    const command = new ListObjectsV2Command({
      ...{ Bucket: check.settings.bucket, Prefix: prefix, MaxKeys: pageSize, EncodingType: 'url', ...more },
    });
    const answer = await check.client.send(command, { abortSignal: check.signal });
    names.push(...(answer.Contents ?? []).map((one) => decodeKey(one.Key ?? '').slice(prefix.length)));
    token = answer.NextContinuationToken;
    if (answer.IsTruncated !== true || token === undefined) return names;
  }
  return names;
}

/** `EncodingType: 'url'` writes a space as `+`. */
function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}

async function tryListAfterWrite(check: S3Check): Promise<Seen> {
  for (const name of NAMES) await put(check, keyFor(check, `names/${name}`), Buffer.from(name));
  const names = await listed(check, 'names/', 1000);
  return names.length === NAMES.length ? works() : missing(`wrote ${NAMES.length} objects, ${names.length} are listed`);
}

async function tryPages(check: S3Check): Promise<Seen> {
  const names = await listed(check, 'names/', 2);
  const isWhole = new Set(names).size === NAMES.length && names.length === NAMES.length;
  return isWhole ? works() : failed(`expected ${NAMES.length} keys, got ${names.length} (${names.join(', ')})`);
}

async function tryOrder(check: S3Check): Promise<Seen> {
  const names = await listed(check, 'names/', 2);
  const wanted = [...NAMES].sort(comparePathBytes);
  return wanted.every((name, index) => names[index] === name) ? works() : failed(`got ${names.join(', ')}`);
}

async function tryOddNames(check: S3Check): Promise<Seen> {
  const lost: string[] = [];
  for (const name of ODD_NAMES) {
    const key = keyFor(check, `odd/${name}`);
    const bytes = Buffer.from(name);
    const isBack = await put(check, key, bytes).then(
      async () => (await get(check, key)).equals(bytes),
      () => false,
    );
    if (!isBack) lost.push(name);
  }
  const names = await listed(check, 'odd/', 1000);
  lost.push(...ODD_NAMES.filter((name) => !names.includes(name) && !lost.includes(name)));
  return lost.length === 0 ? works() : missing(`not these: ${lost.join(', ')}`);
}

async function tryLongKey(check: S3Check): Promise<Seen> {
  const start = 'long/';
  const room = LONG_KEY_BYTES - Buffer.byteLength(check.scratch) - start.length;
  const segments = 'abcdefghi/'.repeat(Math.ceil(room / 10)).slice(0, room - 1);
  const key = keyFor(check, `${start}${segments}x`);
  const error = await errorOf(put(check, key, Buffer.from('long')));
  if (error !== undefined && (statusOf(error) ?? 500) < 500) return missing(error instanceof Error ? error.name : '');
  if (error !== undefined) throw error;
  return (await get(check, key)).toString() === 'long' ? works() : failed('other bytes than those that were written');
}

async function tryManyAtOnce(check: S3Check): Promise<Seen> {
  const key = check.facts.object?.key ?? check.facts.sample?.key ?? `${check.scratch}absent`;
  const requests = Array.from({ length: REQUESTS_AT_ONCE }, () =>
    errorOf(
      check.client.send(new HeadObjectCommand({ Bucket: check.settings.bucket, Key: key }), {
        abortSignal: check.signal,
      }),
    ),
  );
  const errors = (await Promise.all(requests)).filter((error) => error !== undefined);
  const busy = errors.filter((error) => statusOf(error) === 503 || statusOf(error) === 429).length;
  if (busy > 0) return missing(`${busy} of ${REQUESTS_AT_ONCE} were told to slow down`);
  const [first] = errors;
  if (first !== undefined) throw first;
  return works();
}
