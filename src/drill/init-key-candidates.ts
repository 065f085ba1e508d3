/**
 * Which sets of columns could tell the rows of a table apart, best first: told by the names and kinds of columns, and
 * by about how many different values they have. Pure; what holds is proven over the rows.
 */
import type { ColumnCounts, ColumnLook } from '../stores/duckdb-look.js';

/**
 * - `identity`: made to name something, such as `cve_id`;
 * - `part`: says which part of the lake a row is in, or the day it is about: a hive key, a date;
 * - `moment`: a timestamp, good only beside an identity;
 * - `name`: `team1`, `region_name`: different things may have the same, so only beside a part;
 * - `text`: any other short text, for small tables.
 */
export type KeyRole = 'identity' | 'part' | 'moment' | 'name' | 'text';

const IDENTITY =
  /^(id|uuid|guid|key|sku|isin|iban|ean|path|file)\d*$|(^|_)(id|ids|uuid|guid|key|sku|code|cod|codice|path)(_|$)|[a-z0-9](Id|Key|Uuid|Code)$/;
/** An identity of what a row holds, or of how it is written, and not of the row. */
const NO_IDENTITY = /(sha\d*|md5|hash|digest|version|model|policy|country|language|currency|state|status)/i;
const DAY = /(^|_)(dt|date|data|day|datum|giorno|month|mese|year|anno|season)(_|$)|[a-z](Date|Day)$/i;
const PATH = /(^|_)(path|file)(_|$)/i;
const NAME = /(^|_)(name|nome|title|denominazione|label|team|slug|vendor|product)\d*(_|$)|[a-z]Name$/i;

/** Longer texts are no names; and databases refuse keys of some thousand bytes. */
const MAX_KEY_CHARS = 255;
/** Combinations of plain texts say little, and cost much where there are many rows. */
const SMALL_TABLE_ROWS = 300_000;
const MAX_COLUMNS = 5;
const MAX_BY_ROLE = 6;
const MAX_SETS = 160;
/** Counts of different values are off by some tenths. */
const DOUBT = 2;

/** What a column could be in a key; undefined: nothing. */
export function roleOf({ name, kind, isHiveKey }: ColumnLook): KeyRole | undefined {
  if (isHiveKey) return IDENTITY.test(name) ? 'identity' : 'part';
  const isIdentity = IDENTITY.test(name) && !NO_IDENTITY.test(name);
  switch (kind) {
    case 'uuid':
      return 'identity';
    case 'date':
      return 'part';
    case 'timestamp':
      return 'moment';
    case 'integer':
      return isIdentity ? 'identity' : DAY.test(name) ? 'part' : undefined;
    case 'text':
      return isIdentity ? 'identity' : DAY.test(name) ? 'part' : NAME.test(name) ? 'name' : 'text';
    default:
      return undefined;
  }
}

interface Candidate {
  readonly name: string;
  readonly role: KeyRole;
  readonly isHiveKey: boolean;
}

/** The columns that a key may have: there in every row, short, more than one value; own ones before hive keys. */
export function usableColumns(columns: readonly ColumnLook[], counts: ColumnCounts): readonly Candidate[] {
  const isUsable = ({ name }: ColumnLook): boolean =>
    counts.nulls.get(name) === 0 && (counts.longest.get(name) ?? 0) <= MAX_KEY_CHARS;
  return columns.flatMap((column) => {
    const role = roleOf(column);
    return role !== undefined && isUsable(column) ? [{ name: column.name, role, isHiveKey: column.isHiveKey }] : [];
  });
}

/** Sets of names to try: the shortest first, of the same length the ones that look most like an identity. */
export function keyCandidates(usable: readonly Candidate[], counts: ColumnCounts): readonly (readonly string[])[] {
  const mayBeText = counts.rows <= SMALL_TABLE_ROWS;
  const byRole = (role: KeyRole): readonly Candidate[] =>
    usable.filter((one) => one.role === role).slice(0, MAX_BY_ROLE);
  const known = (['identity', 'part', 'moment', 'name'] as const).flatMap(byRole);
  const pool = usable.filter((one) => known.includes(one) || (mayBeText && byRole('text').includes(one)));
  const sets = sizes()
    .flatMap((size) => combinations(pool, size))
    .filter((set) => isSensible(set) && mayTellApart(set, counts))
    .map((set, at) => ({ set, at, length: lengthOf(set), worth: worthOf(set) }))
    .sort((a, b) => a.length - b.length || b.worth - a.worth || a.at - b.at);
  return sets.slice(0, MAX_SETS).map(({ set }) => set.map(({ name }) => name));
}

function sizes(): readonly number[] {
  return Array.from({ length: MAX_COLUMNS }, (_, index) => index + 1);
}

/** A path names a file and what is in it by chance: two columns that name the thing itself are better. */
function lengthOf(set: readonly Candidate[]): number {
  return set.length + (set.some(({ name }) => PATH.test(name)) ? 1.5 : 0);
}

function isSensible(set: readonly Candidate[]): boolean {
  const has = (role: KeyRole): boolean => set.some((one) => one.role === role);
  if (has('moment')) return has('identity') && !has('text');
  if (set.length === 1) return !has('name') && !has('text');
  return has('identity') || has('part');
}

const WORTH: Readonly<Record<KeyRole, number>> = { identity: 8, part: 4, name: 3, moment: 1, text: 0 };

/** On average, so that a set is not better for being long; a hive key alone says less than a column of the data. */
function worthOf(set: readonly Candidate[]): number {
  const sum = set.reduce((total, { role, isHiveKey }) => total + WORTH[role] - (isHiveKey ? 0.5 : 0), 0);
  return sum / set.length;
}

function mayTellApart(set: readonly Candidate[], { rows, distinct }: ColumnCounts): boolean {
  return set.reduce((product, { name }) => product * (distinct.get(name) ?? 1), 1) * DOUBT >= rows;
}

function combinations<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  if (size === 0) return [[]];
  return items.flatMap((item, index) => combinations(items.slice(index + 1), size - 1).map((rest) => [item, ...rest]));
}
