/**
 * Writes text to a stream at the pace of its reader. A reader that went away (`| head`) is no error: the rest is
 * dropped. Any other failure of the stream is kept and thrown by `flush`.
 */
import { LakepackError, systemErrorCode } from '../base/errors.js';
import type { CliStream } from './io.js';

export class TextOutput {
  readonly #stream: CliStream;
  #closed = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: CliStream) {
    this.#stream = stream;
    stream.on('error', (error: Error) => {
      this.#closed = true;
      if (systemErrorCode(error) !== 'EPIPE') this.#failure = error;
      this.#wake?.();
    });
    stream.on('drain', () => this.#wake?.());
  }

  /** True when nobody reads on. */
  get closed(): boolean {
    return this.#closed;
  }

  async write(text: string): Promise<void> {
    if (this.#closed || text === '') return;
    if (this.#stream.write(text)) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Resolves when all was handed over. Throws what the stream failed with. */
  async flush(): Promise<void> {
    if (!this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#stream.write('', () => resolve());
      });
      // A failed write calls back before it emits its error.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    if (this.#failure === undefined) return;
    const code = systemErrorCode(this.#failure) === 'ENOSPC' ? 'DISK_FULL' : 'INTERNAL';
    throw new LakepackError(code, `standard output: cannot write: ${this.#failure.message}`, { cause: this.#failure });
  }
}

const outputs = new WeakMap<CliStream, TextOutput>();

/** One output for each stream, however often `run` is called with it. */
export function outputOf(stream: CliStream): TextOutput {
  const known = outputs.get(stream) ?? new TextOutput(stream);
  outputs.set(stream, known);
  return known;
}
