/**
 * The remote that is a bucket of an S3 store, or a prefix in one. It answers for putting the parts together; each
 * stands in an `s3-…` file beside it.
 *
 * - Create-only is decided by the store where its profile says so; elsewhere two who write one key in the same instant
 *   can both pass (`s3-create-only.ts`). A manifest is the commit point, and is put by one request.
 * - Every call is made once: `with-retry.ts` repeats what `retryable` allows.
 * - No call hangs: a connection is made within `connectMs`, and a socket that is silent for `idleMs` is given up
 *   (`s3-http.ts`); copying and completing have five times that.
 * - What a put has answered is durable: `flush` has nothing to do.
 */
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { isLakepackError } from '../base/errors.js';
import type { CallOptions, Remote } from './remote.js';
import { checksumOf } from './s3-checksum.js';
import { ask, objectOf, openStore, type S3Store } from './s3-client.js';
import { copyObject } from './s3-copy.js';
import { s3Identity } from './s3-identity.js';
import { linkObject } from './s3-link.js';
import { listObjects } from './s3-list.js';
import { openPartStore } from './s3-parts.js';
import { putObject } from './s3-put.js';
import { headObject, readObject, readObjectRange, streamObject } from './s3-read.js';
import type { S3Settings } from './s3-settings.js';

/** Nothing is asked before the first call: whether the settings are right, that one tells. */
export function openS3Remote(settings: S3Settings): Remote {
  const store = openStore(settings);
  return {
    url: settings.shown,
    identity: s3Identity(settings),
    writable: true,
    isDistant: true,
    parts: openPartStore(store),
    head: (key, options) => headObject(store, key, options),
    read: (key, maxBytes, options) => readObject(store, key, maxBytes, options),
    readRange: (key, range, options) => readObjectRange(store, key, range, options),
    stream: (key, range, options) => streamObject(store, key, range, options),
    put: (key, body, options) => putObject(store, key, body, options),
    copy: (from, fromKey, key, options) => copyObject(store, from, fromKey, key, options),
    checksum: (key, options) => checksumOf(store, key, options),
    link: (key, seconds) => linkObject(store, key, seconds),
    list: (prefix, options) => listObjects(store, prefix, options),
    delete: (key, options) => deleteObject(store, key, options),
    flush: async () => undefined,
    close: async () => store.client.destroy(),
  };
}

async function deleteObject(store: S3Store, key: string, options: CallOptions = {}): Promise<void> {
  const command = new DeleteObjectCommand(objectOf(store, key));
  try {
    await ask(store, { action: 'DeleteObject', key }, options, (client, send) => client.send(command, send));
  } catch (error) {
    if (!isLakepackError(error, 'NOT_FOUND')) throw error;
  }
}
