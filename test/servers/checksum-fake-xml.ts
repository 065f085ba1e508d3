/** The XML answers of the fake of `checksum-fake.ts`. */
import type { FakeObject, FakeUpload, StoreRefusal } from './checksum-fake-store.js';

export function errorXml({ code, message }: StoreRefusal): string {
  return document('Error', text('Code', code) + text('Message', message));
}

export function uploadXml(id: string, uploadId: string): string {
  return document('InitiateMultipartUploadResult', `${bucketAndKey(id)}${text('UploadId', uploadId)}`);
}

export function completeXml(id: string, object: FakeObject): string {
  return document('CompleteMultipartUploadResult', `${bucketAndKey(id)}${tags(object)}`);
}

export function copyXml(object: FakeObject, name = 'CopyObjectResult'): string {
  return document(name, text('LastModified', object.modifiedAt.toISOString()) + tags(object));
}

/** Here AWS gives a composite checksum without the number of parts, which stands beside it. */
export function attributesXml({ bytes, etag, checksum }: FakeObject): string {
  const [sum, parts] = checksum?.split('-') ?? [];
  const type = parts === undefined ? 'FULL_OBJECT' : 'COMPOSITE';
  const sums = sum === undefined ? '' : element('Checksum', text('ChecksumSHA256', sum) + text('ChecksumType', type));
  const count = parts === undefined ? '' : element('ObjectParts', text('PartsCount', parts));
  const size = text('ObjectSize', String(bytes.length));
  return document('GetObjectAttributesResponse', text('ETag', etag.slice(1, -1)) + sums + count + size);
}

export function partsXml(upload: FakeUpload, query: URLSearchParams): string {
  const after = Number(query.get('part-number-marker') ?? 0);
  const numbers = [...upload.parts.keys()].sort((a, b) => a - b).filter((number) => number > after);
  const page = numbers.slice(0, Number(query.get('max-parts') ?? 1000));
  const parts = page.map((number) => {
    const part = upload.parts.get(number)!;
    const size = text('Size', String(part.bytes.length));
    return element('Part', text('PartNumber', String(number)) + size + modified(part) + tags(part));
  });
  const isTruncated = text('IsTruncated', String(page.length < numbers.length));
  const next = text('NextPartNumberMarker', String(page.at(-1) ?? 0));
  return document('ListPartsResult', bucketAndKey(upload.id) + isTruncated + next + parts.join(''));
}

export function listXml(bucket: string, objects: ReadonlyMap<string, FakeObject>, query: URLSearchParams): string {
  const name = bucket.replace(/\/$/, '');
  const encode = query.get('encoding-type') === 'url' ? encodeURIComponent : (key: string) => key;
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const keys = keysOf(objects.keys(), name, query).filter((key) => after === '' || byBytes(key, after) > 0);
  const page = keys.slice(0, Number(query.get('max-keys') ?? 1000));
  const isTruncated = page.length < keys.length;
  const contents = page.map((key) => {
    const object = objects.get(`${name}/${key}`)!;
    const size = text('Size', String(object.bytes.length));
    return element('Contents', text('Key', encode(key)) + modified(object) + text('ETag', object.etag) + size);
  });
  return document(
    'ListBucketResult',
    text('Name', name) +
      text('KeyCount', String(page.length)) +
      (query.get('encoding-type') === 'url' ? text('EncodingType', 'url') : '') +
      text('IsTruncated', String(isTruncated)) +
      (isTruncated ? text('NextContinuationToken', page.at(-1) ?? '') : '') +
      contents.join(''),
  );
}

export function uploadsXml(bucket: string, uploads: ReadonlyMap<string, FakeUpload>, query: URLSearchParams): string {
  const name = bucket.replace(/\/$/, '');
  const marker = [query.get('key-marker') ?? '', query.get('upload-id-marker') ?? ''].join('\n');
  const all = [...uploads.values()]
    .map(({ id, uploadId, begunAt }) => ({ key: keyOf(id), id, uploadId, begunAt }))
    .filter(({ id, key }) => id.startsWith(`${name}/`) && key.startsWith(query.get('prefix') ?? ''))
    .sort((a, b) => byBytes(`${a.key}\n${a.uploadId}`, `${b.key}\n${b.uploadId}`))
    .filter(({ key, uploadId }) => marker === '\n' || byBytes(`${key}\n${uploadId}`, marker) > 0);
  const page = all.slice(0, Number(query.get('max-uploads') ?? 1000));
  const last = page.at(-1);
  const rows = page.map(({ key, uploadId, begunAt }) =>
    element('Upload', text('Key', key) + text('UploadId', uploadId) + text('Initiated', begunAt.toISOString())),
  );
  const next = text('NextKeyMarker', last?.key ?? '') + text('NextUploadIdMarker', last?.uploadId ?? '');
  const isTruncated = text('IsTruncated', String(page.length < all.length));
  return document('ListMultipartUploadsResult', isTruncated + next + rows.join(''));
}

function keysOf(ids: Iterable<string>, bucket: string, query: URLSearchParams): readonly string[] {
  const prefix = `${bucket}/${query.get('prefix') ?? ''}`;
  return [...ids]
    .filter((id) => id.startsWith(prefix))
    .map(keyOf)
    .sort(byBytes);
}

function keyOf(id: string): string {
  return id.slice(id.indexOf('/') + 1);
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function bucketAndKey(id: string): string {
  return text('Bucket', id.slice(0, id.indexOf('/'))) + text('Key', keyOf(id));
}

function modified({ modifiedAt }: FakeObject): string {
  return text('LastModified', modifiedAt.toISOString());
}

function tags({ etag, checksum }: FakeObject): string {
  const sum = checksum === undefined ? '' : text('ChecksumSHA256', checksum);
  const type = checksum?.includes('-') === true ? text('ChecksumType', 'COMPOSITE') : '';
  return text('ETag', etag) + sum + type;
}

function document(name: string, content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>${element(name, content)}`;
}

function text(name: string, value: string): string {
  return element(name, value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'));
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}
