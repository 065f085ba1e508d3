/**
 * Compares `lakepack rebuild` with the same load done by hand: DuckDB reading the Parquet files into a database file, and
 * DuckDB's COPY to CSV followed by `psql \copy` into PostgreSQL 15. In turns. In PostgreSQL both
 * sides make the primary key; in DuckDB lakepack looks whether keys are unique, and by hand nobody does.
 *
 *     npx tsx bench/rebuild.ts [--rounds 5] [--rows 10000000] [--scratch DIR] [--stores duckdb,postgres] [--compared]
 *
 * lakepack is timed with `--no-compare` (the load alone, as by hand) and, with `--compared`, once more with the comparison.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres, type Postgres } from '../test/servers/postgres.js';
import type { Command } from './contender.js';
import { describeMachine } from './machine.js';
import { hasGnuTime, runTimed, runUntimed, type Cost } from './measure.js';
import { interleave } from './schedule.js';
import { withFresh, withScratch } from './scratch.js';
import { ratioOf, spreadOf } from './statistics.js';
import { markdownTable } from './table.js';

const BIN = path.resolve(import.meta.dirname, '../dist/bin.js');
const DUCKDB = path.resolve(import.meta.dirname, 'run-duckdb.mjs');
const FILES = 10;
const COLUMNS = {
  id: 'BIGINT',
  name: 'VARCHAR',
  amount: 'DECIMAL(12,2)',
  ratio: 'DOUBLE',
  at: 'TIMESTAMP',
  flag: 'BOOLEAN',
} as const;
const POSTGRES_COLUMNS =
  'id bigint NOT NULL, name text, amount numeric(12,2), ratio double precision, "at" timestamp, flag boolean';

type StoreName = 'duckdb' | 'postgres';

interface Course {
  readonly lake: string;
  readonly postgres: Postgres;
}

interface Contender {
  readonly name: string;
  load(course: Course, fresh: string): Command;
}

const CONTENDERS: Readonly<Record<StoreName, readonly Contender[]>> = {
  duckdb: [
    ours('lakepack rebuild', 'warehouse', ['--no-compare'], (fresh) => path.join(fresh, 'out.duckdb')),
    {
      name: 'DuckDB by hand',
      load: ({ lake }, fresh) =>
        duckdb(
          path.join(fresh, 'out.duckdb'),
          `CREATE TABLE events AS SELECT * FROM read_parquet('${parquetOf(lake)}')`,
        ),
    },
    ours('lakepack rebuild, compared', 'warehouse', [], (fresh) => path.join(fresh, 'out.duckdb')),
  ],
  postgres: [
    ours('lakepack rebuild', 'serving', ['--no-compare'], () => 'bench'),
    { name: 'DuckDB COPY, psql \\copy', load: byPsql },
    ours('lakepack rebuild, compared', 'serving', [], () => 'bench'),
  ],
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      rows: { type: 'string' },
      scratch: { type: 'string' },
      stores: { type: 'string' },
      compared: { type: 'boolean' },
    },
  });
  const [rounds, rows] = [Number(values.rounds ?? 5), Number(values.rows ?? 10_000_000)];
  const stores = (values.stores ?? 'duckdb,postgres').split(',') as StoreName[];
  await withScratch(values.scratch, async (scratch) => {
    const { cpu, cores, system, loadAverage } = await describeMachine(scratch);
    console.log(`- ${cpu}, ${cores} cores, ${system}, Node ${process.versions.node}; load before ${loadAverage}`);
    console.log(`- ${rows} rows of ${Object.keys(COLUMNS).length} columns in ${FILES} Parquet files (Snappy)`);
    console.log(`- PostgreSQL 15 on loopback; ${rounds} rounds, interleaved, medians\n`);
    const lake = path.join(scratch, 'lake');
    await makeLake(lake, rows);
    const postgres = await startPostgres();
    try {
      for (const store of stores) {
        const contenders = values.compared === true ? CONTENDERS[store] : CONTENDERS[store].slice(0, 2);
        await compare(store, contenders, rounds, { lake, postgres }, path.join(scratch, 'fresh'));
      }
    } finally {
      await postgres.stop();
    }
  });
}

async function makeLake(lake: string, rows: number): Promise<void> {
  const perFile = Math.ceil(rows / FILES);
  for (let number = 0; number < FILES; number += 1) {
    const folder = path.join(lake, 'silver', 'events', `part=${number}`);
    mkdirSync(folder, { recursive: true });
    const select =
      `SELECT i AS id, 'event ' || hash(i) AS name, (hash(i) % 100000000 / 100)::DECIMAL(12,2) AS amount, ` +
      `i / 7.0::DOUBLE AS ratio, TIMESTAMP '2024-01-01' + to_seconds(i) AS at, i % 3 = 0 AS flag ` +
      `FROM range(${number * perFile}, ${Math.min(rows, (number + 1) * perFile)}) t(i)`;
    const file = path.join(folder, 'part-0.parquet');
    await runUntimed(duckdb(':memory:', `COPY (${select}) TO '${file}' (FORMAT parquet, COMPRESSION snappy)`));
  }
  const table = { from: ['silver/events/**/*.parquet'], columns: COLUMNS, keys: ['id'] };
  const stores = { warehouse: { engine: 'duckdb' }, serving: { engine: 'postgres' } };
  const recipe = { recipeVersion: 1, tables: { events: table }, stores };
  writeFileSync(path.join(lake, 'lakepack.recipe.json'), JSON.stringify(recipe, null, 2));
}

async function compare(
  store: StoreName,
  contenders: readonly Contender[],
  rounds: number,
  course: Course,
  fresh: string,
): Promise<void> {
  const costs = new Map<Contender, Cost[]>(contenders.map((one) => [one, []]));
  const withTime = await hasGnuTime();
  for (const { contender, round, isWarmUp } of interleave(contenders, rounds, 1)) {
    const cost = await withFresh(fresh, () => runTimed(contender.load(course, fresh), withTime));
    await runUntimed(psql(course.postgres, 'DROP SCHEMA IF EXISTS bench CASCADE'));
    console.error(`${store} ${isWarmUp ? 'warm-up' : round} ${contender.name}: ${cost.wallSeconds.toFixed(2)} s`);
    if (!isWarmUp) costs.get(contender)!.push(cost);
  }
  console.log(`### ${store}\n\n${table(contenders, costs)}\n`);
}

function table(contenders: readonly Contender[], costs: ReadonlyMap<Contender, readonly Cost[]>): string {
  const walls = (one: Contender) => spreadOf(costs.get(one)!.map(({ wallSeconds }) => wallSeconds));
  const byHand = walls(contenders[1]!);
  const rows = contenders.map((one) => {
    const wall = walls(one);
    const cpu = spreadOf(costs.get(one)!.map(({ cpuSeconds }) => cpuSeconds));
    const rss = spreadOf(costs.get(one)!.map(({ peakRssBytes }) => peakRssBytes));
    return [
      one.name,
      `${wall?.median.toFixed(2)} s`,
      `${wall?.min.toFixed(2)}–${wall?.max.toFixed(2)}`,
      cpu === null ? '–' : `${cpu.median.toFixed(2)} s`,
      rss === null ? '–' : `${Math.round(rss.max / 2 ** 20)} MiB`,
      one === contenders[1] ? '–' : (ratioOf(wall, byHand)?.toFixed(2) ?? '–'),
    ];
  });
  return markdownTable([['load', 'wall', 'min–max', 'CPU', 'peak RSS', ': by hand'], ...rows]);
}

function ours(name: string, store: string, words: readonly string[], into: (fresh: string) => string): Contender {
  return {
    name,
    load: ({ lake, postgres }, fresh) => ({
      argv: [
        process.execPath,
        BIN,
        ...['rebuild', '--store', store, '--lake', lake, '--into', into(fresh), '--scratch', fresh, '--quiet'],
        ...words,
      ],
      env: postgres.environment,
    }),
  };
}

/** By hand nobody writes CSV by another program than the one that reads Parquet: DuckDB's own COPY, then psql's. */
function byPsql({ lake, postgres }: Course, fresh: string): Command {
  const csv = path.join(fresh, 'events.csv');
  const columns = Object.keys(COLUMNS)
    .map((name) => `"${name}"`)
    .join(', ');
  const copy = duckdb(
    ':memory:',
    `COPY (SELECT ${columns} FROM read_parquet('${parquetOf(lake)}')) TO '${csv}' (HEADER false)`,
  );
  const load = [
    `-c`,
    `CREATE SCHEMA bench; CREATE TABLE bench.events (${POSTGRES_COLUMNS})`,
    `-c`,
    `\\copy bench.events FROM '${csv}' (FORMAT csv)`,
    `-c`,
    `ALTER TABLE bench.events ADD PRIMARY KEY (id); ANALYZE bench.events`,
  ];
  const words = [...copy.argv, '--then', 'psql', '-q', '-v', 'ON_ERROR_STOP=1', ...load] as const;
  return { argv: words, env: postgres.environment };
}

function psql(postgres: Postgres, sql: string): Command {
  return { argv: ['psql', '-q', '-c', sql], env: postgres.environment };
}

function duckdb(file: string, sql: string): Command {
  return { argv: [process.execPath, DUCKDB, file, sql] };
}

function parquetOf(lake: string): string {
  return `${lake}/silver/events/**/*.parquet`;
}

await main();
