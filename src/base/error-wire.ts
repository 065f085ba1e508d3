/** Errors on their way between threads: a structured clone keeps neither the class of an error nor its own fields. */
import { LakepackError, systemErrorCode, type ErrorCode } from './errors.js';

export interface WireError {
  readonly message: string;
  readonly stack: string | undefined;
  /** Of a LakepackError. */
  readonly lakepack?: { readonly code: ErrorCode; readonly hint?: string; readonly retryable?: boolean };
  /** Of a system error, such as ENOSPC. */
  readonly systemCode?: string;
  readonly cause?: WireError;
}

/** Anything that was thrown, as what a message between threads can carry. */
export function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { message: String(error), stack: undefined };
  const { message, stack, cause } = error;
  const systemCode = systemErrorCode(error);
  return {
    message,
    stack,
    ...(error instanceof LakepackError
      ? {
          lakepack: {
            code: error.code,
            ...(error.hint !== undefined && { hint: error.hint }),
            ...(error.retryable !== undefined && { retryable: error.retryable }),
          },
        }
      : systemCode !== undefined && { systemCode }),
    ...(cause !== undefined && { cause: toWire(cause) }),
  };
}

/** The error that {@link toWire} was given: its kind, code, words, causes, and the stack of where it was thrown. */
export function fromWire({ message, stack, lakepack, systemCode, cause }: WireError): Error {
  const details = cause === undefined ? {} : { cause: fromWire(cause) };
  const error =
    lakepack === undefined
      ? Object.assign(new Error(message, details), systemCode !== undefined && { code: systemCode })
      : new LakepackError(lakepack.code, message, { ...lakepack, ...details });
  if (stack !== undefined) error.stack = stack;
  return error;
}
