/** Cloudflare R2. Its limits and habits, each with its source. */
import { GIB, MIB } from '../../base/limits.js';
import type { ProviderProfile } from './provider.js';
import { S3_LIMITS } from './s3-limits.js';

const MOST_BYTES = 5 * GIB - 5 * MIB;

export const R2: ProviderProfile = {
  ...S3_LIMITS,
  name: 'r2',
  label: 'Cloudflare R2',
  region: 'auto',
  pathStyle: true,
  createOnly: { put: true, complete: true, copy: true, inVersioned: true },
  sha256Checksums: true,
  maxPartBytes: MOST_BYTES,
  maxCopyBytes: MOST_BYTES,
  partsAtOnce: 3,
  uploadListing: 'prefix',
  facts: [
    { fact: 'the only region is auto', source: 'developers.cloudflare.com/r2/api/s3/api/', date: '2026-11-21' },
    {
      fact: 'If-None-Match is honoured by PutObject and CompleteMultipartUpload; a copy has cf-copy-destination-if-none-match',
      source: 'developers.cloudflare.com/r2/api/s3/conditional-operations/',
      date: '2026-11-21',
    },
    {
      fact: 'SHA-256 is kept as COMPOSITE only',
      source: 'developers.cloudflare.com/r2/api/s3/api/',
      date: '2026-11-21',
    },
    {
      fact: 'one request and one part carry 4.995 GiB at most; 10,000 parts',
      source: 'developers.cloudflare.com/r2/platform/limits/',
      date: '2026-11-21',
    },
    {
      fact: 'more than one write a second to one key is answered by 429',
      source: 'developers.cloudflare.com/r2/platform/limits/',
      date: '2026-11-21',
    },
    {
      fact: 'all parts of an upload but the last are of one size; checked by CompleteMultipartUpload only',
      source: 'github.com/apache/opendal/issues/6252, github.com/cloudflare/cloudflare-docs/issues/9549',
      date: '2026-11-21',
    },
    {
      fact: 'two or three parts of one object at once (not official)',
      source: 'gist.github.com/johnspurlock-skymethod/6027c81953f81aa535d889d86a1061ba',
      date: '2026-11-21',
    },
  ],
};
