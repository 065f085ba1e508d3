/**
 * The whole promise on one lake: packed with fingerprints straight into a real S3 server, then drilled from there into
 * DuckDB, PostgreSQL, LanceDB and a Cosmos server, and every row count compared with counts that were made from the
 * Parquet files by another reader (hyparquet), without DuckDB and without this program.
 *
 *     npx tsx scripts/campaigns/drill-lake.ts --lake DIR [--recipe FILE] [--report DIR] [--expected FILE]
 *
 * `--expected` is a JSON file of `{"table": {"rows": "154"}}` that came with the lake.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { parquetReadObjects } from 'hyparquet';
import { asyncBufferFromFile } from 'hyparquet/src/node.js';
import picomatch from 'picomatch';
import type { DrillRecord } from '../../src/schema/drill-record.js';
import type { Recipe } from '../../src/schema/recipe.js';
import { startCeph } from '../../test/servers/ceph.js';
import { startCosmos } from '../../test/servers/cosmos.js';
import { startPostgres } from '../../test/servers/postgres.js';
import { inScratch, isMain, tell } from './campaign.js';
import { lakePaths } from './lake-paths.js';
import { programWords, runProgram, type Program } from './program.js';

const DEFAULT_RECIPE = path.resolve(import.meta.dirname, '../../manifests/recipes/four-stores.recipe.json');

export interface DrillLakeOptions {
  readonly lake: string;
  readonly recipe: string;
  /** Where the reports stay. */
  readonly report: string | undefined;
  readonly expected: Readonly<Record<string, { readonly rows: string }>>;
}

export interface DrillLakeReport {
  readonly outcome: string;
  readonly seconds: Readonly<Record<string, number>>;
  /** By table: counted by hyparquet, and by each store that the drill built. */
  readonly rows: Readonly<
    Record<string, { readonly counted: number; readonly stores: Readonly<Record<string, number>> }>
  >;
  readonly steps: readonly string[];
  readonly levels: readonly string[];
  readonly faults: readonly string[];
}

export async function drillLake(options: DrillLakeOptions): Promise<DrillLakeReport> {
  return await inScratch(async (folder) => {
    const ceph = await startCeph({ memoryGiB: 8 });
    const postgres = await startPostgres();
    const cosmos = await startCosmos();
    try {
      const { accessKeyId, secretAccessKey } = ceph.keys;
      const env = {
        LAKEPACK_STATE_DIR: path.join(folder, 'state'),
        MINIO_ENDPOINT: ceph.endpoint,
        MINIO_ROOT_USER: accessKeyId,
        MINIO_ROOT_PASSWORD: secretAccessKey,
        ...postgres.environment,
        ...cosmos.environment,
      };
      const archive = `minio:${await ceph.createBucket()}/lake`;
      return await packAndDrill({ words: programWords(folder), env }, archive, folder, options);
    } finally {
      await cosmos.stop();
      await postgres.stop();
      await ceph.stop();
    }
  });
}

async function packAndDrill(
  program: Program,
  archive: string,
  folder: string,
  { lake, recipe, report, expected }: DrillLakeOptions,
): Promise<DrillLakeReport> {
  const faults: string[] = [];
  const seconds: Record<string, number> = {};
  const run = async (name: string, words: readonly string[]): Promise<string> => {
    const ended = await runProgram(program, [...words, '--json']);
    seconds[name] = Math.round(ended.ms / 100) / 10;
    if (ended.code !== 0) faults.push(`${name} ended with ${ended.code}: ${ended.stderr.slice(-2000)}`);
    return ended.stdout;
  };
  const reports = report ?? path.join(folder, 'reports');
  mkdirSync(reports, { recursive: true });
  await run('pack', ['export', 'pack', lake, '--to', archive, '--fingerprint', '--recipe', recipe]);
  const drill = ['drill', 'run', '--all', '--from', archive, '--scratch', folder, '--report', reports];
  const { record } = JSON.parse(await run('drill', drill)) as { record: DrillRecord };
  const counted = await countRows(lake, JSON.parse(readFileSync(recipe, 'utf8')) as Recipe);
  const rows: Record<string, { counted: number; stores: Record<string, number> }> = {};
  for (const store of record.stores) {
    for (const table of store.tables) {
      const row = (rows[table.name] ??= { counted: counted.get(table.name) ?? -1, stores: {} });
      row.stores[store.name] = table.rows;
      const given = expected[table.name]?.rows;
      if (table.rows !== row.counted)
        faults.push(`${store.name}.${table.name}: ${table.rows} rows, counted ${row.counted}`);
      if (given !== undefined && Number(given) !== table.rows)
        faults.push(`${table.name}: expected ${given} rows, got ${table.rows}`);
    }
  }
  if (record.outcome !== 'pass') faults.push(`the drill ended as ${record.outcome}: ${JSON.stringify(record.reasons)}`);
  return {
    outcome: record.outcome,
    seconds,
    rows,
    steps: record.steps.map(
      ({ name, store, outcome, elapsedMs }) =>
        `${name}${store === undefined ? '' : ` ${store}`}: ${outcome}, ${elapsedMs} ms`,
    ),
    levels: record.stores.flatMap(({ name, tables }) =>
      tables.map(
        (table) =>
          `${name}.${table.name}: from ${table.expectedFrom}, ${JSON.stringify(table.levels)}, recall ${table.recallAt10 ?? '-'}`,
      ),
    ),
    faults,
  };
}

/** Rows of a table without SQL; of one with SQL, the different keys of its first kind of files (as the example recipe means). */
async function countRows(lake: string, recipe: Recipe): Promise<ReadonlyMap<string, number>> {
  const paths = await lakePaths(lake);
  const counts = new Map<string, number>();
  for (const [name, { from, sql, keys = [] }] of Object.entries(recipe.tables)) {
    const fits = picomatch([...(sql === undefined ? from : from.slice(0, 1))]);
    let rows = 0;
    const different = new Set<string>();
    for (const one of paths.filter((file) => fits(file))) {
      const file = await asyncBufferFromFile(path.join(lake, one));
      const read: readonly Record<string, unknown>[] = await parquetReadObjects({
        file,
        ...(sql !== undefined && { columns: [...keys] }),
      });
      rows += read.length;
      if (sql !== undefined) for (const row of read) different.add(JSON.stringify(keys.map((key) => row[key])));
    }
    counts.set(name, sql === undefined ? rows : different.size);
  }
  return counts;
}

if (isMain(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      lake: { type: 'string' },
      recipe: { type: 'string' },
      report: { type: 'string' },
      expected: { type: 'string' },
    },
  });
  if (values.lake === undefined) throw new Error('--lake DIR is missing');
  const report = await drillLake({
    lake: path.resolve(values.lake),
    recipe: path.resolve(values.recipe ?? DEFAULT_RECIPE),
    report: values.report === undefined ? undefined : path.resolve(values.report),
    expected:
      values.expected === undefined
        ? {}
        : (JSON.parse(readFileSync(values.expected, 'utf8')) as DrillLakeOptions['expected']),
  });
  tell(report, report.faults);
}
