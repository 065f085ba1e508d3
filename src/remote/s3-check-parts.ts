/** Probes of writing in parts: what large bundles, their resume and their proof depend on. */
import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { MIB } from '../base/limits.js';
import { errorOf, get, keyFor } from './s3-check-objects.js';
import {
  failed,
  missing,
  nameOf,
  skipped,
  statusOf,
  works,
  type Probe,
  type S3Check,
  type Seen,
} from './s3-check-run.js';

/** The least that S3 takes for a part that is not the last. */
const PART_BYTES = 5 * MIB;
const LAST_BYTES = 1024;

export const PART_PROBES: readonly Probe[] = [
  {
    ...{
      id: 'multipart',
      action: 'CreateMultipartUpload',
      tries: 'an upload in parts can be begun and given up',
      neededFor: 'writing',
      after: ['list'],
    },
    ...{ fix: 'allow s3:PutObject and s3:AbortMultipartUpload below the prefix', run: tryBegin },
  },
  {
    ...{
      id: 'multipart-list',
      action: 'ListMultipartUploads',
      tries: 'unfinished uploads are listed',
      neededFor: 'nothing',
      after: ['multipart'],
    },
    ...{ instead: 'uploads are remembered on the machine that began them', run: tryListUploads },
    fix: 'allow s3:ListBucketMultipartUploads on the bucket',
  },
  {
    ...{
      id: 'multipart-parts',
      action: 'ListParts',
      tries: 'the parts of an upload are listed',
      neededFor: 'nothing',
      after: ['multipart'],
    },
    ...{ instead: 'an interrupted upload begins anew', fix: 'allow s3:ListMultipartUploadParts below the prefix' },
    run: tryListParts,
  },
  {
    ...{
      id: 'multipart-abort',
      action: 'AbortMultipartUpload',
      tries: 'an upload that was given up is gone',
      neededFor: 'nothing',
    },
    ...{ after: ['multipart-parts'], run: tryAbort },
    instead: 'a lifecycle rule must remove what is left of it',
  },
  {
    ...{
      id: 'multipart-whole',
      action: 'CompleteMultipartUpload',
      tries: 'parts become one object',
      neededFor: 'writing',
      after: ['multipart', 'delete'],
    },
    ...{ stores: true, run: tryWhole },
  },
  {
    ...{
      id: 'checksum-parts',
      action: 'CompleteMultipartUpload',
      tries: 'the SHA-256 of an object in parts is told',
      neededFor: 'nothing',
    },
    ...{ after: ['multipart-whole'], stores: true, run: tryComposite },
    instead: 'what was stored is read back before its manifest is written',
  },
  {
    ...{
      id: 'part-copy',
      action: 'UploadPartCopy',
      tries: 'the store copies a large object in parts',
      neededFor: 'nothing',
    },
    ...{ after: ['multipart-whole'], stores: true, instead: 'bytes go through this machine', run: tryPartCopy },
  },
  {
    ...{
      id: 'unequal-parts',
      action: 'CompleteMultipartUpload',
      tries: 'parts of different sizes are accepted',
      neededFor: 'nothing',
    },
    ...{ after: ['multipart-whole', 'part-copy'], stores: true, run: tryUnequal },
    instead: 'nothing is lost: all parts but the last are of one size',
  },
  {
    ...{
      id: 'complete-create-only',
      action: 'CompleteMultipartUpload',
      tries: 'the last step heeds If-None-Match: *',
      neededFor: 'nothing',
    },
    ...{ after: ['multipart-whole', 'part-copy'], stores: true, run: tryCompleteCreateOnly },
    instead: 'the name is looked up before; a bundle counts only with its manifest, which is written once',
  },
];

async function begin(
  check: S3Check,
  name: string,
  sha256 = false,
): Promise<{ readonly key: string; readonly id: string }> {
  const key = keyFor(check, name);
  const checksum = sha256 ? { ChecksumAlgorithm: 'SHA256' as const } : {};
  const command = new CreateMultipartUploadCommand({ Bucket: check.settings.bucket, Key: key, ...checksum });
  const { UploadId: id = '' } = await check.client.send(command, { abortSignal: check.signal });
  check.facts.uploads.set(id, key);
  return { key, id };
}

type Begun = Awaited<ReturnType<typeof begin>>;

function naming(
  check: S3Check,
  { key, id }: Begun,
): { readonly Bucket: string; readonly Key: string; readonly UploadId: string } {
  return { Bucket: check.settings.bucket, Key: key, UploadId: id };
}

async function send(
  check: S3Check,
  upload: Begun,
  number: number,
  bytes: Buffer,
  sha256?: string,
): Promise<CompletedPart> {
  const checksum = sha256 === undefined ? {} : { ChecksumSHA256: sha256 };
  const command = new UploadPartCommand({ ...naming(check, upload), PartNumber: number, Body: bytes, ...checksum });
  const { ETag: tag = '' } = await check.client.send(command, { abortSignal: check.signal });
  return { PartNumber: number, ETag: tag, ...checksum };
}

async function abort(check: S3Check, upload: Begun): Promise<void> {
  await check.client.send(new AbortMultipartUploadCommand(naming(check, upload)), { abortSignal: check.signal });
}

async function complete(check: S3Check, upload: Begun, parts: CompletedPart[], isOnce = false): Promise<void> {
  const once = isOnce ? { IfNoneMatch: '*' } : {};
  const command = new CompleteMultipartUploadCommand({
    ...{ ...naming(check, upload), MultipartUpload: { Parts: parts }, ...once },
  });
  await check.client.send(command, { abortSignal: check.signal });
}

async function tryBegin(check: S3Check): Promise<Seen> {
  const upload = await begin(check, 'given up');
  await abort(check, upload);
  return works();
}

async function tryListUploads(check: S3Check): Promise<Seen> {
  const upload = await begin(check, 'unfinished');
  const found = async (prefix: string): Promise<boolean> => {
    const command = new ListMultipartUploadsCommand({ Bucket: check.settings.bucket, Prefix: prefix });
    const { Uploads: uploads = [] } = await check.client.send(command, { abortSignal: check.signal });
    return uploads.some((one) => one.UploadId === upload.id);
  };
  try {
    if (await found(check.scratch)) return works('by prefix');
    if (await found(upload.key)) return { ...missing('only for the key that is named'), outcome: 'works' };
    return missing('an upload that was begun is not listed');
  } finally {
    await errorOf(abort(check, upload));
  }
}

async function tryListParts(check: S3Check): Promise<Seen> {
  const upload = await begin(check, 'parts');
  await send(check, upload, 1, Buffer.alloc(LAST_BYTES, 1));
  const { Parts: parts = [] } = await check.client.send(new ListPartsCommand(naming(check, upload)), {
    abortSignal: check.signal,
  });
  const isThere = parts.length === 1 && parts[0]?.Size === LAST_BYTES;
  return isThere ? works() : failed(`sent 1 part, ${parts.length} are listed`);
}

async function tryAbort(check: S3Check): Promise<Seen> {
  const upload = await begin(check, 'aborted');
  await send(check, upload, 1, Buffer.alloc(LAST_BYTES, 1));
  await abort(check, upload);
  const error = await errorOf(
    check.client.send(new ListPartsCommand(naming(check, upload)), { abortSignal: check.signal }),
  );
  if (statusOf(error) === 404) return works();
  return error === undefined ? failed('its parts are still listed') : failed(nameOf(error));
}

/** Parts of different content, so that one in the wrong place is seen. */
function partBodies(): readonly Buffer[] {
  return [Buffer.alloc(PART_BYTES, 'lakepack '), Buffer.alloc(LAST_BYTES, 'the end ')];
}

async function tryWhole(check: S3Check): Promise<Seen> {
  const bodies = partBodies();
  const upload = await begin(check, 'large');
  const parts: CompletedPart[] = [];
  for (const [index, body] of bodies.entries()) parts.push(await send(check, upload, index + 1, body));
  await complete(check, upload, parts);
  check.facts.uploads.delete(upload.id);
  const whole = Buffer.concat(bodies);
  const from = PART_BYTES - 100;
  const seam = await get(check, upload.key, { Range: `bytes=${from}-${whole.length - 1}` });
  if (!seam.equals(whole.subarray(from))) return failed('other bytes than those that were sent');
  check.facts.large = { key: upload.key, bytes: whole.length };
  return works();
}

async function tryComposite(check: S3Check): Promise<Seen> {
  const body = Buffer.from('a single part');
  const digest = createHash('sha256').update(body).digest();
  const upload = await begin(check, 'composite', true);
  const error = await errorOf(
    send(check, upload, 1, body, digest.toString('base64')).then((part) => complete(check, upload, [part])),
  );
  if (error !== undefined) return missing(`not accepted (${nameOf(error)})`);
  check.facts.uploads.delete(upload.id);
  const command = new HeadObjectCommand({ Bucket: check.settings.bucket, Key: upload.key, ChecksumMode: 'ENABLED' });
  const told = (await check.client.send(command, { abortSignal: check.signal })).ChecksumSHA256;
  const wanted = `${createHash('sha256').update(digest).digest('base64')}-1`;
  if (told === wanted) return works();
  return missing(told === undefined ? 'accepted, not told' : 'accepted, and another one told');
}

async function copyPart(
  check: S3Check,
  upload: Begun,
  number: number,
  first: number,
  last: number,
): Promise<CompletedPart> {
  const key = check.facts.large?.key ?? '';
  const command = new UploadPartCopyCommand({
    ...{ ...naming(check, upload), PartNumber: number, CopySourceRange: `bytes=${first}-${last}` },
    CopySource: `${check.settings.bucket}/${key.split('/').map(encodeURIComponent).join('/')}`,
  });
  const { CopyPartResult: result } = await check.client.send(command, { abortSignal: check.signal });
  return { PartNumber: number, ETag: result?.ETag ?? '' };
}

async function tryPartCopy(check: S3Check): Promise<Seen> {
  const { large } = check.facts;
  if (large === undefined) return skipped('there is no large object');
  const upload = await begin(check, 'large copy');
  const parts = [
    await copyPart(check, upload, 1, 0, PART_BYTES - 1),
    await copyPart(check, upload, 2, PART_BYTES, large.bytes - 1),
  ];
  await complete(check, upload, parts);
  check.facts.uploads.delete(upload.id);
  const end = await get(check, upload.key, { Range: `bytes=${PART_BYTES}-${large.bytes - 1}` });
  return end.equals(partBodies()[1] ?? Buffer.alloc(0)) ? works() : failed('other bytes than those of the source');
}

async function tryUnequal(check: S3Check): Promise<Seen> {
  const upload = await begin(check, 'unequal');
  const parts = [
    await copyPart(check, upload, 1, 0, PART_BYTES - 1),
    await copyPart(check, upload, 2, 0, PART_BYTES + LAST_BYTES - 1),
    await copyPart(check, upload, 3, 0, LAST_BYTES - 1),
  ];
  const error = await errorOf(complete(check, upload, parts));
  if (error === undefined) check.facts.uploads.delete(upload.id);
  return error === undefined ? works() : missing(nameOf(error));
}

async function tryCompleteCreateOnly(check: S3Check): Promise<Seen> {
  const upload = await begin(check, 'large copy');
  const parts = [await copyPart(check, upload, 1, 0, LAST_BYTES - 1)];
  const error = await errorOf(complete(check, upload, parts, true));
  if (error === undefined) {
    check.facts.uploads.delete(upload.id);
    return missing('the condition is ignored: the object was overwritten');
  }
  return statusOf(error) === 412 || statusOf(error) === 409 ? works() : missing(nameOf(error));
}
