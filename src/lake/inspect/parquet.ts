/**
 * Looks at the footer of a Parquet file: rows, row groups, columns. It reads the footer only; whether the pages are
 * sound is for who reads the data.
 */
import { parquetMetadata, type LogicalType, type SchemaElement } from 'hyparquet';
import { MIB } from '../../base/limits.js';
import type { ColumnFacts, FileContent } from '../../schema/export-manifest.js';
import type { ReadAt } from './gzip.js';
import { thriftFields, thriftInteger, thriftStructs } from './thrift-guard.js';

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

/** Numbers of fields in FileMetaData and RowGroup (parquet.thrift). */
const SCHEMA = 2;
const NUM_ROWS = 3;
const ROW_GROUPS = 4;
const COLUMNS = 1;

/**
 * The schema is decoded, the row groups are counted: what they say of each column takes most of the time to decode and
 * is of no use here.
 */
function lookAtFooter(footer: Buffer): ParquetLook {
  const fields = thriftFields(footer.subarray(0, -TAIL_BYTES));
  const schema = fields?.get(SCHEMA);
  const rowGroups = thriftStructs(fields?.get(ROW_GROUPS));
  const columns = thriftStructs(schema) === undefined ? undefined : columnsOfSchema(schema?.bytes ?? new Uint8Array());
  if (columns === undefined || rowGroups === undefined || !rowGroups.every((group) => fits(group, columns))) {
    return damaged('has a footer that cannot be read');
  }
  const rows = thriftInteger(fields?.get(NUM_ROWS));
  return {
    content: {
      format: 'parquet',
      ...(rows !== undefined && rows >= 0 ? { rows } : {}),
      rowGroups: rowGroups.length,
      ...(columns.length <= MAX_COLUMNS ? { columns } : {}),
    },
  };
}

/** Whether a row group has a chunk for each column. Of a very wide file not all columns are known. */
function fits(rowGroup: Uint8Array, columns: readonly ColumnFacts[]): boolean {
  const chunks = thriftStructs(thriftFields(rowGroup)?.get(COLUMNS));
  return chunks !== undefined && (chunks.length === columns.length || columns.length > MAX_COLUMNS);
}

/** Schemas that were decoded, by their bytes: the files of a dataset have the same. */
const knownSchemas = new Map<string, readonly ColumnFacts[]>();
const MAX_KNOWN_SCHEMAS = 64;

/** Undefined where it cannot be decoded. */
function columnsOfSchema(schema: Uint8Array): readonly ColumnFacts[] | undefined {
  const key = Buffer.from(schema.buffer, schema.byteOffset, schema.length).toString('latin1');
  const known = knownSchemas.get(key);
  if (known !== undefined) return known;
  try {
    const columns = columnsOf(parquetMetadata(footerOf(schema), { geoparquet: false }).schema);
    if (knownSchemas.size === MAX_KNOWN_SCHEMAS) knownSchemas.clear();
    knownSchemas.set(key, columns);
    return columns;
  } catch {
    // The decoder has no errors of its own kind: whatever it throws, the schema is the cause.
    return undefined;
  }
}

/** The footer of a file with this schema and nothing in it: version 1, the schema, no rows, no row groups. */
function footerOf(schema: Uint8Array): ArrayBuffer {
  const metadata = Buffer.concat([
    Buffer.from([0x15, 0x02, 0x19]),
    schema,
    Buffer.from([0x16, 0x00, 0x19, 0x0c, 0x00]),
  ]);
  const tail = Buffer.alloc(TAIL_BYTES);
  tail.writeUInt32LE(metadata.length);
  tail.write(MAGIC, 4, 'latin1');
  return new Uint8Array(Buffer.concat([metadata, tail])).buffer;
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
