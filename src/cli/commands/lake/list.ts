/** `lakepack lake list`: what a lake holds, and when each partition was last exported. */
import { showPath } from '../../../base/paths.js';
import type { LakeListing, LakePartition, ListLakeOptions } from '../../../index.js';
import { given } from '../../arguments.js';
import type { Command, CommandContext } from '../../command.js';
import { exitForFindings } from '../../exit-code.js';
import { findingLines } from '../../print-findings.js';
import { shellWord } from '../../safe-text.js';
import { archivePlaceIfGiven } from '../../places.js';
import { GROUPINGS, LAKE_SELECTOR_OPTIONS, lakeSelector, onDisk } from '../../selectors.js';
import { tableLines, type Column } from '../../table.js';
import { formatBytes, formatCount, formatCounted, formatTime } from '../../units.js';

export const lakeListCommand: Command = {
  describe: 'Shows the partitions of a lake: files, bytes, newest change, last export, and whether they changed since.',
  words: [{ name: 'LAKE', describe: 'the folder of the lake', count: 'one' }],
  options: {
    archive: {
      kind: 'value',
      placeholder: 'ARCHIVE',
      aliases: ['to'],
      describe: 'where to look for exports (default: the lake itself)',
      group: 'Lake',
    },
    by: {
      kind: 'value',
      placeholder: 'WHAT',
      choices: GROUPINGS,
      describe: 'what a row stands for (default: partition)',
      group: 'Lake',
    },
    ...LAKE_SELECTOR_OPTIONS,
  },
  examples: [
    { line: 'lakepack lake list ./lake', why: 'what is there, and what has no export yet' },
    { line: 'lakepack lake list ./lake --by dataset', why: 'a row for each dataset' },
    { line: 'lakepack lake list ./lake --archive /mnt/archive --since 7d', why: 'what changed in a week' },
  ],
  async run(context) {
    const options = await listOptions(context);
    const { listLake } = await context.library();
    const listing = await listLake(options);
    await context.print('output-lake-list', listing, () => listingLines(listing, context));
    return exitForFindings(listing.findings);
  },
};

async function listOptions(context: CommandContext): Promise<ListLakeOptions> {
  const { args, io } = context;
  const [lake = ''] = args.words;
  return {
    lake: onDisk(lake, io.cwd),
    signal: io.signal,
    ...given({
      archive: await archivePlaceIfGiven(args.text('archive'), context, { lake }),
      select: lakeSelector(args),
      by: args.choice('by', GROUPINGS),
    }),
  };
}

function listingLines(listing: LakeListing, context: CommandContext): string[] {
  const { partitions } = listing;
  const table = partitions.length === 0 ? [] : tableLines(partitions, columnsFor(context), context.style);
  const findings = findingLines(showPath(listing.lake), listing.findings, context);
  return context.quiet ? [...table, ...findings] : [...table, ...findings, ...summaryLines(listing)];
}

function columnsFor({ style }: CommandContext): Column<LakePartition>[] {
  return [
    { title: 'PARTITION', cell: (row) => showPath(row.path) || '.' },
    { title: 'FILES', align: 'right', cell: (row) => formatCount(row.files) },
    { title: 'BYTES', align: 'right', cell: (row) => formatBytes(row.bytes) },
    { title: 'NEWEST CHANGE', cell: (row) => (row.newestChange === undefined ? '' : formatTime(row.newestChange)) },
    { title: 'LAST EXPORT', cell: (row) => (row.lastExport === undefined ? '' : formatTime(row.lastExport.createdAt)) },
    {
      title: 'STATE',
      cell: (row) => row.state,
      paint: (row, text) => (row.state === 'current' ? style.green(text) : style.yellow(text)),
    },
  ];
}

function summaryLines({ lake, archive, partitions }: LakeListing): string[] {
  const count = (state: LakePartition['state']): number => partitions.filter((one) => one.state === state).length;
  const bytes = partitions.reduce((sum, one) => sum + one.bytes, 0);
  const files = partitions.reduce((sum, one) => sum + one.files, 0);
  const states = `${count('current')} current, ${count('changed')} changed, ${count('never')} never exported`;
  const summary = `${formatCounted(partitions.length, 'partition')}: ${formatCounted(files, 'file')}, ${formatBytes(bytes)}; ${states}`;
  if (count('current') === partitions.length) return [summary];
  const to = archive === lake ? '' : ` --to ${shellWord(archive)}`;
  return [summary, `next: lakepack export pack ${shellWord(lake)}${to}`];
}
