/** One manifest with every field of format version 1, written by hand, for tests that change one thing in it. */
import { createContentDigest } from '../../src/schema/content-digest.js';
import { NO_DIGEST, sealManifest } from '../../src/schema/manifest-digest.js';
import type { EmbeddedManifest, ExportManifest, FileEntry } from '../../src/schema/export-manifest.js';
import { sha256Hex } from './arbitraries.js';

export const MIB_16 = 16_777_216;
const id = '20251011T060000Z-0a1b2c3d';
const A = sha256Hex('a');
const B = sha256Hex('b');

export const sampleEntries: readonly FileEntry[] = [
  {
    path: 'silver/reviews/dt=2025-10-11/part-0.parquet',
    bytes: 700,
    sha256: A,
    mtime: 1_760_162_400,
    executable: true,
    bundle: 1,
    offset: 2048,
    stored: { offset: 100, length: 900, skip: 2048 },
    content: {
      format: 'parquet',
      compression: 'gzip',
      rows: 30,
      rowGroups: 1,
      columns: [{ name: 'id', type: 'INT64' }],
      damaged: true,
    },
  },
  {
    path: 'silver/reviews/dt=2025-10-11/tmp',
    type: 'directory',
    bytes: 0,
    mtime: -1,
    bundle: 1,
    offset: 3584,
    stored: { offset: 100, length: 900, skip: 3584 },
  },
  {
    path: 'silver/reviews/dt=2025-10-11/~notes.txt',
    bytes: 0,
    sha256: B,
    mtime: 0,
    bundle: 2,
    offset: 512,
    stored: { offset: 0, length: 50, skip: 512 },
  },
];

const digest = createContentDigest();
digest.add(sampleEntries[0]!.path, A);
digest.add(sampleEntries[2]!.path, B);

export const sampleManifest: ExportManifest = {
  formatVersion: 1,
  exportId: id,
  createdAt: '2025-10-11T06:00:00.250Z',
  tool: { name: 'lakepack', version: '0.1.0', zstdVersion: '1.5.2', level: 3 },
  source: {
    by: 'partition',
    path: 'silver/reviews/dt=2025-10-11',
    layer: 'silver',
    dataset: 'reviews',
    keys: { dt: '2025-10-11' },
    runId: 'run-20251011-060000',
    scanDigest: `0a1b2c3d${A.slice(8)}`,
  },
  provenance: {
    licence: 'CC0-1.0',
    note: 'invented',
    runManifests: [{ path: 'silver/manifests/run-20251011-060000.manifest.json', content: { counts: { rows: 30 } } }],
    runManifestsOmitted: 0,
  },
  contentDigest: digest.hex(),
  totals: { files: 2, directories: 1, bytes: 700, storedBytes: MIB_16 + 1 + 200, rows: 30 },
  bundles: [
    {
      name: `${id}-00001.tar.zst`,
      storedBytes: MIB_16 + 1,
      sha256: A,
      blocks: { size: MIB_16, sha256: [A, B] },
      tarBytes: 8192,
      frames: 2,
      seekTable: { offset: MIB_16 + 1 - 33, bytes: 33 },
      payload: { files: 1, bytes: 700 },
    },
    {
      name: `${id}-00002.tar.zst`,
      storedBytes: 200,
      sha256: B,
      blocks: { size: MIB_16, sha256: [B] },
      tarBytes: 4096,
      frames: 1,
      seekTable: { offset: 175, bytes: 25 },
      payload: { files: 1, bytes: 0 },
    },
  ],
  files: sampleEntries,
  parent: '20251010T060000Z-00000000',
  expiresAt: '2035-10-11T06:00:00Z',
  signature: { any: ['thing'] },
};

/** The same export with its entries in an index. */
export function sampleWithIndex(): ExportManifest {
  const { files, ...head } = sampleManifest;
  const entries = files?.length ?? 0;
  return { ...head, filesIndex: { name: `${id}.files.jsonl.zst`, bytes: 321, sha256: A, entries } };
}

export const sampleEmbedded: EmbeddedManifest = {
  formatVersion: 1,
  tool: { name: 'lakepack', zstdVersion: '1.5.2', level: 3 },
  source: { by: 'partition', path: 'silver/reviews/dt=2025-10-11', layer: 'silver', dataset: 'reviews', keys: {} },
  provenance: {},
  bundle: 1,
  totals: { files: 2, directories: 1, bytes: 700, rows: 30 },
};

/** JSON text of an object, with its digest in a line of its own at the beginning: what makes a hand-built manifest whole. */
export function sealedText(text: string): Buffer {
  const digestLine = `{\n  "manifestDigest": "${NO_DIGEST}"${/^\s*\{\s*\}\s*$/.test(text) ? '' : ','}`;
  return sealManifest(Buffer.from(text.replace('{', () => digestLine)));
}

/** A value as a manifest of it stands in an archive. */
export function sealed(value: unknown): Buffer {
  return sealedText(JSON.stringify(value));
}

/** The bytes of a manifest after a change, with the digest they now must have. */
export function resealed(bytes: Buffer): Buffer {
  const start = bytes.indexOf('"manifestDigest": "') + '"manifestDigest": "'.length;
  const unsealed = Buffer.from(bytes);
  unsealed.write(NO_DIGEST, start, 'latin1');
  return sealManifest(unsealed);
}

/** A deep copy with the value at a JSON pointer replaced; `undefined` removes it. */
export function changed(document: unknown, pointer: string, value: unknown): unknown {
  const copy = structuredClone(document);
  const keys = pointer.slice(1).split('/');
  const last = keys.pop() ?? '';
  const parent = keys.reduce((at, key) => at[key] as Record<string, unknown>, copy as Record<string, unknown>);
  if (value !== undefined) parent[last] = value;
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else Reflect.deleteProperty(parent, last);
  return copy;
}

/** JSON pointers of everything in a document, parents first. */
export function pointersOf(document: unknown, at = ''): readonly string[] {
  if (typeof document !== 'object' || document === null) return [];
  return Object.entries(document).flatMap(([key, value]) => [`${at}/${key}`, ...pointersOf(value, `${at}/${key}`)]);
}
