/** fast-check arbitraries of manifests and entries that are valid in shape and in meaning, unknown fields included. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { BLOCK_BYTES } from '../../src/base/limits.js';
import { comparePathBytes, lakePathFault } from '../../src/base/paths.js';
import { createContentDigest } from '../../src/schema/content-digest.js';
import type {
  BundleFacts,
  EmbeddedFileEntry,
  EmbeddedManifest,
  ExportManifest,
  FileContent,
  FileEntry,
  Provenance,
} from '../../src/schema/export-manifest.js';

type Fields = Readonly<Record<string, unknown>>;

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

const sha256: fc.Arbitrary<string> = fc.nat().map((n) => sha256Hex(String(n)));
const count = fc.maxSafeNat();

/** Any value that JSON text carries: `JSON.stringify` writes -0 as 0. */
const jsonValue: fc.Arbitrary<unknown> = fc
  .jsonValue({ maxDepth: 3 })
  .map((value): unknown => JSON.parse(JSON.stringify(value)));

/** Keys that no version knows, some of them hostile to careless code, with any JSON value. */
export const unknownFields: fc.Arbitrary<Fields> = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 6 }).map((name) => `x-${name}`),
        fc.constantFrom('__proto__', 'constructor', 'toString', '7', ''),
      ),
      jsonValue,
    ),
    { maxLength: 2 },
  )
  .map((entries) => Object.fromEntries(entries));

/** Adds unknown fields; `fromEntries` keeps an own `__proto__` where a spread into a literal would, too. */
function withUnknown<T extends object>(known: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.tuple(known, unknownFields).map(([fields, more]) => {
    const extra = Object.entries(more).filter(([key]) => !Object.hasOwn(fields, key));
    return Object.fromEntries([...Object.entries(fields), ...extra]) as T;
  });
}

const segment = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('bronze', 'dt=2025-01-01', 'a', 'a-b', 'A', 'part-0.parquet', 'x=%2F%20') },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }) },
);

export const lakePath: fc.Arbitrary<string> = fc
  .array(segment, { minLength: 1, maxLength: 5 })
  .map((segments) => segments.join('/'))
  .filter((path) => lakePathFault(path) === undefined);

export const fileContent: fc.Arbitrary<FileContent> = withUnknown(
  fc.record(
    {
      format: fc.constantFrom('parquet', 'json', 'jsonl', 'csv', 'other'),
      compression: fc.constantFrom('gzip', 'zstd'),
      rows: fc.nat(),
      rowGroups: fc.nat(),
      columns: fc.array(withUnknown(fc.record({ name: fc.string(), type: fc.string() })), { maxLength: 3 }),
      damaged: fc.constant(true as const),
    },
    { requiredKeys: ['format'], noNullPrototype: true },
  ),
);

const mtime = fc.integer({ min: -8_640_000_000_000, max: 8_640_000_000_000 });

interface Draft {
  readonly path: string;
  readonly entry: Omit<EmbeddedFileEntry, 'path'>;
}

const fileDraft = withUnknown(
  fc.record(
    {
      bytes: fc.nat({ max: 2 ** 40 }),
      sha256,
      mtime,
      executable: fc.constant(true as const),
      content: fileContent,
    },
    { requiredKeys: ['bytes', 'sha256', 'mtime'], noNullPrototype: true },
  ),
);
const directoryDraft = withUnknown(
  fc.record({ type: fc.constant('directory' as const), bytes: fc.constant(0), mtime }, { noNullPrototype: true }),
);
const draft: fc.Arbitrary<Draft> = fc.record({
  path: lakePath,
  entry: fc.oneof({ weight: 4, arbitrary: fileDraft }, { weight: 1, arbitrary: directoryDraft }),
});

/** Entries in the order of their paths, none of them twice or below another. */
const drafts: fc.Arbitrary<readonly Draft[]> = fc.array(draft, { minLength: 1, maxLength: 8 }).map((many) => {
  const taken: string[] = [];
  return [...many]
    .sort((a, b) => comparePathBytes(a.path, b.path))
    .filter(({ path }) => {
      const free = !taken.some((other) => path === other || path.startsWith(`${other}/`));
      if (free) taken.push(path);
      return free;
    });
});

/** Keeps the unknown fields of a draft, an own `__proto__` too. */
function build(path: string, draftEntry: object, more: object = {}): object {
  return Object.fromEntries([['path', path], ...Object.entries(draftEntry), ...Object.entries(more)]);
}

export const embeddedFileEntry: fc.Arbitrary<EmbeddedFileEntry> = draft.map(
  ({ path, entry }) => build(path, entry) as EmbeddedFileEntry,
);

/** One entry by itself; its positions fit no bundle. */
export const fileEntry: fc.Arbitrary<FileEntry> = fc
  .tuple(draft, fc.integer({ min: 1, max: 99_999 }), fc.nat({ max: 2 ** 30 }), count)
  .map(
    ([{ path, entry }, bundle, block, offset]) =>
      build(path, entry, {
        bundle,
        offset: 512 * (block + 1),
        stored: { offset, length: block + 1, skip: block % 4_194_305 },
      }) as FileEntry,
  );

interface Placed {
  readonly entries: readonly FileEntry[];
  readonly tarBytes: number;
}

function place(part: readonly Draft[], bundle: number): Placed {
  let at = 0;
  const entries = part.map(({ path, entry }, index) => {
    const offset = at + 512;
    at = offset + Math.ceil(entry.bytes / 512) * 512;
    return build(path, entry, { bundle, offset, stored: { offset: index * 10, length: 10, skip: 0 } }) as FileEntry;
  });
  return { entries, tarBytes: at + 1024 };
}

function bundleOf(exportId: string, { entries, tarBytes }: Placed, index: number): BundleFacts {
  const files = entries.filter((entry) => entry.type !== 'directory');
  const seekOffset = entries.length * 10 + index * 9_000_000;
  const storedBytes = seekOffset + 29;
  const blocks = Array.from({ length: Math.ceil(storedBytes / BLOCK_BYTES) }, (_, block) =>
    sha256Hex(`block ${block}`),
  );
  return {
    name: `${exportId}-${String(index + 1).padStart(5, '0')}.tar.zst`,
    storedBytes,
    sha256: sha256Hex(`bundle ${index}`),
    blocks: { size: BLOCK_BYTES, sha256: blocks },
    tarBytes,
    frames: 1,
    seekTable: { offset: seekOffset, bytes: 29 },
    payload: { files: files.length, bytes: sumOf(files.map((file) => file.bytes)) },
  };
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

export const provenance: fc.Arbitrary<Provenance> = withUnknown(
  fc.record(
    {
      licence: fc.string(),
      note: fc.string({ unit: 'binary' }),
      runManifests: fc.array(fc.record({ path: lakePath, content: jsonValue }, { noNullPrototype: true }), {
        maxLength: 2,
      }),
      runManifestsOmitted: fc.nat(),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
);

const moment = fc
  .date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((date) => date.toISOString());

const source = fc.record(
  {
    by: fc.constantFrom('partition', 'run', 'dataset', 'layer', 'lake'),
    path: lakePath,
    layer: fc.constantFrom('bronze', 'silver', 'gold'),
    dataset: fc.string({ minLength: 1, maxLength: 9 }),
    keys: fc
      .array(fc.tuple(fc.constantFrom('dt', 'page', '__proto__', '1'), fc.string({ maxLength: 9 })), { maxLength: 3 })
      .map((entries) => Object.fromEntries(entries)),
    runId: fc.constant('run-20250314-060000'),
    scanDigest: sha256,
  },
  { requiredKeys: ['by', 'path', 'scanDigest'], noNullPrototype: true },
);

const tool = fc.record({
  name: fc.constant('lakepack'),
  version: fc.constantFrom('0.1.0', '12.0.0-rc.1'),
  zstdVersion: fc.constant('1.5.2'),
  level: fc.integer({ min: 1, max: 19 }),
});

/** How the entries are carried. */
export type Carrier = 'inline' | 'index';

/** A manifest and all its entries; with `index` the manifest names a files index instead of having them. */
export interface ManifestCase {
  readonly manifest: ExportManifest;
  readonly entries: readonly FileEntry[];
}

export const manifestCase: fc.Arbitrary<ManifestCase> = fc
  .record({
    drafts,
    cuts: fc.array(fc.nat({ max: 8 }), { maxLength: 2 }),
    createdAt: moment,
    expiresAt: fc.option(moment, { nil: undefined }),
    tool: withUnknown(tool),
    source: withUnknown(source),
    provenance,
    carrier: fc.constantFrom<Carrier>('inline', 'index'),
    more: unknownFields,
  })
  .map((parts) => {
    const id = `${parts.createdAt.slice(0, 19).replaceAll(/[-:]/g, '')}Z-${parts.source.scanDigest.slice(0, 8)}`;
    const edges = [0, ...[...new Set(parts.cuts)].sort((a, b) => a - b), parts.drafts.length];
    const groups = edges.slice(1).map((edge, index) => parts.drafts.slice(edges[index], edge));
    const placed = groups.filter((group) => group.length > 0).map((group, index) => place(group, index + 1));
    const bundles = placed.map((part, index) => bundleOf(id, part, index));
    const entries = placed.flatMap((part) => part.entries);
    const known: ExportManifest = {
      formatVersion: 1,
      exportId: id,
      createdAt: parts.createdAt,
      tool: parts.tool,
      source: parts.source,
      provenance: parts.provenance,
      contentDigest: digestOf(entries),
      totals: totalsOf(entries, bundles),
      bundles,
      ...(parts.carrier === 'inline' ? { files: entries } : { filesIndex: indexOf(id, entries.length) }),
      ...(parts.expiresAt === undefined ? {} : { expiresAt: parts.expiresAt }),
    };
    const manifest = Object.fromEntries([...Object.entries(known), ...Object.entries(parts.more)]) as unknown;
    return { manifest: manifest as ExportManifest, entries };
  });

/** Any valid manifest. */
export const exportManifest: fc.Arbitrary<ExportManifest> = manifestCase.map(({ manifest }) => manifest);

export const embeddedManifest: fc.Arbitrary<EmbeddedManifest> = fc
  .record({ manifest: exportManifest, bundle: fc.integer({ min: 1, max: 99_999 }) })
  .map(({ manifest, bundle }) => {
    const { formatVersion, source: facts, provenance: from, totals } = manifest;
    const { files, directories, bytes } = totals;
    return {
      formatVersion,
      tool: { name: 'lakepack', zstdVersion: '1.5.2', level: 3 },
      source: facts,
      provenance: from,
      bundle,
      totals: { files, directories, bytes },
    };
  });

function digestOf(entries: readonly FileEntry[]): string {
  const digest = createContentDigest();
  for (const { type, path, sha256: hash } of entries) if (type === undefined) digest.add(path, hash!);
  return digest.hex();
}

function totalsOf(entries: readonly FileEntry[], bundles: readonly BundleFacts[]): ExportManifest['totals'] {
  const rows = entries.map((entry) => entry.content?.rows).filter((known) => known !== undefined);
  return {
    files: sumOf(bundles.map((bundle) => bundle.payload.files)),
    directories: entries.filter((entry) => entry.type === 'directory').length,
    bytes: sumOf(bundles.map((bundle) => bundle.payload.bytes)),
    storedBytes: sumOf(bundles.map((bundle) => bundle.storedBytes)),
    ...(rows.length === 0 ? {} : { rows: sumOf(rows) }),
  };
}

function indexOf(exportId: string, entries: number): NonNullable<ExportManifest['filesIndex']> {
  return { name: `${exportId}.files.jsonl.zst`, bytes: 100, sha256: sha256Hex('index'), entries };
}
