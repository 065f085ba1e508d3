/** What is read from DuckDB's memory is what the library's own, slower way gives. */
import os from 'node:os';
import type { DuckDBValue } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import type { Cell } from '../../src/stores/contract.js';
import { type Engine, openEngine } from '../../src/stores/duckdb-engine.js';
import { readFixedCells, scaledText } from '../../src/stores/duckdb-fixed-cells.js';
import { logicalTypeOf } from '../../src/stores/logical-type.js';

const call = { signal: new AbortController().signal, subject: 'test' };
/** More than one vector of DuckDB's has, so that what is left over of one is no part of the next. */
const ROWS = 5_000;

const COLUMNS: Readonly<Record<string, string>> = {
  TINYINT: 'i % 256 - 128',
  USMALLINT: 'i % 65536',
  INTEGER: '2147483647 - i',
  UINTEGER: '4294967295 - i',
  BIGINT: 'CASE i % 4 WHEN 0 THEN -9223372036854775808 + i WHEN 1 THEN -i WHEN 2 THEN 9007199254738992 + i ELSE i END',
  UBIGINT: 'CASE i % 2 WHEN 0 THEN 18446744073709551615 - i ELSE 9007199254738992 + i END',
  FLOAT: 'i / 7',
  DOUBLE: "CASE i % 3 WHEN 0 THEN 'nan' WHEN 1 THEN '-0.0' ELSE CAST(i / 7 AS VARCHAR) END",
  DATE: "DATE '1969-12-01' + CAST(i AS INTEGER)",
  TIMESTAMP:
    "CASE i % 4 WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' ELSE CAST(make_timestamp(i - 9) AS VARCHAR) END",
  TIMESTAMP_NS: 'make_timestamp_ns(1714521600123456789 - i)',
  TIMESTAMPTZ: 'make_timestamptz(-i * 1000000007)',
  'DECIMAL(4,2)': '(i % 9999 - 5000) / 100',
  'DECIMAL(9,3)': '(i - 3) / 1000',
  'DECIMAL(18,0)': '-999999999999999999 + i',
  'DECIMAL(18,18)': '(i - 9) / 1000000000000000000',
};

async function openMemory(): Promise<Engine> {
  return openEngine({ folders: [], scratchDir: os.tmpdir() });
}

test.each(Object.entries(COLUMNS))('%s', async (sqlType, value) => {
  const engine = await openMemory();
  const type = logicalTypeOf(sqlType, 'test');
  let rows = 0;
  try {
    const sql = `SELECT CASE WHEN i % 5 = 0 AND i > 2100 THEN NULL ELSE CAST(${value} AS ${sqlType}) END FROM range(${ROWS}) t(i)`;
    for await (const { data } of engine.chunks(sql, call)) {
      const vector = data.getColumnVector(0);
      const texts = readFixedCells(vector, type, data.rowCount)?.map(textOf);
      expect(texts).toEqual(Array.from({ length: data.rowCount }, (_, row) => libraryText(vector.getItem(row))));
      rows += data.rowCount;
    }
  } finally {
    engine.close();
  }
  expect(rows).toBe(ROWS);
});

test.each(['VARCHAR', 'HUGEINT', 'DECIMAL(19,2)', 'TIME', 'BOOLEAN'])('%s is left to the library', async (sqlType) => {
  const engine = await openMemory();
  try {
    for await (const { data } of engine.chunks(`SELECT CAST(NULL AS ${sqlType})`, call)) {
      expect(readFixedCells(data.getColumnVector(0), logicalTypeOf(sqlType, 'test'), 1)).toBeUndefined();
    }
  } finally {
    engine.close();
  }
});

test.each([
  [0, 2, '0.00'],
  [-5, 2, '-0.05'],
  [-12345n, 3, '-12.345'],
  [7, 0, '7'],
])('%s with scale %i is %s', (value, scale, text) => {
  expect(scaledText(value, scale)).toBe(text);
});

function textOf(cell: Cell): string {
  if (typeof cell === 'object') return JSON.stringify(cell);
  return Object.is(cell, -0) ? '-0' : String(cell);
}

/** Of the library's objects the number inside; of a decimal its own text. */
function libraryText(value: DuckDBValue): string {
  if (value === null || typeof value !== 'object') return textOf(value);
  const inside = value as unknown as { days?: number; micros?: bigint; nanos?: bigint };
  const units = inside.days ?? inside.micros ?? inside.nanos;
  if (units === 2n ** 63n - 1n) return 'infinity';
  if (units === -(2n ** 63n - 1n)) return '-infinity';
  return String(units ?? value);
}
