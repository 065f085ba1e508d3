/**
 * Reads and evaluates `--where` expressions over the facts of a partition: `dt >= 2025-01-01 and layer = silver`. It
 * answers for their meaning; their grammar is read in `where-parser.ts`, which has the full syntax.
 *
 * Fields: `layer`, `dataset`, `run`, `path` (the lake folder), `date`, and any partition key. `date` is the date of
 * `yyyy/MM/dd` folders, or else what the key `dt`, `day` or `partition` says, with 20240625 read as 2024-06-25.
 *
 * A field that a partition does not have makes every comparison with it false, `!=` too; only `not` turns that round.
 */
import type { PartitionFacts } from './contract.js';

export type CompareOperator = '=' | '!=' | '<' | '<=' | '>' | '>=';

export type Where =
  | { readonly type: 'and' | 'or'; readonly left: Where; readonly right: Where }
  | { readonly type: 'not'; readonly part: Where }
  | { readonly type: 'compare'; readonly field: string; readonly operator: CompareOperator; readonly value: string }
  | { readonly type: 'in'; readonly field: string; readonly values: readonly string[] }
  /** `%` stands for any text, `_` for any character. */
  | { readonly type: 'like'; readonly field: string; readonly pattern: string };

export function matchesWhere(where: Where, facts: PartitionFacts): boolean {
  switch (where.type) {
    case 'and':
      return matchesWhere(where.left, facts) && matchesWhere(where.right, facts);
    case 'or':
      return matchesWhere(where.left, facts) || matchesWhere(where.right, facts);
    case 'not':
      return !matchesWhere(where.part, facts);
    default: {
      const found = fieldOf(where.field, facts);
      return found !== undefined && matchesValue(where, found);
    }
  }
}

/** The fields an expression asks for. */
export function fieldsOfWhere(where: Where): ReadonlySet<string> {
  switch (where.type) {
    case 'and':
    case 'or':
      return new Set([...fieldsOfWhere(where.left), ...fieldsOfWhere(where.right)]);
    case 'not':
      return fieldsOfWhere(where.part);
    default:
      return new Set([where.field]);
  }
}

type Test = Extract<Where, { readonly field: string }>;

function matchesValue(test: Test, found: string): boolean {
  switch (test.type) {
    case 'compare':
      return holds(test.operator, compareValues(found, test.value));
    case 'in':
      return test.values.some((value) => compareValues(found, value) === 0);
    case 'like':
      return isLike(found, test.pattern);
  }
}

function holds(operator: CompareOperator, order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

function fieldOf(field: string, facts: PartitionFacts): string | undefined {
  return namedFact(field, facts) ?? keyOf(field, facts);
}

function namedFact(field: string, facts: PartitionFacts): string | undefined {
  switch (field) {
    case 'layer':
      return facts.layer;
    case 'dataset':
      return facts.dataset;
    case 'run':
      return facts.runId;
    case 'path':
      return facts.path;
    case 'date':
      return dateOf(facts);
    default:
      return undefined;
  }
}

function keyOf(key: string, facts: PartitionFacts): string | undefined {
  return Object.hasOwn(facts.keys, key) ? facts.keys[key] : undefined;
}

const DATE_KEYS = ['date', 'dt', 'day', 'partition'];

function dateOf(facts: PartitionFacts): string | undefined {
  const values = DATE_KEYS.map((key) => keyOf(key, facts)).filter((value) => value !== undefined);
  return values.map(asDate).find((date) => date !== undefined) ?? keyOf('date', facts);
}

/** Below, at or above 0. Numbers compare as numbers, dates in either form as dates, everything else as text. */
function compareValues(a: string, b: string): number {
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b);
  const [dateA, dateB] = [asDate(a), asDate(b)];
  return dateA !== undefined && dateB !== undefined ? compare(dateA, dateB) : compare(a, b);
}

function isNumber(text: string): boolean {
  return /^[+-]?\d+(\.\d+)?$/.test(text);
}

function compareNumbers(a: string, b: string): number {
  // BigInt for whole numbers: ids go beyond 2^53.
  const whole = !a.includes('.') && !b.includes('.');
  return whole ? compare(BigInt(a.replace('+', '')), BigInt(b.replace('+', ''))) : compare(Number(a), Number(b));
}

function compare<T extends string | number | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `yyyy-MM-dd` for a date in that form or as `yyyyMMdd`; undefined for all else. */
function asDate(text: string): string | undefined {
  const [, year, , month, day] = /^(\d{4})(-?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])$/.exec(text) ?? [];
  return year === undefined ? undefined : `${year}-${month ?? ''}-${day ?? ''}`;
}

/** Goes back to the last `%` only, so that no pattern takes more than text × pattern steps. */
function isLike(text: string, pattern: string): boolean {
  const [chars, wanted] = [Array.from(text), Array.from(pattern)];
  let at = 0;
  let step = 0;
  let last: { readonly step: number; at: number } | undefined;
  while (at < chars.length) {
    if (wanted[step] === '%') {
      last = { step: ++step, at };
    } else if (wanted[step] === '_' || (wanted[step] === chars[at] && step < wanted.length)) {
      at++;
      step++;
    } else if (last !== undefined) {
      step = last.step;
      at = ++last.at;
    } else {
      return false;
    }
  }
  return wanted.slice(step).every((char) => char === '%');
}
