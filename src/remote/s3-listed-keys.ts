/** Turns what a store lists into keys of the remote: decoded, and without the prefix of the remote. Pure. */
import type { S3Settings } from './s3-settings.js';

/** `encoding-type=url` spares XML what it cannot hold. `+` is a space there, as in a form. */
export function decodeKey(listed: string, encoding: string | undefined): string {
  return encoding === 'url' ? decodeURIComponent(listed.replaceAll('+', ' ')) : listed;
}

/** The key below the prefix of the remote, or undefined for what is not below it. */
export function keyBelow({ prefix }: S3Settings, bucketKey: string): string | undefined {
  if (prefix === '') return bucketKey;
  return bucketKey.startsWith(`${prefix}/`) ? bucketKey.slice(prefix.length + 1) : undefined;
}
