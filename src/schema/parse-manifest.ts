/**
 * The one place that reads manifests and file entries, of an archive and of a bundle: bounded, the version first, then
 * the shape (all faults), then the rules (all faults). What comes out can be trusted in shape; nothing that a
 * manifest says of stored bytes is believed before they are hashed.
 */
import { LakepackError } from '../base/errors.js';
import { MAX_INLINE_FILES, MAX_LINE_BYTES, MAX_MANIFEST_BYTES } from '../base/limits.js';
import { lakePathFault } from '../base/paths.js';
import {
  FORMAT_VERSION,
  type EmbeddedFileEntry,
  type EmbeddedManifest,
  type ExportManifest,
  type FileEntry,
} from './export-manifest.js';
import { readPlainEntry } from './entry-line.js';
import { readJsonText } from './json-text.js';
import { MANIFEST_DIGEST_FIELD, manifestDigestFault } from './manifest-digest.js';
import { createFaultCollector, faultText, showValue, type FaultList, type ManifestFault } from './manifest-fault.js';
import { embeddedManifestFaults, manifestFaults } from './manifest-rules.js';
import { schemaFaults } from './validator.js';

/** What reading gave: a value, or why there is none. `MANIFEST_VERSION` stands alone: nothing else was looked at. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly code: 'MANIFEST_INVALID' | 'MANIFEST_VERSION' | 'LIMIT_EXCEEDED';
      readonly list: FaultList;
    };

/**
 * Reads an export manifest. `subject` (an object name) begins the message of an error. Unknown fields are kept.
 * Throws MANIFEST_INVALID with every fault, MANIFEST_VERSION for a newer format, LIMIT_EXCEEDED above 64 MiB or 2,000,000 JSON values.
 */
export function parseManifest(bytes: Buffer, subject: string): ExportManifest {
  return valueOrThrow(readManifest(bytes), subject);
}

/** The same for a caller that reports faults instead of throwing (`verify`). */
export function readManifest(bytes: Buffer): Reading<ExportManifest> {
  const reading = read<ExportManifest>(bytes, MAX_MANIFEST_BYTES, (value) =>
    readVersioned(value, exportShapeFaults, manifestFaults),
  );
  const fault = manifestDigestFault(bytes);
  if (fault === undefined) return reading.ok ? { ok: true, value: withoutDigest(reading.value) } : reading;
  if (reading.ok) return { ok: false, code: 'MANIFEST_INVALID', list: listOf([fault]) };
  if (reading.code !== 'MANIFEST_INVALID') return reading;
  return { ...reading, list: { faults: [fault, ...reading.list.faults], count: reading.list.count + 1 } };
}

/** The digest is a fact of these bytes, not of what they say: the serializer makes it anew. */
function withoutDigest(manifest: ExportManifest): ExportManifest {
  const { [MANIFEST_DIGEST_FIELD]: _digest, ...rest } = manifest as ExportManifest & Record<string, unknown>;
  return rest;
}

/** Reads `lakepack/export.json` of a bundle. Throws like `parseManifest`. */
export function parseEmbeddedManifest(bytes: Buffer, subject: string): EmbeddedManifest {
  const reading = read(bytes, MAX_MANIFEST_BYTES, (value) =>
    readVersioned(value, (some) => listOf(schemaFaults('embedded-export.v1', some)), embeddedManifestFaults),
  );
  return valueOrThrow(reading, subject);
}

/**
 * Reads one line of a files index. Its place among the others is checked by `createEntryRules`. Throws
 * MANIFEST_INVALID with every fault, LIMIT_EXCEEDED above 4 MiB.
 */
export function parseFileEntry(line: string | Buffer, subject: string): FileEntry {
  const plain = typeof line === 'string' ? readPlainEntry(line) : undefined;
  return plain?.entry ?? valueOrThrow(readEntry<FileEntry>(line, 'file-entry.v1'), subject);
}

/** Reads one line of a bundle's `lakepack/files.jsonl`. Its place is checked by `createPathRules`. Throws like `parseFileEntry`. */
export function parseEmbeddedFileEntry(line: string | Buffer, subject: string): EmbeddedFileEntry {
  return valueOrThrow(readEntry<EmbeddedFileEntry>(line, 'embedded-file-entry.v1'), subject);
}

function valueOrThrow<T>(reading: Reading<T>, subject: string): T {
  if (reading.ok) return reading.value;
  throw new LakepackError(reading.code, faultText(subject, reading.list), {
    hint:
      reading.code === 'MANIFEST_VERSION'
        ? 'a newer lakepack wrote this: upgrade, and run the same command again'
        : 'take this object from another copy of the archive; do not restore what it describes before that',
  });
}

function read<T>(text: Buffer | string, maxBytes: number, check: (value: unknown) => Reading<T>): Reading<T> {
  const json = readJsonText(text, maxBytes);
  return json.ok ? check(json.value) : { ok: false, code: json.code, list: listOf([json.fault]) };
}

/** Reads a document that carries `formatVersion`. The rules assume the shape, so they are asked only where it is right. */
function readVersioned<T>(
  value: unknown,
  shapeFaults: (value: unknown) => FaultList,
  ruleFaults: (value: T) => readonly ManifestFault[],
): Reading<T> {
  const newer = newerVersionFault(value);
  if (newer !== undefined) return { ok: false, code: 'MANIFEST_VERSION', list: listOf([newer]) };
  const shape = shapeFaults(value);
  if (shape.count > 0) return { ok: false, code: 'MANIFEST_INVALID', list: shape };
  return valueUnless(value as T, listOf(ruleFaults(value as T)));
}

function readEntry<T extends EmbeddedFileEntry>(line: string | Buffer, schemaName: string): Reading<T> {
  return read(line, MAX_LINE_BYTES, (value): Reading<T> => {
    const shape = schemaFaults(schemaName, value);
    if (shape.length > 0) return { ok: false, code: 'MANIFEST_INVALID', list: listOf(shape) };
    const entry = value as T;
    const problem = lakePathFault(entry.path);
    if (problem === undefined) return { ok: true, value: entry };
    const message = `the path ${showValue(entry.path)} ${problem}`;
    return { ok: false, code: 'MANIFEST_INVALID', list: listOf([{ path: '/path', message }]) };
  });
}

function newerVersionFault(value: unknown): ManifestFault | undefined {
  const version = isObject(value) ? value['formatVersion'] : undefined;
  if (typeof version !== 'number' || !Number.isInteger(version) || version <= FORMAT_VERSION) return undefined;
  return {
    path: '/formatVersion',
    message: `is newer than this lakepack reads: expected ${FORMAT_VERSION}, got ${version}`,
  };
}

/**
 * The schema is asked about the head and about each entry by itself: faults of entries are then counted as they come, so that
 * neither two thousand broken entries nor millions of hostile ones fill the memory.
 */
function exportShapeFaults(value: unknown): FaultList {
  const files = isObject(value) ? value['files'] : undefined;
  if (!isObject(value) || !Array.isArray(files)) return listOf(schemaFaults('export.v1', value));
  const collector = createFaultCollector();
  collector.add(schemaFaults('export.v1', { ...value, files: [] }));
  if (files.length > MAX_INLINE_FILES) {
    const message = `expected at most ${MAX_INLINE_FILES} items, got ${showValue(files)}`;
    collector.add([{ path: '/files', message }]);
  } else {
    files.forEach((entry, index) => collector.add(schemaFaults('file-entry.v1', entry), `/files/${index}`));
  }
  return collector;
}

function listOf(faults: readonly ManifestFault[]): FaultList {
  const collector = createFaultCollector();
  collector.add(faults);
  return collector;
}

function valueUnless<T>(value: T, list: FaultList): Reading<T> {
  return list.count === 0 ? { ok: true, value } : { ok: false, code: 'MANIFEST_INVALID', list };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
