/**
 * Lists the objects of an S3 store page by page. It answers for a listing that is complete, in byte order and without
 * repeats, or an error: never one that ends early because a page was strange.
 */
import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { LakepackError, throwIfAborted } from '../base/errors.js';
import { comparePathBytes, lakePathFault } from '../base/paths.js';
import { splitPrefix } from './keys.js';
import type { CallOptions, ListOptions, ObjectInfo } from './remote.js';
import { ask, belowPrefix, type S3Store } from './s3-client.js';
import { decodeKey, keyBelow } from './s3-listed-keys.js';

export async function* listObjects(
  store: S3Store,
  prefix: string,
  options: ListOptions = {},
): AsyncGenerator<ObjectInfo> {
  splitPrefix(prefix, store.settings.shown);
  const tokens = new Set<string>();
  let last: string | undefined;
  for (let token: string | undefined; ;) {
    const page = await askPage(store, prefix, token, options);
    for (const { Key, Size, LastModified: storedAt } of page.Contents ?? []) {
      throwIfAborted(options.signal);
      const key = keyBelow(store.settings, decodeKey(Key ?? '', page.EncodingType));
      if (key === undefined || !key.startsWith(prefix)) throw strange(store, 'a key that is not below the prefix');
      if (last !== undefined && comparePathBytes(last, key) >= 0) throw strange(store, 'keys that are not in order');
      last = key;
      if (Size === undefined) throw strange(store, 'an object without a size');
      const times = options.withTimes === true && storedAt !== undefined ? { storedAt } : {};
      // Markers of folders, which consoles make (`a/b/`), and keys that no archive can have.
      if (lakePathFault(key) === undefined) yield { key, bytes: Size, ...times };
    }
    if (page.IsTruncated !== true) return;
    token = page.NextContinuationToken;
    if (token === undefined || tokens.has(token)) throw strange(store, 'a page that does not lead to the next');
    tokens.add(token);
  }
}

async function askPage(
  store: S3Store,
  prefix: string,
  token: string | undefined,
  options: CallOptions,
): Promise<ListObjectsV2CommandOutput> {
  const command = new ListObjectsV2Command({
    Bucket: store.settings.bucket,
    Prefix: belowPrefix(store.settings, prefix),
    EncodingType: 'url',
    ...(token === undefined ? {} : { ContinuationToken: token }),
  });
  const page = await ask(store, { action: 'ListObjectsV2' }, options, (client, send) => client.send(command, send));
  // A web page is read as a list of nothing.
  if (page.IsTruncated === undefined && page.KeyCount === undefined && page.Name === undefined) throw notAList(store);
  return page;
}

function strange({ settings }: S3Store, what: string): LakepackError {
  return new LakepackError('REMOTE_UNAVAILABLE', `${settings.shown}: the store lists ${what}`, { retryable: true });
}

function notAList({ settings }: S3Store): LakepackError {
  return new LakepackError(
    'REMOTE_MISCONFIGURED',
    `${settings.shown}: what answers is not an S3 store: it sent no list`,
    {
      hint: "check the endpoint: it is the address of the store's S3 API, not of its console or web site",
      retryable: false,
    },
  );
}
