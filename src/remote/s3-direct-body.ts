/**
 * The body of an answer that is read from its socket straight into memory of the reader. It answers for giving exactly
 * the announced bytes, or an error. It is a stream of Node too, because the S3 client takes nothing else; what reads it
 * as one pays for a buffer for each piece.
 */
import { Readable } from 'node:stream';

/** What the body is read from. */
export interface BodySource {
  /** Resolves when the whole target is filled with the next bytes. @throws what broke the connection. */
  fill(target: Buffer): Promise<void>;
  /** Called once. @param isWhole false when bytes of this body are still to come. */
  end(isWhole: boolean): void;
}

const PIECE_BYTES = 256 * 1024;

export class DirectBody extends Readable {
  readonly #source: BodySource;
  #left: number;
  #isEnded = false;

  /** @param bytes how many the answer has announced. */
  constructor(source: BodySource, bytes: number) {
    super({ highWaterMark: PIECE_BYTES });
    this.#source = source;
    this.#left = bytes;
    if (bytes === 0) this.#end(true);
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#left;
  }

  /** Fills the target, which is at most what is left, with the next bytes. One call at a time. */
  async fill(target: Buffer): Promise<void> {
    if (target.length > this.#left) throw new RangeError(`body: expected at most ${this.#left} bytes to be asked for`);
    if (target.length > 0) await this.#source.fill(target);
    this.#left -= target.length;
    if (this.#left === 0) this.#end(true);
  }

  override _read(): void {
    if (this.#left === 0) {
      this.push(null);
      return;
    }
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, this.#left));
    this.fill(piece).then(
      () => this.push(piece),
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#end(false);
    done(error);
  }

  #end(isWhole: boolean): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#source.end(isWhole);
  }
}
