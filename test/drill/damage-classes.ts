/** The classes of damage that are done to objects, each with what a drill must say of it. */
import { NO_DIGEST, sealManifest } from '../../src/schema/manifest-digest.js';
import type { Copy, Seen } from './damage-kit.js';
import { keyOf } from './damage-kit.js';

export interface DamageClass extends Seen {
  readonly name: string;
  /** How it is made, as the documents tell it. */
  readonly how: string;
  readonly damage: (copy: Copy) => Promise<void>;
  /** Exports that are proven all the same, of four. */
  readonly proven: number;
  readonly flags?: readonly string[];
  /** Only what the rebuilding of stores finds. */
  readonly needsStores?: true;
}

const FAIL = { outcome: 'fail', exit: 3, proven: 3 } as const;
/** The export to which it is done. */
export const TOUCHED = 'silver/apps/dt=2025-10-11';
const BUNDLE = /silver\/apps\/dt=2025-10-11\/.*\.tar\.zst$/;
const LONG_BUNDLE = /silver\/users\/.*\.tar\.zst$/;
const MANIFEST = /silver\/apps\/dt=2025-10-11\/.*\.export\.json$/;
const SUMS = /silver\/apps\/dt=2025-10-11\/.*SHA256SUMS$/;

export const OBJECT_DAMAGES: readonly DamageClass[] = [
  {
    ...FAIL,
    name: 'flipped bit',
    how: 'one bit in the middle of a bundle',
    reasons: 'BUNDLE_DAMAGED',
    damage: (copy) => change(copy, BUNDLE, (bytes) => flipped(bytes, 0.5)),
  },
  {
    ...FAIL,
    name: 'missing bundle',
    how: 'a bundle is deleted',
    reasons: 'BUNDLE_MISSING',
    damage: (copy) => remove(copy, BUNDLE),
  },
  {
    ...FAIL,
    name: 'truncated object',
    how: 'a bundle loses its second half',
    reasons: 'BUNDLE_TRUNCATED',
    damage: (copy) => change(copy, BUNDLE, (bytes) => bytes.subarray(0, bytes.length >> 1)),
  },
  {
    ...FAIL,
    name: 'another bundle',
    how: "a bundle is replaced by another export's, sound and longer",
    reasons: 'BUNDLE_DAMAGED',
    damage: async (copy) => {
      const other = await copy.get(await keyOf(copy, LONG_BUNDLE));
      await change(copy, BUNDLE, () => other);
    },
  },
  {
    ...FAIL,
    name: 'bundle that has grown',
    how: 'one byte is appended to a bundle: all that its manifest names is still there',
    reasons: 'BUNDLE_DAMAGED',
    damage: (copy) => change(copy, BUNDLE, (bytes) => Buffer.concat([bytes, Buffer.from('x')])),
  },
  {
    ...FAIL,
    name: 'missing checksums',
    how: 'SHA256SUMS is deleted',
    reasons: 'MANIFEST_DAMAGED',
    damage: (copy) => remove(copy, SUMS),
  },
  {
    ...FAIL,
    name: 'missing manifest',
    how: 'a manifest is deleted; its bundles and SHA256SUMS stay',
    reasons: 'MANIFEST_MISSING',
    damage: (copy) => remove(copy, MANIFEST),
  },
  {
    ...FAIL,
    name: 'damaged manifest',
    how: 'a manifest loses its second half',
    reasons: 'MANIFEST_DAMAGED',
    damage: (copy) => change(copy, MANIFEST, (bytes) => bytes.subarray(0, bytes.length >> 1)),
  },
  {
    ...FAIL,
    name: 'manifest of another export',
    how: 'a manifest is replaced by that of another partition',
    reasons: 'MANIFEST_DAMAGED',
    damage: async (copy) => {
      const other = await copy.get(await keyOf(copy, /silver\/users\/.*\.export\.json$/));
      await change(copy, MANIFEST, () => other);
    },
  },
  {
    ...FAIL,
    name: 'bundle that never came',
    how: 'a bundle and the manifest are missing, SHA256SUMS is there: a transfer sends them side by side',
    reasons: 'EXPORT_UNFINISHED',
    damage: async (copy) => {
      await remove(copy, MANIFEST);
      await remove(copy, BUNDLE);
    },
  },
  {
    ...FAIL,
    name: 'bundle without manifest and checksums',
    how: 'a bundle is there, SHA256SUMS and the manifest are not',
    reasons: 'EXPORT_UNFINISHED',
    damage: async (copy) => {
      await remove(copy, MANIFEST);
      await remove(copy, SUMS);
    },
  },
  {
    ...FAIL,
    name: 'altered fingerprint',
    how: 'the fingerprint in a manifest says other values; all else in it is right',
    reasons: 'FINGERPRINT_DIFFERS',
    // Nothing that feeds the table is proven: not its other partition either.
    proven: 2,
    needsStores: true,
    damage: (copy) => change(copy, MANIFEST, alterFingerprint),
  },
];

export async function change(copy: Copy, pattern: RegExp, to: (bytes: Buffer) => Buffer): Promise<void> {
  const key = await keyOf(copy, pattern);
  await copy.put(key, to(await copy.get(key)));
}

export function flipped(bytes: Buffer, where: number): Buffer {
  const changed = Buffer.from(bytes);
  const at = Math.floor(changed.length * where);
  changed[at] = changed.readUInt8(at) ^ 0x10;
  return changed;
}

async function remove(copy: Copy, pattern: RegExp): Promise<void> {
  await copy.delete(await keyOf(copy, pattern));
}

/** As hex digits are: the digest of one column, and that of the whole rows. */
function alterFingerprint(manifest: Buffer): Buffer {
  const text = manifest.toString('utf8');
  const altered = text.replace(/("digest": ?"|"name": ?")([0-9a-f]{32})"/g, (_, before: string, digest: string) => {
    return `${before}${Buffer.from(digest).reverse().toString()}"`;
  });
  if (altered === text) throw new Error('the manifest has no fingerprint to alter');
  return sealManifest(Buffer.from(altered.replace(/("manifestDigest": ")[0-9a-f]{64}/, `$1${NO_DIGEST}`)));
}
