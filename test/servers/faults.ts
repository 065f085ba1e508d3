/** The faults that `fault-proxy.ts` can make, which requests each fits, and the drawing of them by a seed. Pure. */
import { createHash } from 'node:crypto';

export const FAULT_KINDS = [
  /** Answers without asking the server. */
  '500',
  '503-slow-down',
  '429',
  '403-expired-token',
  '403-clock-skew',
  /** Connection resets: before anything is forwarded, within the request's body, after the answer's headers, within its body. */
  'reset-before',
  'reset-in-request',
  'reset-after-headers',
  'reset-in-answer',
  /** The server does its work, and its answer is lost. */
  'lost-answer',
  /** Half of the body, then an orderly end. */
  'truncated-answer',
  /** One bit of a body is flipped. */
  'corrupted-answer',
  'corrupted-request',
  'wrong-etag',
  /** An earlier answer to the same listing, or one in which the newest key is missing. */
  'stale-listing',
  /** A trickle. */
  'slow',
  /** No answer at all, until the client goes. */
  'hang',
  /** Status 200 for a completion that did not happen: without a body, and with an error in it (as AWS documents it). */
  'empty-complete',
  'error-in-200',
  /** One byte is flipped, and every checksum and signature that goes with it is made to fit. */
  'canary',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** Kinds a client cannot overcome by itself, or that take its whole patience: drawn only where they are named. */
export const DRAWN_BY_NAME: readonly FaultKind[] = ['hang', '403-expired-token', '403-clock-skew', 'canary'];

export interface ProxiedRequest {
  /** From 0, over the life of the proxy. */
  readonly index: number;
  /** The same request again has the next number, from 0. Random parts (bucket, upload, export) do not make it another. */
  readonly nth: number;
  /** What makes it the same request. */
  readonly key: string;
  readonly method: string;
  /** As sent, with the bucket. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly operation: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly hasBody: boolean;
}

/** The S3 operation of a request in path style. */
export function operationOf(method: string, url: URL, headers: ProxiedRequest['headers']): string {
  const isObject = url.pathname.split('/').filter(Boolean).length > 1;
  const has = (name: string) => url.searchParams.has(name);
  const isCopy = headers['x-amz-copy-source'] !== undefined;
  if (!isObject) {
    if (method === 'GET' && has('uploads')) return 'ListMultipartUploads';
    if (method === 'POST' && has('delete')) return 'DeleteObjects';
    return method === 'GET' && has('list-type') ? 'ListObjectsV2' : 'Bucket';
  }
  if (method === 'POST') return has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
  if (method === 'PUT' && has('partNumber')) return isCopy ? 'UploadPartCopy' : 'UploadPart';
  if (method === 'PUT') return isCopy ? 'CopyObject' : 'PutObject';
  if (method === 'DELETE') return has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
  if (method === 'HEAD') return 'HeadObject';
  if (has('uploadId')) return 'ListParts';
  return has('attributes') ? 'GetObjectAttributes' : 'GetObject';
}

/** What is the same when a run is made again: neither the bucket nor ids with a time or chance in them. */
export function requestKey(method: string, url: URL, range: string | undefined): string {
  const object = url.pathname.split('/').slice(2).join('/');
  const query = [...url.searchParams]
    .filter(([name]) => !/^(x-id|uploadId|key-marker|upload-id-marker|continuation-token|X-Amz-.*)$/i.test(name))
    .map(([name, value]) => `${name}=${value}`);
  return [method, object, ...query.sort(), range ?? '']
    .join(' ')
    .replaceAll(/\d{8}T\d{6}Z-[0-9a-f]{8}/g, 'EXPORT')
    .replaceAll(/lakepack-[\w-]*[0-9a-f]{6,}/g, 'SCRATCH');
}

/** True when the fault means something for the request. */
export function fits(kind: FaultKind, { operation, method, hasBody }: ProxiedRequest): boolean {
  const isWrite = method !== 'GET' && method !== 'HEAD';
  const isUpload = operation === 'PutObject' || operation === 'UploadPart';
  switch (kind) {
    case 'reset-in-request':
    case 'corrupted-request':
      return hasBody && isUpload;
    case 'lost-answer':
      return isWrite;
    case 'reset-in-answer':
    case 'truncated-answer':
      return method === 'GET';
    case 'corrupted-answer':
      return operation === 'GetObject';
    case 'canary':
      return operation === 'GetObject' || (hasBody && isUpload);
    case 'wrong-etag':
      return isUpload || operation === 'HeadObject' || operation === 'GetObject';
    case 'stale-listing':
      return operation === 'ListObjectsV2';
    case 'empty-complete':
    case 'error-in-200':
      return operation === 'CompleteMultipartUpload' || operation === 'CopyObject';
    default:
      return true;
  }
}

/** Hits about `rate` of the requests. The same request of a run with the same seed draws the same, in any order. */
export function drawFault(
  seed: number,
  rate: number,
  kinds: readonly FaultKind[],
  request: ProxiedRequest,
): FaultKind | undefined {
  const draw = numbers(`${seed} ${request.nth} ${request.key}`);
  if (draw() >= rate) return undefined;
  const fitting = kinds.filter((kind) => fits(kind, request));
  return fitting[Math.floor(draw() * fitting.length)];
}

/** Numbers in [0, 1), always the same for the same text. */
function numbers(text: string): () => number {
  const digest = createHash('sha256').update(text).digest();
  let offset = 0;
  return () => {
    offset += 4;
    return digest.readUInt32BE(offset - 4) / 2 ** 32;
  };
}
