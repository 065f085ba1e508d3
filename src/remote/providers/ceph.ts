/** Ceph's RADOS gateway. Its limits and habits, each with its source. */
import type { ProviderProfile } from './provider.js';
import { S3_LIMITS } from './s3-limits.js';

export const CEPH: ProviderProfile = {
  ...S3_LIMITS,
  name: 'ceph',
  label: 'Ceph RGW',
  region: 'us-east-1',
  pathStyle: true,
  createOnly: { put: true, complete: false, copy: false, inVersioned: false },
  sha256Checksums: false,
  partsAtOnce: 8,
  uploadListing: 'prefix',
  facts: [
    {
      fact: 'tags are kept of PutObject only: not of uploads in parts, not of copies',
      source: 'tried on Ceph RGW 16.2.15',
      date: '2026-11-21',
    },
    {
      fact: 'ListMultipartUploads with encoding-type=url encodes the keys and does not say so',
      source: 'tried on Ceph RGW 16.2.15',
      date: '2026-11-21',
    },
    {
      fact: 'PutObject honours If-None-Match: *, also of two at once',
      source: 'tried on Ceph RGW 16.2.15',
      date: '2026-11-21',
    },
    {
      fact: 'PutObject ignores If-None-Match in buckets that keep versions, with object lock too',
      source: 'tried on Ceph RGW 16.2.15',
      date: '2026-11-21',
    },
    {
      fact: 'CompleteMultipartUpload ignores If-None-Match, and answers with an empty ETag',
      source: 'tried on Ceph RGW 16.2.15',
      date: '2026-11-21',
    },
    { fact: 'CopyObject ignores If-None-Match', source: 'tried on Ceph RGW 16.2.15', date: '2026-11-21' },
    {
      fact: 'x-amz-checksum-sha256 is accepted, and neither compared nor kept',
      source: 'tried on Ceph RGW 16.2.15',
      date: '2026-11-21',
    },
    {
      fact: 'x-amz-content-sha256 is compared with the body: 400 XAmzContentSHA256Mismatch',
      source: 'tried on Ceph RGW 16.2.15',
      date: '2026-11-21',
    },
    {
      fact: 'the names of buckets have three letters or more',
      source: 'tried on Ceph RGW 16.2.15',
      date: '2026-11-21',
    },
  ],
};
