/** A `DrillReport` in words: reasons and differences, then steps and tables, the verdict last, where the eye is. */
import { showPath } from '../base/paths.js';
import type { DrillReport } from '../index.js';
import type { CommandContext } from './command.js';
import { limitRows } from './limit-rows.js';
import { findingLines } from './print-findings.js';
import { safeText } from './safe-text.js';
import type { Style } from './style.js';
import { tableLines, type Column } from './table.js';
import { formatBytes, formatCount, formatCounted, formatDuration } from './units.js';

type Record_ = DrillReport['record'];
type Step = Record_['steps'][number];
type Store = Record_['stores'][number];
type Table = Store['tables'][number];
type Outcome = Record_['outcome'];

export function drillLines(report: DrillReport, files: readonly string[], context: CommandContext): string[] {
  const { record } = report;
  const { style, quiet } = context;
  const findings = findingLines('beside the drill', report.findings, context);
  const wrong = [...reasonLines(record, style), ...differenceLines(record, style)];
  const verdict = verdictLine(record, style);
  if (quiet) return record.outcome === 'pass' ? findings : [...wrong, ...findings, verdict];
  const steps = tableLines(
    record.steps.filter(({ outcome }) => outcome !== 'skipped'),
    STEP_COLUMNS(style),
    style,
  );
  return [
    ...steps,
    ...tablesOf(record, context),
    ...assertionLines(record, style),
    ...wrong,
    ...findings,
    ...factLines(report, files),
    verdict,
  ];
}

function STEP_COLUMNS(style: Style): readonly Column<Step>[] {
  return [
    { title: 'STEP', cell: ({ name, store }) => (store === undefined ? name : `${name} ${showPath(store)}`) },
    { title: 'TIME', align: 'right', cell: ({ elapsedMs }) => formatDuration(elapsedMs) },
    { title: 'WORKED ON', align: 'right', cell: workedOn },
    { title: 'OUTCOME', cell: ({ outcome }) => outcome, paint: (row, text) => paint(row.outcome, text, style) },
  ];
}

function workedOn({ rows, bytes, files }: Step): string {
  if (rows !== undefined) return formatCounted(rows, 'row');
  if (bytes !== undefined) return formatBytes(bytes);
  return files === undefined ? '' : formatCounted(files, 'file');
}

interface TableRow {
  readonly store: Store;
  readonly table: Table;
}

function tablesOf({ stores }: Record_, { style, verbose }: CommandContext): string[] {
  const rows = stores.flatMap((store) => store.tables.map((table) => ({ store, table })));
  if (rows.length === 0) return ['', 'no store was compared: files only'];
  const { shown, rest } = limitRows(rows, verbose);
  return ['', ...tableLines(shown, TABLE_COLUMNS(style), style), ...rest];
}

function TABLE_COLUMNS(style: Style): readonly Column<TableRow>[] {
  return [
    { title: 'TABLE', cell: ({ table }) => showPath(table.name) },
    { title: 'STORE', cell: ({ store }) => showPath(store.name) },
    { title: 'ROWS', align: 'right', cell: ({ table }) => formatCount(table.rows) },
    { title: 'LEVELS', cell: ({ table }) => levelsText(table) },
    { title: 'EXPECTED FROM', cell: ({ table }) => (table.expectedFrom === 'manifest' ? 'the exports' : 'the files') },
    {
      title: 'OUTCOME',
      cell: ({ table }) => table.outcome,
      paint: ({ table }, text) => paint(table.outcome, text, style),
    },
  ];
}

/** `L0 L1 L2 L3`, and what differs with a mark: `L0 L1 L2!`. */
function levelsText({ levels, recallAt10 }: Table): string {
  const compared = Object.entries(levels).filter(([, state]) => state !== 'not compared');
  const words = compared.sort().map(([level, state]) => (state === 'differs' ? `${level}!` : level));
  return [...words, ...(recallAt10 === undefined ? [] : [`recall ${recallAt10.toFixed(3)}`])].join(' ');
}

function assertionLines({ assertions }: Record_, style: Style): string[] {
  if (assertions.length === 0) return [];
  const lines = assertions.map(({ name, outcome, expected, found }) => {
    const word = paint(outcome, outcome === 'pass' ? 'holds' : outcome, style);
    const wanted = outcome === 'pass' ? '' : `: expected ${safeText(expected)}, found ${safeText(found)}`;
    return `assertion ${safeText(name)}: ${word}${wanted}`;
  });
  return ['', ...lines];
}

function reasonLines({ reasons, outcome }: Record_, style: Style): string[] {
  return reasons.flatMap(({ code, step, message, where, hint }) => [
    `${paint(outcome, `${step}:`, style)} ${safeText(message)} (${code})`,
    ...(where === undefined ? [] : [`    ${style.dim('where')}  ${safeText(where)}`]),
    ...(hint === undefined ? [] : [`    ${style.dim('do')}     ${safeText(hint)}`]),
  ]);
}

function differenceLines({ stores }: Record_, style: Style): string[] {
  return stores.flatMap((store) =>
    store.tables.flatMap(({ name, differences, differencesOmitted }) => {
      const title = `${style.bold(safeText(`${name} in ${store.name}`))}: ${formatCounted(differences.length + differencesOmitted, 'difference')}`;
      const lines = differences.map(({ level, reason, column, key, expected, found }) => {
        const place = [column, key].filter((part) => part !== undefined).join(' at ');
        return `  ${level} ${reason}${place === '' ? '' : ` ${safeText(place)}`}: expected ${safeText(expected)}, found ${safeText(found)}`;
      });
      const more = differencesOmitted === 0 ? [] : [`  … and ${formatCounted(differencesOmitted, 'more', 'more')}`];
      return lines.length + differencesOmitted === 0 ? [] : [title, ...lines, ...more];
    }),
  );
}

function factLines({ record, evidenceKey, evidenceIn }: DrillReport, files: readonly string[]): string[] {
  const { exports, exportsLeft, totals, rtoMs, rpoMs, kept } = record;
  const proven = exports.filter((one) => one.proven).length;
  const left = exportsLeft === 0 ? '' : `; ${formatCounted(exportsLeft, 'export')} left for another drill`;
  const place =
    evidenceKey === undefined
      ? 'in no archive'
      : `${safeText(evidenceKey)} in ${showPath(evidenceIn ?? record.archive)}`;
  const point = rpoMs === undefined ? '' : `, recovery point ${formatDuration(rpoMs)}`;
  return [
    '',
    `proven: ${formatCount(proven)} of ${formatCounted(exports.length, 'export')}, ${formatCounted(totals.files, 'file')}, ${formatBytes(totals.bytes)}${left}`,
    ...(record.outcome === 'inconclusive' ? [] : [`recovery time ${formatDuration(rtoMs)}${point}`]),
    ...(kept === undefined ? [] : [`kept for a look: ${[kept.scratch, ...kept.stores].map(showPath).join(', ')}`]),
    ...files.map((file) => `wrote ${showPath(file)}`),
    `evidence: ${place}`,
  ];
}

const VERDICTS: Readonly<Record<Outcome, string>> = {
  pass: 'pass: the restore worked',
  fail: 'fail: the restore does not give what the exports say',
  inconclusive: 'inconclusive: the drill could not be finished, and proves nothing',
};

function verdictLine({ outcome, archive, drillId }: Record_, style: Style): string {
  return `${paint(outcome, VERDICTS[outcome], style)} (${showPath(archive)}, drill ${safeText(drillId)})`;
}

function paint(outcome: Step['outcome'], text: string, style: Style): string {
  switch (outcome) {
    case 'pass':
      return style.green(text);
    case 'fail':
      return style.red(text);
    case 'inconclusive':
      return style.yellow(text);
    case 'skipped':
      return style.dim(text);
  }
}
