/** `lakepack drill history`: the drills of an archive, and whether their evidence is whole. */
import { showPath } from '../../../base/paths.js';
import type { DrillHistory, DrillHistoryRow } from '../../../index.js';
import type { Command, CommandContext } from '../../command.js';
import { exitForFindings } from '../../exit-code.js';
import { limitRows } from '../../limit-rows.js';
import { archivePlace } from '../../places.js';
import { findingLines } from '../../print-findings.js';
import { requiredText } from '../../required.js';
import { tableLines, type Column } from '../../table.js';
import { formatBytes, formatCount, formatCounted, formatDuration, formatTime } from '../../units.js';

export const drillHistoryCommand: Command = {
  describe:
    'Lists the drills of an archive from their evidence, newest first, and checks the chain: each record names the one ' +
    'before it with its SHA-256. A record that was changed or taken away is named, and the exit code is 3.',
  words: [],
  options: {
    from: {
      kind: 'value',
      placeholder: 'ARCHIVE',
      aliases: ['archive'],
      describe: 'where the evidence is',
      group: 'History',
    },
  },
  examples: [
    { line: 'lakepack drill history --from r2:lake', why: 'when it was last proven, and how long it took' },
    {
      line: "lakepack drill history --from r2:lake --json | jq -r '.drills[] | [.startedAt, .outcome, .rtoMs] | @tsv'",
      why: 'recovery times over the year, for a chart',
    },
  ],
  async run(context) {
    const from = await archivePlace(requiredText(context, 'from'), context);
    const { drillHistory } = await context.library();
    const found = await drillHistory({ from, signal: context.io.signal });
    await context.print('output-drill-history', found, () => historyLines(found, context));
    return exitForFindings(found.findings);
  },
};

function historyLines(found: DrillHistory, context: CommandContext): string[] {
  const findings = findingLines(showPath(found.archive), found.findings, context);
  if (found.drills.length === 0) return [...findings, `no drill has left evidence in ${showPath(found.archive)}`];
  const { shown, rest } = limitRows(found.drills.toReversed(), context.verbose);
  const table = [...tableLines(shown, COLUMNS(context), context.style), ...rest];
  if (context.quiet) return [...table, ...findings];
  const forks = found.forks.map(({ drills }) => `at the same time: drills ${drills.join(', ')}`);
  return [...table, ...findings, ...forks, summaryLine(found)];
}

function COLUMNS({ style }: CommandContext): Column<DrillHistoryRow>[] {
  return [
    { title: 'DRILL', cell: (row) => row.drillId },
    { title: 'BEGAN', cell: (row) => formatTime(row.startedAt) },
    {
      title: 'OUTCOME',
      cell: (row) => row.outcome,
      paint: (row, text) => (row.outcome === 'pass' ? style.green(text) : style.red(text)),
    },
    { title: 'PROVEN', align: 'right', cell: (row) => `${formatCount(row.proven)} of ${formatCount(row.exports)}` },
    { title: 'BYTES', align: 'right', cell: (row) => formatBytes(row.bytes) },
    {
      title: 'RECOVERY',
      align: 'right',
      cell: (row) => (row.outcome === 'inconclusive' ? '' : formatDuration(row.rtoMs)),
    },
    { title: 'STORES', cell: (row) => row.stores.map(showPath).join(', ') },
    { title: 'WHY', cell: (row) => row.reasons.join(', ') },
  ];
}

function summaryLine({ drills, findings }: DrillHistory): string {
  const count = (outcome: DrillHistoryRow['outcome']): number => drills.filter((row) => row.outcome === outcome).length;
  const parts = `${formatCount(count('pass'))} pass, ${formatCount(count('fail'))} fail, ${formatCount(count('inconclusive'))} inconclusive`;
  const chain = findings.length === 0 ? 'the chain of evidence is whole' : 'the chain of evidence is broken';
  return `${formatCounted(drills.length, 'drill')}: ${parts}; ${chain}`;
}
