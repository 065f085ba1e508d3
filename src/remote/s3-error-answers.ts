/** What the error answers of S3 stores mean: by their code, and by their status where a store has its own codes. */
import type { S3Call, S3Fault, S3Meaning } from './s3-fault.js';
import type { S3Settings } from './s3-settings.js';

const MINUTE_MS = 60_000;

type Words = (fault: S3Fault, settings: S3Settings, call: S3Call) => S3Meaning;

export function answerMeaning(fault: S3Fault, settings: S3Settings, call: S3Call): S3Meaning {
  const isStatusTrusted = fault.status >= 500 || fault.status === 429 || fault.status === 408;
  // A proxy in front of a store answers 502 with a page of its own: that passes, and says nothing of the endpoint.
  if (fault.isForeign && !isStatusTrusted) return notS3(fault, settings, call);
  const words = BY_NAME.get(fault.name) ?? BY_STATUS.get(fault.status) ?? otherStatus;
  return words(fault, settings, call);
}

const keyRefused: Words = (fault, settings) => ({
  code: 'CREDENTIALS_INVALID',
  says: `${settings.provider.label} does not accept the key (${fault.name})`,
  hint: `check ${settings.credentialsFrom}`,
  retryable: false,
});

const keyExpired: Words = (fault, settings) => ({
  code: 'CREDENTIALS_INVALID',
  says: `the key has expired, or its session token is not valid (${fault.name})`,
  hint: `renew the key: ${settings.credentialsFrom}`,
  retryable: false,
});

const clockOff: Words = (fault, _settings, call) => {
  const minutes = fault.date === undefined ? undefined : Math.abs(Date.now() - fault.date.getTime()) / MINUTE_MS;
  const much = minutes === undefined ? '' : ` by ${Math.round(minutes)} minutes`;
  return {
    code: 'CREDENTIALS_INVALID',
    says: `the clock of this machine and the store's differ${much}`,
    hint: 'set the clock of this machine',
    // The client counts the difference in from now on; that helps once or not at all.
    retryable: fault.date !== undefined && call.isClockCorrected !== true,
  };
};

const denied: Words = (_fault, settings, call) => ({
  code: 'PERMISSION_DENIED',
  says: `the key may not do this: ${permissionOf(call.action)} is needed in bucket ${settings.bucket}`,
  hint: `allow it for the key, or use another one: ${settings.credentialsFrom}; remote check tells what the key may do`,
  retryable: false,
});

const noBucket: Words = (fault, settings) => ({
  code: 'REMOTE_MISCONFIGURED',
  says: `there is no bucket ${settings.bucket} at ${placeOf(settings)} (${fault.name})`,
  hint: 'check the name of the bucket, the endpoint and the region; lakepack makes no buckets',
  retryable: false,
});

const wrongRegion: Words = (fault, settings) => ({
  code: 'REMOTE_MISCONFIGURED',
  says:
    fault.region === undefined
      ? `bucket ${settings.bucket} is not in region ${settings.region}, or not at ${placeOf(settings)} (${fault.name})`
      : `the region is wrong: expected ${fault.region}, got ${settings.region}`,
  hint: fault.region === undefined ? 'check the region and the endpoint' : `set the region to ${fault.region}`,
  retryable: false,
});

/** The number of a request stands in the head of every answer of a store: then only the rest was spoilt on its way. */
const notS3: Words = (fault, settings, call) =>
  fault.requestId === undefined ? neverS3(fault, settings, call) : spoilt(fault, settings, call);

const spoilt: Words = (fault, settings) => ({
  code: 'REMOTE_UNAVAILABLE',
  says: `an answer of ${placeOf(settings)} cannot be read (HTTP ${fault.status})`,
  retryable: true,
});

const neverS3: Words = (fault, settings) => ({
  code: 'REMOTE_MISCONFIGURED',
  says: `what answers at ${placeOf(settings)} is not an S3 store (HTTP ${fault.status})`,
  hint: "check the endpoint: it is the address of the store's S3 API, not of its console or web site",
  retryable: false,
});

const notAccepted: Words = (fault, settings, call) => ({
  code: 'REMOTE_MISCONFIGURED',
  says: `${settings.provider.label} does not accept ${call.action} as it was asked (${fault.name})`,
  hint: 'check provider, region, encryption, storage class and tags of the remote; remote check tries them one by one',
  retryable: false,
});

const unavailable: Words = (fault, settings) => ({
  code: 'REMOTE_UNAVAILABLE',
  says: `${placeOf(settings)} cannot serve now (${fault.name}, HTTP ${fault.status})`,
  retryable: true,
});

const damaged: Words = (fault) => ({
  code: 'HASH_MISMATCH',
  says: `what arrived at the store is not what was sent (${fault.name})`,
  retryable: true,
});

const absent: Words = (fault, settings, call) =>
  call.key === undefined ? noBucket(fault, settings, call) : { code: 'NOT_FOUND', says: '', retryable: false };

const uploadGone: Words = (fault) => ({
  code: 'NOT_FOUND',
  says: `the store has no such upload, or not all of its parts (${fault.name})`,
  retryable: false,
});

const exists: Words = () => ({ code: 'OBJECT_EXISTS', says: 'the object exists already', retryable: false });

const tooLarge: Words = (fault) => ({
  code: 'LIMIT_EXCEEDED',
  says: `this is outside of what the store accepts (${fault.name})`,
  retryable: false,
});

const full: Words = (fault) => ({
  code: 'DISK_FULL',
  says: `the store has no more space for this account (${fault.name})`,
  hint: 'raise the quota, or delete what is not needed, then run the same command again',
  retryable: false,
});

const frozen: Words = (fault) => ({
  code: 'REMOTE_UNAVAILABLE',
  says: `the object is in a storage class that must be restored before it can be read (${fault.name})`,
  hint: 'restore it in the store, then run the same command again',
  retryable: false,
});

const otherStatus: Words = (fault, settings, call) => {
  if (fault.status >= 500) return unavailable(fault, settings, call);
  if (fault.status >= 300 && fault.status < 400) return wrongRegion(fault, settings, call);
  // Success was said, and then something that is not an answer to what was asked.
  return fault.status < 300 ? brokenAnswer(fault, settings, call) : notAccepted(fault, settings, call);
};

/** 200 with an error inside that has no name we know: S3 says so of Complete and Copy, and that they may be repeated. */
const brokenAnswer: Words = (fault, settings) => ({
  code: 'REMOTE_UNAVAILABLE',
  says: `${placeOf(settings)} said yes and sent an error (${fault.name})`,
  retryable: true,
});

const BY_NAME: ReadonlyMap<string, Words> = new Map([
  ...wordsFor(keyRefused, 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'Unauthorized', 'AuthFailure'),
  ...wordsFor(keyRefused, 'UnrecognizedClientException', 'InvalidClientTokenId', 'InvalidSecurity', 'NotSignedUp'),
  ...wordsFor(keyExpired, 'ExpiredToken', 'ExpiredTokenException', 'InvalidToken', 'TokenRefreshRequired'),
  ...wordsFor(clockOff, 'RequestTimeTooSkewed', 'RequestExpired'),
  ...wordsFor(denied, 'AccessDenied', 'AllAccessDisabled', 'AccountProblem', 'AccessForbidden'),
  ...wordsFor(noBucket, 'NoSuchBucket', 'InvalidBucketName'),
  ...wordsFor(wrongRegion, 'PermanentRedirect', 'TemporaryRedirect', 'Redirect', 'AuthorizationHeaderMalformed'),
  ...wordsFor(wrongRegion, 'IllegalLocationConstraintException', 'InvalidRegionName'),
  ...wordsFor(unavailable, 'SlowDown', 'SlowDownRead', 'SlowDownWrite', 'ServiceUnavailable', 'InternalError', 'Busy'),
  ...wordsFor(
    unavailable,
    'RequestTimeout',
    'RequestTimeoutException',
    'TooManyRequests',
    'Throttling',
    'ThrottlingException',
  ),
  ...wordsFor(unavailable, 'RequestLimitExceeded', 'BandwidthLimitExceeded', 'OperationAborted', 'IncompleteBody'),
  ...wordsFor(unavailable, 'ConditionalRequestConflict', 'TimeoutError'),
  ...wordsFor(damaged, 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch', 'BadDigest', 'InvalidDigest'),
  ...wordsFor(absent, 'NoSuchKey', 'NotFound', 'NoSuchVersion'),
  ...wordsFor(uploadGone, 'NoSuchUpload', 'InvalidPart', 'InvalidPartOrder'),
  ...wordsFor(exists, 'PreconditionFailed'),
  ...wordsFor(
    tooLarge,
    'EntityTooLarge',
    'EntityTooSmall',
    'KeyTooLongError',
    'KeyTooLong',
    'InvalidRange',
    'MaxMessageLengthExceeded',
  ),
  ...wordsFor(
    full,
    'InsufficientStorage',
    'QuotaExceeded',
    'XMinioStorageFull',
    'StorageQuotaExceeded',
    'InsufficientCapacity',
  ),
  ...wordsFor(frozen, 'InvalidObjectState'),
]);

const BY_STATUS: ReadonlyMap<number, Words> = new Map([
  [401, keyRefused],
  [403, denied],
  [404, absent],
  [408, unavailable],
  [409, unavailable],
  [412, exists],
  [413, tooLarge],
  [416, tooLarge],
  [429, unavailable],
  [501, notAccepted],
  [507, full],
]);

function wordsFor(words: Words, ...names: readonly string[]): readonly (readonly [string, Words])[] {
  return names.map((name) => [name, words]);
}

/** What a policy calls the right to do this. */
function permissionOf(action: string): string {
  return PERMISSIONS.get(action) ?? `s3:${action}`;
}

const PERMISSIONS: ReadonlyMap<string, string> = new Map([
  ['HeadObject', 's3:GetObject (and s3:ListBucket, to learn that an object is not there)'],
  ['HeadBucket', 's3:ListBucket'],
  ['ListObjectsV2', 's3:ListBucket'],
  ['CreateMultipartUpload', 's3:PutObject'],
  ['UploadPart', 's3:PutObject'],
  ['CompleteMultipartUpload', 's3:PutObject'],
  ['CopyObject', 's3:PutObject (and s3:GetObject of the source)'],
  ['UploadPartCopy', 's3:PutObject (and s3:GetObject of the source)'],
  ['ListParts', 's3:ListMultipartUploadParts'],
  ['ListMultipartUploads', 's3:ListBucketMultipartUploads'],
]);

function placeOf({ endpoint, provider, region }: S3Settings): string {
  return endpoint ?? `${provider.label} ${region}`;
}
