/** What names mean: variables of the environment, configured remotes, and what is told when something is missing. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { isLakepackError, type LakepackError } from '../../src/base/errors.js';
import type { RemoteEnvironment } from '../../src/remote/location.js';
import { folderAt, resolveRemote } from '../../src/remote/resolve.js';
import type { S3Settings } from '../../src/remote/s3-settings.js';
import type { RemoteConfig } from '../../src/schema/remote-config.js';

type Remotes = Readonly<Record<string, RemoteConfig>>;

function resolve(location: string, environment: RemoteEnvironment = {}, remotes: Remotes = {}) {
  return resolveRemote({ location, context: { environment, remotes: new Map(Object.entries(remotes)) } });
}

function settings(location: string, environment: RemoteEnvironment = {}, remotes: Remotes = {}): S3Settings {
  const place = resolve(location, environment, remotes);
  if (place.kind !== 's3') throw new Error(`is ${place.kind}`);
  return place.settings;
}

function errorOf(location: string, environment: RemoteEnvironment = {}, remotes: Remotes = {}): LakepackError {
  try {
    resolve(location, environment, remotes);
  } catch (error) {
    if (isLakepackError(error)) return error;
    throw error;
  }
  throw new Error('was accepted');
}

function keysOf({ credentials }: S3Settings) {
  return credentials.type === 'keys' ? credentials.read() : credentials;
}

const R2 = { R2_ACCOUNT_ID: 'abc123', R2_ACCESS_KEY_ID: 'id', R2_SECRET_ACCESS_KEY: 'hunter2' };
const B2 = { B2_KEY_ID: 'id', B2_APP_KEY: 'hunter2', B2_REGION: 'us-west-004' };
const MINIO = { MINIO_ENDPOINT: 'http://127.0.0.1:9000', MINIO_ROOT_USER: 'id', MINIO_ROOT_PASSWORD: 'hunter2' };
const AWS = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'hunter2', AWS_REGION: 'eu-west-1' };

describe('r2:', () => {
  test('by account and key, the bucket first in the path', () => {
    const found = settings('r2:lake/prod/', R2);
    expect(found).toMatchObject({
      ...{ shown: 'r2:lake/prod', endpoint: 'https://abc123.r2.cloudflarestorage.com', region: 'auto' },
      ...{ bucket: 'lake', prefix: 'prod', credentialsFrom: 'R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY' },
    });
    expect(found.provider.name).toBe('r2');
    expect(keysOf(found)).toEqual({ accessKeyId: 'id', secretAccessKey: 'hunter2' });
  });

  test.each(['R2_BUCKET', 'R2_BUCKET_NAME'])('with %s the path is a prefix', (name) => {
    expect(settings('r2:', { ...R2, [name]: 'lake' })).toMatchObject({ bucket: 'lake', prefix: '', shown: 'r2:' });
    expect(settings('r2:lake/prod', { ...R2, [name]: 'main' })).toMatchObject({ bucket: 'main', prefix: 'lake/prod' });
  });

  test('by the other names of the variables', () => {
    const environment = {
      R2_ENDPOINT: 'https://x.eu.r2.cloudflarestorage.com/',
      R2_ACCESS_KEY: 'id',
      R2_SECRET_KEY: 's',
    };
    const found = settings('r2:lake', environment);
    expect(found.endpoint).toBe('https://x.eu.r2.cloudflarestorage.com');
    expect(keysOf(found)).toEqual({ accessKeyId: 'id', secretAccessKey: 's' });
  });

  test('names every variable that is missing, at once', () => {
    expect(errorOf('r2:lake')).toMatchObject({
      code: 'REMOTE_MISCONFIGURED',
      message: 'r2: not set up: R2_ACCOUNT_ID (or R2_ENDPOINT), R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY are not set',
    });
    expect(errorOf('r2:lake', { ...R2, R2_SECRET_ACCESS_KEY: ' ' })).toMatchObject({
      code: 'CREDENTIALS_INVALID',
      message: 'r2: not set up: R2_SECRET_ACCESS_KEY is not set',
    });
  });

  test('an account that would end the host name is refused, and not repeated', () => {
    const error = errorOf('r2:lake', { ...R2, R2_ACCOUNT_ID: 'evil.example/hunter2' });
    expect(error.code).toBe('REMOTE_MISCONFIGURED');
    expect(inspect(error)).not.toContain('hunter2');
  });

  test('an endpoint with the bucket behind it, as the console shows it, is explained', () => {
    expect(errorOf('r2:lake', { ...R2, R2_ENDPOINT: 'https://abc.r2.cloudflarestorage.com/lake' })).toMatchObject({
      code: 'REMOTE_MISCONFIGURED',
      hint: expect.stringContaining('the bucket is named by itself'),
    });
  });
});

describe('b2:', () => {
  test('by region', () => {
    const found = settings('b2:x', { ...B2, B2_BUCKET: 'lake' });
    expect(found).toMatchObject({
      ...{ endpoint: 'https://s3.us-west-004.backblazeb2.com', region: 'us-west-004', bucket: 'lake', prefix: 'x' },
      ...{ pathStyle: true, credentialsFrom: 'B2_KEY_ID and B2_APP_KEY' },
    });
  });

  test('by endpoint, as its console shows it: a host alone, which holds the region', () => {
    const found = settings('b2:lake', {
      ...B2,
      B2_REGION: undefined,
      B2_ENDPOINT: 's3.eu-central-003.backblazeb2.com',
    });
    expect(found).toMatchObject({ endpoint: 'https://s3.eu-central-003.backblazeb2.com', region: 'eu-central-003' });
  });

  test('without either', () => {
    expect(errorOf('b2:lake', { ...B2, B2_REGION: '' }).message).toBe(
      'b2: not set up: B2_REGION (or B2_ENDPOINT) is not set',
    );
  });
});

describe('minio:', () => {
  test('by endpoint, user and password', () => {
    const found = settings('minio:bucket/lake', MINIO);
    expect(found).toMatchObject({ endpoint: 'http://127.0.0.1:9000', region: 'us-east-1', pathStyle: true });
    expect(found).toMatchObject({ bucket: 'bucket', prefix: 'lake' });
    expect(settings('minio:bucket', { ...MINIO, MINIO_REGION: 'home-1' }).region).toBe('home-1');
    expect(errorOf('minio:bucket').message).toMatch(/MINIO_ENDPOINT, MINIO_ROOT_USER, MINIO_ROOT_PASSWORD are not set/);
  });
});

describe('aws: and s3:', () => {
  test('by the AWS chain, whose variables are those of the caller', () => {
    const found = settings('aws:bucket/lake', AWS);
    expect(found).toMatchObject({ endpoint: undefined, region: 'eu-west-1', pathStyle: false, prefix: 'lake' });
    expect(found.provider.name).toBe('aws');
    expect(keysOf(found)).toEqual({ accessKeyId: 'id', secretAccessKey: 'hunter2' });
    expect(settings('s3://bucket', { AWS_DEFAULT_REGION: 'us-west-2' })).toMatchObject({
      ...{ region: 'us-west-2', credentials: { type: 'chain', profile: undefined } },
    });
  });

  test('a profile that was chosen goes before a key in the environment', () => {
    expect(keysOf(settings('s3://bucket', { ...AWS, AWS_PROFILE: 'work' }))).toEqual({
      type: 'chain',
      profile: 'work',
    });
  });

  test('without a region it is asked for', () => {
    expect(errorOf('s3://bucket', { ...AWS, AWS_REGION: '' })).toMatchObject({
      code: 'REMOTE_MISCONFIGURED',
      message: expect.stringContaining('AWS_REGION'),
    });
  });

  test.each(['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'])('%s is another store', (name) => {
    const found = settings('s3://bucket', { ...AWS, AWS_REGION: undefined, [name]: 'http://localhost:8000' });
    expect(found).toMatchObject({ endpoint: 'http://localhost:8000', pathStyle: true, region: 'us-east-1' });
    expect(found.provider.name).toBe('generic');
  });

  test.each([
    ['https://abc.r2.cloudflarestorage.com', 'r2', 'auto'],
    ['https://s3.us-west-004.backblazeb2.com', 'b2', 'us-west-004'],
    ['https://s3.eu-west-1.amazonaws.com', 'aws', 'eu-west-1'],
    ['https://s3.dualstack.eu-west-1.amazonaws.com', 'aws', 'eu-west-1'],
    ['https://store.example.org', 'generic', 'us-east-1'],
    ['https://evilr2.cloudflarestorage.com.example.org', 'generic', 'us-east-1'],
  ])('the provider behind %s is %s', (endpoint, provider, region) => {
    const found = settings(`s3://bucket/x?endpoint=${endpoint}`);
    expect(found).toMatchObject({ endpoint, region, provider: { name: provider } });
    expect(settings(`s3://bucket/x?endpoint=${endpoint}&provider=ceph`).provider.name).toBe('ceph');
  });

  test('without a key', () => {
    expect(settings('s3://bucket?anonymous=true&region=eu-west-1', AWS).credentials).toEqual({ type: 'anonymous' });
  });

  test('a bucket with a dot is no subdomain that a certificate fits', () => {
    expect(settings('s3://my.bucket', AWS).pathStyle).toBe(true);
    expect(settings('s3://my.bucket?pathStyle=false', AWS).pathStyle).toBe(false);
  });
});

describe('a configured remote', () => {
  test('may be a folder, with what follows below it', () => {
    const remotes = { nas: { path: '/mnt/nas' } };
    expect(resolve('nas:', {}, remotes)).toEqual({ kind: 'folder', folder: '/mnt/nas' });
    expect(resolve('NAS:a/b', {}, remotes)).toEqual({ kind: 'folder', folder: '/mnt/nas/a/b' });
    expect(errorOf('nas:../x', {}, remotes).code).toBe('USAGE');
  });

  test('may be an address', () => {
    const remotes = { cdn: { url: 'https://data.example.org/x/' } };
    expect(resolve('cdn:', {}, remotes)).toEqual({ kind: 'https', base: 'https://data.example.org/x' });
    expect(resolve('cdn:a b', {}, remotes)).toEqual({ kind: 'https', base: 'https://data.example.org/x/a%20b' });
  });

  test('may be a store, with everything said', () => {
    const offsite: RemoteConfig = {
      ...{ provider: 'ceph', endpoint: 'https://s3.example.org', region: 'home', bucket: 'lake', prefix: 'a' },
      ...{ environment: 'OFFSITE', encryption: 'aws:kms', kmsKeyId: 'k', storageClass: 'COLD', tags: { a: 'b' } },
      cacheControl: 'public, immutable',
    };
    const environment = {
      OFFSITE_ACCESS_KEY_ID: 'id',
      OFFSITE_SECRET_ACCESS_KEY: 's',
      OFFSITE_SESSION_TOKEN: 't',
      ...AWS,
    };
    const found = settings('offsite:b', environment, { offsite });
    expect(found).toMatchObject({
      ...{ bucket: 'lake', prefix: 'a/b', region: 'home', shown: 'offsite:b', storageClass: 'COLD', tags: { a: 'b' } },
      ...{ encryption: { type: 'aws:kms', kmsKeyId: 'k' }, cacheControl: 'public, immutable' },
      credentialsFrom: 'OFFSITE_ACCESS_KEY_ID and OFFSITE_SECRET_ACCESS_KEY',
    });
    expect(keysOf(found)).toEqual({ accessKeyId: 'id', secretAccessKey: 's', sessionToken: 't' });
    expect(errorOf('offsite:', {}, { offsite })).toMatchObject({
      code: 'CREDENTIALS_INVALID',
      message: 'offsite: not set up: OFFSITE_ACCESS_KEY_ID, OFFSITE_SECRET_ACCESS_KEY are not set',
    });
  });

  test.each([
    [{ profile: 'work' }, { type: 'chain', profile: 'work' }],
    [{ anonymous: true }, { type: 'anonymous' }],
    [{ credentialProcess: 'vault x' }, { type: 'command', command: 'vault x' }],
    [{}, { type: 'chain', profile: undefined }],
  ] as const)('has its key from %j', (said, credentials) => {
    const offsite: RemoteConfig = { provider: 'aws', region: 'eu-west-1', ...said };
    expect(settings('offsite:bucket/x', {}, { offsite }).credentials).toEqual(credentials);
  });

  test('of the name of a built-in wins, and may leave the key to its variables', () => {
    const found = settings('r2:x', R2, { r2: { bucket: 'configured', prefix: 'p' } });
    expect(found).toMatchObject({ bucket: 'configured', prefix: 'p/x', provider: { name: 'r2' } });
    expect(keysOf(found)).toMatchObject({ accessKeyId: 'id' });
  });

  test('does not take its bucket from variables that are another remote’s', () => {
    const found = settings('offsite:lake/x', { ...R2, R2_BUCKET: 'main' }, { offsite: { provider: 'r2' } });
    expect(found).toMatchObject({ bucket: 'lake', prefix: 'x' });
  });
});

describe('refused without being repeated', () => {
  test.each([
    ['https://user:hunter2@host/x', 'USAGE'],
    ['https://host/x?token=hunter2', 'USAGE'],
    ['https://host/x#hunter2', 'USAGE'],
    ['http:hunter2', 'USAGE'],
    ['r2:user:hunter2@bucket/x', 'USAGE'],
    ['r2://id:hun/ter2hunter2@bucket/x', 'USAGE'],
    ['r2:lake?key=hunter2', 'USAGE'],
    ['r2:hunter2:x/y', 'USAGE'],
    ['nobody:hunter2', 'ARCHIVE_UNSUPPORTED'],
    ['ftp://user:hunter2@host', 'ARCHIVE_UNSUPPORTED'],
    ['file://user:hunter2@host/x', 'USAGE'],
  ])('%s', (location, code) => {
    const error = errorOf(location, R2);
    expect(error.code).toBe(code);
    expect(inspect(error, { depth: 5 })).not.toContain('hunter2');
  });

  test('an unknown name is told which there are', () => {
    expect(errorOf('offsit:x', {}, { offsite: { path: '/x' } }).message).toMatch(/one of aws, b2, minio, offsite, r2$/);
  });
});

test('settings that are printed show no key', () => {
  for (const found of [
    settings('r2:lake', R2),
    settings('b2:lake', B2),
    settings('minio:lake', MINIO),
    settings('s3://lake', AWS),
  ]) {
    expect(inspect(found, { depth: 9, showHidden: true }) + JSON.stringify(found)).not.toContain('hunter2');
  }
});

test('the folder of a location is known without opening it', () => {
  const context = { environment: {}, remotes: new Map([['nas', { path: '/mnt/nas' }]]) };
  expect(folderAt('./x')).toBe('./x');
  expect(folderAt('file:///x')).toBe('/x');
  expect(folderAt({ location: 'nas:y', context })).toBe('/mnt/nas/y');
  for (const location of ['s3://bucket', 'r2:x', 'https://host'])
    expect(folderAt({ location, context })).toBeUndefined();
});
