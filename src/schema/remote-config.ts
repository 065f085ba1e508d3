/** What a configuration says of a named remote. Types only: `config/` reads it, `remote/` acts on it. */

export const PROVIDER_NAMES = ['r2', 'b2', 'aws', 'minio', 'ceph', 'generic'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** One of `path`, `url` or `provider` says what it is: a folder, a read-only address, or an S3 store. */
export interface RemoteConfig {
  /** A folder. */
  readonly path?: string;
  /** A read-only base, `https://…`. */
  readonly url?: string;
  readonly provider?: ProviderName;
  readonly endpoint?: string;
  readonly region?: string;
  readonly bucket?: string;
  /** Keys below it. */
  readonly prefix?: string;
  readonly pathStyle?: boolean;
  /**
   * Where the key is: `environment` is the beginning of the names of three variables (`…_ACCESS_KEY_ID`,
   * `…_SECRET_ACCESS_KEY`, `…_SESSION_TOKEN`), `profile` a profile of the AWS chain, `anonymous` no key at all.
   */
  readonly environment?: string;
  readonly profile?: string;
  readonly anonymous?: boolean;
  /**
   * A command that prints a key as AWS `credential_process` does. Only in a file that was named on purpose
   * (`--config`, `LAKEPACK_CONFIG`): a lake's own configuration may have come with somebody else's data.
   */
  readonly credentialProcess?: string;
  /** Server-side encryption: `AES256`, `aws:kms`. */
  readonly encryption?: 'AES256' | 'aws:kms';
  readonly kmsKeyId?: string;
  readonly storageClass?: string;
  /** Object tags. */
  readonly tags?: Readonly<Record<string, string>>;
  /** `Cache-Control` of bundles and manifests, which never change. */
  readonly cacheControl?: string;
  /** Archives to read from when this one fails, in order. */
  readonly fallback?: readonly string[];
}
