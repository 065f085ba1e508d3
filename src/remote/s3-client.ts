/**
 * Makes the AWS client out of settings, and makes its calls. It answers for what every request has in common: one
 * attempt, no checksums that were not asked for, time bounds, the signal, and errors that are ours. What is asked is
 * in the `s3-…` files beside it.
 */
import {
  type CopyObjectCommand,
  type GetObjectCommand,
  type PutObjectCommand,
  S3Client,
  type UploadPartCommand,
} from '@aws-sdk/client-s3';
import { interrupted, throwIfAborted } from '../base/errors.js';
import { assertLakePath } from '../base/paths.js';
import { untilAborted } from './body.js';
import type { CallOptions } from './remote.js';
import { credentialConfig } from './s3-credentials.js';
import { s3ErrorOf } from './s3-errors.js';
import type { S3Call } from './s3-fault.js';
import { BESIDE, type Beside, openHttp } from './s3-http.js';
import type { S3Settings } from './s3-settings.js';

/** Copying or putting together gigabytes may keep a store silent for longer than any other call. */
const STORE_WORK_FACTOR = 5;

/** The client as `openS3Remote` uses it: retrying and proving are left to whoever calls. */
export function createS3Client(settings: S3Settings): S3Client {
  const client = new S3Client({
    ...credentialConfig(settings.credentials),
    region: settings.region,
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    forcePathStyle: settings.pathStyle,
    requestHandler: openHttp(settings.timeouts),
    // with-retry.ts tries again: it knows what may be repeated, and the two would multiply.
    maxAttempts: 1,
    retryMode: 'standard',
    // The SHA-256 of every body is signed already; CRC32 beside it is refused by some stores and read by none of us.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Asking before sending costs a round trip for each part; what exists is looked up before.
    expectContinueHeader: false,
    // Dual-stack, FIPS and ARNs are the provider's addresses: an endpoint says all there is.
    useArnRegion: false,
    // The steps of a call are put in order once for each kind of command, not for each call: half of its cost. It holds
    // only for calls without options and without steps of their own, so those go beside the input (`askedOf`).
    cacheMiddleware: true,
  });
  carryBeside(client);
  return client;
}

/** Hands what stands beside an input to the request that is made of it: headers before it is signed, bounds after. */
function carryBeside(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const { headers } = args.request as { readonly headers: Record<string, string> };
      Object.assign(headers, besideOf(args.input).headers);
      return next(args);
    },
    { step: 'build', name: 'headersBeside' },
  );
  client.middlewareStack.add(
    (next) => async (args) => {
      (args.request as { [BESIDE]?: Beside })[BESIDE] = besideOf(args.input);
      return next(args);
    },
    { step: 'deserialize', name: 'boundsBeside' },
  );
  // Nobody reads its log, and it filters every input and output for it.
  client.middlewareStack.remove('loggerMiddleware');
}

function besideOf(input: object): Beside {
  return (input as { readonly [BESIDE]?: Beside })[BESIDE] ?? {};
}

function putBeside(command: { readonly input: object }, more: Beside): void {
  const input = command.input as { [BESIDE]?: Beside };
  input[BESIDE] = { ...input[BESIDE], ...more, headers: { ...input[BESIDE]?.headers, ...more.headers } };
}

/** The client, with the options of a call going beside its input. */
function askedOf(client: S3Client): Pick<S3Client, 'send'> {
  const send = (command: Parameters<S3Client['send']>[0], options: SendOptions = {}): unknown => {
    putBeside(command, options);
    return client.send(command);
  };
  return { send: send as S3Client['send'] };
}

/** A client with what the calls of one remote share. */
export interface S3Store {
  readonly client: S3Client;
  readonly settings: S3Settings;
  /** What the remote found out while it was used. */
  readonly known: { bucketExists: boolean; clockCorrected: boolean; keepsVersions: boolean | undefined };
}

export function openStore(settings: S3Settings): S3Store {
  return {
    client: createS3Client(settings),
    settings,
    known: { bucketExists: false, clockCorrected: false, keepsVersions: undefined },
  };
}

/** What an object is called in the bucket. @throws PATH_UNSAFE. */
export function bucketKey({ settings }: S3Store, key: string): string {
  assertLakePath(key, settings.shown);
  return belowPrefix(settings, key);
}

/** The same for the beginning of keys, which may be empty. */
export function belowPrefix(settings: S3Settings, text: string): string {
  return settings.prefix === '' ? text : `${settings.prefix}/${text}`;
}

/** What names the object in a command. */
export function objectOf(store: S3Store, key: string): { readonly Bucket: string; readonly Key: string } {
  return { Bucket: store.settings.bucket, Key: bucketKey(store, key) };
}

export interface SendOptions {
  readonly abortSignal?: AbortSignal;
  readonly requestTimeout?: number;
}

/** Makes one call. @throws what `s3-errors.ts` makes of the store's answer, or INTERRUPTED. */
export async function ask<T>(
  store: S3Store,
  call: S3Call,
  options: CallOptions,
  send: (client: Pick<S3Client, 'send'>, options: SendOptions) => Promise<T>,
): Promise<T> {
  throwIfAborted(options.signal);
  const { clockCorrected } = store.known;
  const { idleMs } = store.settings.timeouts;
  const isLong =
    call.action === 'CopyObject' || call.action === 'UploadPartCopy' || call.action === 'CompleteMultipartUpload';
  try {
    const sent = send(askedOf(store.client), {
      ...(options.signal === undefined ? {} : { abortSignal: options.signal }),
      ...(isLong ? { requestTimeout: idleMs * STORE_WORK_FACTOR } : {}),
    });
    // The client looks at the signal once it has a key: a command that gives one may take its time.
    const result = await untilAborted(sent, options.signal);
    store.known.bucketExists = true;
    return result;
  } catch (error) {
    if (options.signal?.aborted === true) throw interrupted(options.signal.reason);
    const failure = s3ErrorOf(error, store.settings, { ...call, isClockCorrected: clockCorrected });
    // From now on: calls that are under way were signed by the old clock, and may be made again.
    if (failure.code === 'CREDENTIALS_INVALID' && failure.retryable === true) store.known.clockCorrected = true;
    throw failure;
  }
}

/**
 * Announces the body of a command with its SHA-256, so that the store compares it with what arrived. The signer takes
 * a header that is set already instead of hashing the body once more.
 */
export function announcePayload<C extends PutObjectCommand | UploadPartCommand>(command: C, sha256: string): C {
  return withHeader(command, 'x-amz-content-sha256', sha256);
}

/** A header that the client does not know, or would make itself. It is signed. */
export function withHeader<C extends PutObjectCommand | UploadPartCommand | CopyObjectCommand>(
  command: C,
  name: string,
  value: string,
): C {
  putBeside(command, { headers: { [name]: value } });
  return command;
}

/** Says that the answer is large: it is read without copies where that can be. */
export function expectLarge(command: GetObjectCommand): void {
  putBeside(command, { isLarge: true });
}

export function hexToBase64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

export function base64ToHex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}
