/** The SQL assertions of a plan: one query, one value, compared with what the plan says. */
import { isLakepackError, LakepackError } from '../base/errors.js';
import type { DrilledAssertion } from '../schema/drill-record.js';
import type { DerivedStore, StoreCall } from '../stores/contract.js';
import type { DrillAssertion } from './contract.js';
import { codeOfErrorCode, worstOf } from './outcome.js';
import { DRILL_REASONS } from '../schema/drill-record.js';

const MAX_SHOWN_CHARS = 200;

/**
 * Asks a store. A query that fails, or does not give one value, fails the assertion.
 * @throws STORE_UNAVAILABLE, STORE_NOT_INSTALLED, DISK_FULL, INTERRUPTED: then nobody could look.
 */
export async function checkAssertion(
  store: DerivedStore,
  assertion: DrillAssertion,
  call: StoreCall,
): Promise<DrilledAssertion> {
  const { name, store: storeName, sql } = assertion;
  const row = { name, store: storeName, sql, expected: expectedText(assertion) };
  if (store.query === undefined) {
    return { ...row, outcome: 'fail', found: `the engine ${store.engine} answers no SQL` };
  }
  try {
    const value = oneValue(await store.query(sql, call));
    return { ...row, outcome: holds(assertion, value) ? 'pass' : 'fail', found: show(value) };
  } catch (error) {
    if (!isLakepackError(error) || isOfStore(error)) throw error;
    return { ...row, outcome: 'fail', found: error.message };
  }
}

/** What `outcome` a store's assertions have together. */
export function outcomeOfAssertions(assertions: readonly DrilledAssertion[]): DrilledAssertion['outcome'] {
  return worstOf(assertions.map((one) => one.outcome));
}

function isOfStore({ code }: LakepackError): boolean {
  return DRILL_REASONS[codeOfErrorCode(code, 'assert')] === 'inconclusive';
}

function oneValue(rows: readonly Readonly<Record<string, unknown>>[]): unknown {
  const [row] = rows;
  const values = row === undefined ? [] : Object.values(row);
  if (rows.length === 1 && values.length === 1) return values[0];
  throw new LakepackError(
    'STORE_REFUSED',
    `expected one row of one column, got ${rows.length} ${rows.length === 1 ? 'row' : 'rows'} of ${values.length}`,
  );
}

function holds({ equals, atLeast, atMost }: DrillAssertion, value: unknown): boolean {
  if (equals !== undefined && !isEqual(value, equals)) return false;
  const number = numberOf(value);
  if (atLeast !== undefined && !(number !== undefined && number >= atLeast)) return false;
  return atMost === undefined || (number !== undefined && number <= atMost);
}

/** Engines give large integers and decimals as text: a number in the plan means the number. */
function isEqual(value: unknown, equals: string | number | boolean | null): boolean {
  if (typeof equals === 'number') return numberOf(value) === equals;
  if (typeof equals === 'string') return value !== null && value !== undefined && textOf(value) === equals;
  return value === equals;
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string' || !/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return undefined;
  return Number(value);
}

function expectedText({ equals, atLeast, atMost }: DrillAssertion): string {
  const words = [
    equals === undefined ? undefined : `equals ${show(equals)}`,
    atLeast === undefined ? undefined : `at least ${atLeast}`,
    atMost === undefined ? undefined : `at most ${atMost}`,
  ];
  return words.filter((word) => word !== undefined).join(', ');
}

function show(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  const text = textOf(value);
  return text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…`.toWellFormed() : text;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}
