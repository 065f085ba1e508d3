/**
 * The one place that writes manifests and file entries. Keys come in the order of the tables below, unknown ones after
 * them, so the same facts give the same bytes; a file entry takes one line, so two manifests can be compared
 * with `diff`. It checks nothing: what a writer made is read back with `parseManifest` before it is believed.
 */
import { MANIFEST_DIGEST_FIELD, NO_DIGEST, sealManifest } from './manifest-digest.js';
import type {
  BundleFacts,
  ColumnFacts,
  EmbeddedFileEntry,
  EmbeddedManifest,
  ExportManifest,
  ExportSource,
  ExportTotals,
  FileContent,
  FileEntry,
  FilesIndexFacts,
  Provenance,
  ToolFacts,
} from './export-manifest.js';
import type { ExportFingerprints } from './fingerprint.js';

/** The keys of an object in their order; null where the value below is written as it is. Of an array: for each item. */
interface KeyOrder {
  readonly [key: string]: KeyOrder | null;
}
/** Fails to compile where a field of `T` has no place in the order. */
type OrderOf<T> = { readonly [K in keyof Required<T>]: KeyOrder | null };

const CONTENT_ORDER = {
  format: null,
  compression: null,
  rows: null,
  rowGroups: null,
  columns: { name: null, type: null } satisfies OrderOf<ColumnFacts>,
  damaged: null,
} satisfies OrderOf<FileContent>;

const ENTRY_ORDER = {
  path: null,
  type: null,
  bytes: null,
  sha256: null,
  mtime: null,
  executable: null,
  bundle: null,
  offset: null,
  stored: { offset: null, length: null, skip: null } satisfies OrderOf<FileEntry['stored']>,
  content: CONTENT_ORDER,
} satisfies OrderOf<FileEntry>;

const TOOL_ORDER = { name: null, version: null, zstdVersion: null, level: null } satisfies OrderOf<ToolFacts>;

const SOURCE_ORDER = {
  by: null,
  path: null,
  layer: null,
  dataset: null,
  keys: null,
  runId: null,
  scanDigest: null,
} satisfies OrderOf<ExportSource>;

const PROVENANCE_ORDER = {
  licence: null,
  note: null,
  runManifests: { path: null, content: null },
  runManifestsOmitted: null,
} satisfies OrderOf<Provenance>;

const TOTALS_ORDER = {
  files: null,
  directories: null,
  bytes: null,
  storedBytes: null,
  rows: null,
} satisfies OrderOf<ExportTotals>;

const BUNDLE_ORDER = {
  name: null,
  storedBytes: null,
  sha256: null,
  blocks: { size: null, sha256: null } satisfies OrderOf<BundleFacts['blocks']>,
  tarBytes: null,
  frames: null,
  seekTable: { offset: null, bytes: null } satisfies OrderOf<BundleFacts['seekTable']>,
  payload: { files: null, bytes: null } satisfies OrderOf<BundleFacts['payload']>,
} satisfies OrderOf<BundleFacts>;

/** Tables and columns stay in the order in which they come: that of the recipe. */
const FINGERPRINTS_ORDER = {
  recipe: { sha256: null, content: null } satisfies OrderOf<ExportFingerprints['recipe']>,
  tables: null,
} satisfies OrderOf<ExportFingerprints>;

const MANIFEST_ORDER = {
  formatVersion: null,
  exportId: null,
  createdAt: null,
  tool: TOOL_ORDER,
  source: SOURCE_ORDER,
  provenance: PROVENANCE_ORDER,
  contentDigest: null,
  totals: TOTALS_ORDER,
  bundles: BUNDLE_ORDER,
  files: ENTRY_ORDER,
  filesIndex: { name: null, bytes: null, sha256: null, entries: null } satisfies OrderOf<FilesIndexFacts>,
  fingerprints: FINGERPRINTS_ORDER,
  parent: null,
  expiresAt: null,
  signature: null,
} satisfies OrderOf<ExportManifest>;

const EMBEDDED_ORDER = {
  formatVersion: null,
  tool: TOOL_ORDER,
  source: SOURCE_ORDER,
  provenance: PROVENANCE_ORDER,
  bundle: null,
  totals: TOTALS_ORDER,
} satisfies OrderOf<EmbeddedManifest>;

/**
 * The bytes of an export manifest: JSON with two spaces, one file entry a line, a line feed at the end, and the digest
 * of itself in its second line.
 */
export function serializeManifest(manifest: ExportManifest): Buffer {
  // A manifest that was read with JSON.parse alone still has its old digest.
  const fields = orderedFields(manifest, MANIFEST_ORDER).filter(([key]) => key !== MANIFEST_DIGEST_FIELD);
  const [version, ...others] = fields;
  const digest = [MANIFEST_DIGEST_FIELD, NO_DIGEST] as const;
  return sealManifest(documentOf(version === undefined ? [digest] : [version, digest, ...others]));
}

/** The bytes of a bundle's `lakepack/export.json`, in the same form. */
export function serializeEmbeddedManifest(manifest: EmbeddedManifest): Buffer {
  return documentOf(orderedFields(manifest, EMBEDDED_ORDER));
}

/** One line of a files index or of `lakepack/files.jsonl`, without the line feed. */
export function serializeFileEntry(entry: FileEntry | EmbeddedFileEntry): string {
  return JSON.stringify(ordered(entry, ENTRY_ORDER));
}

/**
 * The line of an entry in two parts: `head` + `tail` is the embedded one. Of the whole one, `bundle`, `offset` and `stored`
 * stand between them, as they do in {@link ENTRY_ORDER}.
 */
export function serializeEntryParts(
  entry: Omit<EmbeddedFileEntry, 'content'>,
  content: FileContent | undefined,
): { readonly head: string; readonly tail: string } {
  const line = serializeFileEntry(entry);
  const tail = content === undefined ? '}' : `,"content":${JSON.stringify(ordered(content, CONTENT_ORDER))}}`;
  return { head: line.slice(0, -1), tail };
}

function documentOf(fields: readonly (readonly [string, unknown])[]): Buffer {
  const lines = fields
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `  ${JSON.stringify(key)}: ${key === 'files' ? linesOf(value) : indented(value)}`);
  return Buffer.from(`{\n${lines.join(',\n')}\n}\n`);
}

function linesOf(entries: unknown): string {
  // An unknown `files` of an embedded manifest need not be a list.
  if (!Array.isArray(entries) || entries.length === 0) return indented(entries);
  return `[\n${entries.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n')}\n  ]`;
}

/** A line feed in JSON text is always between tokens, never inside a string. */
function indented(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replaceAll('\n', '\n  ');
}

function ordered(value: unknown, order: KeyOrder): unknown {
  // Most writers name the fields in their order already: asking costs a quarter of building every object again.
  if (isInOrder(value, order)) return value;
  if (Array.isArray(value)) return value.map((item) => ordered(item, order));
  if (typeof value !== 'object' || value === null) return value;
  // `fromEntries` defines its keys, where an assignment to `__proto__` would not.
  return Object.fromEntries(orderedFields(value, order));
}

function isInOrder(value: unknown, order: KeyOrder): boolean {
  if (Array.isArray(value)) return value.every((item) => isInOrder(item, order));
  if (typeof value !== 'object' || value === null) return true;
  const fields = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(fields);
  let known = 0;
  for (const key of Object.keys(order)) {
    if (keys[known] !== key) continue;
    known += 1;
    const below = order[key] ?? null;
    if (below !== null && !isInOrder(fields[key], below)) return false;
  }
  return keys.length === known || keys.slice(known).every((key) => !Object.hasOwn(order, key));
}

function orderedFields(value: object, order: KeyOrder): [string, unknown][] {
  const fields: [string, unknown][] = [];
  for (const [key, below] of Object.entries(order)) {
    if (!Object.hasOwn(value, key)) continue;
    const field = (value as Readonly<Record<string, unknown>>)[key];
    fields.push([key, below === null ? field : ordered(field, below)]);
  }
  for (const field of Object.entries(value)) {
    if (!Object.hasOwn(order, field[0])) fields.push(field);
  }
  return fields;
}
