/** What the failures of stores, sockets and keys become, made up one by one. The real ones are in `s3-refusals.test.ts`. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type ErrorCode, LakepackError } from '../../src/base/errors.js';
import { s3ErrorOf } from '../../src/remote/s3-errors.js';
import { settingsFor } from './s3-under-test.js';

const KEY = 'exports/a/x.tar.zst';
const settings = settingsFor({ endpoint: 'https://store.example' });

/** As the AWS client throws it, with what must not get out. */
function answer(name: string, status: number, more: object = {}, headers: object = {}): Error {
  return Object.assign(new Error(`${name} of AKIDSECRET`), {
    name,
    $metadata: { httpStatusCode: status, requestId: 'request-7' },
    $response: { statusCode: status, headers: { authorization: 'AKIDSECRET', ...headers } },
    AWSAccessKeyId: 'AKIDSECRET',
    SignatureProvided: 'AKIDSECRET',
    StringToSign: 'AKIDSECRET',
    ...more,
  });
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code} AKIDSECRET`), { code });
}

describe('an answer', () => {
  test.each<[name: string, status: number, code: ErrorCode, retryable: boolean]>([
    ['InvalidAccessKeyId', 403, 'CREDENTIALS_INVALID', false],
    ['SignatureDoesNotMatch', 403, 'CREDENTIALS_INVALID', false],
    ['ExpiredToken', 400, 'CREDENTIALS_INVALID', false],
    ['InvalidToken', 400, 'CREDENTIALS_INVALID', false],
    ['Unauthorized', 401, 'CREDENTIALS_INVALID', false],
    ['AccessDenied', 403, 'PERMISSION_DENIED', false],
    ['NoSuchBucket', 404, 'REMOTE_MISCONFIGURED', false],
    ['PermanentRedirect', 301, 'REMOTE_MISCONFIGURED', false],
    ['AuthorizationHeaderMalformed', 400, 'REMOTE_MISCONFIGURED', false],
    ['InvalidStorageClass', 400, 'REMOTE_MISCONFIGURED', false],
    ['NotImplemented', 501, 'REMOTE_MISCONFIGURED', false],
    ['SlowDown', 503, 'REMOTE_UNAVAILABLE', true],
    ['InternalError', 500, 'REMOTE_UNAVAILABLE', true],
    ['RequestTimeout', 400, 'REMOTE_UNAVAILABLE', true],
    ['TooManyRequests', 429, 'REMOTE_UNAVAILABLE', true],
    ['ConditionalRequestConflict', 409, 'REMOTE_UNAVAILABLE', true],
    ['XAmzContentSHA256Mismatch', 400, 'HASH_MISMATCH', true],
    ['BadDigest', 400, 'HASH_MISMATCH', true],
    ['NoSuchKey', 404, 'NOT_FOUND', false],
    ['NoSuchUpload', 404, 'NOT_FOUND', false],
    ['PreconditionFailed', 412, 'OBJECT_EXISTS', false],
    ['EntityTooLarge', 400, 'LIMIT_EXCEEDED', false],
    ['InvalidRange', 416, 'LIMIT_EXCEEDED', false],
    ['InsufficientStorage', 507, 'DISK_FULL', false],
    ['QuotaExceeded', 403, 'DISK_FULL', false],
    ['InvalidObjectState', 403, 'REMOTE_UNAVAILABLE', false],
  ])('%s is %s', (name, status, code, retryable) => {
    const error = s3ErrorOf(answer(name, status), settings, { action: 'PutObject', key: KEY });
    expect(error).toMatchObject({ code, cause: { name } });
    expect(error.retryable ?? false).toBe(retryable);
    expect(error.message.startsWith(`${KEY}: `)).toBe(true);
  });

  test.each<[status: number, code: ErrorCode, retryable: boolean]>([
    [200, 'REMOTE_UNAVAILABLE', true],
    [301, 'REMOTE_MISCONFIGURED', false],
    [400, 'REMOTE_MISCONFIGURED', false],
    [401, 'CREDENTIALS_INVALID', false],
    [403, 'PERMISSION_DENIED', false],
    [404, 'NOT_FOUND', false],
    [408, 'REMOTE_UNAVAILABLE', true],
    [409, 'REMOTE_UNAVAILABLE', true],
    [412, 'OBJECT_EXISTS', false],
    [429, 'REMOTE_UNAVAILABLE', true],
    [500, 'REMOTE_UNAVAILABLE', true],
    [502, 'REMOTE_UNAVAILABLE', true],
    [507, 'DISK_FULL', false],
    [599, 'REMOTE_UNAVAILABLE', true],
  ])('of a code that nobody knows goes by its status %i', (status, code, retryable) => {
    const error = s3ErrorOf(answer('Flurble', status), settings, { action: 'GetObject', key: KEY });
    expect(error.code).toBe(code);
    expect(error.retryable ?? false).toBe(retryable);
  });

  test('404 that is about no object is about the bucket', () => {
    const error = s3ErrorOf(answer('NotFound', 404), settings, { action: 'ListObjectsV2' });
    expect(error).toMatchObject({ code: 'REMOTE_MISCONFIGURED' });
    expect(error.message).toContain('no bucket bucket');
  });

  test('names the region that was expected, from its header or its words', () => {
    const byHeader = answer('PermanentRedirect', 301, {}, { 'x-amz-bucket-region': 'eu-west-1' });
    const words = { message: "the region 'us-east-1' is wrong; expecting 'eu-north-1'" };
    const byWords = answer('AuthorizationHeaderMalformed', 400, words);
    const call = { action: 'ListObjectsV2' };
    expect(s3ErrorOf(byHeader, settings, call).message).toContain('expected eu-west-1, got us-east-1');
    expect(s3ErrorOf(byWords, settings, call)).toMatchObject({ hint: 'set the region to eu-north-1' });
  });

  test('names the action that a policy must allow', () => {
    const denied = (action: string): string => s3ErrorOf(answer('AccessDenied', 403), settings, { action }).message;
    expect(denied('PutObject')).toContain('s3:PutObject');
    expect(denied('ListObjectsV2')).toContain('s3:ListBucket');
    expect(denied('ListMultipartUploads')).toContain('s3:ListBucketMultipartUploads');
    expect(denied('CreateMultipartUpload')).toContain('s3:PutObject');
  });

  test('of a clock that is off says by how much, and may be asked again until the client has corrected its own', () => {
    const date = new Date(Date.now() - 20 * 60_000).toUTCString();
    const skewed = answer('RequestTimeTooSkewed', 403, {}, { date });
    const first = s3ErrorOf(skewed, settings, { action: 'GetObject', key: KEY });
    expect(first).toMatchObject({ code: 'CREDENTIALS_INVALID', retryable: true });
    expect(first.message).toContain('by 20 minutes');
    const again = s3ErrorOf(skewed, settings, { action: 'GetObject', key: KEY, isClockCorrected: true });
    expect(again.retryable).toBe(false);
    const dateless = s3ErrorOf(answer('RequestTimeTooSkewed', 403), settings, { action: 'GetObject', key: KEY });
    expect(dateless.retryable).toBe(false);
  });

  test('that is no answer of S3 is a wrong endpoint, unless a proxy says that it is busy', () => {
    const page = (status: number): Error =>
      Object.assign(new SyntaxError('Unexpected token <\n  Deserialization error: to see the raw response …'), {
        $metadata: {},
        $response: { statusCode: status, headers: {} },
      });
    expect(s3ErrorOf(page(200), settings, { action: 'GetObject', key: KEY }).code).toBe('REMOTE_MISCONFIGURED');
    expect(s3ErrorOf(page(404), settings, { action: 'GetObject', key: KEY }).code).toBe('REMOTE_MISCONFIGURED');
    expect(s3ErrorOf(page(502), settings, { action: 'GetObject', key: KEY })).toMatchObject({ retryable: true });
  });

  test('with the number of a request, and a body that cannot be read, was spoilt on its way', () => {
    const spoilt = Object.assign(new SyntaxError('Deserialization error'), {
      $metadata: {},
      $response: { statusCode: 404, headers: { 'x-amz-request-id': 'tx01' } },
    });
    const error = s3ErrorOf(spoilt, settings, { action: 'GetObject', key: KEY });
    expect(error).toMatchObject({ code: 'REMOTE_UNAVAILABLE', retryable: true });
  });

  test('hints where the key came from', () => {
    const error = s3ErrorOf(answer('InvalidAccessKeyId', 403), settings, { action: 'GetObject', key: KEY });
    expect(error.hint).toContain('TEST_ACCESS_KEY_ID and TEST_SECRET_ACCESS_KEY');
  });
});

describe('a connection', () => {
  test.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EAI_AGAIN'])('%s passes', (code) => {
    const error = s3ErrorOf(systemError(code), settings, { action: 'GetObject', key: KEY });
    expect(error).toMatchObject({ code: 'REMOTE_UNAVAILABLE', retryable: true });
    expect(error.message).toContain(code);
  });

  test.each([
    ['ENOTFOUND', 'not known'],
    ['EPROTO', 'TLS'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'NODE_EXTRA_CA_CERTS'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'NODE_EXTRA_CA_CERTS'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'NODE_EXTRA_CA_CERTS'],
    ['CERT_HAS_EXPIRED', 'NODE_EXTRA_CA_CERTS'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'NODE_EXTRA_CA_CERTS'],
    ['HPE_INVALID_CONSTANT', 'HTTP'],
  ])('%s must be put right', (code, words) => {
    const error = s3ErrorOf(systemError(code), settings, { action: 'GetObject', key: KEY });
    expect(error).toMatchObject({ code: 'REMOTE_MISCONFIGURED', retryable: false });
    expect(`${error.message} ${error.hint ?? ''}`).toContain(words);
  });

  test('that failed at every address of a name fails as the first did', () => {
    const all = new AggregateError([systemError('ECONNREFUSED'), systemError('ENETUNREACH')]);
    expect(s3ErrorOf(all, settings, { action: 'GetObject', key: KEY }).message).toContain('ECONNREFUSED');
  });
});

describe('what is neither', () => {
  test('a chain that has no key says what to set', () => {
    const error = Object.assign(new Error('Could not load credentials from any providers'), {
      name: 'CredentialsProviderError',
    });
    const made = s3ErrorOf(error, settings, { action: 'GetObject', key: KEY });
    expect(made).toMatchObject({ code: 'CREDENTIALS_INVALID', retryable: false });
    expect(made.hint).toContain('TEST_ACCESS_KEY_ID');
  });

  test('an abort is INTERRUPTED, an error of ours stays, anything else is INTERNAL', () => {
    const call = { action: 'GetObject', key: KEY };
    expect(s3ErrorOf(Object.assign(new Error(), { name: 'AbortError' }), settings, call).code).toBe('INTERRUPTED');
    const ours = new LakepackError('DISK_FULL', 'x: y');
    expect(s3ErrorOf(ours, settings, call)).toBe(ours);
    expect(s3ErrorOf(new RangeError('AKIDSECRET'), settings, call).code).toBe('INTERNAL');
    expect(s3ErrorOf('AKIDSECRET', settings, call).code).toBe('INTERNAL');
  });
});

test('nothing of a request gets into a message, a hint, a cause or a stack', () => {
  const failures = [
    answer('AccessDenied', 403),
    answer('AKIDSECRET <&> not a code', 400),
    answer('SignatureDoesNotMatch', 403),
    systemError('ECONNRESET'),
    systemError('WEIRD'),
    new Error('credential AKIDSECRET'),
  ];
  for (const failure of failures) {
    const error = s3ErrorOf(failure, settings, { action: 'GetObject', key: KEY });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('AKIDSECRET');
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('made-up-secret');
  }
});
