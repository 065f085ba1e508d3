/**
 * Looks at the footer of a Parquet file: rows, row groups, columns. It reads the footer only; whether the pages are
 * sound is for who reads the data.
 */
import { parquetMetadata, type FileMetaData, type LogicalType, type SchemaElement } from 'hyparquet';
import { MIB } from '../../base/limits.js';
import type { ColumnFacts, FileContent } from '../../schema/export-manifest.js';
import type { ReadAt } from './gzip.js';
import { isSoundThrift } from './thrift-guard.js';

const MAGIC = 'PAR1';
/** Magic of a file whose footer is encrypted: complete, and closed to us. */
const ENCRYPTED_MAGIC = 'PARE';
const TAIL_BYTES = 8;
const MIN_PARQUET_BYTES = 12;
/** Decoded, a footer takes some thirty times its size; a larger one is not read and says nothing. */
const MAX_FOOTER_BYTES = 4 * MIB;
/** Columns of a wider file are left out of the manifest. */
const MAX_COLUMNS = 1_000;

export interface ParquetLook {
  readonly content: FileContent;
  /** What is wrong, or undefined. */
  readonly fault?: string;
}

export function isParquetMagic(head: Buffer): boolean {
  return head.length >= MAGIC.length && [MAGIC, ENCRYPTED_MAGIC].includes(head.toString('latin1', 0, MAGIC.length));
}

/** Never throws for what is in the file, only what `readAt` throws. */
export async function lookAtParquet(bytes: number, readAt: ReadAt): Promise<ParquetLook> {
  if (bytes < MIN_PARQUET_BYTES) return damaged('is cut: it is too short for a footer');
  const head = await readAt(0, MAGIC.length);
  const tail = await readAt(bytes - TAIL_BYTES, TAIL_BYTES);
  const magic = tail.toString('latin1', 4);
  if (!isParquetMagic(head)) return damaged('does not begin as Parquet does');
  if (magic === ENCRYPTED_MAGIC) return { content: { format: 'parquet' } };
  if (magic !== MAGIC) return damaged('is half-written: it does not end as Parquet does');
  const length = tail.readUInt32LE();
  if (length > bytes - MIN_PARQUET_BYTES) return damaged('has a footer longer than the file');
  if (length > MAX_FOOTER_BYTES) return { content: { format: 'parquet' } };
  return lookAtFooter(await readAt(bytes - TAIL_BYTES - length, length + TAIL_BYTES));
}

function damaged(fault: string): ParquetLook {
  return { content: { format: 'parquet', damaged: true }, fault };
}

function lookAtFooter(footer: Buffer): ParquetLook {
  if (!isSoundThrift(footer.subarray(0, -TAIL_BYTES))) return damaged('has a footer that cannot be read');
  try {
    return { content: contentOf(parquetMetadata(footer, { geoparquet: false })) };
  } catch {
    // The decoder has no errors of its own kind: whatever it throws, the footer is the cause.
    return damaged('has a footer that cannot be read');
  }
}

function contentOf(metadata: FileMetaData): FileContent {
  const rows = Number(metadata.num_rows);
  const columns = columnsOf(metadata.schema);
  return {
    format: 'parquet',
    ...(Number.isSafeInteger(rows) && rows >= 0 ? { rows } : {}),
    rowGroups: metadata.row_groups.length,
    ...(columns.length <= MAX_COLUMNS ? { columns } : {}),
  };
}

/** The leaves of the schema, which stands in depth-first order; a nested one is named `matches.list.element`. */
function columnsOf(schema: readonly SchemaElement[]): readonly ColumnFacts[] {
  const columns: ColumnFacts[] = [];
  const open: { readonly name: string; left: number }[] = [];
  for (const element of schema.slice(1)) {
    while (open.at(-1)?.left === 0) open.pop();
    const parent = open.at(-1);
    if (parent !== undefined) parent.left--;
    const name = [...open.map((group) => group.name), element.name].join('.');
    if (element.type === undefined) open.push({ name: element.name, left: element.num_children ?? 0 });
    else columns.push({ name, type: typeOf(element) });
    if (columns.length > MAX_COLUMNS) break;
  }
  return columns;
}

/** The logical type where there is one (`STRING`, `DECIMAL(10,2)`, `TIMESTAMP(MICROS,UTC)`), else the stored one. */
function typeOf(element: SchemaElement): string {
  const { logical_type: logical, converted_type: converted, type = 'GROUP' } = element;
  // A logical type of a later Parquet version has no name here: then what is stored is the best to say.
  if (typeof logical?.type === 'string') return logicalName(logical);
  if (converted === 'UTF8') return 'STRING';
  if (converted === 'DECIMAL') return `DECIMAL(${element.precision ?? 0},${element.scale ?? 0})`;
  if (converted !== undefined) return converted;
  return type === 'FIXED_LEN_BYTE_ARRAY' ? `${type}(${element.type_length ?? 0})` : type;
}

function logicalName(logical: LogicalType): string {
  switch (logical.type) {
    case 'DECIMAL':
      return `DECIMAL(${logical.precision},${logical.scale})`;
    case 'TIME':
    case 'TIMESTAMP':
      return `${logical.type}(${logical.unit}${logical.isAdjustedToUTC ? ',UTC' : ''})`;
    case 'INTEGER':
      return `${logical.isSigned ? 'INT' : 'UINT'}${logical.bitWidth}`;
    default:
      return logical.type;
  }
}
