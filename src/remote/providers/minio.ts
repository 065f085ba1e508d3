/** MinIO and AIStor. Its limits and habits, each with its source. */
import type { ProviderProfile } from './provider.js';
import { S3_LIMITS } from './s3-limits.js';

export const MINIO: ProviderProfile = {
  ...S3_LIMITS,
  name: 'minio',
  label: 'MinIO',
  region: 'us-east-1',
  pathStyle: true,
  createOnly: { put: true, complete: false, copy: false, inVersioned: true },
  sha256Checksums: false,
  partsAtOnce: 8,
  uploadListing: 'exact-key',
  facts: [
    { fact: 'PutObject honours If-None-Match: *', source: 'github.com/minio/minio/issues/20346', date: '2026-11-21' },
    {
      fact: 'ListMultipartUploads lists only the key that is its prefix, named in full',
      source: 'github.com/minio/minio/issues/11686, github.com/minio/minio/issues/20989',
      date: '2026-11-21',
    },
  ],
};
