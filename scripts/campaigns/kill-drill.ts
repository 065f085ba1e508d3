/**
 * Kills `lakepack drill run` and `lakepack rebuild --replace` at random moments, and asks each time: is what is live whole,
 * the old or the new; does the same command then finish; is nothing left of the killed one in the scratch folder, beside
 * the database file or in the server?
 *
 *     npx tsx scripts/campaigns/kill-drill.ts [--rounds 60] [--seed 1]
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { makeLake } from '../../fixtures/make-lake.js';
import { RECIPE_NAME } from '../../src/schema/recipe.js';
import { startPostgres, type Postgres } from '../../test/servers/postgres.js';
import { campaignArguments, inScratch, isMain, randomOfRound, tell, tellRound } from './campaign.js';
import { programWords, runProgram, type Ended, type Kill } from './program.js';

const WORKS = ['drill', 'duckdb', 'postgres'] as const;
type Work = (typeof WORKS)[number];

export interface KillDrillReport {
  readonly rounds: number;
  readonly killed: Readonly<Record<Work, number>>;
  /** Killed rebuilds after which the new content was live already. */
  readonly swapped: number;
  /** Killed runs that left something, which the next one removed. */
  readonly leftSomething: number;
  readonly faults: readonly string[];
}

export interface KillDrillOptions {
  readonly rounds: number;
  readonly seed: number;
}

export async function killDrill(options: KillDrillOptions): Promise<KillDrillReport> {
  return await inScratch(async (folder) => {
    const postgres = await startPostgres();
    try {
      return await new DrillKiller(options, folder, postgres).run();
    } finally {
      await postgres.stop();
    }
  });
}

class DrillKiller {
  readonly #options: KillDrillOptions;
  readonly #folder: string;
  readonly #postgres: Postgres;
  readonly #words: readonly string[];
  readonly #faults: string[] = [];
  readonly #killed: Record<Work, number> = { drill: 0, duckdb: 0, postgres: 0 };
  readonly #typicalMs: Record<Work, number> = { drill: 0, duckdb: 0, postgres: 0 };
  #swapped = 0;
  #leftSomething = 0;

  constructor(options: KillDrillOptions, folder: string, postgres: Postgres) {
    this.#options = options;
    this.#folder = folder;
    this.#postgres = postgres;
    this.#words = programWords(folder);
  }

  async run(): Promise<KillDrillReport> {
    await this.#prepare();
    for (let round = 0; round < this.#options.rounds; round += 1) {
      tellRound(round);
      await this.#round(WORKS[round % WORKS.length]!, round);
    }
    const counts = { swapped: this.#swapped, leftSomething: this.#leftSomething };
    return { rounds: this.#options.rounds, killed: this.#killed, ...counts, faults: this.#faults };
  }

  get #lake(): string {
    return path.join(this.#folder, 'lake');
  }

  get #live(): string {
    return path.join(this.#folder, 'live', 'live.duckdb');
  }

  async #prepare(): Promise<void> {
    await makeLake(this.#lake, { scale: 1 });
    for (const name of ['live', 'scratch', 'tmp']) mkdirSync(path.join(this.#folder, name));
    await this.#mustEnd(['recipe', 'init', this.#lake]);
    const file = path.join(this.#lake, RECIPE_NAME);
    const stores = { duckdb: { engine: 'duckdb' }, postgres: { engine: 'postgres' } };
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), stores }));
    await this.#mustEnd(['export', 'pack', this.#lake, '--to', path.join(this.#folder, 'archive'), '--fingerprint']);
    for (const work of WORKS) this.#typicalMs[work] = (await this.#mustEnd(this.#command(work))).ms;
    copyFileSync(this.#live, `${this.#live}.new`);
  }

  #command(work: Work): readonly string[] {
    const archive = path.join(this.#folder, 'archive');
    const scratch = ['--scratch', path.join(this.#folder, 'scratch')];
    if (work === 'drill') return ['drill', 'run', '--all', '--from', archive, '--evidence', 'none', ...scratch];
    const target = work === 'duckdb' ? this.#live : 'live';
    return ['rebuild', '--store', work, '--from', archive, '--into', target, '--replace', ...scratch];
  }

  async #mustEnd(words: readonly string[]): Promise<Ended> {
    const ended = await this.#lakepack(words);
    if (ended.code !== 0) throw new Error(`undisturbed: ${words.join(' ')}: ${ended.code}: ${ended.stderr}`);
    return ended;
  }

  #lakepack(words: readonly string[], kill?: Kill): Promise<Ended> {
    const env = {
      ...this.#postgres.environment,
      LAKEPACK_STATE_DIR: path.join(this.#folder, 'state'),
      TMPDIR: path.join(this.#folder, 'tmp'),
    };
    return runProgram({ words: this.#words, env }, [...words, '--quiet'], kill);
  }

  async #round(work: Work, round: number): Promise<void> {
    const fault = (what: string): void => void this.#faults.push(`round ${round} (${work}): ${what}`);
    const canary = `canary of round ${round}`;
    await this.#plantCanary(canary);
    const afterMs = randomOfRound(this.#options.seed, round)() * this.#typicalMs[work] * 1.05;
    const ended = await this.#lakepack(this.#command(work), { signal: 'SIGKILL', afterMs });
    if (ended.signal === undefined) {
      if (ended.code !== 0) fault(`ended with ${ended.code}: ${ended.stderr}`);
    } else {
      this.#killed[work] += 1;
      if (work !== 'duckdb' && !existsSync(this.#live)) fault('the live file is gone');
      const state = await this.#liveState(canary);
      if (state === 'broken') fault('what is live is neither the old nor the new');
      if (state === 'new' && work === 'drill') fault('a drill changed what is live');
      if (state === 'new') this.#swapped += 1;
      if ((await this.#leftovers()).length > 0) this.#leftSomething += 1;
    }
    await this.#plantCanary(canary);
    const again = await this.#lakepack(this.#command(work));
    if (again.code !== 0) fault(`run again it ended with ${again.code}: ${again.stderr}`);
    const left = await this.#leftovers();
    if (left.length > 0) fault(`left: ${left.join(', ')}`);
  }

  /** What is live before a run: a file and a schema that only this round has. */
  async #plantCanary(text: string): Promise<void> {
    writeFileSync(this.#live, text);
    await this.#sql('DROP SCHEMA IF EXISTS live CASCADE');
    await this.#sql(`CREATE SCHEMA live`);
    await this.#sql(`CREATE TABLE live.canary AS SELECT '${text}'::text AS text`);
  }

  async #liveState(canary: string): Promise<'old' | 'new' | 'broken'> {
    const bytes = readFileSync(this.#live);
    const isOldFile = bytes.equals(Buffer.from(canary));
    // A DuckDB file is not the same bytes twice: one of the same length that opens with its magic is the new one.
    const isNewFile =
      bytes.subarray(8, 12).toString() === 'DUCK' && bytes.length === readFileSync(`${this.#live}.new`).length;
    const tables = await this.#sql(`SELECT tablename FROM pg_tables WHERE schemaname = 'live' ORDER BY 1`);
    const isOldSchema = tables.length === 1 && tables[0]!['tablename'] === 'canary';
    const isNewSchema = tables.length > 1 && tables.every((row) => row['tablename'] !== 'canary');
    if ((!isOldFile && !isNewFile) || (!isOldSchema && !isNewSchema)) return 'broken';
    return isOldFile && isOldSchema ? 'old' : 'new';
  }

  /** In the folders it worked in, beside the file, and in the server. */
  async #leftovers(): Promise<readonly string[]> {
    const inFolders = ['scratch', 'tmp', 'live'].flatMap((name) =>
      readdirSync(path.join(this.#folder, name)).filter((one) => !['live.duckdb', 'live.duckdb.new'].includes(one)),
    );
    const schemas = await this.#sql(
      `SELECT nspname FROM pg_namespace WHERE nspname LIKE '%lakepack%' OR nspname LIKE 'live\\_%'`,
    );
    return [...inFolders, ...schemas.map((row) => String(row['nspname']))];
  }

  async #sql(text: string): Promise<readonly Record<string, unknown>[]> {
    const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE } = this.#postgres.environment;
    const client = new pg.Client({
      host: PGHOST,
      port: Number(PGPORT),
      user: PGUSER,
      password: PGPASSWORD,
      database: PGDATABASE,
    });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }
}

if (isMain(import.meta.url)) {
  const { rounds, seed } = campaignArguments(60);
  const report = await killDrill({ rounds, seed });
  tell(report, report.faults);
}
