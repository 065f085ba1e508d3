/**
 * CSV files as one relation, every column as text. DuckDB's detection is not used: on a file with a broken line it
 * finds a reading in which the line is no data, and rows would be gone without a word. So the header is read here.
 */
import { LakepackError } from '../base/errors.js';
import type { RecipeTable } from '../schema/recipe.js';
import { type Engine, type EngineCall, sqlName, sqlText } from './duckdb-engine.js';
import { FILE_COLUMN } from './duckdb-sql-scope.js';

/** Files that have the same columns in the same order. */
export interface CsvHeader {
  readonly names: readonly string[];
  readonly places: readonly string[];
}

type Places = readonly { readonly lakePath: string; readonly place: string }[];

/** Files without a line have no columns, and are left out. */
export async function readCsvHeaders(
  engine: Engine,
  places: Places,
  table: RecipeTable,
  call: EngineCall,
): Promise<readonly CsvHeader[]> {
  const groups = new Map<string, string[]>();
  for (const { place } of places) {
    const line = await firstLine(engine, place, call);
    if (line === undefined) continue;
    const group = groups.get(line);
    if (group === undefined) groups.set(line, [place]);
    else group.push(place);
  }
  return [...groups].map(([line, group]) => ({ names: namesOf(line, table, call.subject), places: group }));
}

async function firstLine(engine: Engine, place: string, call: EngineCall): Promise<string | undefined> {
  // One column: its delimiter is a character that no header has.
  const options = `columns = {line: 'VARCHAR'}, header = false, auto_detect = false, delim = chr(1), quote = '', escape = '', strict_mode = false`;
  const rows = await engine.rows(`SELECT line FROM read_csv(${pathText(place)}, ${options}) LIMIT 1`, call);
  const line = rows[0]?.[0];
  return typeof line === 'string' ? line.replace(/^\ufeff/, '').replace(/\r$/, '') : undefined;
}

function namesOf(line: string, table: RecipeTable, subject: string): readonly string[] {
  const fields = fieldsOf(line, table.csv?.delimiter ?? ',');
  const names = table.csv?.header === false ? fields.map((_, index) => `column${index}`) : fields;
  const twin = names.find(
    (name, index) => names.findIndex((one) => one.toLowerCase() === name.toLowerCase()) !== index,
  );
  if (twin === undefined) return names;
  throw new LakepackError('RECIPE_INVALID', `${subject}: a CSV file has the column ${JSON.stringify(twin)} twice`, {
    hint: 'set "csv": {"header": false} and name the columns in SQL, or leave the file out of "from"',
  });
}

/** The fields of one line of RFC 4180. */
function fieldsOf(line: string, delimiter: string): readonly string[] {
  const fields: string[] = [];
  let field = '';
  let isQuoted = false;
  for (const char of line) {
    if (char === '"') isQuoted = !isQuoted;
    else if (char === delimiter && !isQuoted) {
      fields.push(field);
      field = '';
    } else field += char;
  }
  return [...fields, field];
}

/** Undefined where no file has a line. */
export function csvRelation(headers: readonly CsvHeader[], table: RecipeTable): string | undefined {
  const reads = headers.map((header) => readOf(header, table));
  return reads.length === 0 ? undefined : reads.join(' UNION ALL BY NAME ');
}

function readOf({ names, places }: CsvHeader, table: RecipeTable): string {
  const columns = names.map((name) => `${sqlText(name)}: 'VARCHAR'`).join(', ');
  const options = [
    `columns = {${columns}}`,
    `header = ${String(table.csv?.header !== false)}`,
    `delim = ${sqlText(table.csv?.delimiter ?? ',')}`,
    `quote = '"', escape = '"', strict_mode = true, auto_detect = false, allow_quoted_nulls = false, nullstr = ''`,
    `hive_partitioning = false, filename = ${sqlText(FILE_COLUMN)}`,
  ];
  const list = names.map(sqlName).join(', ');
  const files = `[${places.map(pathText).join(', ')}]`;
  return `SELECT ${list}, ${sqlName(FILE_COLUMN)} FROM read_csv(${files}, ${options.join(', ')})`;
}

function pathText(place: string): string {
  return sqlText(place.replace(/[*?[]/g, '[$&]'));
}
