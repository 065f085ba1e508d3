/**
 * A real S3 for tests: `startCeph` for one of one's own, `sharedCeph` for the one of the whole run. That is started by the
 * global setup when the first test asks for it, so a run without S3 tests starts nothing. LAKEPACK_TEST_S3_ENDPOINT puts another server in its place.
 */
import { createBucket, type BucketOptions } from './ceph-buckets.js';
import { cephMissing, startCeph, type Ceph } from './ceph-node.js';
import type { TestKeys } from './keys.js';
import { watchForSecrets } from './secret-watch.js';
import { SHARED_CEPH_VARIABLE } from './variables.js';

export type { BucketOptions } from './ceph-buckets.js';
export { plainClient } from './ceph-buckets.js';
export { cephMissing, startCeph, type Ceph, type CephOptions } from './ceph-node.js';
export type { TestKeys } from './keys.js';

export interface S3Server {
  readonly endpoint: string;
  readonly region: string;
  readonly keys: TestKeys;
  /** A second user, who may do only what a bucket policy allows; undefined on a server given from outside. */
  readonly other: TestKeys | undefined;
  createBucket(name?: string, options?: BucketOptions): Promise<string>;
}

/** Why there is no server, or undefined when there is one: for `describe.skipIf(!hasSharedCeph())`. */
export function sharedCephMissing(): string | undefined {
  return process.env.LAKEPACK_TEST_S3_ENDPOINT === undefined ? cephMissing() : undefined;
}

export function hasSharedCeph(): boolean {
  return sharedCephMissing() === undefined;
}

/** Buckets are shared too: a test makes its own by `createBucket()`. Nobody stops this server. */
export async function sharedCeph(): Promise<S3Server> {
  watchForSecrets();
  return given() ?? (await fromGlobalSetup()) ?? (await ofThisProcess());
}

function given(): S3Server | undefined {
  const endpoint = process.env.LAKEPACK_TEST_S3_ENDPOINT;
  if (endpoint === undefined) return undefined;
  const keys = {
    accessKeyId: process.env.LAKEPACK_TEST_S3_ACCESS_KEY_ID ?? '',
    secretAccessKey: process.env.LAKEPACK_TEST_S3_SECRET_ACCESS_KEY ?? '',
  };
  return serverOf({ endpoint, region: process.env.LAKEPACK_TEST_S3_REGION ?? 'us-east-1', keys, other: undefined });
}

async function fromGlobalSetup(): Promise<S3Server | undefined> {
  const address = process.env[SHARED_CEPH_VARIABLE];
  if (address === undefined) return undefined;
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`the shared Ceph did not start: ${await answer.text()}`);
  return serverOf((await answer.json()) as Omit<S3Server, 'createBucket'>);
}

let own: Promise<Ceph> | undefined;

/** Without the global setup (a script): it goes with this process. */
async function ofThisProcess(): Promise<S3Server> {
  own ??= startCeph();
  return own;
}

function serverOf(server: Omit<S3Server, 'createBucket'>): S3Server {
  return { ...server, createBucket: (name, options) => createBucket(server, name, options) };
}
