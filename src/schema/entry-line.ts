/**
 * Reads the line of a file entry that looks as every lakepack writes it (`serialize-manifest.ts`), which nearly all do, without
 * a parser of JSON: pattern and numbers together say all that `file-entry.v1` asks, and where the parts stand that a
 * bundle repeats. Of any other line it says nothing.
 */
import { lakePathFault } from '../base/paths.js';
import type { ColumnFacts, FileContent, FileEntry } from './export-manifest.js';

export interface PlainEntry {
  readonly entry: FileEntry;
  /** The line of this entry in a bundle's `lakepack/files.jsonl` (format 4.6). */
  readonly embedded: string;
}

const COUNT = '0|[1-9][0-9]{0,14}';
/** Printable ASCII needs no escape. Groups 1 and 12 are what a bundle repeats: all before `bundle`, and all behind `stored`. */
const PLAIN_LINE = new RegExp(
  '^(\\{"path":"([ !#-\\[\\]-~]{1,255})"' +
    `,"bytes":(${COUNT}),"sha256":"([0-9a-f]{64})","mtime":(0|-?[1-9][0-9]{0,11})(,"executable":true)?)` +
    `,"bundle":([1-9][0-9]{0,4}),"offset":(${COUNT})` +
    `,"stored":\\{"offset":(${COUNT}),"length":(${COUNT}),"skip":(0|[1-9][0-9]{0,6})\\}` +
    '((?:,"content":\\{"format":"(parquet|json|jsonl|csv|other)"(?:,"compression":"(gzip|zstd)")?' +
    `(?:,"rows":(${COUNT}))?(?:,"rowGroups":(${COUNT}))?(?:,"columns":(\\[.*\\]))?\\})?\\})$`,
);
/** Bounds of `file-entry.v1` that the pattern leaves open. */
const TAR_BLOCK_BYTES = 512;
const MAX_SKIP_BYTES = 4_194_304;
const MAX_COLUMNS = 65_536;
const MAX_COLUMN_CHARS = 65_536;

/** Undefined where the line must be read by `parseFileEntry`; what is wrong with it, if anything, is said there. */
export function readPlainEntry(line: string): PlainEntry | undefined {
  const found = PLAIN_LINE.exec(line);
  if (found === null) return undefined;
  const path = found[2] ?? '';
  const offset = Number(found[8]);
  const stored = { offset: Number(found[9]), length: Number(found[10]), skip: Number(found[11]) };
  if (offset < TAR_BLOCK_BYTES || offset % TAR_BLOCK_BYTES !== 0 || stored.length === 0) return undefined;
  if (stored.skip > MAX_SKIP_BYTES || lakePathFault(path) !== undefined) return undefined;
  const content = found[13] === undefined ? undefined : contentOf(found);
  if (found[13] !== undefined && content === undefined) return undefined;
  const facts = { path, bytes: Number(found[3]), sha256: found[4] ?? '', mtime: Number(found[5]) };
  const place = { bundle: Number(found[7]), offset, stored };
  const entry: Draft<FileEntry> =
    found[6] === undefined ? { ...facts, ...place } : { ...facts, executable: true, ...place };
  if (content !== undefined) entry.content = content;
  return { entry, embedded: (found[1] ?? '') + (found[12] ?? '') };
}

type Draft<T> = { -readonly [K in keyof T]: T[K] };

function contentOf(found: RegExpExecArray): FileContent | undefined {
  const content: Draft<FileContent> = { format: found[13] as FileContent['format'] };
  if (found[14] !== undefined) content.compression = found[14] as NonNullable<FileContent['compression']>;
  if (found[15] !== undefined) content.rows = Number(found[15]);
  if (found[16] !== undefined) content.rowGroups = Number(found[16]);
  if (found[17] === undefined) return content;
  const columns = columnsOf(found[17]);
  return columns === undefined ? undefined : { ...content, columns };
}

/** Tables have the same columns in all their files. */
const columnsByText = new Map<string, readonly ColumnFacts[]>();
const MAX_KEPT = 256;
const MAX_KEPT_CHARS = 16_384;

function columnsOf(text: string): readonly ColumnFacts[] | undefined {
  const known = columnsByText.get(text);
  if (known !== undefined || text.length > MAX_KEPT_CHARS) return known;
  const columns = parseColumns(text);
  if (columns === undefined) return undefined;
  if (columnsByText.size >= MAX_KEPT) columnsByText.clear();
  columnsByText.set(text, columns);
  return columns;
}

/** Undefined unless the text is what a writer makes of columns, to the byte. */
function parseColumns(text: string): readonly ColumnFacts[] | undefined {
  let columns: unknown;
  try {
    columns = JSON.parse(text);
  } catch {
    // Whoever reads the whole line says what is wrong with it.
    return undefined;
  }
  if (!Array.isArray(columns) || columns.length > MAX_COLUMNS || !columns.every(isColumn)) return undefined;
  return JSON.stringify(columns) === text ? columns : undefined;
}

function isColumn(value: unknown): value is ColumnFacts {
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'name,type') return false;
  return Object.values(value).every((text) => typeof text === 'string' && text.length <= MAX_COLUMN_CHARS);
}
