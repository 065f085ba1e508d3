/**
 * A FAKE S3 in memory, written from the documents of AWS ("Checking object integrity", API reference 2006-03-01) and of
 * Cloudflare R2 ("S3 API compatibility", equal parts), read in 2026. No server that runs here compares a checksum header
 * with the body or returns a composite SHA-256 after a multipart upload: this stands in for that path, and proves nothing
 * about a real store. It checks NO signatures, knows no users, and takes any bucket.
 */
import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { operationOf } from './faults.js';
import { FakeStore, StoreRefusal, type FakeObject, type FakeOptions } from './checksum-fake-store.js';
import {
  attributesXml,
  completeXml,
  copyXml,
  errorXml,
  listXml,
  partsXml,
  uploadXml,
  uploadsXml,
} from './checksum-fake-xml.js';

export type { FakeOptions } from './checksum-fake-store.js';

export interface ChecksumFake {
  readonly endpoint: string;
  /** What is stored, by `bucket/key`; what a test puts in or damages is what is read. */
  readonly objects: Map<string, FakeObject>;
  /** Operations that were asked for, in their order. */
  readonly operations: readonly string[];
  close(): Promise<void>;
}

interface Call {
  readonly id: string;
  readonly url: URL;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export async function startChecksumFake(options: FakeOptions = {}): Promise<ChecksumFake> {
  const store = new FakeStore(options);
  const operations: string[] = [];
  const server = http.createServer((request, response) => {
    void respond(store, operations, request).then(({ status = 200, headers = {}, body = '' }) => {
      const bytes = Buffer.from(body);
      // A HEAD says how long the body would be.
      response.writeHead(status, { 'content-length': String(bytes.length), ...headers });
      response.end(request.method === 'HEAD' ? undefined : bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ objects: store.objects, operations },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

async function respond(store: FakeStore, operations: string[], request: http.IncomingMessage): Promise<Answer> {
  try {
    const url = new URL(request.url ?? '/', 'http://fake');
    const { headers } = request;
    const operation = operationOf(request.method ?? 'GET', url, headers);
    operations.push(operation);
    const call = { id: decodeURIComponent(url.pathname.slice(1)), url, headers, body: await buffer(request) };
    checkBody(call);
    return handle(store, operation, call);
  } catch (error) {
    const refusal = error instanceof StoreRefusal ? error : new StoreRefusal(500, 'InternalError', String(error));
    return { status: refusal.status, headers: { 'content-type': 'application/xml' }, body: errorXml(refusal) };
  }
}

function handle(store: FakeStore, operation: string, call: Call): Answer {
  const { id, url, headers, body } = call;
  const uploadId = url.searchParams.get('uploadId') ?? '';
  const number = Number(url.searchParams.get('partNumber'));
  const createOnly = headers['if-none-match'] === '*';
  switch (operation) {
    case 'PutObject':
      return stored(store.put(id, body, createOnly));
    case 'CopyObject':
      return xml(copyXml(store.put(id, store.get(sourceOf(call)).bytes, createOnly)));
    case 'GetObject':
      return content(store.get(id), call);
    case 'HeadObject': {
      const { body: found, ...answer } = content(store.get(id), call);
      return { ...answer, headers: { ...answer.headers, 'content-length': String(found?.length ?? 0) } };
    }
    case 'GetObjectAttributes':
      return xml(attributesXml(store.get(id)));
    case 'DeleteObject':
      store.objects.delete(id);
      return { status: 204 };
    case 'DeleteObjects':
      for (const [, key = ''] of body.toString().matchAll(/<Key>(.*?)<\/Key>/g)) store.objects.delete(`${id}/${key}`);
      return xml('<DeleteResult/>');
    case 'CreateMultipartUpload':
      return xml(uploadXml(id, store.begin(id, headers['x-amz-checksum-algorithm'] === 'SHA256')));
    case 'UploadPart':
      return stored(store.send(uploadId, number, body, headers['x-amz-checksum-sha256'] !== undefined));
    case 'UploadPartCopy':
      return xml(
        copyXml(store.send(uploadId, number, rangeOf(store.get(sourceOf(call)).bytes, call), false), 'CopyPartResult'),
      );
    case 'ListParts':
      return xml(partsXml(store.upload(uploadId), url.searchParams));
    case 'CompleteMultipartUpload':
      return xml(completeXml(id, store.complete(id, uploadId, body.toString(), createOnly)));
    case 'AbortMultipartUpload':
      store.abort(uploadId);
      return { status: 204 };
    case 'ListObjectsV2':
      return xml(listXml(id, store.objects, url.searchParams));
    case 'ListMultipartUploads':
      return xml(uploadsXml(id, store.uploads, url.searchParams));
    default:
      return {}; // A bucket is made, or asked for: every bucket is here.
  }
}

/** AWS compares what the client says about a body with the body, before anything else. */
function checkBody({ headers, body }: Call): void {
  if (headers['content-encoding']?.includes('aws-chunked') === true) {
    throw new StoreRefusal(501, 'NotImplemented', 'the fake does not read aws-chunked bodies');
  }
  const sum = headers['x-amz-checksum-sha256'];
  if (typeof sum === 'string' && sum !== createHash('sha256').update(body).digest('base64')) {
    throw new StoreRefusal(400, 'BadDigest', 'The SHA256 you specified did not match the calculated checksum.');
  }
  const hash = headers['x-amz-content-sha256'];
  if (
    typeof hash === 'string' &&
    /^[0-9a-f]{64}$/.test(hash) &&
    hash !== createHash('sha256').update(body).digest('hex')
  ) {
    throw new StoreRefusal(
      400,
      'XAmzContentSHA256Mismatch',
      'The provided x-amz-content-sha256 header does not match.',
    );
  }
}

function content(object: FakeObject, call: Call): Answer {
  const { range } = call.headers;
  const withSum = call.headers['x-amz-checksum-mode'] === 'ENABLED' && range === undefined;
  const headers = {
    ...headersOf(object, withSum),
    'accept-ranges': 'bytes',
    'last-modified': object.modifiedAt.toUTCString(),
  };
  if (range === undefined) return { headers, body: object.bytes };
  const body = rangeOf(object.bytes, call);
  const offset = /bytes=(\d+)-/.exec(range)?.[1] ?? String(object.bytes.length - body.length);
  const place = `bytes ${offset}-${Number(offset) + body.length - 1}/${object.bytes.length}`;
  return { status: 206, headers: { ...headers, 'content-range': place }, body };
}

function rangeOf(bytes: Buffer, { headers }: Call): Buffer {
  const range = headers['x-amz-copy-source-range'] ?? headers.range;
  if (typeof range !== 'string') return bytes;
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  const start = first === '' ? Math.max(0, bytes.length - Number(last)) : Number(first);
  if (start >= bytes.length) throw new StoreRefusal(416, 'InvalidRange', 'The requested range is not satisfiable');
  return bytes.subarray(start, first === '' || last === '' ? undefined : Number(last) + 1);
}

function sourceOf({ headers }: Call): string {
  return decodeURIComponent(String(headers['x-amz-copy-source'])).replace(/^\//, '');
}

function stored(object: Pick<FakeObject, 'etag' | 'checksum'>): Answer {
  return { headers: headersOf(object, true) };
}

function headersOf(
  { etag, checksum }: Pick<FakeObject, 'etag' | 'checksum'>,
  withSum: boolean,
): Record<string, string> {
  if (!withSum || checksum === undefined) return { etag };
  const type = checksum.includes('-') ? 'COMPOSITE' : 'FULL_OBJECT';
  return { etag, 'x-amz-checksum-sha256': checksum, 'x-amz-checksum-type': type };
}

function xml(body: string): Answer {
  return { headers: { 'content-type': 'application/xml' }, body };
}
