/**
 * One connection for large answers: what arrives is put where the reader wants it, without a buffer in between. It
 * answers for no wait being endless, and for bytes that come early not being lost. HTTP is its caller's business.
 */
import net from 'node:net';
import tls from 'node:tls';
import type { S3Timeouts } from './s3-settings.js';

/** Takes what comes when nothing is asked for: heads of answers and their first bytes. */
const SCRATCH_BYTES = 16 * 1024;

export interface Origin {
  readonly isTls: boolean;
  readonly hostname: string;
  readonly port: number;
}

interface Wanted {
  readonly target: Buffer;
  filled: number;
  /** True: any bytes will do. */
  readonly isSome: boolean;
  readonly resolve: (bytes: number) => void;
  readonly reject: (error: Error) => void;
}

export class DirectSocket {
  readonly #socket: net.Socket;
  readonly #timeouts: S3Timeouts;
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  /** Came before they were asked for. */
  #early: Buffer = Buffer.alloc(0);
  #wanted: Wanted | undefined;
  #isResting = false;
  #failure: Error | undefined;
  readonly #onGone: () => void;
  readonly #connecting: NodeJS.Timeout;

  /** @param onGone called when the connection has broken or was destroyed. */
  constructor(origin: Origin, timeouts: S3Timeouts, onGone: () => void) {
    this.#timeouts = timeouts;
    this.#onGone = onGone;
    const onread = {
      buffer: () => this.#next(),
      callback: (bytes: number, into: Uint8Array) => this.#came(bytes, into),
    };
    const { hostname: host, port } = origin;
    const options: net.NetConnectOpts = { host, port, onread };
    this.#socket = origin.isTls ? tls.connect({ ...options, ...tlsOptions(host) }) : net.connect(options);
    this.#socket.setNoDelay(true);
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('end', () => this.#fail(failure('ERR_STREAM_PREMATURE_CLOSE', 'the connection was closed')));
    this.#socket.on('close', () => this.#fail(failure('ERR_STREAM_PREMATURE_CLOSE', 'the connection was closed')));
    this.#socket.on('timeout', () => this.#silent());
    const { connectMs } = timeouts;
    const late = (): void => this.#fail(failure('ETIMEDOUT', `no connection within ${connectMs} ms`));
    this.#connecting = setTimeout(late, connectMs);
    this.#socket.once(origin.isTls ? 'secureConnect' : 'connect', () => clearTimeout(this.#connecting));
  }

  get isGone(): boolean {
    return this.#failure !== undefined;
  }

  /** True where bytes have come that nobody asked for. */
  get hasEarly(): boolean {
    return this.#early.length > 0;
  }

  write(text: string): void {
    if (this.#failure === undefined) this.#socket.write(text, 'latin1');
  }

  /** Fills the whole target. @throws what broke the connection; ETIMEDOUT after a silence of `idleMs`. */
  async fill(target: Buffer): Promise<void> {
    await this.#want(target, false);
  }

  /** The next bytes, as many as are there, up to so many. @throws as `fill`. */
  async some(bytes: number): Promise<Buffer> {
    const target = Buffer.allocUnsafeSlow(bytes);
    return target.subarray(0, await this.#want(target, true));
  }

  /** Puts bytes back: they come first when something is asked for. */
  unread(bytes: Buffer): void {
    this.#early = this.#early.length === 0 ? bytes : Buffer.concat([bytes, this.#early]);
  }

  /** Nothing is expected for a while: what comes all the same breaks the connection. The process may end meanwhile. */
  rest(): void {
    this.#isResting = true;
    this.#socket.setTimeout(0);
    // Reading goes on, so that the other side's end is seen.
    this.#socket.resume();
    this.#socket.unref();
  }

  wake(): void {
    this.#isResting = false;
    this.#socket.ref();
  }

  /** What is waited for ends with the reason; nothing is written into any target afterwards. */
  destroy(reason: Error): void {
    this.#fail(reason);
  }

  #want(target: Buffer, isSome: boolean): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const taken = this.#early.copy(target);
      this.#early = this.#early.subarray(taken);
      this.#wanted = { target, filled: taken, isSome, resolve, reject };
      if (this.#settle()) return;
      this.#socket.setTimeout(this.#timeouts.idleMs);
      this.#socket.resume();
    });
  }

  /** Where the next bytes go. */
  #next(): Buffer {
    const { target, filled, isSome } = this.#wanted ?? {};
    return target === undefined || isSome === true ? this.#scratch : target.subarray(filled);
  }

  /** False pauses the connection. TLS may hand over what it has decrypted all the same. */
  #came(bytes: number, into: Uint8Array): boolean {
    if (this.#isResting) this.#fail(failure('ERR_STREAM_PREMATURE_CLOSE', 'bytes came that nobody asked for'));
    const wanted = this.#wanted;
    if (into.buffer !== this.#scratch.buffer) {
      if (wanted !== undefined) wanted.filled += bytes;
    } else {
      const came = this.#scratch.subarray(0, bytes);
      const taken = wanted === undefined ? 0 : came.copy(wanted.target, wanted.filled);
      if (wanted !== undefined) wanted.filled += taken;
      // The scratch is written again: what is left of it is kept elsewhere.
      if (taken < bytes) this.#early = Buffer.concat([this.#early, came.subarray(taken)]);
    }
    this.#settle();
    return this.#wanted !== undefined;
  }

  /** True when what was wanted is there. */
  #settle(): boolean {
    const wanted = this.#wanted;
    if (wanted === undefined) return true;
    const isDone = wanted.filled === wanted.target.length || (wanted.isSome && wanted.filled > 0);
    if (!isDone) return false;
    this.#wanted = undefined;
    wanted.resolve(wanted.filled);
    return true;
  }

  /** A reader that is slow asks for nothing: then a silence is its own. */
  #silent(): void {
    if (this.#wanted === undefined) return;
    this.#fail(failure('ETIMEDOUT', `nothing came for ${this.#timeouts.idleMs} ms`));
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#socket.destroy();
    clearTimeout(this.#connecting);
    this.#onGone();
    this.#wanted?.reject(error);
    this.#wanted = undefined;
  }
}

function tlsOptions(host: string): tls.ConnectionOptions {
  // An address has no name to ask for.
  return { ALPNProtocols: ['http/1.1'], ...(net.isIP(host) === 0 && { servername: host }) };
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
