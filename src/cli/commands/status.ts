/** `lakepack status`: how safe the data is, a row for each partition, and an exit code for cron. */
import { showPath } from '../../base/paths.js';
import type { ArchiveLocation, StatusReport, StatusRow } from '../../index.js';
import { given } from '../arguments.js';
import type { Command, CommandContext } from '../command.js';
import { parseDurationMs } from '../durations.js';
import { EXIT_CODES } from '../exit-code.js';
import { limitRows } from '../limit-rows.js';
import { archivePlace, archivePlaceIfGiven } from '../places.js';
import { requiredList } from '../required.js';
import { onDisk } from '../selectors.js';
import { tableLines, type Column } from '../table.js';
import { formatCount, formatCounted, formatDuration, formatTime } from '../units.js';

const DAY_MS = 86_400_000;

export const statusCommand: Command = {
  describe:
    'Shows for each partition the newest export, when a drill last proved that it can be restored, and in how many ' +
    'archives it is. Reads listings and evidence only. With --max-age the exit code is 3 when a proof is older, or missing.',
  words: [],
  options: {
    from: {
      kind: 'list',
      placeholder: 'ARCHIVE',
      aliases: ['archive'],
      describe: 'the archive; given again, copies are counted there too',
      group: 'Status',
    },
    'max-age': {
      kind: 'value',
      placeholder: 'TIME',
      describe: 'a proof must not be older, such as 30d',
      group: 'Status',
    },
    evidence: {
      kind: 'value',
      placeholder: 'ARCHIVE',
      describe: 'where the evidence of drills is (default: the first archive)',
      group: 'Status',
    },
    lake: {
      kind: 'value',
      placeholder: 'DIR',
      describe: 'a lake whose partitions must all have an export',
      group: 'Status',
    },
  },
  examples: [
    { line: 'lakepack status --from r2:lake', why: 'what was proven, and when' },
    {
      line: 'lakepack status --from r2:lake --from b2:lake --max-age 30d --quiet',
      why: 'for cron: says what is overdue',
    },
  ],
  async run(context) {
    const { args, io } = context;
    const archives: ArchiveLocation[] = [];
    for (const word of requiredList(context, 'from')) archives.push(await archivePlace(word, context));
    const { status } = await context.library();
    const report = await status({
      ...{ archives, signal: io.signal },
      ...given({
        evidence: await archivePlaceIfGiven(args.text('evidence'), context),
        maxAgeMs: args.read('max-age', parseDurationMs),
        lake: args.read('lake', (text) => onDisk(text, io.cwd)),
      }),
    });
    await context.print('output-status', report, () => statusLines(report, context));
    return report.ok ? EXIT_CODES.done : EXIT_CODES.findings;
  },
};

/** What is wanting comes first; `--quiet` shows nothing else. */
function statusLines(report: StatusReport, context: CommandContext): string[] {
  const wanting = report.partitions.filter((row) => row.ok === false);
  const others = report.partitions.filter((row) => row.ok !== false);
  const { shown, rest } = limitRows(context.quiet ? wanting : [...wanting, ...others], context.verbose);
  const table = shown.length === 0 ? [] : tableLines(shown, columnsFor(report, context), context.style);
  if (context.quiet) return [...table, ...rest];
  return [...table, ...rest, summaryLine(report, context)];
}

function columnsFor({ archives, maxAgeMs, partitions }: StatusReport, { style }: CommandContext): Column<StatusRow>[] {
  const copies: Column<StatusRow> = { title: 'COPIES', align: 'right', cell: (row) => formatCount(row.copies) };
  const lake: Column<StatusRow> = { title: 'LAKE', cell: (row) => row.lake ?? '' };
  const judged: Column<StatusRow> = {
    title: 'STATE',
    cell: stateText,
    paint: (row, text) => (row.ok === false ? style.red(text) : text),
  };
  return [
    { title: 'PARTITION', cell: (row) => showPath(row.path) || 'lake' },
    {
      title: 'LAST EXPORT',
      cell: (row) => (row.lastExport === undefined ? 'never' : formatTime(row.lastExport.createdAt)),
    },
    { title: 'LAST PROVEN', cell: (row) => (row.lastProven === undefined ? 'never' : formatTime(row.lastProven.at)) },
    {
      title: 'AGE',
      align: 'right',
      cell: (row) => (row.lastProven === undefined ? '' : ageText(row.lastProven.ageMs)),
    },
    ...(archives.length > 1 ? [copies] : []),
    ...(partitions.some((row) => row.lake !== undefined) ? [lake] : []),
    ...(maxAgeMs === undefined ? [] : [judged]),
  ];
}

function stateText(row: StatusRow): string {
  if (row.ok !== false) return 'ok';
  if (row.lastExport === undefined) return 'never exported';
  if (row.lastProven !== undefined) return 'too long ago';
  return row.olderProven === undefined ? 'never proven' : 'an older export was proven';
}

function ageText(ms: number): string {
  return ms < 2 * DAY_MS ? formatDuration(ms) : formatCounted(Math.floor(ms / DAY_MS), 'day');
}

function summaryLine({ totals, ok, maxAgeMs, archives }: StatusReport, { style }: CommandContext): string {
  const parts = [
    `${formatCount(totals.proven)} proven`,
    ...(totals.tooOld === 0 ? [] : [`${formatCount(totals.tooOld)} of them too long ago`]),
    ...(totals.neverProven === 0 ? [] : [`${formatCount(totals.neverProven)} never proven`]),
    ...(totals.neverExported === 0 ? [] : [`${formatCount(totals.neverExported)} never exported`]),
  ].join(', ');
  const where = archives.map(showPath).join(', ');
  const judged = maxAgeMs === undefined ? '' : `: ${ok ? style.green('ok') : style.red('not ok')}`;
  return `${formatCounted(totals.partitions, 'partition')} in ${where}: ${parts}${judged}`;
}
