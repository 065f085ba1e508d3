/** SHA-256 of bytes or text that are at hand, as hex. What is read as a stream is hashed where it is read. */
import { hash } from 'node:crypto';

export function sha256Of(content: Uint8Array | string): string {
  return hash('sha256', content, 'hex');
}
