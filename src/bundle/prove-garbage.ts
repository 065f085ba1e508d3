/**
 * Lets go of decoded frames early. They lie outside of V8's heap, which knows of them but waits for 64 MiB in each thread
 * before it looks for those that nobody holds any more; a collection of young objects alone takes less than hashing a frame.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MIB } from '../base/limits.js';

type Collect = (options: { readonly type: 'minor' }) => void;

const COLLECT_AFTER_BYTES = 4 * MIB;

export class DecodedGarbage {
  #bytes = 0;
  #collect: Collect | undefined;

  /** Says that so many decoded bytes are of no further use. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < COLLECT_AFTER_BYTES) return;
    this.#bytes = 0;
    this.#collect ??= collector();
    this.#collect({ type: 'minor' });
  }
}

/** The flag reaches only contexts that are made after it. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
