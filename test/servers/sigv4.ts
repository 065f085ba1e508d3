/**
 * Signs an S3 request anew after its body was changed on the way (AWS Signature Version 4, single chunk): what an
 * attacker who holds the key, or memory that fails before the checksum is made, would send.
 */
import { createHash, createHmac } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { TestKeys } from './keys.js';

/** Header names and values in turns, as `rawHeaders` has them. */
export type RawHeaders = readonly string[];

/** The headers that fit `body`: checksums made new, and the signature over them. */
export function resign(method: string, url: string, headers: RawHeaders, body: Buffer, keys: TestKeys): RawHeaders {
  const fitting = withChecksums(headers, body);
  const authorization = /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\S+?), ?SignedHeaders=([^,]+), ?Signature=/;
  const match = authorization.exec(headerOf(fitting, 'authorization') ?? '');
  if (match === null) throw new Error('the request is not signed in its Authorization header');
  const [, scope, signedHeaders] = match as unknown as [string, string, string];
  const canonical = canonicalRequest(method, url, fitting, signedHeaders);
  const time = headerOf(fitting, 'x-amz-date') ?? '';
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const signature = createHmac('sha256', signingKey(keys.secretAccessKey, scope)).update(text).digest('hex');
  const credential = `Credential=${keys.accessKeyId}/${scope}`;
  const value = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  return mapHeaders(fitting, (name, old) => (name === 'authorization' ? value : old));
}

/** All checksums of a body that a request or an answer carries, made to fit it. */
export function withChecksums(headers: RawHeaders, body: Buffer): RawHeaders {
  return mapHeaders(headers, (name, old) => {
    switch (name) {
      case 'x-amz-content-sha256':
        return /^[0-9a-f]{64}$/.test(old) ? sha256(body) : old;
      case 'x-amz-checksum-sha256':
        return old.includes('-') ? old : createHash('sha256').update(body).digest('base64');
      case 'x-amz-checksum-crc32':
        return crc32Base64(body);
      case 'content-md5':
        return createHash('md5').update(body).digest('base64');
      default:
        return old;
    }
  });
}

export function headerOf(headers: RawHeaders, wanted: string): string | undefined {
  const index = headers.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === wanted);
  return index === -1 ? undefined : headers[index + 1];
}

export function mapHeaders(headers: RawHeaders, map: (name: string, value: string) => string): RawHeaders {
  return headers.map((text, index) => (index % 2 === 0 ? text : map((headers[index - 1] ?? '').toLowerCase(), text)));
}

function canonicalRequest(method: string, url: string, headers: RawHeaders, signedHeaders: string): string {
  const [path = '', query = ''] = url.split('?', 2);
  const parameters = query === '' ? [] : query.split('&').map((part) => (part.includes('=') ? part : `${part}=`));
  const lines = signedHeaders.split(';').map((name) => `${name}:${(headerOf(headers, name) ?? '').trim()}\n`);
  const hash = headerOf(headers, 'x-amz-content-sha256') ?? '';
  return [method, path, parameters.sort().join('&'), lines.join(''), signedHeaders, hash].join('\n');
}

function signingKey(secret: string, scope: string): Buffer {
  return scope
    .split('/')
    .reduce((key, part) => createHmac('sha256', key).update(part).digest(), Buffer.from(`AWS4${secret}`));
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}

function crc32Base64(body: Buffer): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString('base64');
}
