/** The SHA-256 that a store made of an object by itself. Other stores are not asked. */
import { GetObjectAttributesCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { isLakepackError } from '../base/errors.js';
import type { CallOptions, StoreChecksum } from './remote.js';
import { ask, base64ToHex, objectOf, type S3Store } from './s3-client.js';

const SHA256_BASE64 = /^([A-Za-z0-9+/]{43}=)(?:-(\d{1,5}))?$/;

export async function checksumOf(
  store: S3Store,
  key: string,
  options: CallOptions = {},
): Promise<StoreChecksum | undefined> {
  const object = objectOf(store, key);
  if (!store.settings.provider.sha256Checksums) return undefined;
  const head = new HeadObjectCommand({ ...object, ChecksumMode: 'ENABLED' });
  const answer = await ask(store, { action: 'HeadObject', key }, options, (client, send) => client.send(head, send));
  return parseChecksum(answer.ChecksumSHA256) ?? attributesOf(store, key, options);
}

/** `<base64>` of an object, `<base64>-<parts>` of an upload. What is neither is not believed. */
export function parseChecksum(text: string | undefined): StoreChecksum | undefined {
  const [, base64, parts] = SHA256_BASE64.exec(text ?? '') ?? [];
  if (base64 === undefined) return undefined;
  const sha256 = base64ToHex(base64);
  return parts === undefined ? { type: 'full', sha256, parts: 1 } : { type: 'composite', sha256, parts: Number(parts) };
}

/** Here the number of parts stands beside it. */
async function attributesOf(store: S3Store, key: string, options: CallOptions): Promise<StoreChecksum | undefined> {
  const command = new GetObjectAttributesCommand({
    ...objectOf(store, key),
    ObjectAttributes: ['Checksum', 'ObjectParts'],
  });
  try {
    const { Checksum, ObjectParts } = await ask(
      store,
      { action: 'GetObjectAttributes', key },
      options,
      (client, send) => client.send(command, send),
    );
    const found = parseChecksum(Checksum?.ChecksumSHA256);
    const parts = ObjectParts?.TotalPartsCount;
    if (found?.type !== 'full' || parts === undefined || Checksum?.ChecksumType === 'FULL_OBJECT') return found;
    return { type: 'composite', sha256: found.sha256, parts };
  } catch (error) {
    // The call is rarely allowed, and R2 has none: then the store keeps no checksum that we can learn.
    if (isLakepackError(error, 'PERMISSION_DENIED') || isLakepackError(error, 'REMOTE_MISCONFIGURED')) return undefined;
    throw error;
  }
}
