/**
 * The digest a manifest carries of itself (format 5.1): SHA-256 of its bytes with the 64 digits of the digest as
 * zeros. It makes every flipped byte of a manifest show, also in words that nothing else repeats.
 */
import { sha256Of } from '../base/sha256.js';
import type { ManifestFault } from './manifest-fault.js';

export const MANIFEST_DIGEST_FIELD = 'manifestDigest';
/** What stands in place of the digest while it is computed. */
export const NO_DIGEST = '0'.repeat(64);
/** A line of its own at the top level; a string cannot contain a line break, so this cannot stand in a value. */
const LINE_START = Buffer.from(`\n  "${MANIFEST_DIGEST_FIELD}": "`);

/** Puts the digest into the bytes of a manifest that has `NO_DIGEST` in its place. */
export function sealManifest(unsealed: Buffer): Buffer {
  const at = digitsAt(unsealed);
  if (at === undefined) return unsealed;
  const sealed = Buffer.from(unsealed);
  sealed.write(sha256Of(unsealed), at, 'latin1');
  return sealed;
}

/** Why the digest in a manifest is not its own; undefined when it is. */
export function manifestDigestFault(bytes: Buffer): ManifestFault | undefined {
  const at = digitsAt(bytes);
  if (at === undefined)
    return { path: `/${MANIFEST_DIGEST_FIELD}`, message: 'expected a line with the digest, got none' };
  const unsealed = Buffer.from(bytes);
  unsealed.write(NO_DIGEST, at, 'latin1');
  const expected = sha256Of(unsealed);
  const found = bytes.toString('latin1', at, at + NO_DIGEST.length);
  if (found === expected) return undefined;
  return { path: `/${MANIFEST_DIGEST_FIELD}`, message: `the manifest was changed: expected ${expected}, got ${found}` };
}

function digitsAt(bytes: Buffer): number | undefined {
  const line = bytes.indexOf(LINE_START);
  const at = line + LINE_START.length;
  // A second line would be the one that JSON believes.
  if (bytes.includes(LINE_START, at)) return undefined;
  return line < 0 || bytes.length < at + NO_DIGEST.length ? undefined : at;
}
