/** Backblaze B2, by its S3 API. Its limits and habits, each with its source. */
import type { ProviderProfile } from './provider.js';
import { S3_LIMITS } from './s3-limits.js';

export const B2: ProviderProfile = {
  ...S3_LIMITS,
  name: 'b2',
  label: 'Backblaze B2',
  region: undefined,
  pathStyle: true,
  createOnly: { put: false, complete: false, copy: false, inVersioned: false },
  sha256Checksums: false,
  partsAtOnce: 8,
  uploadListing: 'prefix',
  facts: [
    {
      fact: 'PutObject with If-None-Match is answered by 501 NotImplemented',
      source: 'github.com/sathinduga/obsidian-s3-sync-and-backup/issues/78',
      date: '2026-11-21',
    },
    {
      fact: 'payloads are signed, and addresses are path style',
      source: 'the guide of Litestream to S3-compatible stores',
      date: '2026-11-21',
    },
    {
      fact: 'parts are numbered from 1 to 10,000; with Live Read all but the last are of one size',
      source: 'backblaze.com/apidocs/s3-upload-part',
      date: '2026-11-21',
    },
  ],
};
