/** What the settings of a remote say of every object it makes: encryption, storage class, tags, caching. Pure. */
import type { CreateMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import type { S3Settings } from './s3-settings.js';

export type ObjectSettings = Pick<
  CreateMultipartUploadCommandInput,
  'ServerSideEncryption' | 'SSEKMSKeyId' | 'StorageClass' | 'Tagging' | 'CacheControl'
>;

/** The same for one request, a multipart upload and a copy. `key` is the lake path. */
export function objectSettings(settings: S3Settings, key: string): ObjectSettings {
  const { encryption, storageClass, cacheControl } = settings;
  const tagging = taggingOf(settings.tags);
  return {
    ...(encryption === undefined ? {} : { ServerSideEncryption: encryption.type }),
    ...(encryption?.kmsKeyId === undefined ? {} : { SSEKMSKeyId: encryption.kmsKeyId }),
    ...(storageClass === undefined
      ? {}
      : { StorageClass: storageClass as NonNullable<ObjectSettings['StorageClass']> }),
    ...(tagging === '' ? {} : { Tagging: tagging }),
    ...(cacheControl === undefined || !isImmutable(key) ? {} : { CacheControl: cacheControl }),
  };
}

/** Bundles and what is below `manifests/` never change under their name. */
function isImmutable(key: string): boolean {
  return key.endsWith('.tar.zst') || key.startsWith('manifests/');
}

function taggingOf(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
}
