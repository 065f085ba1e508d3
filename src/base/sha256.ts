/** SHA-256 of bytes or text that are at hand, as hex. What is read as a stream is hashed where it is read. */
import { createHash } from 'node:crypto';

export function sha256Of(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}
