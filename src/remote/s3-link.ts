/** Makes a link that reads one object for a while. The link is a secret: it is returned, and written nowhere. */
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { LakepackError } from '../base/errors.js';
import { objectOf, type S3Store } from './s3-client.js';
import { s3ErrorOf } from './s3-errors.js';

/** What version 4 signatures allow: seven days. */
const MAX_SECONDS = 7 * 24 * 60 * 60;

/** Asks the store nothing. @throws USAGE for a time that no store grants; CREDENTIALS_INVALID. */
export async function linkObject(store: S3Store, key: string, seconds: number): Promise<string | undefined> {
  const object = objectOf(store, key);
  if (store.settings.credentials.type === 'anonymous') return undefined;
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_SECONDS) throw wrongTime(key, seconds);
  // Loaded here: few commands make links.
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
  try {
    return await getSignedUrl(store.client, new GetObjectCommand(object), { expiresIn: seconds });
  } catch (error) {
    throw s3ErrorOf(error, store.settings, { action: 'GetObject', key });
  }
}

function wrongTime(key: string, seconds: number): LakepackError {
  return new LakepackError(
    'USAGE',
    `${key}: a link cannot hold that long: expected 1 to ${MAX_SECONDS} seconds, got ${seconds}`,
    {
      hint: 'a link holds seven days at most',
    },
  );
}
