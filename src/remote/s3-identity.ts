/** The text that is the same for the same place in an S3 store, however it was spelled; and what it tells. Pure. */
import type { S3Settings } from './s3-settings.js';

export interface S3Place {
  /** The store: its endpoint, or the region of Amazon. */
  readonly place: string;
  readonly bucket: string;
  readonly prefix: string;
}

/** `s3 PLACE BUCKET PREFIX`. Neither place nor bucket can hold a space. */
export function s3Identity({ endpoint, region, bucket, prefix }: S3Settings): string {
  return `s3 ${endpoint === undefined ? `aws-${region}` : normalEndpoint(endpoint)} ${bucket} ${prefix}`;
}

/** Undefined for the identity of a remote of another kind. */
export function parseS3Identity(identity: string): S3Place | undefined {
  const [, place, bucket, prefix] = /^s3 (\S+) (\S+) (.*)$/s.exec(identity) ?? [];
  return place === undefined || bucket === undefined || prefix === undefined ? undefined : { place, bucket, prefix };
}

/** Upper case, a slash at the end and the usual port mean nothing. Without a user: that would be a credential. */
function normalEndpoint(endpoint: string): string {
  if (!URL.canParse(endpoint)) return encodeURI(endpoint);
  const { protocol, host, pathname } = new URL(endpoint);
  return `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
}
