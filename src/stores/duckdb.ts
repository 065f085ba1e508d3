/**
 * The derived store that needs nothing: one DuckDB file that anybody can open. It is built as `<file>.lakepack-<marker>`
 * beside its target and becomes it by one rename. Keys get no index: DuckDB's would have to fit into memory, and its
 * scans need none; indexes that a recipe names are made. Vectors are searched exactly.
 */
import { link, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { isLakepackError, LakepackError, systemErrorCode, throwIfAborted } from '../base/errors.js';
import { acquireLock, type ProcessLock } from '../base/process-lock.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import { keyTextOf } from './canonical-cell.js';
import type {
  BuiltTable,
  DerivedStore,
  OpenStoreOptions,
  RowBatch,
  StoreCall,
  StoredColumn,
  TableRows,
  TableSpec,
} from './contract.js';
import { readCells } from './duckdb-cells.js';
import { type Engine, openEngine, sqlName } from './duckdb-engine.js';
import { readTable, searchSql, storedColumns } from './duckdb-read-table.js';

/** Opens a store whose target is a file. See the contract for what is guaranteed and thrown. */
export async function openDuckDbStore(options: OpenStoreOptions): Promise<DerivedStore> {
  const target = path.resolve(options.into);
  const place = `${target}.lakepack-${options.marker}`;
  await refuseFullTarget(target, options);
  await removeLeftovers(target);
  const lock = await acquireLock(place, `${place}: is being built by another process`);
  await removeDatabase(place);
  return new DuckDbStore(target, place, options, lock);
}

class DuckDbStore implements DerivedStore {
  readonly engine = 'duckdb';
  readonly place: string;
  readonly #target: string;
  readonly #options: OpenStoreOptions;
  readonly #lock: ProcessLock;
  readonly #specs = new Map<string, TableSpec>();
  #reader: Promise<Engine> | undefined;
  #isPublished = false;

  constructor(target: string, place: string, options: OpenStoreOptions, lock: ProcessLock) {
    this.#target = target;
    this.place = place;
    this.#options = options;
    this.#lock = lock;
  }

  async build(rows: TableRows, call: StoreCall): Promise<BuiltTable> {
    throwIfAborted(call.signal);
    await this.#stopReading();
    this.#specs.set(rows.spec.name, rows.spec);
    return { rows: await rows.writeDuckDb(this.place, call) };
  }

  async seal(call: StoreCall): Promise<void> {
    await this.#stopReading();
    const engine = await this.#open(false);
    try {
      for (const spec of this.#specs.values()) await createIndexes(engine, spec, call);
      await engine.rows('CHECKPOINT', { ...call, subject: this.place });
    } finally {
      engine.close();
    }
  }

  async columns(spec: TableSpec, call: StoreCall): Promise<readonly StoredColumn[]> {
    return storedColumns(await this.#read(), spec, call);
  }

  async *readBack(spec: TableSpec, call: StoreCall): AsyncGenerator<RowBatch> {
    yield* readTable(await this.#read(), spec, call);
  }

  async search(spec: TableSpec, query: Float32Array, count: number, call: StoreCall): Promise<readonly string[]> {
    const keys = spec.columns.filter((column) => spec.keys.includes(column.name));
    const ordered = spec.keys.flatMap((name) => keys.filter((column) => column.name === name));
    const found: string[] = [];
    const engine = await this.#read();
    for await (const { data } of engine.chunks(searchSql(spec, query, count), {
      ...call,
      subject: `table ${spec.name}`,
    })) {
      const cells = ordered.map((column, index) => readCells(data.getColumnVector(index), column.type, data.rowCount));
      for (let row = 0; row < data.rowCount; row += 1) {
        found.push(
          keyTextOf(
            spec,
            cells.map((column) => column[row] ?? null),
          ),
        );
      }
    }
    return found;
  }

  async query(sql: string, call: StoreCall): Promise<readonly Readonly<Record<string, unknown>>[]> {
    try {
      return await (await this.#read()).records(sql, { ...call, subject: 'query' });
    } catch (error) {
      // Of an assertion, not of a recipe: what the engine says is what its writer needs.
      if (!isLakepackError(error, 'RECIPE_INVALID')) throw error;
      throw new LakepackError('STORE_REFUSED', error.message, { cause: error });
    }
  }

  async publish(): Promise<void> {
    await this.#stopReading();
    await onDisk(this.#target, async () => {
      const isThere = await refuseFullTarget(this.#target, this.#options);
      // The log of the file that is replaced would be played into the new one.
      if (isThere) await rm(`${this.#target}.wal`, { force: true });
      await (isThere ? rename(this.place, this.#target) : renameToNew(this.place, this.#target));
    });
    this.#isPublished = true;
  }

  async discard(): Promise<void> {
    await this.#stopReading();
    if (!this.#isPublished) await removeDatabase(this.place);
  }

  async close(): Promise<void> {
    await this.#stopReading();
    await this.#lock.release();
  }

  #read(): Promise<Engine> {
    this.#reader ??= this.#open(true);
    return this.#reader;
  }

  #open(readOnly: boolean): Promise<Engine> {
    const database = this.#isPublished ? this.#target : this.place;
    return openEngine({ database, readOnly, folders: [], scratchDir: this.#options.scratchDir });
  }

  async #stopReading(): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    (await reader)?.close();
  }
}

async function createIndexes(engine: Engine, spec: TableSpec, call: StoreCall): Promise<void> {
  for (const [at, index] of spec.indexes.entries()) {
    const name = sqlName(`${spec.name}_${index.columns.join('_')}_${at + 1}`);
    const columns = index.columns.map(sqlName).join(', ');
    const sql = `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX ${name} ON ${sqlName(spec.name)} (${columns})`;
    try {
      await engine.rows(sql, { ...call, subject: `table ${spec.name}: index on ${index.columns.join(', ')}` });
    } catch (error) {
      if (!isLakepackError(error, 'RECIPE_INVALID')) throw error;
      throw new LakepackError('STORE_REFUSED', error.message, {
        cause: error,
        hint: 'take the index out of the recipe',
      });
    }
  }
}

/** True when a file stands there that may be replaced. @throws TARGET_NOT_EMPTY */
async function refuseFullTarget(target: string, { replace, scratchDir, signal }: OpenStoreOptions): Promise<boolean> {
  const found = await onDisk(target, () => unlessAbsent(() => stat(target)));
  if (found === undefined) return false;
  if (!found.isFile()) {
    throw new LakepackError('TARGET_NOT_EMPTY', `${target}: expected a file, got a folder`, {
      hint: 'name a file that is not there yet',
    });
  }
  if (replace || found.size === 0 || (await hasNoTables(target, scratchDir, signal))) return true;
  throw new LakepackError('TARGET_NOT_EMPTY', `${target}: the file is there already`, {
    hint: 'name another file, or replace it with --replace',
  });
}

async function hasNoTables(database: string, scratchDir: string, signal: AbortSignal): Promise<boolean> {
  try {
    const engine = await openEngine({ database, readOnly: true, folders: [], scratchDir });
    try {
      const sql =
        'SELECT (SELECT count(*) FROM duckdb_tables()) + (SELECT count(*) FROM duckdb_views() WHERE NOT internal)';
      return Number((await engine.rows(sql, { signal, subject: database }))[0]?.[0]) === 0;
    } finally {
      engine.close();
    }
  } catch (error) {
    // A file that DuckDB cannot open is somebody's file: it is full.
    if (isLakepackError(error, 'INTERRUPTED')) throw error;
    return false;
  }
}

/** Of killed builds with this target: those whose lock is free. */
async function removeLeftovers(target: string): Promise<void> {
  const folder = path.dirname(target);
  const prefix = `${path.basename(target)}.lakepack-`;
  const names = await onDisk(folder, () => readdir(folder));
  for (const name of names.filter((one) => one.startsWith(prefix) && !one.endsWith('.wal'))) {
    const place = path.join(folder, name);
    const lock = await acquireLock(place, place).catch((error: unknown) => {
      // Held: its builder is alive.
      if (isLakepackError(error, 'OBJECT_EXISTS')) return undefined;
      throw error;
    });
    if (lock === undefined) continue;
    await removeDatabase(place);
    await lock.release();
  }
}

async function removeDatabase(place: string): Promise<void> {
  await onDisk(place, async () => {
    await rm(place, { force: true });
    await rm(`${place}.wal`, { force: true });
  });
}

/** Like rename, but never over a file that came there in the meantime. */
async function renameToNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EEXIST') throw new LakepackError('TARGET_NOT_EMPTY', `${to}: the file is there already`);
    // A file system without links: the check before is all there is.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS') return rename(from, to);
    throw error;
  }
  await unlink(from);
}
