/**
 * Writes the catalog of an archive as one Parquet file, a row for each file in it, for anybody's data frame. Which rows
 * there are is the caller's. It is written under a temporary name, made durable, and renamed.
 */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { throwIfAborted } from '../base/errors.js';
import { onDisk } from '../base/system-errors.js';

/** One file of an archive. The names are those of the columns. */
export interface CatalogFileRow {
  readonly partitionPath: string;
  readonly exportId: string;
  readonly createdAt: Date;
  readonly layer: string | null;
  readonly dataset: string | null;
  /** Hive keys and date parts as a JSON object. */
  readonly keys: string | null;
  readonly runId: string | null;
  /** Lake path. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly mtime: Date;
  readonly format: string | null;
  readonly compression: string | null;
  readonly rows: number | null;
  /** Object name of the bundle, beside the export's other objects. */
  readonly bundle: string;
  readonly bundleSha256: string;
  /** Of the first byte in the tar stream. */
  readonly offset: number;
  /** The range of stored bytes that holds the file, and how many decompressed bytes come before it. */
  readonly storedOffset: number;
  readonly storedLength: number;
  readonly skip: number;
}

type ColumnType = 'UTF8' | 'INT64' | 'TIMESTAMP_MILLIS' | 'UTF8?' | 'INT64?';

const COLUMNS: Readonly<Record<keyof CatalogFileRow, ColumnType>> = {
  partitionPath: 'UTF8',
  exportId: 'UTF8',
  createdAt: 'TIMESTAMP_MILLIS',
  layer: 'UTF8?',
  dataset: 'UTF8?',
  keys: 'UTF8?',
  runId: 'UTF8?',
  path: 'UTF8',
  bytes: 'INT64',
  sha256: 'UTF8',
  mtime: 'TIMESTAMP_MILLIS',
  format: 'UTF8?',
  compression: 'UTF8?',
  rows: 'INT64?',
  bundle: 'UTF8',
  bundleSha256: 'UTF8',
  offset: 'INT64',
  storedOffset: 'INT64',
  storedLength: 'INT64',
  skip: 'INT64',
};

/** All of a group is held until it is complete. */
const ROWS_A_GROUP = 8192;

/**
 * Replaces what stands at `file`. Gives the number of rows.
 * @param file where it shall be; its folder must be there.
 * @throws DISK_FULL, PERMISSION_DENIED, NOT_FOUND (the folder), INTERRUPTED; what `rows` throws.
 */
export async function writeParquetCatalog(
  rows: AsyncIterable<CatalogFileRow>,
  file: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<{ rows: number }> {
  throwIfAborted(signal);
  const partial = `${file}.lakepack-partial`;
  const handle = await onDisk(file, () => open(partial, 'w'));
  try {
    const count = await writeRows(rows, new FileSink(handle, file), signal);
    await onDisk(file, () => handle.sync());
    await handle.close();
    await onDisk(file, () => rename(partial, file));
    return { rows: count };
  } catch (error) {
    await handle.close();
    await rm(partial, { force: true });
    throw error;
  }
}

async function writeRows(rows: AsyncIterable<CatalogFileRow>, sink: FileSink, signal: AbortSignal): Promise<number> {
  const { ParquetSchema, ParquetWriter } = loadParquet();
  const fields = Object.entries(COLUMNS).map(([name, type]) => [name, fieldOf(type)] as const);
  const writer = await ParquetWriter.openStream(new ParquetSchema(Object.fromEntries(fields)), sink, {
    rowGroupSize: ROWS_A_GROUP,
    // One page a column chunk, in the older form, without an index of pages: what every reader reads.
    pageSize: ROWS_A_GROUP,
    useDataPageV2: false,
    pageIndex: false,
  });
  let count = 0;
  for await (const row of rows) {
    throwIfAborted(signal);
    await writer.appendRow(row);
    sink.throwIfFailed();
    count += 1;
  }
  await writer.close();
  sink.throwIfFailed();
  return count;
}

/** Statistics are left out: the library compares text by UTF-16, which is not the order that readers expect. */
function fieldOf(type: ColumnType): object {
  return { type: type.replace('?', ''), optional: type.endsWith('?'), compression: 'SNAPPY', statistics: false };
}

/**
 * What the library writes to. It starts some writes without waiting for them, so that they are kept in order here, and
 * a failure is remembered until it can be thrown where somebody catches it.
 */
class FileSink {
  readonly #handle: FileHandle;
  readonly #subject: string;
  #last: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(handle: FileHandle, subject: string) {
    this.#handle = handle;
    this.#subject = subject;
  }

  write(bytes: Buffer, done: () => void): void {
    this.#last = this.#last.then(() => this.#append(bytes)).then(done);
  }

  end(done: () => void): void {
    this.#last = this.#last.then(done);
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  async #append(bytes: Buffer): Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      await onDisk(this.#subject, () => this.#handle.writeFile(bytes));
    } catch (error) {
      this.#failure = error;
    }
  }
}

/** What is used of parquetjs-lite, which has no types of its own. */
interface ParquetModule {
  readonly ParquetSchema: new (fields: Readonly<Record<string, object>>) => object;
  readonly ParquetWriter: {
    openStream(schema: object, stream: FileSink, options: object): Promise<RowWriter>;
  };
}

interface RowWriter {
  appendRow(row: CatalogFileRow): Promise<void>;
  close(): Promise<void>;
}

/** Loaded when a catalog is written: it changes prototypes of its own, and no other command needs it. */
function loadParquet(): ParquetModule {
  const require = createRequire(import.meta.url);
  return require('parquetjs-lite') as ParquetModule;
}
