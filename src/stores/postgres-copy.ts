/**
 * Loads the rows of one table: they are spooled as CSV and sent by COPY. Table and rows come in one transaction, so
 * that COPY can freeze them; keys and indexes are made later, over all rows at once.
 */
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isLakepackError, LakepackError } from '../base/errors.js';
import type { StoreCall, TableRows } from './contract.js';
import { loadOptional, type PostgresConnection } from './postgres-connection.js';
import { sqlStateOf } from './postgres-errors.js';
import { findRefusedValue } from './postgres-refusal.js';
import { csvExpression, quoted, type PostgresColumn } from './postgres-types.js';

export interface CopyTableOptions {
  readonly connection: PostgresConnection;
  readonly schema: string;
  readonly rows: TableRows;
  readonly columns: readonly PostgresColumn[];
  /** A file of this name is made and removed. */
  readonly spool: string;
  readonly call: StoreCall;
}

const READ_BYTES = 256 * 1024;

/** Gives the number of rows. Throws what the contract of stores says. */
export async function copyTable(options: CopyTableOptions): Promise<number> {
  const { rows, columns, call, connection, spool } = options;
  const subject = `table ${rows.spec.name}`;
  const byName = new Map(columns.map((column) => [column.column.name, csvExpression(column)]));
  try {
    const written = await rows.writeCsv(spool, (column) => byName.get(column.name), call);
    const loaded = await connection.guard(async () => await load(options), { subject, signal: call.signal });
    if (loaded === written) return loaded;
    throw new LakepackError('STORE_REFUSED', `${subject}: expected ${written} rows to be loaded, got ${loaded}`, {
      hint: 'this is a fault of lakepack or of the server: please report it',
    });
  } catch (error) {
    if (isRefusedValue(error)) throw (await findRefusedValue(rows, columns, error, call)) ?? error;
    throw error;
  } finally {
    await rm(spool, { force: true });
  }
}

/** One value that the server does not take, of class 22: it is looked for, to name its row. */
function isRefusedValue(error: unknown): error is LakepackError {
  return isLakepackError(error, 'STORE_REFUSED') && sqlStateOf(error.cause)?.startsWith('22') === true;
}

async function load({ connection, schema, rows, columns, spool, call }: CopyTableOptions): Promise<number> {
  const { client } = connection;
  const { from } = await loadOptional('pg-copy-streams', async () => (await import('pg-copy-streams')).default);
  const table = `${quoted(schema)}.${quoted(rows.spec.name)}`;
  const definitions = columns.map(({ column, type }) => `${quoted(column.name)} ${type}`);
  await client.query('BEGIN');
  try {
    await client.query(`CREATE TABLE ${table} (${definitions.join(', ')})`);
    const copy = client.query(from(`COPY ${table} FROM STDIN (FORMAT csv, FREEZE, ENCODING 'UTF8')`));
    const source = createReadStream(spool, { highWaterMark: READ_BYTES });
    await pipeline(source, quoteEndMarks(), copy, { signal: call.signal });
    await client.query('COMMIT');
    return copy.rowCount;
  } catch (error) {
    // After a broken connection there is nothing to roll back, and the first error is the one to tell.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

const END_MARK = Buffer.from('\n\\.');
const QUOTED_MARK = Buffer.from('"\\."');
const NEWLINE = 0x0a;

/**
 * Puts quotes around every `\.` at the beginning of a line. Until version 17 COPY takes a line of it for the end of the
 * data and drops what follows without a word. Inside a quoted field the same quotes end it and begin it again, so that
 * the value stays what it was.
 */
export function quoteEndMarks(): Transform {
  // As if a line had ended before the first byte; it is not passed on.
  let held: Buffer = Buffer.from([NEWLINE]);
  let isFirst = true;
  const take = (chunk: Buffer): Buffer => {
    const bytes = isFirst ? chunk.subarray(1) : chunk;
    if (chunk.length > 0) isFirst = false;
    return bytes;
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const keep = heldBack(bytes);
      held = bytes.subarray(bytes.length - keep);
      done(null, take(withQuotes(bytes.subarray(0, bytes.length - keep))));
    },
    flush(done) {
      done(null, take(withQuotes(held)));
    },
  });
}

/** How many bytes at the end may be the beginning of a mark. */
function heldBack(bytes: Buffer): number {
  if (bytes.at(-1) === NEWLINE) return 1;
  return bytes.length > 1 && bytes.at(-2) === NEWLINE && bytes.at(-1) === END_MARK[1] ? 2 : 0;
}

function withQuotes(bytes: Buffer): Buffer {
  let at = bytes.indexOf(END_MARK);
  if (at === -1) return bytes;
  const parts: Buffer[] = [];
  let from = 0;
  for (; at !== -1; at = bytes.indexOf(END_MARK, from)) {
    parts.push(bytes.subarray(from, at + 1), QUOTED_MARK);
    from = at + END_MARK.length;
  }
  return Buffer.concat([...parts, bytes.subarray(from)]);
}
