/**
 * Copies objects inside an S3 store. It answers for a copy being made by the store alone, whole and create-only; or for
 * saying that it cannot be, so that the caller moves the bytes.
 */
import { CopyObjectCommand, HeadObjectCommand, UploadPartCopyCommand } from '@aws-sdk/client-s3';
import { isLakepackError, LakepackError } from '../base/errors.js';
import { BLOCK_BYTES } from '../base/limits.js';
import { assertLakePath } from '../base/paths.js';
import { forEachBounded } from './bounded.js';
import { objectAbsent } from './keys.js';
import type { CallOptions, Remote, StoredPart, Upload } from './remote.js';
import { ask, base64ToHex, objectOf, type S3Store } from './s3-client.js';
import { announceCopy, creating, ifAbsent, refuseExisting } from './s3-create-only.js';
import { causeName } from './s3-fault.js';
import { parseS3Identity, s3Identity } from './s3-identity.js';
import { refusalOf, sizeRefused } from './s3-read.js';
import { objectSettings } from './s3-object-settings.js';
import { abortUpload, beginUpload, completeUpload } from './s3-parts.js';

/** Where the source stands in the store. */
interface Source {
  readonly Bucket: string;
  readonly Key: string;
}

export async function copyObject(
  store: S3Store,
  from: Remote,
  fromKey: string,
  key: string,
  options: CallOptions = {},
): Promise<boolean> {
  assertLakePath(fromKey, from.url);
  objectOf(store, key);
  const source = sourceOf(store, from, fromKey);
  if (source === undefined) return false;
  const bytes = await sourceBytes(store, source, fromKey, options);
  if (bytes === undefined) return false;
  await refuseExisting(store, key, options);
  try {
    if (bytes <= store.settings.provider.maxCopyBytes) await copyWhole(store, source, key, options);
    else await copyParts(store, source, bytes, key, options);
    return true;
  } catch (error) {
    if (isLakepackError(error) && cannotCopy(error)) return false;
    throw error;
  }
}

/** The identity tells, because it passes through every wrapper. */
function sourceOf({ settings }: S3Store, from: Remote, fromKey: string): Source | undefined {
  const [ours, theirs] = [parseS3Identity(s3Identity(settings)), parseS3Identity(from.identity)];
  if (theirs === undefined || theirs.place !== ours?.place) return undefined;
  return { Bucket: theirs.bucket, Key: theirs.prefix === '' ? fromKey : `${theirs.prefix}/${fromKey}` };
}

/** Undefined where the key of the target may not look into the source: then the bytes are moved with both keys. */
async function sourceBytes(
  store: S3Store,
  source: Source,
  fromKey: string,
  options: CallOptions,
): Promise<number | undefined> {
  // It may be another bucket: that it exists says nothing of ours.
  const elsewhere = { ...store, known: { ...store.known } };
  try {
    const answer = await ask(elsewhere, { action: 'HeadObject', key: fromKey }, options, (client, send) =>
      client.send(new HeadObjectCommand(source), send),
    );
    return answer.ContentLength;
  } catch (error) {
    if (isLakepackError(error, 'NOT_FOUND')) throw objectAbsent(fromKey, error.cause);
    if (!isLakepackError(error, 'PERMISSION_DENIED')) throw error;
    const reason = await refusalOf(elsewhere, source, fromKey, options);
    if (reason === undefined) throw sizeRefused(fromKey);
    if (reason.code === 'PERMISSION_DENIED') return undefined;
    throw reason;
  }
}

/** Not allowed to read the source, or no such call: nothing was done. */
function cannotCopy(error: LakepackError): boolean {
  return error.code === 'PERMISSION_DENIED' || causeName(error) === 'NotImplemented';
}

async function copyWhole(store: S3Store, source: Source, key: string, options: CallOptions): Promise<void> {
  const command = announceCopy(
    store,
    new CopyObjectCommand({
      ...objectOf(store, key),
      ...objectSettings(store.settings, key),
      ...ifAbsent(store, 'copy'),
      CopySource: copySource(source),
      // What the settings of this remote say, not what was said where it came from.
      MetadataDirective: 'REPLACE',
      ...(Object.keys(store.settings.tags).length === 0 ? {} : { TaggingDirective: 'REPLACE' as const }),
      ...(store.settings.provider.sha256Checksums ? { ChecksumAlgorithm: 'SHA256' as const } : {}),
    }),
  );
  const answer = await creating(store, key, options, () =>
    ask(store, { action: 'CopyObject', key }, options, (client, send) => client.send(command, send)),
  );
  if (answer.CopyObjectResult?.ETag === undefined) throw unconfirmed(key);
}

async function copyParts(
  store: S3Store,
  source: Source,
  bytes: number,
  key: string,
  options: CallOptions,
): Promise<void> {
  const partBytes = partBytesFor(bytes, store.settings.provider.maxParts);
  const numbers = Array.from({ length: Math.ceil(bytes / partBytes) }, (_, index) => index + 1);
  const upload = await beginUpload(store, key, options);
  const parts: StoredPart[] = [];
  try {
    await forEachBounded(numbers, store.settings.provider.partsAtOnce, async (number) => {
      const first = (number - 1) * partBytes;
      const length = Math.min(partBytes, bytes - first);
      parts.push(await copyPart(store, upload, source, { number, first, length }, options));
    });
    const ordered = parts.toSorted((a, b) => a.number - b.number);
    await completeUpload(store, upload, ordered, options);
  } catch (error) {
    // Without the signal: an abort must not keep the parts. What cannot be given up now, `prune --uploads` finds.
    await abortUpload(store, upload, {}).catch(() => undefined);
    throw error;
  }
}

/** As bundles are cut into blocks (format 5.3), so that the checksums of parts can be compared with a manifest. */
export function partBytesFor(bytes: number, maxParts: number): number {
  let size = BLOCK_BYTES;
  while (Math.ceil(bytes / size) > maxParts) size *= 2;
  return size;
}

async function copyPart(
  store: S3Store,
  upload: Upload,
  source: Source,
  part: { readonly number: number; readonly first: number; readonly length: number },
  options: CallOptions,
): Promise<StoredPart> {
  const command = new UploadPartCopyCommand({
    ...objectOf(store, upload.key),
    UploadId: upload.id,
    PartNumber: part.number,
    CopySource: copySource(source),
    CopySourceRange: `bytes=${part.first}-${part.first + part.length - 1}`,
  });
  const { CopyPartResult } = await ask(store, { action: 'UploadPartCopy', key: upload.key }, options, (client, send) =>
    client.send(command, send),
  );
  if (CopyPartResult?.ETag === undefined) throw unconfirmed(upload.key);
  const stored = { number: part.number, bytes: part.length, tag: CopyPartResult.ETag };
  const sha256 = CopyPartResult.ChecksumSHA256;
  return sha256 === undefined ? stored : { ...stored, sha256: base64ToHex(sha256) };
}

function copySource({ Bucket, Key }: Source): string {
  return [Bucket, ...Key.split('/')].map(encodeURIComponent).join('/');
}

function unconfirmed(key: string): LakepackError {
  return new LakepackError('REMOTE_UNAVAILABLE', `${key}: the store did not confirm the copy`, { retryable: true });
}
