/**
 * Looks at the way to an address before anything is asked of it: its name, its port, its certificate, and whether its
 * clock and this machine's agree. Shared by the checks of everything behind a network.
 */
import { lookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectPort, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { systemErrorCode } from '../base/errors.js';
import { failed, missing, works, type Seen } from './check-run.js';

const MINUTE_MS = 60_000;
const WARN_SKEW_MS = 5 * MINUTE_MS;
/** S3 refuses a signature that is further off than this. */
const REFUSED_SKEW_MS = 15 * MINUTE_MS;

export interface ReachOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'http:' ? 80 : 443;
}

export async function seeName(url: URL, fixOfUnknown: () => Promise<string>): Promise<Seen> {
  const host = hostOf(url);
  if (isIP(host) !== 0) return works(`${host} is an address`);
  const fault = await lookupFault(host);
  if (fault === undefined) return works(host);
  if (fault === 'ENOTFOUND') {
    return { ...failed(`${host}: there is no such name`), fix: await fixOfUnknown(), code: 'REMOTE_MISCONFIGURED' };
  }
  const fix = 'check the connection of this machine to the network, and its name server';
  return { ...failed(`${host}: the name server does not answer (${fault})`), fix, code: 'REMOTE_UNAVAILABLE' };
}

export async function lookupFault(host: string): Promise<string | undefined> {
  try {
    await lookup(host);
    return undefined;
  } catch (error) {
    return systemErrorCode(error) ?? 'no code';
  }
}

export async function seePort(url: URL, { signal, timeoutMs }: ReachOptions): Promise<Seen> {
  const at = `${hostOf(url)}:${portOf(url)}`;
  const fault = await new Promise<string | undefined>((resolve) => {
    const socket = connectPort({ host: hostOf(url), port: portOf(url), signal, timeout: timeoutMs });
    const end = (code: string | undefined): void => {
      socket.destroy();
      resolve(code);
    };
    socket.once('connect', () => end(undefined));
    socket.once('timeout', () => end('ETIMEDOUT'));
    socket.once('error', (error: Error) => end(systemErrorCode(error) ?? error.name));
  });
  if (fault === undefined) return works(at);
  const fix = 'check host and port of the endpoint, that the store runs, and that no firewall stands between';
  return { ...failed(`${at}: no connection (${fault})`), fix, code: 'REMOTE_UNAVAILABLE' };
}

/** @param instead what protects the bytes where nothing is encrypted. */
export async function seeTls(url: URL, { signal, timeoutMs }: ReachOptions, instead: string): Promise<Seen> {
  if (url.protocol === 'http:') return { ...missing('http: not encrypted'), instead };
  const servername = isIP(hostOf(url)) === 0 ? hostOf(url) : '';
  return await new Promise<Seen>((resolve) => {
    const socket = connectTls({ host: hostOf(url), port: portOf(url), servername });
    const end = (seen: Seen): void => {
      socket.destroy();
      resolve(seen);
    };
    socket.setTimeout(timeoutMs, () => end(tlsFault('ETIMEDOUT')));
    signal.addEventListener('abort', () => end(tlsFault('ABORT_ERR')), { once: true });
    socket.once('error', (error: Error) => end(tlsFault(systemErrorCode(error) ?? error.name)));
    socket.once('secureConnect', () => end(works(socket.getProtocol() ?? undefined)));
  });
}

const OWN_AUTHORITY = 'where the store has an authority of its own, name its file in NODE_EXTRA_CA_CERTS';
const NOT_TLS = 'the port does not speak TLS: is the endpoint http:// rather than https://?';

const TLS_FIXES: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: OWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: OWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: OWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: OWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: OWN_AUTHORITY,
  CERT_HAS_EXPIRED: 'the certificate of the store is out of date, or the clock of this machine is wrong',
  CERT_NOT_YET_VALID: 'the clock of this machine is wrong, or the certificate begins later',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name: check the endpoint, or set pathStyle to true',
  EPROTO: NOT_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
};

function tlsFault(code: string): Seen {
  const fix = TLS_FIXES[code] ?? 'check the endpoint and the certificate of the store';
  return { ...failed(`no TLS (${code})`), fix, problem: 'error', code: 'REMOTE_MISCONFIGURED' };
}

export interface PlainAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
}

/** A request without a key, of which only the beginning of the answer is read. */
export function askPlainly(
  url: URL,
  { signal, timeoutMs }: ReachOptions,
  headers: Readonly<Record<string, string>> = {},
): Promise<PlainAnswer> {
  const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
  return new Promise((resolve, reject) => {
    const request = send(url, { method: 'GET', signal, agent: false, headers }, (response) => {
      response.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
    });
    request.setTimeout(timeoutMs, () => request.destroy(silence()));
    request.once('error', reject);
    request.end();
  });
}

/** With the code of a socket that timed out, so that it counts as one. */
function silence(): Error {
  return Object.assign(new Error('a connection was accepted and nothing was answered'), { code: 'ETIMEDOUT' });
}

/** The time that an answer says, where it says one. */
export function timeOf({ headers }: PlainAnswer): Date | undefined {
  const time = new Date(headers.date ?? '');
  return Number.isNaN(time.getTime()) ? undefined : time;
}

export function seeClock(serverTime: Date | undefined, now: number): Seen {
  if (serverTime === undefined) return missing('the store does not say its time');
  const skewMs = now - serverTime.getTime();
  const size = Math.abs(skewMs);
  if (size < WARN_SKEW_MS) return works();
  const way = skewMs > 0 ? 'ahead of' : 'behind';
  const note = `this machine's clock is ${Math.round(size / MINUTE_MS)} minutes ${way} the store's`;
  const fix = 'set the clock of this machine (timedatectl set-ntp true): ids of exports carry its time';
  if (size < REFUSED_SKEW_MS) return { ...works(note), fix, problem: 'warning', code: 'CREDENTIALS_INVALID' };
  return { ...failed(note), fix, problem: 'error', code: 'CREDENTIALS_INVALID' };
}
