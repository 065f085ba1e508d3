/** The rows of one table of a recipe: streamed as cells, told to groups of files, written as CSV or into a DuckDB file. */
import path from 'node:path';
import { LakepackError } from '../base/errors.js';
import type { RecipeTable } from '../schema/recipe.js';
import type { RowBatch, StoreCall, TableColumn, TableRows, TableSpec } from './contract.js';
import { readableExpression, rowBatchOf } from './duckdb-cells.js';
import { type Engine, type EngineCall, openEngine, sqlName, sqlText } from './duckdb-engine.js';
import { columnsRelation, type SourceFiles, sourceRelation } from './duckdb-read-files.js';
import { explained } from './duckdb-source-faults.js';
import { FILE_COLUMN, type JudgedSql } from './duckdb-sql-scope.js';
import { duckDbTypeOf } from './logical-type.js';

export interface TableContext {
  readonly engine: Engine;
  readonly name: string;
  readonly table: RecipeTable;
  /** Lake paths that feed it. */
  readonly files: readonly string[];
  readonly lake: string;
  readonly scratchDir: string;
  readonly judged: JudgedSql | undefined;
  readonly spec: TableSpec;
  readonly look: () => Promise<SourceFiles>;
}

export class LakeTable implements TableRows {
  readonly context: TableContext;
  #source: Promise<SourceFiles> | undefined;

  constructor(context: TableContext) {
    this.context = context;
  }

  get spec(): TableSpec {
    return this.context.spec;
  }

  get scope(): 'export' | 'lake' {
    return this.context.judged?.scope ?? 'export';
  }

  /** Looked at once: the footers of thousands of files take a second. */
  source(): Promise<SourceFiles> {
    this.#source ??= this.context.look();
    return this.#source;
  }

  /** Rows with the recipe's columns, not cast; with the file where that is asked for and can be told. */
  async uncast(withFile: boolean): Promise<string> {
    const source = await this.source();
    const { table, judged, spec } = this.context;
    if (judged === undefined) return columnsRelation(source, table, spec.columns);
    const sql = withFile ? (judged.sqlWithFile ?? judged.sql) : judged.sql;
    const asked = source.places.length === 0 && this.scope === 'export' ? undefined : sql;
    // Without files nothing is known of their columns: SQL that works row by row gives no rows then.
    if (asked === undefined) return `SELECT ${nulls(spec.columns)}, NULL AS ${sqlName(`${FILE_COLUMN}s`)} WHERE false`;
    return `WITH source AS (${sourceRelation(source, table, withFile)}) SELECT * FROM (${asked})`;
  }

  async select(list: (column: TableColumn) => string, withFile = false): Promise<string> {
    const { spec, judged } = this.context;
    const casts = spec.columns.map(castOf);
    const file = judged === undefined ? FILE_COLUMN : `${FILE_COLUMN}s`;
    const inner = `SELECT ${[...casts, ...(withFile ? [`${sqlName(file)} AS ${sqlName(FILE_COLUMN)}`] : [])].join(', ')} FROM (${await this.uncast(withFile)})`;
    const outer = [...spec.columns.map(list), ...(withFile ? [sqlName(FILE_COLUMN)] : [])];
    return `SELECT ${outer.join(', ')} FROM (${inner})`;
  }

  call({ signal }: StoreCall): EngineCall {
    return { signal, subject: `table ${this.context.name}` };
  }

  async *batches(call: StoreCall): AsyncGenerator<RowBatch> {
    const { spec } = this.context;
    const own = this.scope === 'lake' ? await this.#openOwn() : undefined;
    try {
      const sql = await this.select(readableExpression);
      for await (const chunk of (own ?? this.context.engine).chunks(sql, this.call(call))) {
        yield rowBatchOf(chunk, spec.columns);
      }
    } catch (error) {
      throw await explained(error, this, call);
    } finally {
      own?.close();
    }
  }

  async writeCsv(
    file: string,
    expressionOf: (column: TableColumn) => string | undefined,
    call: StoreCall,
  ): Promise<number> {
    const own = await this.#openOwn(path.dirname(file));
    try {
      const sql = await this.select((column) => namedExpression(column, expressionOf(column)));
      return await countOf(
        own,
        `COPY (${sql}) TO ${sqlText(file)} (FORMAT csv, HEADER false, NULLSTR '')`,
        this.call(call),
      );
    } catch (error) {
      throw await explained(error, this, call);
    } finally {
      own.close();
    }
  }

  async writeDuckDb(file: string, call: StoreCall): Promise<number> {
    const own = await this.#openOwn(undefined, file);
    try {
      const sql = await this.select((column) => sqlName(column.name));
      const rows = await countOf(own, `CREATE TABLE ${sqlName(this.spec.name)} AS ${sql}`, this.call(call));
      await own.rows('CHECKPOINT', this.call(call));
      return rows;
    } catch (error) {
      throw await explained(error, this, call);
    } finally {
      own.close();
    }
  }

  /** An engine of its own: one that may write where this call writes, and one thread where the order of rows decides. */
  #openOwn(folder?: string, database?: string): Promise<Engine> {
    const { lake, scratchDir } = this.context;
    return openEngine({
      folders: [lake, ...(folder === undefined ? [] : [folder])],
      scratchDir,
      inOrder: this.scope === 'lake',
      ...(database === undefined ? {} : { database }),
    });
  }
}

function castOf({ name, type }: TableColumn): string {
  return `CAST(${sqlName(name)} AS ${duckDbTypeOf(type)}) AS ${sqlName(name)}`;
}

function nulls(columns: readonly TableColumn[]): string {
  return columns.map(({ name }) => `NULL AS ${sqlName(name)}`).join(', ');
}

function namedExpression({ name }: TableColumn, expression: string | undefined): string {
  return expression === undefined ? sqlName(name) : `${expression} AS ${sqlName(name)}`;
}

async function countOf(engine: Engine, sql: string, call: EngineCall): Promise<number> {
  const rows = await engine.rows(sql, call);
  return Number(rows[0]?.[0] ?? 0);
}

/** The rows of an export-scoped table with the group of each. */
export async function* groupedBatches(
  table: LakeTable,
  groups: readonly (readonly string[])[],
  call: StoreCall,
): AsyncGenerator<RowBatch & { readonly groupOf: readonly number[] }> {
  if (table.scope === 'lake') {
    throw new LakepackError('USAGE', `table ${table.spec.name}: its SQL looks across files: it cannot be told by file`);
  }
  const groupOf = await groupsByPlace(table, groups);
  const { spec, engine } = table.context;
  try {
    for await (const chunk of engine.chunks(await table.select(readableExpression, true), table.call(call))) {
      const files = chunk.data.getColumnVector(spec.columns.length);
      const told = Array.from(
        { length: chunk.data.rowCount },
        (_, row) => groupOf.get(files.getItem(row) as string) ?? -1,
      );
      const batch = rowBatchOf(chunk, spec.columns);
      yield told.includes(-1) ? onlyTold(batch, told) : { ...batch, groupOf: told };
    }
  } catch (error) {
    throw await explained(error, table, call);
  }
}

async function groupsByPlace(table: LakeTable, groups: readonly (readonly string[])[]): Promise<Map<string, number>> {
  const byLakePath = new Map<string, number>();
  groups.forEach((files, group) => {
    for (const file of files) if (!byLakePath.has(file)) byLakePath.set(file, group);
  });
  const byPlace = new Map<string, number>();
  for (const { lakePath, place } of (await table.source()).places) {
    const group = byLakePath.get(lakePath);
    if (group !== undefined) byPlace.set(place, group);
  }
  return byPlace;
}

function onlyTold(batch: RowBatch, told: readonly number[]): RowBatch & { readonly groupOf: readonly number[] } {
  const isTold = (_: unknown, row: number): boolean => told[row] !== -1;
  const groupOf = told.filter((group) => group !== -1);
  return { rows: groupOf.length, columns: batch.columns.map((column) => column.filter(isTold)), groupOf };
}
