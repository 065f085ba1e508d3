/**
 * DuckDB by hand: runs one statement on a database file, in a process of its own, with what DuckDB does by itself; then,
 * after `--then`, another program. The place of the `duckdb` command line, which no registry has.
 */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { DuckDBInstance } from '@duckdb/node-api';

const [file = ':memory:', sql = '', then, program, ...words] = process.argv.slice(2);
const instance = await DuckDBInstance.create(file);
const connection = await instance.connect();
await connection.run(sql);
connection.closeSync();
instance.closeSync();
if (then === '--then' && program !== undefined) {
  process.exitCode = spawnSync(program, words, { stdio: 'inherit' }).status ?? 1;
}
