/** What the failures of names, sockets and TLS mean for a store: what passes, and what somebody must put right. */
import { systemErrorCode } from '../base/errors.js';
import type { S3Meaning } from './s3-fault.js';
import type { S3Settings } from './s3-settings.js';

/** They pass, or may: the same call is tried again. */
const PASSING = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
  'ERR_SOCKET_CLOSED',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
]);
/** What the HTTP client says of silence (`s3-http.ts`). */
const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
/** What Node says of certificates that it does not trust. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_TLS_/;

export function socketMeaning(error: unknown, settings: S3Settings): S3Meaning | undefined {
  const code = codeOf(error);
  const place = settings.endpoint ?? `${settings.provider.label} ${settings.region}`;
  // Something answers that does not speak HTTP. The parser's error has not always a code.
  const isUnparsed = code?.startsWith('HPE_') === true || (error instanceof Error && error.name === 'HTTPParserError');
  if (isUnparsed) return noHttp(place, code ?? 'no HTTP/1.1');
  if (code === undefined) return undefined;
  if (code === 'ENOTFOUND') return unknownName(place);
  if (code === 'ERR_INVALID_URL' || code === 'ERR_INVALID_PROTOCOL') return unknownName(place);
  // OpenSSL: an answer that is no TLS, or no common version.
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) return noTls(place, code);
  if (UNTRUSTED.test(code)) return untrusted(place, code);
  if (!PASSING.has(code)) return undefined;
  return { code: 'REMOTE_UNAVAILABLE', says: `the connection to ${place} failed (${code})`, retryable: true };
}

/** Several addresses were tried in vain: the first failure stands for all. */
function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return systemErrorCode(error.errors[0]);
  const code = systemErrorCode(error);
  return code !== undefined && TIMEOUTS.has(code) ? 'ETIMEDOUT' : code;
}

function unknownName(place: string): S3Meaning {
  return {
    code: 'REMOTE_MISCONFIGURED',
    says: `the address ${place} is not known`,
    hint: 'check the endpoint and the region, and that this machine has a network',
    retryable: false,
  };
}

function noTls(place: string, code: string): S3Meaning {
  return {
    code: 'REMOTE_MISCONFIGURED',
    says: `${place} does not speak TLS as expected (${code})`,
    hint: 'check http:// or https:// and the port of the endpoint',
    retryable: false,
  };
}

function untrusted(place: string, code: string): S3Meaning {
  return {
    code: 'REMOTE_MISCONFIGURED',
    says: `the certificate of ${place} is not trusted (${code})`,
    hint: 'for a certificate of your own, name its authority in NODE_EXTRA_CA_CERTS',
    retryable: false,
  };
}

function noHttp(place: string, code: string): S3Meaning {
  return {
    code: 'REMOTE_MISCONFIGURED',
    says: `what answers at ${place} does not speak HTTP as expected (${code})`,
    hint: 'check http:// or https:// and the port of the endpoint',
    retryable: false,
  };
}
