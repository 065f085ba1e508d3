/**
 * Uploads in parts to an S3 store. It answers for each part being announced with its SHA-256, and for a completion
 * being an object or an error.
 *
 * A repeated `complete` whose first answer was lost throws NOT_FOUND, as one of an upload that was given up does: the
 * caller looks whether the object is there.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  type Part,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { isLakepackError, LakepackError, throwIfAborted } from '../base/errors.js';
import { lakePathFault } from '../base/paths.js';
import { splitPrefix } from './keys.js';
import type { CallOptions, PartBody, PartStore, StoredPart, Upload, UploadInfo } from './remote.js';
import { announcePayload, ask, base64ToHex, belowPrefix, hexToBase64, objectOf, type S3Store } from './s3-client.js';
import { creating, ifAbsent, refuseExisting, refuseTaken } from './s3-create-only.js';
import { keyBelow } from './s3-listed-keys.js';
import { objectSettings } from './s3-object-settings.js';

export function openPartStore(store: S3Store): PartStore {
  const { minPartBytes, maxPartBytes, maxParts, partsAtOnce } = store.settings.provider;
  return {
    minPartBytes,
    maxPartBytes,
    maxParts,
    partsAtOnce,
    begin: async (key, options = {}) => {
      await refuseExisting(store, key, options);
      return beginUpload(store, key, options);
    },
    send: (upload, part, options = {}) => sendPart(store, upload, part, options),
    listParts: (upload, options = {}) => listParts(store, upload, options),
    complete: (upload, parts, options = {}) => completeUpload(store, upload, parts, options),
    abort: (upload, options = {}) => abortUpload(store, upload, options),
    listUploads: (prefix, options = {}) => listUploads(store, prefix, options),
  };
}

/** The key has been looked up before. */
export async function beginUpload(store: S3Store, key: string, options: CallOptions): Promise<Upload> {
  const command = new CreateMultipartUploadCommand({
    ...objectOf(store, key),
    ...objectSettings(store.settings, key),
    ...(store.settings.provider.sha256Checksums ? { ChecksumAlgorithm: 'SHA256', ChecksumType: 'COMPOSITE' } : {}),
  });
  const { UploadId } = await ask(store, { action: 'CreateMultipartUpload', key }, options, (client, send) =>
    client.send(command, send),
  );
  if (UploadId === undefined || UploadId === '') throw incomplete(key, 'the upload has no id');
  return { key, id: UploadId };
}

export async function sendPart(
  store: S3Store,
  upload: Upload,
  part: PartBody,
  options: CallOptions,
): Promise<StoredPart> {
  const { sha256Checksums } = store.settings.provider;
  const command = announcePayload(
    new UploadPartCommand({
      ...uploadOf(store, upload),
      PartNumber: part.number,
      Body: part.bytes,
      ContentLength: part.bytes.length,
      ...(sha256Checksums ? { ChecksumSHA256: hexToBase64(part.sha256) } : {}),
    }),
    part.sha256,
  );
  const { ETag } = await ask(store, { action: 'UploadPart', key: upload.key }, options, (client, send) =>
    client.send(command, send),
  );
  if (ETag === undefined || ETag === '') throw incomplete(upload.key, `part ${part.number} has no tag`);
  const stored = { number: part.number, bytes: part.bytes.length, tag: ETag };
  // The store has compared it, or refused the part.
  return sha256Checksums ? { ...stored, sha256: part.sha256 } : stored;
}

async function listParts(store: S3Store, upload: Upload, options: CallOptions): Promise<readonly StoredPart[]> {
  const parts: StoredPart[] = [];
  for (let marker: string | undefined; ;) {
    const command = new ListPartsCommand({
      ...uploadOf(store, upload),
      ...(marker === undefined ? {} : { PartNumberMarker: marker }),
    });
    const page = await ask(store, { action: 'ListParts', key: upload.key }, options, (client, send) =>
      client.send(command, send),
    ).catch((error: unknown) => rethrowUploadGone(upload, error));
    for (const part of page.Parts ?? []) parts.push(storedPart(upload.key, part));
    if (page.IsTruncated !== true) return parts.toSorted((a, b) => a.number - b.number);
    const next = page.NextPartNumberMarker;
    if (next === undefined || Number(next) <= Number(marker ?? 0))
      throw incomplete(upload.key, 'the list of parts does not go on');
    marker = next;
  }
}

function storedPart(key: string, { PartNumber, Size, ETag, ChecksumSHA256 }: Part): StoredPart {
  if (PartNumber === undefined || Size === undefined || ETag === undefined)
    throw incomplete(key, 'a listed part lacks its size or tag');
  const stored = { number: PartNumber, bytes: Size, tag: ETag };
  return ChecksumSHA256 === undefined ? stored : { ...stored, sha256: base64ToHex(ChecksumSHA256) };
}

export async function completeUpload(
  store: S3Store,
  upload: Upload,
  parts: readonly StoredPart[],
  options: CallOptions,
): Promise<void> {
  const { key } = upload;
  await refuseTaken(store, 'complete', key, options);
  const { sha256Checksums } = store.settings.provider;
  const command = new CompleteMultipartUploadCommand({
    ...uploadOf(store, upload),
    ...ifAbsent(store, 'complete'),
    ...(sha256Checksums ? { ChecksumType: 'COMPOSITE' } : {}),
    MultipartUpload: {
      Parts: parts.map(({ number, tag, sha256 }) => ({
        PartNumber: number,
        ETag: tag,
        ...(sha256Checksums && sha256 !== undefined ? { ChecksumSHA256: hexToBase64(sha256) } : {}),
      })),
    },
  });
  const answer = await creating(store, key, options, () =>
    ask(store, { action: 'CompleteMultipartUpload', key }, options, (client, send) => client.send(command, send)),
  );
  // Ceph gives an empty tag. An answer without bucket, key and tag is none: the object may be there or not.
  if ((answer.ETag ?? answer.Key ?? answer.Location) === undefined)
    throw incomplete(key, 'the completion was not confirmed');
}

export async function abortUpload(store: S3Store, upload: Upload, options: CallOptions): Promise<void> {
  const command = new AbortMultipartUploadCommand(uploadOf(store, upload));
  try {
    await ask(store, { action: 'AbortMultipartUpload', key: upload.key }, options, (client, send) =>
      client.send(command, send),
    );
  } catch (error) {
    if (!isLakepackError(error, 'NOT_FOUND')) throw error;
  }
}

async function* listUploads(store: S3Store, prefix: string, options: CallOptions): AsyncGenerator<UploadInfo> {
  splitPrefix(prefix, store.settings.shown);
  const seen = new Set<string>();
  for (let markers: Markers = {}; ;) {
    throwIfAborted(options.signal);
    const page = await uploadsPage(store, prefix, markers, options);
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      const key = keyBelow(store.settings, Key ?? '');
      if (key === undefined || UploadId === undefined || lakePathFault(key) !== undefined) continue;
      yield { key, id: UploadId, ...(Initiated === undefined ? {} : { begunAt: Initiated }) };
    }
    if (page.IsTruncated !== true) return;
    markers = nextMarkers(store, page);
    const mark = JSON.stringify(markers);
    if (seen.has(mark)) throw incomplete(store.settings.shown, 'the list of uploads does not go on');
    seen.add(mark);
  }
}

interface Markers {
  readonly KeyMarker?: string;
  readonly UploadIdMarker?: string;
}

function nextMarkers(store: S3Store, page: ListMultipartUploadsCommandOutput): Markers {
  const { NextKeyMarker, NextUploadIdMarker } = page;
  if (NextKeyMarker === undefined) throw incomplete(store.settings.shown, 'the list of uploads does not go on');
  return {
    KeyMarker: NextKeyMarker,
    ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
  };
}

function uploadsPage(
  store: S3Store,
  prefix: string,
  markers: Markers,
  options: CallOptions,
): Promise<ListMultipartUploadsCommandOutput> {
  const command = new ListMultipartUploadsCommand({
    Bucket: store.settings.bucket,
    Prefix: belowPrefix(store.settings, prefix),
    // Not `encoding-type=url`: Ceph encodes these keys then, and does not say so.
    ...markers,
  });
  return ask(store, { action: 'ListMultipartUploads' }, options, (client, send) => client.send(command, send));
}

function uploadOf(
  store: S3Store,
  upload: Upload,
): { readonly Bucket: string; readonly Key: string; readonly UploadId: string } {
  return { ...objectOf(store, upload.key), UploadId: upload.id };
}

/** Ceph answers NoSuchKey for parts of an upload that is gone. */
function rethrowUploadGone(upload: Upload, error: unknown): never {
  if (!isLakepackError(error, 'NOT_FOUND')) throw error;
  throw new LakepackError('NOT_FOUND', `${upload.key}: the store has no such upload`, {
    cause: error.cause,
    retryable: false,
  });
}

function incomplete(subject: string, fault: string): LakepackError {
  return new LakepackError('REMOTE_UNAVAILABLE', `${subject}: the store's answer is not whole: ${fault}`, {
    retryable: true,
  });
}
