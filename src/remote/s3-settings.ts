/** Everything an S3 client is made from, whole: no defaults below this. Types only. */
import type { ProviderProfile } from './providers/provider.js';

export interface S3KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A key stands behind a function, so that printing or serializing settings shows none. */
export type S3Credentials =
  /** The AWS default chain: environment, profiles, SSO, `credential_process`, instance roles. */
  | { readonly type: 'chain'; readonly profile: string | undefined }
  | { readonly type: 'keys'; readonly read: () => S3KeyPair }
  /** A command line that prints the JSON of AWS `credential_process`, version 1. */
  | { readonly type: 'command'; readonly command: string }
  | { readonly type: 'anonymous' };

export interface S3Settings {
  /** As the user named it, for messages: `r2:lake/prod`, `s3://bucket/prefix`. */
  readonly shown: string;
  readonly provider: ProviderProfile;
  /** Undefined: the provider's own by region (AWS only). */
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly bucket: string;
  /** `''`, or a lake path; keys stand below it. */
  readonly prefix: string;
  readonly pathStyle: boolean;
  readonly credentials: S3Credentials;
  /** Which variables or settings the key came from, for hints: `R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY`. */
  readonly credentialsFrom: string;
  readonly encryption: { readonly type: 'AES256' | 'aws:kms'; readonly kmsKeyId: string | undefined } | undefined;
  readonly storageClass: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly cacheControl: string | undefined;
  readonly timeouts: S3Timeouts;
}

export interface S3Timeouts {
  readonly connectMs: number;
  /** Longest silence of a socket: before an answer begins, and within a body. */
  readonly idleMs: number;
}

export const DEFAULT_S3_TIMEOUTS: S3Timeouts = { connectMs: 10_000, idleMs: 60_000 };
