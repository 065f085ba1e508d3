/** Are the keys of a table what they must be: there, and different in every row? */
import { LakepackError } from '../base/errors.js';
import type { StoreCall } from './contract.js';
import { sqlName } from './duckdb-engine.js';
import { explained } from './duckdb-source-faults.js';
import type { LakeTable } from './duckdb-table-rows.js';

/** Throws KEYS_NOT_UNIQUE naming the table, the first such key and how often it is there. */
export async function assertUnique(table: LakeTable, call: StoreCall): Promise<void> {
  const { name, keys } = table.spec;
  if (keys.length === 0) return;
  const row = await offendingKey(table, call);
  if (row === undefined) return;
  const values = keys.map((key, index) => `${key} ${shown(row[index])}`).join(', ');
  const count = Number(row[keys.length]);
  const isNull = keys.some((_, index) => row[index] === null);
  const says = isNull
    ? `a key column is NULL: expected a value, got ${values}`
    : `a key is there more than once: expected 1 row, got ${count} with ${values}`;
  throw new LakepackError('KEYS_NOT_UNIQUE', `table ${name}: ${says}`, {
    hint: `add columns to "keys" of ${name} in the recipe until they tell its rows apart, or take "keys" out`,
  });
}

async function offendingKey(table: LakeTable, call: StoreCall): Promise<readonly unknown[] | undefined> {
  const names = table.spec.keys.map(sqlName);
  const anyNull = names.map((key) => `${key} IS NULL`).join(' OR ');
  try {
    const rows = await table.select((column) => sqlName(column.name));
    const texts = names.map((key) => `CAST(${key} AS VARCHAR)`).join(', ');
    const counted = `SELECT ${names.join(', ')}, count(*) AS "lakepack count" FROM (${rows}) GROUP BY ${names.join(', ')}`;
    const sql = `SELECT ${texts}, "lakepack count" FROM (${counted}) WHERE "lakepack count" > 1 OR ${anyNull} ORDER BY ALL LIMIT 1`;
    return (await table.context.engine.rows(sql, table.call(call)))[0];
  } catch (error) {
    throw await explained(error, table, call);
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : 'NULL';
}
