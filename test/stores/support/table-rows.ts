/** Rows for a test, from literal cells; DuckDB writes them to files, from SQL literals. */
import { DuckDBInstance } from '@duckdb/node-api';
import { throwIfAborted } from '../../../src/base/errors.js';
import type { Cell, LogicalType, RowBatch, TableColumn, TableRows, TableSpec } from '../../../src/stores/contract.js';

const ROWS_PER_BATCH = 1_000;

/** `rows[r][c]`, columns in the order of the table. */
export function tableRows(spec: TableSpec, rows: readonly (readonly Cell[])[]): TableRows {
  return {
    spec,
    async *batches(call) {
      for (let from = 0; from < rows.length; from += ROWS_PER_BATCH) {
        throwIfAborted(call.signal);
        yield batchOf(spec, rows.slice(from, from + ROWS_PER_BATCH));
      }
    },
    async writeCsv(file, expressionOf) {
      await inDuckDb(':memory:', spec, rows, async (run) => {
        const columns = spec.columns.map((column) => expressionOf(column) ?? quoted(column.name)).join(', ');
        await run(
          `COPY (SELECT ${columns} FROM ${quoted(spec.name)}) TO '${file}' (FORMAT csv, HEADER false, NULLSTR '', FORCE_QUOTE *)`,
        );
      });
      return rows.length;
    },
    async writeDuckDb(file) {
      await inDuckDb(file, spec, rows, async () => undefined);
      return rows.length;
    },
  };
}

export function batchOf(spec: TableSpec, rows: readonly (readonly Cell[])[]): RowBatch {
  return { rows: rows.length, columns: spec.columns.map((_, column) => rows.map((row) => row[column] ?? null)) };
}

export function column(name: string, type: LogicalType, sqlType: string): TableColumn {
  return { name, type, sqlType };
}

const ROWS_PER_INSERT = 500;

async function inDuckDb(
  file: string,
  spec: TableSpec,
  rows: readonly (readonly Cell[])[],
  then: (run: (sql: string) => Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  try {
    const run = async (sql: string): Promise<unknown> => connection.run(sql);
    await run(
      `CREATE TABLE ${quoted(spec.name)} (${spec.columns.map((one) => `${quoted(one.name)} ${one.sqlType}`).join(', ')})`,
    );
    for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
      const values = rows.slice(from, from + ROWS_PER_INSERT).map((row) => `(${rowLiterals(spec, row)})`);
      await run(`INSERT INTO ${quoted(spec.name)} VALUES ${values.join(', ')}`);
    }
    await then(run);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function rowLiterals(spec: TableSpec, row: readonly Cell[]): string {
  return spec.columns
    .map(({ type, sqlType }, at) => `CAST(${literal(row[at] ?? null, type)} AS ${sqlType})`)
    .join(', ');
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** An SQL expression of DuckDB for a cell. */
export function literal(cell: Cell, type: LogicalType): string {
  if (cell === null) return 'NULL';
  if (cell instanceof Float32Array) return `[${Array.from(cell, floatLiteral).join(', ')}]`;
  if (cell instanceof Uint8Array) return `unhex('${Buffer.from(cell).toString('hex')}')`;
  if (Array.isArray(cell)) return nestedLiteral(cell as readonly Cell[], type);
  if (typeof cell === 'string') return `'${cell.replaceAll("'", "''")}'`;
  if (typeof cell === 'object') throw new Error(`no literal of ${type.kind}`);
  const number = String(cell);
  switch (type.kind) {
    case 'date':
      return `(DATE '1970-01-01' + ${number})`;
    case 'time':
      return `(TIME '00:00:00' + to_microseconds(${number}))`;
    case 'timestamp':
      if (type.unit === 'ns') return `make_timestamp_ns(${number})`;
      // The session's time zone is no matter: the literal says its own.
      return type.zone
        ? `CAST(CAST(make_timestamp(${number}) AS VARCHAR) || '+00' AS TIMESTAMPTZ)`
        : `make_timestamp(${number})`;
    case 'float':
      return floatLiteral(cell as number);
    default:
      return number;
  }
}

function nestedLiteral(cells: readonly Cell[], type: LogicalType): string {
  switch (type.kind) {
    case 'list':
      return `[${cells.map((cell) => literal(cell, type.of)).join(', ')}]`;
    case 'struct':
      return `{${type.fields.map((field, at) => `'${field.name}': ${literal(cells[at] ?? null, field.type)}`).join(', ')}}`;
    case 'map': {
      const pairs = cells as readonly (readonly Cell[])[];
      const keys = pairs.map((pair) => literal(pair[0] ?? null, type.key));
      return `MAP([${keys.join(', ')}], [${pairs.map((pair) => literal(pair[1] ?? null, type.value)).join(', ')}])`;
    }
    case 'interval': {
      const [months, days, microseconds] = cells as readonly number[];
      return `(to_months(${months ?? 0}) + to_days(${days ?? 0}) + to_microseconds(${microseconds ?? 0}))`;
    }
    default:
      throw new Error(`no literal of ${type.kind}`);
  }
}

function floatLiteral(value: number): string {
  if (Number.isNaN(value)) return `'NaN'::DOUBLE`;
  if (!Number.isFinite(value)) return `'${value < 0 ? '-' : ''}Infinity'::DOUBLE`;
  return `'${Object.is(value, -0) ? '-0.0' : String(value)}'::DOUBLE`;
}
