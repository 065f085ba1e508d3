/** Finds the columns that tell the rows of a table apart: sensible ones first, proven over all rows. */
import type { ColumnLook, TableCopy } from '../stores/duckdb-look.js';
import { keyCandidates, roleOf, usableColumns } from './init-key-candidates.js';

export interface FoundKeys {
  /** Names of columns; none where no sensible set tells all rows apart. */
  readonly keys: readonly string[];
  /** What a reader should know, a sentence each. */
  readonly notes: readonly string[];
}

/** Of counts that are off by some tenths, what could still be all rows. */
const MAY_BE_ALL = 0.6;
const EXACT_TRIES = 24;

/** `columns` are those of the copy. */
export async function findKeys(copy: TableCopy, columns: readonly ColumnLook[]): Promise<FoundKeys> {
  const counts = await copy.counts();
  if (counts.rows === 0) return { keys: [], notes: ['no rows are there yet: it has no keys'] };
  const usable = usableColumns(columns, counts);
  const names = usable.map(({ name }) => name);
  const twins = names.length === 0 ? 0 : await copy.twins(names);
  if (twins > 0)
    return {
      keys: [],
      notes: [`no keys: ${twins} ${twins === 1 ? 'row has' : 'rows have'} the same ids, names and dates as another`],
    };
  const keys = await firstUnique(copy, keyCandidates(usable, counts), counts.rows);
  if (keys === undefined) return { keys: [], notes: ['no keys: no few columns tell its rows apart'] };
  return { keys, notes: repeatedNote(keys, columns) };
}

async function firstUnique(
  copy: TableCopy,
  sets: readonly (readonly string[])[],
  rows: number,
): Promise<readonly string[] | undefined> {
  if (sets.length === 0) return undefined;
  const about = await copy.aboutDistinct(sets);
  const likely = sets.filter((_, index) => (about[index] ?? 0) >= rows * MAY_BE_ALL);
  for (const set of likely.slice(0, EXACT_TRIES)) {
    if ((await copy.twins(set)) === 0) return set;
  }
  return undefined;
}

/** An identity that comes again in other partitions: often only the newest is wanted. */
function repeatedNote(keys: readonly string[], columns: readonly ColumnLook[]): readonly string[] {
  const chosen = columns.filter(({ name }) => keys.includes(name));
  const own = chosen.filter(({ isHiveKey }) => !isHiveKey);
  const [hive, ...others] = chosen.filter(({ isHiveKey }) => isHiveKey);
  const isRepeated = own.length > 0 && own.every((column) => roleOf(column) === 'identity');
  if (hive === undefined || others.length > 0 || !isRepeated) return [];
  const names = own.map(({ name }) => name);
  const sql = `SELECT * FROM source QUALIFY row_number() OVER (PARTITION BY ${names.map(quoted).join(', ')} ORDER BY ${quoted(hive.name)} DESC) = 1`;
  const says = `${names.join(', ')} is different in every row of one ${hive.name}, and comes again in others`;
  return [`${says}; for the newest row of each: "keys": ${JSON.stringify(names)}, "sql": ${JSON.stringify(sql)}`];
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
