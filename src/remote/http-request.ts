/**
 * One request to a web server that must not hang, surprise or send elsewhere: redirects are followed by hand, silence
 * ends it, and what went wrong becomes a LakepackError. It answers for transport; what a status means is `https.ts`'s.
 */
import { interrupted, isLakepackError, LakepackError, systemErrorCode, throwIfAborted } from '../base/errors.js';

const MAX_REDIRECTS = 5;

export interface WebRequest {
  readonly url: string;
  readonly method: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  /** What it is about, for messages: a key. */
  readonly subject: string;
  /** Longest silence, before the answer begins and within its body. */
  readonly idleMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface WebAnswer {
  readonly status: number;
  header(name: string): string | undefined;
  /** The body as it arrives; leaving it early gives up the rest. Must be read or `dismiss`ed. */
  body(): AsyncGenerator<Buffer>;
  /** Gives up the body. Idempotent. */
  dismiss(): Promise<void>;
}

/** @throws REMOTE_UNAVAILABLE (retryable), REMOTE_MISCONFIGURED, INTERRUPTED. */
export async function webRequest(request: WebRequest): Promise<WebAnswer> {
  throwIfAborted(request.signal);
  const guard = idleGuard(request);
  try {
    const response = await follow(request, guard);
    return answerOf(response, guard);
  } catch (error) {
    guard.end();
    throw guard.explain(error);
  }
}

async function follow(request: WebRequest, guard: IdleGuard): Promise<Response> {
  let url = request.url;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
    const { method, headers } = request;
    const init = { method, headers: { 'accept-encoding': 'identity', ...headers }, redirect: 'manual' } as const;
    const response = await guard.while(fetch(url, { ...init, signal: guard.signal }));
    const target = redirectOf(response, url, request.subject);
    if (target === undefined) return response;
    await response.body?.cancel();
    url = target;
  }
  throw wrongAddress(request.subject, `redirects more than ${MAX_REDIRECTS} times`);
}

function redirectOf(response: Response, from: string, subject: string): string | undefined {
  if (![301, 302, 303, 307, 308].includes(response.status)) return undefined;
  const location = response.headers.get('location') ?? '';
  if (!URL.canParse(location, from)) throw wrongAddress(subject, 'redirects to nowhere');
  const to = new URL(location, from);
  if (to.protocol !== 'https:' && to.protocol !== new URL(from).protocol) {
    throw wrongAddress(subject, `redirects from https to ${to.protocol.replace(':', '')}`);
  }
  if (to.username !== '' || to.password !== '') throw wrongAddress(subject, 'redirects to an address with a password');
  return to.href;
}

function answerOf(response: Response, guard: IdleGuard): WebAnswer {
  async function dismiss(): Promise<void> {
    guard.end();
    // A body that failed already has nothing left to give up.
    await response.body?.cancel().catch(() => undefined);
  }
  async function* body(): AsyncGenerator<Buffer> {
    const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader();
    try {
      while (reader !== undefined) {
        const { done, value } = await guard.while(reader.read());
        if (done) return;
        yield Buffer.from(value.buffer, value.byteOffset, value.byteLength);
        guard.assertGoing();
      }
    } catch (error) {
      throw guard.explain(error);
    } finally {
      guard.end();
      // As in `dismiss`: whoever left early is told nothing new by a failure to close.
      await reader?.cancel().catch(() => undefined);
    }
  }
  return { status: response.status, header: (name) => response.headers.get(name) ?? undefined, body, dismiss };
}

interface IdleGuard {
  readonly signal: AbortSignal;
  /** Waits for the promise, but not longer than the silence that is allowed. Time spent elsewhere does not count. */
  while<T>(promise: Promise<T>): Promise<T>;
  /** @throws INTERRUPTED when the caller's signal has fired. */
  assertGoing(): void;
  explain(error: unknown): LakepackError;
  end(): void;
}

function idleGuard({ subject, idleMs, signal }: WebRequest): IdleGuard {
  const abort = new AbortController();
  let isIdle = false;
  const onAbort = (): void => abort.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: abort.signal,
    while: async (promise) => {
      const timer = setTimeout(() => {
        isIdle = true;
        abort.abort();
      }, idleMs);
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
      }
    },
    assertGoing: () => throwIfAborted(signal),
    explain: (error) => {
      if (isLakepackError(error)) return error;
      if (signal?.aborted === true) return interrupted(signal.reason);
      if (isIdle) return silent(subject, idleMs);
      return fromFetchError(error, subject);
    },
    end: () => signal?.removeEventListener('abort', onAbort),
  };
}

function silent(subject: string, idleMs: number): LakepackError {
  return new LakepackError('REMOTE_UNAVAILABLE', `${subject}: the server sent nothing for ${idleMs / 1000} s`, {
    retryable: true,
  });
}

/** `fetch` says "fetch failed"; the reason is in the cause of it. */
function fromFetchError(error: unknown, subject: string): LakepackError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = systemErrorCode(cause) ?? 'broken connection';
  if (code === 'ENOTFOUND') {
    return wrongAddress(subject, 'has a host name that nobody knows (ENOTFOUND)', cause);
  }
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/.test(code)) {
    return new LakepackError('REMOTE_MISCONFIGURED', `${subject}: the server's certificate is not accepted (${code})`, {
      cause,
      hint: 'check the host name; a certificate authority of your own goes into NODE_EXTRA_CA_CERTS',
      retryable: false,
    });
  }
  const says = code === 'UND_ERR_SOCKET' || code === 'broken connection' ? 'the answer ended early' : code;
  return new LakepackError('REMOTE_UNAVAILABLE', `${subject}: the server cannot be reached: ${says}`, {
    cause,
    retryable: true,
  });
}

function wrongAddress(subject: string, says: string, cause?: unknown): LakepackError {
  return new LakepackError('REMOTE_MISCONFIGURED', `${subject}: the address ${says}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'check the address of the archive',
    retryable: false,
  });
}
