/**
 * Makes the fingerprints of a pack: reads the files of each export as the recipe's tables, and digests the rows. It
 * decides nothing about packing; a table that cannot be read is told of, and the other tables go on.
 */
import { LakepackError } from '../base/errors.js';
import { jsonValueFault, MAX_JSON_DEPTH } from '../schema/json-text.js';
import type { ExportDescription, ExportFingerprinter, FedExport } from '../operations/packing/export-fingerprints.js';
import type { ExportFingerprints, TableFingerprint } from '../schema/fingerprint.js';
import { definitionOf, recipeDigest } from '../schema/parse-recipe.js';
import { tablesFedBy } from '../schema/recipe-inputs.js';
import type { Recipe } from '../schema/recipe.js';
import type { StoreCall } from '../stores/contract.js';
import { openLakeTables, type LakeTables } from '../stores/duckdb-source.js';
import { describeParts, describeWhole, type Described } from './fingerprint-table.js';
import { listLakeFiles } from './list-lake-files.js';

export interface OpenFingerprinterOptions {
  /** The lake's folder, links resolved. */
  readonly lake: string;
  readonly recipe: Recipe;
  /** All lake paths, where they are known. Default: listed when they are needed. */
  readonly files?: readonly string[];
  /** A folder that exists. Nothing stays in it after `close`. */
  readonly scratchDir: string;
  readonly signal: AbortSignal;
}

export interface OpenFingerprinter extends ExportFingerprinter {
  readonly recipeSha256: string;
  close(): Promise<void>;
}

/** Levels of JSON that stand around a recipe in a manifest. */
const LEVELS_AROUND = 8;

/** The lake is looked at when the first export is described. @throws RECIPE_INVALID. */
export async function openFingerprinter(options: OpenFingerprinterOptions): Promise<OpenFingerprinter> {
  const fault = jsonValueFault(options.recipe, MAX_JSON_DEPTH - LEVELS_AROUND);
  if (fault !== undefined) throw new LakepackError('RECIPE_INVALID', `the recipe ${fault}`);
  return await Promise.resolve(new LakeFingerprinter(options));
}

class LakeFingerprinter implements OpenFingerprinter {
  readonly recipeSha256: string;
  readonly #options: OpenFingerprinterOptions;
  readonly #definitions: ReadonlyMap<string, string>;
  /** Of lake scope: looked at once, whatever the number of exports. */
  readonly #whole = new Map<string, Described>();
  #judged: LakeTables | undefined;
  #files: readonly string[] | undefined;

  constructor(options: OpenFingerprinterOptions) {
    const { recipe } = options;
    this.#options = options;
    this.recipeSha256 = recipeDigest(recipe);
    this.#definitions = new Map(Object.entries(recipe.tables).map(([name, table]) => [name, definitionOf(table)]));
  }

  tablesFedBy(lakePath: string): readonly string[] {
    return tablesFedBy(this.#options.recipe, lakePath);
  }

  definitionOf(table: string): string {
    const definition = this.#definitions.get(table);
    if (definition === undefined) throw new LakepackError('INTERNAL', `${table}: is no table of the recipe`);
    return definition;
  }

  async describe(exports: readonly FedExport[], call: StoreCall): Promise<ReadonlyMap<string, ExportDescription>> {
    const filesByTable = this.#filesByTable(exports);
    const described = new Map<string, ReadonlyMap<string, Described>>();
    for (const [table, files] of filesByTable) described.set(table, await this.#describeTable(table, files, call));
    return new Map(exports.map(({ path }) => [path, this.#descriptionOf(path, described)]));
  }

  async close(): Promise<void> {
    await this.#judged?.close();
  }

  /** For each table, in the order of the recipe, the files of each export that feed it. */
  #filesByTable(exports: readonly FedExport[]): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> {
    const byTable = new Map<string, Map<string, string[]>>();
    for (const table of this.#definitions.keys()) byTable.set(table, new Map());
    for (const { path, files } of exports) {
      for (const file of files) {
        for (const table of this.tablesFedBy(file)) {
          const byExport = byTable.get(table);
          const known = byExport?.get(path);
          if (known === undefined) byExport?.set(path, [file]);
          else known.push(file);
        }
      }
    }
    return new Map([...byTable].filter(([, byExport]) => byExport.size > 0));
  }

  async #describeTable(
    table: string,
    files: ReadonlyMap<string, readonly string[]>,
    call: StoreCall,
  ): Promise<ReadonlyMap<string, Described>> {
    const { lake } = this.#options;
    const definition = this.definitionOf(table);
    const open = (inputs: readonly string[]): Promise<LakeTables> => this.#open(inputs, [table]);
    const one = { lake, table, definition, open };
    const { scopeOf } = await this.#judge();
    if (scopeOf(table) === 'export') return await describeParts(one, files, call);
    const whole = this.#whole.get(table) ?? (await describeWhole(one, await this.#allFiles(call), call));
    this.#whole.set(table, whole);
    return new Map([...files.keys()].map((path) => [path, whole]));
  }

  /** Without a file: what is wrong with a type or a query is the recipe's fault, and stops the pack. */
  async #judge(): Promise<LakeTables> {
    this.#judged ??= await this.#open([], [...this.#definitions.keys()]);
    return this.#judged;
  }

  /** A table reads all files that it was opened with: few, where few exports are described. */
  #open(files: readonly string[], tables: readonly string[]): Promise<LakeTables> {
    const { lake, recipe, scratchDir, signal } = this.#options;
    return openLakeTables({ lake, recipe, files, tables, scratchDir, signal });
  }

  async #allFiles({ signal }: StoreCall): Promise<readonly string[]> {
    this.#files ??= this.#options.files ?? (await listLakeFiles(this.#options.lake, signal));
    return this.#files;
  }

  #descriptionOf(path: string, described: ReadonlyMap<string, ReadonlyMap<string, Described>>): ExportDescription {
    const tables: Record<string, TableFingerprint> = {};
    const failures: { table: string; error: LakepackError }[] = [];
    for (const [table, byExport] of described) {
      const one = byExport.get(path);
      if (one === undefined) continue;
      if ('error' in one) failures.push({ table, error: one.error });
      else tables[table] = one.fingerprint;
    }
    if (Object.keys(tables).length === 0) return { failures };
    const { recipe } = this.#options;
    const fingerprints: ExportFingerprints = { recipe: { sha256: this.recipeSha256, content: recipe }, tables };
    return { fingerprints, failures };
  }
}
