/**
 * A drill as JUnit XML, which every CI shows: a suite for the files and one for each store, a case for each level of
 * each table. What nobody could look at is an error, what differs a failure, what was not compared is skipped.
 */
import type {
  DrilledAssertion,
  DrilledStore,
  DrilledTable,
  DrillReason,
  DrillRecord,
  DrillStep,
  FingerprintLevel,
  TableDifference,
} from '../schema/drill-record.js';
import { LEVEL_NAMES, LEVELS } from './report-words.js';

interface Case {
  readonly name: string;
  readonly seconds?: number;
  readonly outcome: 'pass' | 'fail' | 'inconclusive' | 'skipped';
  /** Of what did not pass: its kind, one line, and the rest. */
  readonly type?: string;
  readonly message?: string;
  readonly text?: string;
}

interface Suite {
  readonly name: string;
  readonly cases: readonly Case[];
}

/** UTF-8, with an XML declaration. */
export function drillJUnit(record: DrillRecord): string {
  const suites = [stepsSuite(record), ...record.stores.map((store) => storeSuite(store, record.assertions))];
  const body = suites.map((suite) => suiteXml(suite, record)).join('');
  const attributes = `name="lakepack drill" ${countsXml(suites.flatMap((suite) => suite.cases))} time="${seconds(record.elapsedMs)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${attributes}>\n${body}</testsuites>\n`;
}

/** Reasons hang on the step that found them: every one is shown, whatever else is. */
function stepsSuite(record: DrillRecord): Suite {
  const cases = record.steps.map((step) => stepCase(step, record.reasons));
  const shown = new Set(record.steps.map((step) => step.name));
  const others = record.reasons.filter((reason) => !shown.has(reason.step));
  const verdict: Case = {
    name: 'verdict',
    outcome: record.outcome,
    type: record.reasons[0]?.code ?? record.outcome,
    message: `the drill ended as ${record.outcome}`,
    text: others.map(reasonText).join('\n'),
  };
  return { name: 'steps', cases: [...cases, verdict] };
}

function stepCase({ name, store, outcome, elapsedMs }: DrillStep, all: readonly DrillReason[]): Case {
  const reasons = all.filter((reason) => reason.step === name);
  return {
    name: store === undefined ? name : `${name} ${store}`,
    seconds: elapsedMs / 1_000,
    outcome,
    ...(outcome !== 'pass' && {
      type: reasons[0]?.code ?? outcome,
      message: reasons[0]?.message ?? 'was not done',
      text: reasons.map(reasonText).join('\n'),
    }),
  };
}

function reasonText({ code, message, where, hint }: DrillReason): string {
  return [
    `${code}: ${message}`,
    ...(where === undefined ? [] : [`  at ${where}`]),
    ...(hint === undefined ? [] : [`  hint: ${hint}`]),
  ].join('\n');
}

function storeSuite(store: DrilledStore, assertions: readonly DrilledAssertion[]): Suite {
  const own = assertions.filter((one) => one.store === store.name);
  return {
    name: `store ${store.name} (${store.engine})`,
    cases: [...store.tables.flatMap((table) => [...tableCases(table)]), ...own.map(assertionCase)],
  };
}

function* tableCases(table: DrilledTable): Generator<Case> {
  for (const level of LEVELS) {
    const state = table.levels[level];
    if (state === undefined) continue;
    const found = table.differences.filter((one) => one.level === level);
    yield { name: `${table.name}: ${LEVEL_NAMES[level]} (${level})`, ...levelOutcome(state, level, found) };
  }
  // A table may not pass though no level differs: its build was refused, or nobody could look.
  if (table.outcome !== 'pass' && !Object.values(table.levels).includes('differs')) {
    yield { name: `${table.name}: outcome`, outcome: table.outcome, message: `the table ended as ${table.outcome}` };
  }
}

function levelOutcome(
  state: 'equal' | 'differs' | 'not compared',
  level: FingerprintLevel,
  found: readonly TableDifference[],
): Pick<Case, 'outcome' | 'type' | 'message' | 'text'> {
  if (state === 'equal') return { outcome: 'pass' };
  if (state === 'not compared') return { outcome: 'skipped', message: 'not compared' };
  return {
    outcome: 'fail',
    type: found[0]?.reason ?? level,
    message: `${LEVEL_NAMES[level]} differ`,
    text: found.map(differenceText).join('\n'),
  };
}

function differenceText({ reason, table, column, key, expected, found }: TableDifference): string {
  const place = [table, ...(column === undefined ? [] : [`column ${column}`]), ...(key === undefined ? [] : [key])];
  return `${reason} at ${place.join(', ')}: expected ${expected}, found ${found}`;
}

function assertionCase({ name, outcome, sql, expected, found }: DrilledAssertion): Case {
  const message = `expected ${expected}, found ${found}`;
  return {
    name: `assertion: ${name}`,
    outcome,
    ...(outcome !== 'pass' && { type: 'ASSERTION_FAILED', message, text: sql }),
  };
}

function suiteXml({ name, cases }: Suite, record: DrillRecord): string {
  const spent = cases.reduce((sum, one) => sum + (one.seconds ?? 0), 0);
  const attributes = [
    `name="${escapeXml(name)}" ${countsXml(cases)} time="${spent.toFixed(3)}"`,
    `timestamp="${escapeXml(record.startedAt.replace(/(\.\d+)?Z$/, ''))}"`,
  ].join(' ');
  return `  <testsuite ${attributes}>\n${cases.map((one) => caseXml(one, name)).join('')}  </testsuite>\n`;
}

function caseXml(one: Case, suite: string): string {
  const open = `    <testcase classname="lakepack.drill.${escapeXml(suite)}" name="${escapeXml(one.name)}" time="${(one.seconds ?? 0).toFixed(3)}"`;
  if (one.outcome === 'pass') return `${open}/>\n`;
  const element = { fail: 'failure', inconclusive: 'error', skipped: 'skipped' }[one.outcome];
  const type = one.outcome === 'skipped' ? '' : ` type="${escapeXml(one.type ?? one.outcome)}"`;
  const message = one.message === undefined ? '' : ` message="${escapeXml(one.message)}"`;
  const inside = one.outcome === 'skipped' ? '' : escapeXml(one.text ?? '');
  return `${open}>\n      <${element}${type}${message}>${inside}</${element}>\n    </testcase>\n`;
}

function countsXml(cases: readonly Case[]): string {
  const count = (outcome: Case['outcome']): number => cases.filter((one) => one.outcome === outcome).length;
  return `tests="${cases.length}" failures="${count('fail')}" errors="${count('inconclusive')}" skipped="${count('skipped')}"`;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

/** XML 1.0 has no way to write most control characters and no lone surrogates: they are shown as `\uXXXX`. */
function escapeXml(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Bidi_Control}\p{Cs}\u2028\u2029\ufffe\uffff]/gu, (char) =>
      char === '\n' ? char : `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
    )
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
    .replaceAll('\n', '&#10;');
}
