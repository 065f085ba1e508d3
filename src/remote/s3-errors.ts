/**
 * Turns what an S3 call failed with (an answer of the store, a broken socket, a missing key) into a LakepackError. It
 * answers for the code, for what to do next, and for no header, key or signature being in a message or a cause.
 */
import { interrupted, isLakepackError, LakepackError } from '../base/errors.js';
import { objectAbsent, objectExists } from './keys.js';
import { answerMeaning } from './s3-error-answers.js';
import { socketMeaning } from './s3-error-sockets.js';
import { causeOf, cleanCause, type S3Call, s3FaultOf, type S3Meaning, type S3Fault } from './s3-fault.js';
import type { S3Settings } from './s3-settings.js';

/** Codes: all of the contract in `remote.ts`. A LakepackError comes back as it is. */
export function s3ErrorOf(error: unknown, settings: S3Settings, call: S3Call): LakepackError {
  if (isLakepackError(error)) return error;
  if (error instanceof Error && error.name === 'AbortError') return interrupted();
  const fault = s3FaultOf(error);
  if (fault !== undefined) return errorOfAnswer(fault, settings, call);
  const meaning = keyMeaning(error, settings) ?? socketMeaning(error, settings);
  if (meaning !== undefined) return errorOf(meaning, settings, call, cleanCause(error));
  return new LakepackError(
    'INTERNAL',
    `${subjectOf(settings, call)}: ${call.action} failed in a way that is not known`,
    {
      cause: cleanCause(error),
    },
  );
}

function errorOfAnswer(fault: S3Fault, settings: S3Settings, call: S3Call): LakepackError {
  const cause = causeOf(fault);
  const meaning = answerMeaning(fault, settings, call);
  if (call.key !== undefined && meaning.code === 'NOT_FOUND' && meaning.says === '')
    return objectAbsent(call.key, cause);
  if (call.key !== undefined && meaning.code === 'OBJECT_EXISTS') return objectExists(call.key, cause);
  return errorOf(meaning, settings, call, cause);
}

function errorOf(
  { code, says, hint, retryable }: S3Meaning,
  settings: S3Settings,
  call: S3Call,
  cause: Error,
): LakepackError {
  return new LakepackError(code, `${subjectOf(settings, call)}: ${says}`, {
    cause,
    retryable,
    ...(hint === undefined ? {} : { hint }),
  });
}

function subjectOf(settings: S3Settings, call: S3Call): string {
  return call.key ?? settings.shown;
}

/** The chain of AWS found no key, or could not get one. */
function keyMeaning(error: unknown, settings: S3Settings): S3Meaning | undefined {
  if (!(error instanceof Error)) return undefined;
  const isAboutKeys = /Credentials|TokenProvider|^ProviderError$/.test(error.name) || /credential/i.test(error.message);
  if (!isAboutKeys) return undefined;
  return {
    code: 'CREDENTIALS_INVALID',
    says: `no usable key was found for ${settings.provider.label}`,
    hint: `set ${settings.credentialsFrom}; for public data, say that the remote is anonymous`,
    retryable: false,
  };
}
