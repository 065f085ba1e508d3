/** Buckets for tests, made with the plain SDK: never with the code under test. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { CreateBucketCommand, PutBucketPolicyCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import type { TestKeys } from './keys.js';

export interface BucketOptions {
  readonly versioning?: boolean;
  /** Also versions. No retention is set: what is stored can be deleted. */
  readonly objectLock?: boolean;
  /** Everybody may read and list, without a key. */
  readonly publicRead?: boolean;
  /** The user `other` may read and list, and nothing else. */
  readonly readOnlyForOther?: boolean;
  /** A whole bucket policy of the test's own. */
  readonly policy?: object;
}

export interface BucketServer {
  readonly endpoint: string;
  readonly keys: TestKeys;
  /** The path of a PEM file with the authority behind the server's certificate. */
  readonly ca?: string | undefined;
}

export async function createBucket(server: BucketServer, name?: string, options: BucketOptions = {}): Promise<string> {
  const Bucket = name ?? `lakepack-test-${randomBytes(6).toString('hex')}`;
  const client = plainClient(server);
  try {
    await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: options.objectLock === true }));
    if (options.versioning === true) {
      await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    }
    const policy = policyOf(Bucket, options);
    if (policy !== undefined) await client.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify(policy) }));
    return Bucket;
  } finally {
    client.destroy();
  }
}

/** An SDK client with the settings that every server tried here takes. */
export function plainClient({ endpoint, keys, ca }: BucketServer): S3Client {
  return new S3Client({
    ...{ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { ...keys } },
    ...{ requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' },
    ...(ca === undefined ? {} : { requestHandler: { httpsAgent: new https.Agent({ ca: readFileSync(ca) }) } }),
  });
}

function policyOf(bucket: string, options: BucketOptions): object | undefined {
  if (options.policy !== undefined) return options.policy;
  const readers = [
    ...(options.publicRead === true ? ['*'] : []),
    ...(options.readOnlyForOther === true ? [{ AWS: ['arn:aws:iam:::user/other'] }] : []),
  ];
  if (readers.length === 0) return undefined;
  const Action = ['s3:GetObject', 's3:ListBucket', 's3:GetBucketLocation'];
  const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
  return {
    Version: '2012-10-17',
    Statement: readers.map((Principal) => ({ Effect: 'Allow', Principal, Action, Resource })),
  };
}
