/**
 * What is taken out of a failed S3 call: the few facts that words can be made of. It answers for no header, key or
 * signature leaving the failure they came with.
 */
import { type ErrorCode, systemErrorCode } from '../base/errors.js';

/** What was asked, for the words. */
export interface S3Call {
  /** The S3 operation: `GetObject`. */
  readonly action: string;
  /** The lake path it was about; absent for what is about the bucket. */
  readonly key?: string;
  /** The client had set its clock by the store's when it asked: a difference that is left does not pass. */
  readonly isClockCorrected?: boolean;
}

/** What an answer of a store says of its failure. Everything else in it stays behind. */
export interface S3Fault {
  /** The store's own word: `NoSuchKey`; for an answer without one, what the client calls it. */
  readonly name: string;
  /** 0 where there was no answer. */
  readonly status: number;
  readonly requestId: string | undefined;
  /** Region the store expected, where it says so. */
  readonly region: string | undefined;
  /** The clock of the store. */
  readonly date: Date | undefined;
  /** The client could not read the answer: it is not S3's. */
  readonly isForeign: boolean;
}

export interface S3Meaning {
  readonly code: ErrorCode;
  readonly says: string;
  readonly hint?: string;
  readonly retryable: boolean;
}

/** What the store answered, or undefined for a failure that is not an answer. */
export function s3FaultOf(error: unknown): S3Fault | undefined {
  if (!isRecord(error)) return undefined;
  const metadata = isRecord(error['$metadata']) ? error['$metadata'] : {};
  const response = isRecord(error['$response']) ? error['$response'] : {};
  const headers = isRecord(response['headers']) ? response['headers'] : {};
  const status = numberOf(metadata['httpStatusCode']) ?? numberOf(response['statusCode']);
  if (status === undefined) return undefined;
  const { name, message } = error;
  return {
    name: cleanName(name),
    status,
    requestId: textOf(metadata['requestId']) ?? textOf(headers['x-amz-request-id']),
    region: textOf(headers['x-amz-bucket-region']) ?? textOf(error['Region']) ?? expectedRegion(message),
    date: dateOf(headers['date']),
    isForeign: error instanceof SyntaxError || /deserialization error/i.test(textOf(message) ?? ''),
  };
}

/** Without the answer it came in: that holds headers, and the request with its signature. */
export function causeOf({ name, status, requestId }: S3Fault): Error {
  const request = requestId === undefined ? '' : `, request ${cleanName(requestId)}`;
  return bareError(name, `${name} (HTTP ${status}${request})`);
}

/** The same of a failure that is not an answer. */
export function cleanCause(error: unknown): Error {
  const code = systemErrorCode(error);
  const name = error instanceof Error ? cleanName(error.name) : 'Error';
  return bareError(name, code === undefined ? name : `${name} (${cleanName(code)})`);
}

/** Its stack is its message: the one of the client tells nothing to a reader. */
function bareError(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  error.stack = `${name}: ${message}`;
  return error;
}

/** A store may answer anything: only what looks like a code is repeated. */
function cleanName(name: unknown): string {
  return typeof name === 'string' && /^[\w.:/+=-]{1,80}$/.test(name) ? name : 'UnknownError';
}

function expectedRegion(message: unknown): string | undefined {
  return /expecting '([a-z0-9-]{1,40})'/.exec(textOf(message) ?? '')?.[1];
}

function dateOf(header: unknown): Date | undefined {
  const date = new Date(textOf(header) ?? '');
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** The store's word behind an error that `s3-errors.ts` made; undefined for others. */
export function causeName(error: Error): string | undefined {
  return error.cause instanceof Error ? error.cause.name : undefined;
}
