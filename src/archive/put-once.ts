/**
 * Small objects that are made once: checksum files and manifests. One that is there with the same bytes is as good; a
 * distant store's copy is read back before it is relied on.
 */
import { sha256Of } from '../base/sha256.js';
import { isLakepackError, LakepackError } from '../base/errors.js';
import type { CallOptions, Remote } from '../remote/remote.js';

const TRIES = 2;

export interface PutOnceOptions extends CallOptions {
  /** The manifest that names it: while that is not there, other bytes under the key are garbage, and replaced. */
  readonly unless?: string;
}

/** Throws OBJECT_EXISTS for a committed object that is there and different, HASH_MISMATCH where a store does not keep it. */
export async function putOnce(
  remote: Remote,
  key: string,
  bytes: Buffer,
  { unless, signal }: PutOnceOptions,
): Promise<void> {
  const options: CallOptions = signal === undefined ? {} : { signal };
  for (let attempt = 1; ; attempt += 1) {
    const isOurs = await createOrCompare(remote, key, bytes, options, unless);
    if (!isOurs || !remote.isDistant) return;
    // An answer may be damaged on its way, too: only a second one like it is believed.
    if ((await holds(remote, key, bytes, options)) || (await holds(remote, key, bytes, options))) return;
    // It was made a moment ago, by this call, and is not what was sent: garbage under whatever name.
    await remote.delete(key, options);
    if (attempt === TRIES) throw notKept(remote, key);
  }
}

/** True when this call made it; false when it was there, with these bytes. */
async function createOrCompare(
  remote: Remote,
  key: string,
  bytes: Buffer,
  options: CallOptions,
  manifestKey: string | undefined,
): Promise<boolean> {
  try {
    await remote.put(key, bytes, { ...options, sha256: sha256Of(bytes) });
    return true;
  } catch (error) {
    if (!isLakepackError(error, 'OBJECT_EXISTS')) throw error;
    if (await holds(remote, key, bytes, options)) return false;
    if (manifestKey === undefined) throw committedMeanwhile(key, error);
    await assertUncommitted(remote, manifestKey, options);
    await remote.delete(key, options);
    await remote.put(key, bytes, options);
    return true;
  }
}

async function holds(remote: Remote, key: string, bytes: Buffer, options: CallOptions): Promise<boolean> {
  try {
    return (await remote.read(key, bytes.length, options)).equals(bytes);
  } catch (error) {
    if (isLakepackError(error, 'NOT_FOUND') || isLakepackError(error, 'LIMIT_EXCEEDED')) return false;
    throw error;
  }
}

/** What a manifest names is never replaced, whatever it is. Throws OBJECT_EXISTS when the manifest is there. */
export async function assertUncommitted(
  remote: Remote,
  manifestKey: string,
  options: CallOptions,
  cause?: LakepackError,
): Promise<void> {
  if ((await remote.head(manifestKey, options)) !== undefined) throw committedMeanwhile(manifestKey, cause);
}

function committedMeanwhile(key: string, cause?: LakepackError): LakepackError {
  return new LakepackError('OBJECT_EXISTS', `${key}: another export of this name was written at the same time`, {
    cause,
    hint: 'run the same command again: it will find that export',
  });
}

function notKept({ url }: Remote, key: string): LakepackError {
  return new LakepackError('HASH_MISMATCH', `${key}: ${url} does not give back what was sent`, {
    hint: 'it was removed again; something between here and the store changes bytes: look at memory, proxies and the store itself',
  });
}
