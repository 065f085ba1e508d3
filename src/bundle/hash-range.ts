/** A job: SHA-256 of bytes in shared memory. */
import { createHash } from 'node:crypto';

/** A piece of shared memory. */
export interface SharedRange {
  readonly memory: SharedArrayBuffer;
  readonly offset: number;
  readonly length: number;
}

/** SHA-256 (lower-case hex) of the pieces, one behind the other. */
export function hashRange({ ranges }: { readonly ranges: readonly SharedRange[] }): string {
  const hash = createHash('sha256');
  for (const { memory, offset, length } of ranges) hash.update(new Uint8Array(memory, offset, length));
  return hash.digest('hex');
}
