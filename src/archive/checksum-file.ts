/** The text of `SHA256SUMS` (format, section 3): `sha256sum -c` reads it. Pure. */
import type { BundleFacts } from '../schema/export-manifest.js';

export function checksumFile(bundles: readonly Pick<BundleFacts, 'name' | 'sha256'>[]): Buffer {
  return Buffer.from(bundles.map(({ sha256, name }) => `${sha256}  ${name}\n`).join(''));
}
