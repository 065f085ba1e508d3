/**
 * Rebuilds a derived store for real: restores what its tables are made of, builds them under a name of their own,
 * compares them with what the exports say, and only then puts them where they shall stand.
 */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { LakepackError, throwIfAborted } from '../base/errors.js';
import { ignoreProgress, type ProgressListener } from '../base/progress.js';
import { sharedSignal } from '../base/shared-signal.js';
import { definitionOf } from '../schema/parse-recipe.js';
import { checkTable, type TableCheck } from '../stores/check-table.js';
import type { DerivedStore, StoreCall } from '../stores/contract.js';
import { openLakeTables, type LakeTables } from '../stores/duckdb-source.js';
import { openStore } from '../stores/open.js';
import { buildStore, tablesOfStore, type BuiltRows } from './build-store.js';
import type { RebuildOptions, RebuildReport } from './contract.js';
import { expectationFor, type Expectation } from './expectations.js';
import { inputsDigestOf } from './inputs-digest.js';
import { listLakeFiles } from './list-lake-files.js';
import { openRebuildScratch, type RebuildScratch } from './rebuild-scratch.js';
import { sourceFromArchive, sourceFromLake, type RebuildSource } from './rebuild-source.js';

export type { RebuildOptions, RebuildReport } from './contract.js';

/**
 * @throws USAGE, NOT_FOUND, RECIPE_INVALID, KEYS_NOT_UNIQUE, SOURCE_UNREADABLE, TARGET_NOT_EMPTY, STORE_UNAVAILABLE,
 * STORE_NOT_INSTALLED, STORE_REFUSED (also where what was built is not what it must be), DISK_FULL, INTERRUPTED; what
 * `unpack` throws. Then what had the target's name is as it was.
 */
export async function rebuild(options: RebuildOptions): Promise<RebuildReport> {
  const settings = settingsOf(options);
  throwIfAborted(settings.signal);
  const scratch = await openRebuildScratch(settings.scratch);
  try {
    return await new Rebuild(settings, scratch).run();
  } finally {
    await scratch.remove();
  }
}

type Settings = RebuildOptions & Required<Pick<RebuildOptions, 'scratch' | 'signal' | 'onProgress' | 'environment'>>;

function settingsOf(options: RebuildOptions): Settings {
  const { from, lake, select, store, signal } = options;
  if ((from === undefined) === (lake === undefined)) {
    throw new LakepackError(
      'USAGE',
      `rebuild of ${store}: expected an archive or a lake, got ${from ? 'both' : 'none'}`,
    );
  }
  if (lake !== undefined && select !== undefined) {
    throw new LakepackError('USAGE', `rebuild of ${store}: exports are selected of an archive: got a lake`);
  }
  return {
    ...options,
    scratch: options.scratch ?? tmpdir(),
    environment: options.environment ?? {},
    signal: sharedSignal(signal ?? new AbortController().signal),
    onProgress: options.onProgress ?? ignoreProgress,
  };
}

type Compared = RebuildReport['tables'][number]['compared'];

class Rebuild {
  readonly #settings: Settings;
  readonly #scratch: RebuildScratch;
  readonly #steps: RebuildReport['steps'][number][] = [];
  readonly #call: StoreCall;
  readonly #onProgress: ProgressListener;

  constructor(settings: Settings, scratch: RebuildScratch) {
    this.#settings = settings;
    this.#scratch = scratch;
    this.#call = { signal: settings.signal };
    this.#onProgress = settings.onProgress;
  }

  async run(): Promise<RebuildReport> {
    const started = performance.now();
    const source = await this.#step('restore', () => this.#source());
    const lakeTables = await this.#step('read', () => this.#openTables(source));
    try {
      const { store, into } = this.#settings;
      const tables = await this.#withStore(source, lakeTables);
      const elapsedMs = Math.round(performance.now() - started);
      return { store, engine: source.settings.engine, into, tables, steps: this.#steps, elapsedMs };
    } finally {
      await lakeTables.close();
    }
  }

  #source(): Promise<RebuildSource> {
    const { from, lake, select, recipe, store, concurrency, signal } = this.#settings;
    const common = { recipe, store, signal };
    if (lake !== undefined) return sourceFromLake(lake, common);
    if (from === undefined) throw new LakepackError('INTERNAL', 'rebuild: there is no archive');
    const into = this.#scratch.lake;
    return sourceFromArchive({ ...common, from, select, into, concurrency, onProgress: this.#onProgress });
  }

  async #openTables({ lake, recipe, settings }: RebuildSource): Promise<LakeTables> {
    const { signal } = this.#settings;
    const files = await listLakeFiles(lake, signal);
    const tables = tablesOfStore(recipe, settings);
    return await openLakeTables({ lake, recipe, files, tables, scratchDir: this.#scratch.tmp, signal });
  }

  /** Whatever goes wrong before the store is published leaves nothing of it. */
  async #withStore(source: RebuildSource, lakeTables: LakeTables): Promise<RebuildReport['tables']> {
    const { into, replace = false, environment, signal } = this.#settings;
    const marker = `rebuild_${randomBytes(4).toString('hex')}`;
    const common = { into, settings: source.settings, environment, replace, marker, signal };
    const store = await openStore({ ...common, scratchDir: this.#scratch.tmp });
    try {
      const tables = await this.#buildAndCompare(store, source, lakeTables);
      throwIfAborted(signal);
      await this.#step('publish', () => store.publish(this.#call));
      return tables;
    } catch (error) {
      // After `publish` there is nothing left to discard: a store then does nothing.
      await store.discard();
      throw error;
    } finally {
      await store.close();
    }
  }

  async #buildAndCompare(
    store: DerivedStore,
    source: RebuildSource,
    lakeTables: LakeTables,
  ): Promise<RebuildReport['tables']> {
    const tables = tablesOfStore(source.recipe, source.settings);
    const build = { store, lakeTables, tables, call: this.#call, onProgress: this.#onProgress };
    const built = await this.#step('build', () => buildStore(build));
    if (this.#settings.compare === false) return reportOf(built, () => 'no');
    return await this.#step('compare', async () => {
      const compared = new Map<string, Compared>();
      for (const table of tables) compared.set(table, await this.#compare(store, table, source, lakeTables));
      return reportOf(built, (table) => compared.get(table) ?? 'no');
    });
  }

  async #compare(store: DerivedStore, table: string, source: RebuildSource, lakeTables: LakeTables): Promise<Compared> {
    const said = await this.#expectation(table, source, lakeTables);
    const expected = 'content' in said ? said.content : undefined;
    const check = await checkTable({ store, rows: lakeTables.rows(table), expected, call: this.#call });
    if (check.outcome !== 'pass') throw differs(check, source.restored !== undefined);
    return expected === undefined ? 'files' : 'manifest';
  }

  async #expectation(
    table: string,
    { lake, recipe, restored }: RebuildSource,
    tables: LakeTables,
  ): Promise<Expectation> {
    const [spec, definition] = [tables.specs.get(table), recipe.tables[table]];
    if (restored === undefined || spec === undefined || definition === undefined) {
      return { because: 'the files come from a lake, not from exports' };
    }
    const files = tables.inputFiles(table);
    const inputs = (): Promise<string> => inputsDigestOf(lake, files, this.#settings.signal);
    return await expectationFor(table, spec, tables.scopeOf(table), definitionOf(definition), restored, files, inputs);
  }

  async #step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    this.#onProgress({ type: 'phase', phase: name });
    const result = await work();
    this.#steps.push({ name, elapsedMs: Math.round(performance.now() - started) });
    return result;
  }
}

function reportOf(built: BuiltRows, comparedOf: (table: string) => Compared): RebuildReport['tables'] {
  return [...built].map(([name, rows]) => ({ name, rows, compared: comparedOf(name) }));
}

/** The first difference, as a reader finds it. */
function differs(
  { name, differences, differencesOmitted, storeEqualsFiles }: TableCheck,
  fromExports: boolean,
): LakepackError {
  const hint =
    'nothing was put into its place; ' + (fromExports ? '`lakepack verify` looks at the archive' : 'try again');
  if (storeEqualsFiles) {
    const message = `${name}: the restored files give another table than the exports were packed with`;
    return new LakepackError('STORE_REFUSED', message, { hint: `${hint}; --no-compare builds it all the same` });
  }
  const [first] = differences;
  if (first === undefined) return new LakepackError('STORE_REFUSED', `${name}: is not what it must be`, { hint });
  const at = [first.column, first.key].filter((one) => one !== undefined).join(', ');
  const more = differences.length + differencesOmitted - 1;
  const where = `${name}: ${at === '' ? '' : `${at}: `}differs (${first.level}${more > 0 ? `, and ${more} more` : ''})`;
  return new LakepackError('STORE_REFUSED', `${where}: expected ${first.expected}, got ${first.found}`, { hint });
}
