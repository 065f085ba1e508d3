/**
 * Cuts the tar stream of a bundle into the contents of zstd frames (format 4.2): at most 4 MiB each; cut early at an
 * entry boundary once 1 MiB is in; a large entry starts its own. Where the cuts fall depends on the entries alone.
 */
import { FRAME_CUT_TAR_BYTES, FRAME_MAX_TAR_BYTES } from '../base/limits.js';

export class FrameCutter {
  #buffer: Buffer | undefined;
  #filled = 0;
  #tarBytes = 0;
  /** Buffers that came back, to be filled again: a new one for each frame would wait for the garbage collector. */
  readonly #spare: Buffer[] = [];

  /** Bytes of tar so far. */
  get tarBytes(): number {
    return this.#tarBytes;
  }

  /**
   * Says that an entry of `bytes` (headers and padded payload) begins. Returns the frame that ends before it, if any.
   */
  beginEntry(bytes: number): Buffer | undefined {
    if (this.#filled >= FRAME_CUT_TAR_BYTES || bytes >= FRAME_CUT_TAR_BYTES) return this.finish();
    return undefined;
  }

  /** Takes bytes of the tar; yields each frame they fill. */
  *add(bytes: Buffer): Generator<Buffer> {
    this.#tarBytes += bytes.length;
    let at = 0;
    while (at < bytes.length) {
      this.#buffer ??= this.#spare.pop() ?? Buffer.allocUnsafeSlow(FRAME_MAX_TAR_BYTES);
      const copied = bytes.copy(this.#buffer, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled === FRAME_MAX_TAR_BYTES) yield this.#take();
    }
  }

  /** The frame that is being filled, or undefined when it is empty. */
  finish(): Buffer | undefined {
    return this.#filled === 0 ? undefined : this.#take();
  }

  /** Gives back a frame that `add`, `beginEntry` or `finish` returned and that nobody reads any more. */
  recycle(frame: Buffer): void {
    this.#spare.push(Buffer.from(frame.buffer, 0, FRAME_MAX_TAR_BYTES));
  }

  #take(): Buffer {
    const frame = (this.#buffer ?? Buffer.alloc(0)).subarray(0, this.#filled);
    this.#buffer = undefined;
    this.#filled = 0;
    return frame;
  }
}
