/**
 * Which types hold all values of text columns. Not DuckDB's own detection: it opens thousands of files one by one, and
 * takes `007` for the number 7. A type is told only where its text comes back from it, so that nothing is lost.
 */
import { type Engine, type EngineCall, sqlName, sqlText } from './duckdb-engine.js';

interface TextClass {
  readonly bit: number;
  readonly pattern: string;
  readonly maxChars?: number;
}

const TRUTH = 1;
const INTEGER = 2;
const LONG_INTEGER = 4;
const FRACTION = 8;
const DATE = 16;
const MOMENT = 32;
const ZONED_MOMENT = 64;
const OTHER = 128;

const DAY_PATTERN = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
const MOMENT_PATTERN = `${DAY_PATTERN}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?`;

/** Numbers have no zeros in front: what has them is a code. A DOUBLE keeps fifteen digits. */
const CLASSES: readonly TextClass[] = [
  { bit: INTEGER, pattern: '0|-?[1-9][0-9]{0,14}' },
  { bit: LONG_INTEGER, pattern: '-?[1-9][0-9]{15,18}' },
  { bit: FRACTION, pattern: '-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?', maxChars: 16 },
  { bit: DATE, pattern: DAY_PATTERN },
  { bit: MOMENT, pattern: MOMENT_PATTERN },
  { bit: ZONED_MOMENT, pattern: `${MOMENT_PATTERN}(Z|[+-][0-9]{2}(:?[0-9]{2})?)` },
  { bit: TRUTH, pattern: 'true|false' },
];

const TYPE_OF_CLASSES: ReadonlyMap<number, string> = new Map([
  [TRUTH, 'BOOLEAN'],
  [INTEGER, 'BIGINT'],
  [LONG_INTEGER, 'BIGINT'],
  [INTEGER + LONG_INTEGER, 'BIGINT'],
  [FRACTION, 'DOUBLE'],
  [INTEGER + FRACTION, 'DOUBLE'],
  [DATE, 'DATE'],
  [MOMENT, 'TIMESTAMP'],
  [ZONED_MOMENT, 'TIMESTAMP WITH TIME ZONE'],
]);

const COPY = sqlName('lakepack text');

/** Name and type of each column of a relation whose columns are text. */
export async function csvColumnTypes(
  engine: Engine,
  relation: string,
  names: readonly string[],
  call: EngineCall,
): Promise<readonly (readonly [string, string])[]> {
  if (names.length === 0) return [];
  // A copy, because every expression costs once more for each small file.
  await engine.rows(`CREATE OR REPLACE TABLE ${COPY} AS ${relation}`, call);
  try {
    const shapes = (await engine.rows(`SELECT ${names.map(classesOf).join(', ')} FROM ${COPY}`, call))[0] ?? [];
    const guessed = names.map((name, at): readonly [string, string] => [
      name,
      TYPE_OF_CLASSES.get(Number(shapes[at])) ?? 'VARCHAR',
    ]);
    const misfits = (await engine.rows(`SELECT ${guessed.map(misfitsOf).join(', ')} FROM ${COPY}`, call))[0] ?? [];
    return guessed.map(([name, sqlType], at) => [name, Number(misfits[at]) === 0 ? sqlType : 'VARCHAR']);
  } finally {
    await engine.rows(`DROP TABLE IF EXISTS ${COPY}`, { ...call, signal: new AbortController().signal });
  }
}

/** Bits of what the values of a column look like. */
function classesOf(name: string): string {
  const column = sqlName(name);
  const cases = CLASSES.map(({ bit, pattern, maxChars }) => {
    const isShort = maxChars === undefined ? '' : ` AND length(${column}) <= ${maxChars}`;
    return `WHEN regexp_full_match(${column}, ${sqlText(pattern)})${isShort} THEN ${bit}`;
  });
  return `bit_or(CASE WHEN ${column} IS NULL THEN 0 ${cases.join(' ')} ELSE ${OTHER} END)`;
}

/** It may look like a date and be none: 2024-02-30. */
function misfitsOf([name, sqlType]: readonly [string, string]): string {
  const column = sqlName(name);
  if (sqlType === 'VARCHAR') return '0';
  return `count(*) FILTER (${column} IS NOT NULL AND TRY_CAST(${column} AS ${sqlType}) IS NULL)`;
}
