/** Any other S3 store: nothing is taken for granted that a fallback can replace. Its limits and habits, each with its source. */
import type { ProviderProfile } from './provider.js';
import { S3_LIMITS } from './s3-limits.js';

export const GENERIC: ProviderProfile = {
  ...S3_LIMITS,
  name: 'generic',
  label: 'S3 store',
  region: 'us-east-1',
  pathStyle: true,
  createOnly: { put: false, complete: false, copy: false, inVersioned: false },
  sha256Checksums: false,
  partsAtOnce: 4,
  uploadListing: 'exact-key',
  facts: [
    {
      fact: 'parts are 5 MiB to 5 GiB and 10,000 at most, as on Amazon S3',
      source: 'docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html',
      date: '2026-11-21',
    },
  ],
};
