/** Endpoints of S3 stores: what is accepted for one, and what its host tells of provider and region. Pure. */
import { isIP } from 'node:net';
import { LakepackError } from '../base/errors.js';
import type { ProviderName } from '../schema/remote-config.js';

/**
 * The endpoint as a client takes it. Without a scheme it is https: providers' consoles show a host alone.
 * Never shown in full, because somebody may have put a key into it. @throws REMOTE_MISCONFIGURED, USAGE.
 */
export function endpointOf(text: string, subject: string): string {
  const url = parse(/^https?:\/\//i.test(text) ? text : `https://${text}`);
  if (url === undefined || url.hostname === '')
    throw bad(subject, 'is not an address', 'such as https://s3.example.org');
  if (url.username !== '' || url.password !== '') {
    throw new LakepackError('USAGE', `${subject}: the endpoint holds a user or a password`, {
      hint: 'keys come from environment variables, the AWS chain or a command; see docs/remotes.md',
    });
  }
  if (url.search !== '' || url.hash !== '') throw bad(subject, 'has a query or a fragment', 'leave it out');
  const isBucketInPath = url.pathname !== '/' && guessProvider(url.href) !== 'generic';
  if (isBucketInPath) throw bad(subject, 'has a path', 'the bucket is named by itself, not behind the endpoint');
  return url.pathname === '/' ? url.origin : `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** By the host; no endpoint at all is AWS's own. */
export function guessProvider(endpoint: string | undefined): ProviderName {
  if (endpoint === undefined) return 'aws';
  const host = new URL(endpoint).hostname;
  if (isBelow(host, 'r2.cloudflarestorage.com')) return 'r2';
  if (isBelow(host, 'backblazeb2.com')) return 'b2';
  return isBelow(host, 'amazonaws.com') || isBelow(host, 'amazonaws.com.cn') ? 'aws' : 'generic';
}

/** `s3.REGION.backblazeb2.com`, `s3.REGION.amazonaws.com`: there the host says the region. */
export function regionOf(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined) return undefined;
  return /(?:^|\.)s3[.-](?:dualstack\.)?([a-z]+-[a-z0-9-]+)\.(?:backblazeb2\.com|amazonaws\.com(?:\.cn)?)$/.exec(
    new URL(endpoint).hostname,
  )?.[1];
}

/** An address of numbers and `localhost` have no subdomains, and no certificate fits a bucket with a dot. */
export function needsPathStyle(endpoint: string | undefined, bucket: string): boolean {
  if (endpoint === undefined) return bucket.includes('.');
  const { hostname, protocol } = new URL(endpoint);
  const isNumeric = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
  return isNumeric || isBelow(hostname, 'localhost') || (protocol === 'https:' && bucket.includes('.'));
}

/** What becomes part of a host name must not be able to end it. */
export function isHostPart(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i.test(text);
}

function isBelow(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function bad(subject: string, says: string, hint: string): LakepackError {
  return new LakepackError('REMOTE_MISCONFIGURED', `${subject}: the endpoint ${says}`, { hint, retryable: false });
}
