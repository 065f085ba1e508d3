/**
 * Makes one relation of the lake files of a table: Parquet, CSV, JSON or JSONL, their columns together by name, and
 * the hive keys of their paths as text. Values keep what the file says; types are the recipe's and come later.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { LakepackError } from '../base/errors.js';
import type { RecipeTable, SourceFormat } from '../schema/recipe.js';
import type { TableColumn } from './contract.js';
import { csvRelation, type CsvHeader, readCsvHeaders } from './duckdb-csv.js';
import { type Engine, type EngineCall, sqlName, sqlText } from './duckdb-engine.js';
import { FILE_COLUMN } from './duckdb-sql-scope.js';
import { duckDbTypeOf } from './logical-type.js';

/** A JSON document may not be larger: every thread takes twice as much for a buffer. */
const MAX_JSON_DOCUMENT_BYTES = 16 * 1024 * 1024;

export interface SourceFiles {
  readonly format: SourceFormat;
  /** Where each lake path is read from, in the order of the lake paths. */
  readonly places: readonly { readonly lakePath: string; readonly place: string }[];
  readonly hiveKeys: readonly string[];
  /** Parquet: the columns that any of the files has. */
  readonly parquetColumns: readonly string[];
  readonly csvHeaders: readonly CsvHeader[];
}

export interface ReadFilesOptions {
  readonly lake: string;
  readonly table: RecipeTable;
  readonly files: readonly string[];
  readonly scratchDir: string;
}

/** Looks at the files as far as a query over them needs. Throws RECIPE_INVALID, SOURCE_UNREADABLE. */
export async function lookAtFiles(engine: Engine, options: ReadFilesOptions, call: EngineCall): Promise<SourceFiles> {
  const { table, files } = options;
  const format = formatOf(table, files, call.subject);
  const places = await Promise.all(files.map((file) => placeOf(file, format, options, call)));
  return {
    format,
    places,
    hiveKeys: table.hive === false ? [] : hiveKeysOf(files),
    parquetColumns: format === 'parquet' && places.length > 0 ? await parquetColumns(engine, places, call) : [],
    csvHeaders: format === 'csv' ? await readCsvHeaders(engine, places, table, call) : [],
  };
}

const FORMAT_OF_NAME: readonly { readonly name: RegExp; readonly format: SourceFormat }[] = [
  { name: /\.(parquet|pq)(\.(gz|zst))?$/i, format: 'parquet' },
  { name: /\.(jsonl|ndjson)(\.(gz|zst))?$/i, format: 'jsonl' },
  { name: /\.json(\.(gz|zst))?$/i, format: 'json' },
  { name: /\.csv(\.(gz|zst))?$/i, format: 'csv' },
];

/** The format that a file's name tells. */
export function formatOfName(lakePath: string): SourceFormat | undefined {
  return FORMAT_OF_NAME.find(({ name }) => name.test(lakePath))?.format;
}

function formatOf(table: RecipeTable, files: readonly string[], subject: string): SourceFormat {
  if (table.format !== undefined) return table.format;
  const [first] = files;
  const format = formatOfName(first ?? table.from[0] ?? '') ?? (first === undefined ? 'parquet' : undefined);
  const other = files.find((file) => formatOfName(file) !== format);
  if (format !== undefined && other === undefined) return format;
  throw new LakepackError(
    'RECIPE_INVALID',
    `${subject}: the format of its files is not told: got ${other ?? first ?? ''}`,
    {
      hint: 'set "format" of the table to parquet, json, jsonl or csv, or narrow "from"',
    },
  );
}

async function placeOf(
  lakePath: string,
  format: SourceFormat,
  { lake, scratchDir }: ReadFilesOptions,
  { subject, signal }: EngineCall,
): Promise<{ readonly lakePath: string; readonly place: string }> {
  const place = path.join(lake, lakePath);
  if (format !== 'parquet' || !/\.(gz|zst)$/i.test(lakePath)) return { lakePath, place };
  if (/\.zst$/i.test(lakePath)) {
    throw new LakepackError('RECIPE_INVALID', `${subject}: ${lakePath}: Parquet inside of zstd cannot be read`, {
      hint: 'Parquet compresses by itself: keep the file as .parquet',
    });
  }
  const unpacked = path.join(scratchDir, 'unpacked', lakePath.slice(0, -'.gz'.length));
  await mkdir(path.dirname(unpacked), { recursive: true });
  try {
    await pipeline(createReadStream(place), createGunzip(), createWriteStream(unpacked), { signal });
  } catch (error) {
    throw new LakepackError('SOURCE_UNREADABLE', `${subject}: ${lakePath}: cannot be unpacked`, { cause: error });
  }
  return { lakePath, place: unpacked };
}

/** In the order in which they are first seen. */
function hiveKeysOf(files: readonly string[]): readonly string[] {
  const keys = new Map<string, string>();
  for (const file of files) {
    for (const folder of file.split('/').slice(0, -1)) {
      const key = /^([^=]+)=/.exec(folder)?.[1];
      if (key !== undefined && !keys.has(key.toLowerCase())) keys.set(key.toLowerCase(), key);
    }
  }
  return [...keys.values()];
}

async function parquetColumns(
  engine: Engine,
  places: SourceFiles['places'],
  call: EngineCall,
): Promise<readonly string[]> {
  const rows = await engine.rows(`DESCRIBE SELECT * FROM ${parquetCall(places)}`, call);
  return rows.map((row) => String(row[0])).filter((name) => name !== FILE_COLUMN);
}

/** The columns of a table, by name, as the files have them (not yet cast); and the file. */
export function columnsRelation(source: SourceFiles, table: RecipeTable, columns: readonly TableColumn[]): string {
  const isHive = (column: TableColumn): boolean => has(source.hiveKeys, column.name);
  const own = columns.filter((column) => !isHive(column));
  const relation = ownColumns(source, table, own);
  const list = [
    ...own.map((column) => sqlName(column.name)),
    ...columns.filter(isHive).map((c) => hiveColumn(source, c.name)),
  ];
  if (relation === undefined) return nothing(columns.map((column) => column.name));
  return `SELECT ${[...list, sqlName(FILE_COLUMN)].join(', ')} FROM (${relation})`;
}

/** What SQL of a recipe sees as `source`; `withFile` adds the column that tells the file. */
export function sourceRelation(source: SourceFiles, table: RecipeTable, withFile: boolean): string {
  const names = sourceColumns(source);
  const own = names.filter((name) => !has(source.hiveKeys, name)).map(sqlName);
  const hive = source.hiveKeys.map((name) => hiveColumn(source, name));
  const relation = everything(source, table);
  if (relation === undefined) return nothing([...names, ...source.hiveKeys, ...(withFile ? [FILE_COLUMN] : [])]);
  return `SELECT ${[...own, ...hive, ...(withFile ? [sqlName(FILE_COLUMN)] : [])].join(', ')} FROM (${relation})`;
}

/** No file, no rows: what columns there would be cannot be known, so `source` has those that its format always has. */
function nothing(names: readonly string[]): string {
  const list = [...new Set([...names, FILE_COLUMN])].map((name) => `NULL AS ${sqlName(name)}`);
  return `SELECT ${list.join(', ')} WHERE false`;
}

export function sourceColumns(source: SourceFiles): readonly string[] {
  if (source.format === 'parquet') return source.parquetColumns;
  if (source.format === 'csv') return [...new Set(source.csvHeaders.flatMap(({ names }) => names))];
  return ['json'];
}

function ownColumns(source: SourceFiles, table: RecipeTable, columns: readonly TableColumn[]): string | undefined {
  if (source.places.length === 0) return undefined;
  if (source.format === 'json' || source.format === 'jsonl') return jsonColumns(source, columns);
  const relation = everything(source, table);
  if (relation === undefined) return undefined;
  const there = sourceColumns(source);
  const list = columns.map(({ name }) => (has(there, name) ? sqlName(name) : `NULL AS ${sqlName(name)}`));
  return `SELECT ${[...list, sqlName(FILE_COLUMN)].join(', ')} FROM (${relation})`;
}

function everything(source: SourceFiles, table: RecipeTable): string | undefined {
  if (source.places.length === 0) return undefined;
  switch (source.format) {
    case 'parquet':
      return `SELECT * FROM ${parquetCall(source.places)}`;
    case 'csv':
      return csvRelation(source.csvHeaders, table);
    default:
      return (
        `SELECT json, filename AS ${sqlName(FILE_COLUMN)} FROM read_json_objects(${placeList(source.places)}, ` +
        `${jsonOptions(source)})`
      );
  }
}

function parquetCall(places: SourceFiles['places']): string {
  const options = `union_by_name = true, hive_partitioning = false, filename = ${sqlText(FILE_COLUMN)}`;
  return `read_parquet(${placeList(places)}, ${options})`;
}

/** Documents with named fields, in one pass; a field that is missing is NULL. */
function jsonColumns(source: SourceFiles, columns: readonly TableColumn[]): string {
  const types = columns.map(({ name, type }) => {
    const wanted = type.kind === 'vector' ? 'FLOAT[]' : duckDbTypeOf(type);
    return `${sqlText(name)}: ${sqlText(wanted)}`;
  });
  // A reader without columns is refused: one that no document has does no harm.
  const list = types.length === 0 ? `'lakepack nothing': 'JSON'` : types.join(', ');
  return (
    `SELECT * EXCLUDE (filename), filename AS ${sqlName(FILE_COLUMN)} FROM read_json(${placeList(source.places)}, ` +
    `columns = {${list}}, records = 'true', ${jsonOptions(source)})`
  );
}

function jsonOptions(source: SourceFiles): string {
  const format = source.format === 'jsonl' ? 'newline_delimited' : 'auto';
  return `format = '${format}', filename = true, hive_partitioning = false, maximum_object_size = ${MAX_JSON_DOCUMENT_BYTES}`;
}

export function placeList(places: SourceFiles['places']): string {
  return `[${places.map(({ place }) => sqlText(literalGlob(place))).join(', ')}]`;
}

/** A path that is read as it is, also with signs in it that globs use. */
function literalGlob(place: string): string {
  return place.replace(/[*?[]/g, '[$&]');
}

/** From the path, because DuckDB would decode `%20`, which the lake does not. The same for every row of a file. */
function hiveColumn(source: SourceFiles, key: string): string {
  const file = sqlName(FILE_COLUMN);
  const root = rootLengthOf(source);
  const inLake = `substr(${file}, ${root})`;
  const pattern = sqlText(`(?i)(?:^|/)${key.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}=([^/]*)/`);
  return `CASE WHEN regexp_matches(${inLake}, ${pattern}) THEN regexp_extract(${inLake}, ${pattern}, 1) END AS ${sqlName(key)}`;
}

/** Characters before the lake path. Unpacked files lie all in one other folder, so one number does for all of them. */
function rootLengthOf({ places }: SourceFiles): number {
  const [first] = places;
  if (first === undefined) return 1;
  const folders = first.lakePath.split('/').length;
  const root = first.place.split('/').slice(0, -folders).join('/');
  // substr counts code points, not UTF-16 units.
  return Array.from(root).length + 2;
}

function has(names: readonly string[], name: string): boolean {
  return names.some((one) => one.toLowerCase() === name.toLowerCase());
}

/** For DESCRIBE: JSON with the types that hold the values of all documents. */
export function jsonTypesRelation(source: SourceFiles): string {
  return `SELECT * EXCLUDE (filename) FROM read_json(${placeList(source.places)}, sample_size = -1, union_by_name = true, ${jsonOptions(source)})`;
}
