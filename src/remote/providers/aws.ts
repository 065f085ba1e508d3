/** Amazon S3. Its limits and habits, each with its source. */
import type { ProviderProfile } from './provider.js';
import { S3_LIMITS } from './s3-limits.js';

export const AWS: ProviderProfile = {
  ...S3_LIMITS,
  name: 'aws',
  label: 'Amazon S3',
  region: undefined,
  pathStyle: false,
  createOnly: { put: true, complete: true, copy: true, inVersioned: true },
  sha256Checksums: true,
  partsAtOnce: 16,
  uploadListing: 'prefix',
  facts: [
    {
      fact: 'If-None-Match is honoured by PutObject and CompleteMultipartUpload since August 2024',
      source: 'aws.amazon.com/about-aws/whats-new/2024/08/amazon-s3-conditional-writes/',
      date: '2026-11-21',
    },
    {
      fact: 'If-None-Match is honoured by CopyObject; where it is not (China), the answer is 501',
      source:
        'docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html, docs.amazonaws.cn/en_us/AmazonS3/latest/userguide/conditional-writes-enforce.html',
      date: '2026-11-21',
    },
    {
      fact: 'a conditional write that meets another one in the making is answered by 409 ConditionalRequestConflict',
      source: 'docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html',
      date: '2026-11-21',
    },
    {
      fact: 'SHA-256 is compared and kept; after multipart as COMPOSITE',
      source: 'docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html',
      date: '2026-11-21',
    },
    {
      fact: 'parts are 5 MiB to 5 GiB, 10,000 at most',
      source: 'docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html',
      date: '2026-11-21',
    },
    {
      fact: 'one CopyObject copies 5 GB at most',
      source: 'docs.aws.amazon.com/AmazonS3/latest/dev/CopyingObjctsUsingRESTMPUapi.html',
      date: '2026-11-21',
    },
  ],
};
