/** `lakepack prune`: flags to `PruneOptions`, a `PruneReport` to words. */
import { LakepackError } from '../../base/errors.js';
import { showPath } from '../../base/paths.js';
import type { PrunedObject, PruneReport } from '../../index.js';
import { given } from '../arguments.js';
import type { Command, CommandContext } from '../command.js';
import { parseDurationMs } from '../durations.js';
import { EXIT_CODES } from '../exit-code.js';
import { limitRows } from '../limit-rows.js';
import { archivePlace } from '../places.js';
import { stateDirFrom } from '../state-dir.js';
import { tableLines, type Column } from '../table.js';
import { formatBytes, formatCount, formatCounted, formatTime } from '../units.js';

export const pruneCommand: Command = {
  describe:
    'Removes what no manifest names and nobody goes on with: bundles, checksums and indexes of exports that were never ' +
    'finished, or with --uploads abandoned uploads, which stores bill. Exports with a manifest are never touched.',
  words: [{ name: 'ARCHIVE', describe: 'a folder, a named remote or s3://bucket/prefix', count: 'one' }],
  options: {
    uploads: { kind: 'flag', describe: 'abandoned uploads instead of objects without a manifest', group: 'Prune' },
    grace: {
      kind: 'value',
      placeholder: 'TIME',
      describe: 'objects without a manifest stay that long (default: 7d)',
      group: 'Prune',
    },
    'older-than': {
      kind: 'value',
      placeholder: 'TIME',
      describe: 'with --uploads: those begun elsewhere stay that long (default: 24h; 0: none stays)',
      group: 'Prune',
    },
    'dry-run': { kind: 'flag', describe: 'say what would be removed; remove nothing', group: 'Prune' },
  },
  examples: [
    { line: 'lakepack prune r2:lake --dry-run', why: 'look before you leap' },
    { line: 'lakepack prune r2:lake --uploads', why: 'uploads whose process is gone, and old ones of other machines' },
    { line: 'lakepack prune /mnt/archive --grace 30d', why: 'with more patience' },
  ],
  async run(context) {
    const { args, io } = context;
    const uploads = args.flag('uploads');
    const [grace, olderThan] = [args.read('grace', parseDurationMs), args.read('older-than', parseDurationMs)];
    if (uploads === true && grace !== undefined) throw wrongFlag('--grace', 'objects', '--older-than');
    if (uploads !== true && olderThan !== undefined) throw wrongFlag('--older-than', 'uploads', '--grace');
    const { prune } = await context.library();
    const report = await prune({
      ...{ archive: await archivePlace(args.words[0] ?? '', context), signal: io.signal },
      ...given({ uploads, graceMs: grace, olderThanMs: olderThan, dryRun: args.flag('dry-run') }),
      ...given({ stateDir: stateDirFrom(io) }),
    });
    await context.print('output-prune', report, () => pruneLines(report, context));
    return report.totals.refused > 0 ? EXIT_CODES.permission : EXIT_CODES.done;
  },
};

function wrongFlag(flag: string, what: string, other: string): LakepackError {
  return new LakepackError('USAGE', `${flag}: is about ${what}`, { hint: `here it is ${other}` });
}

function pruneLines(report: PruneReport, context: CommandContext): string[] {
  const wanted = context.quiet ? report.rows.filter(({ status }) => status === 'refused') : report.rows;
  const { shown, rest } = limitRows(wanted, context.verbose);
  const table = shown.length === 0 ? [] : tableLines(shown, COLUMNS, context.style);
  return context.quiet ? table : [...table, ...rest, summaryLine(report)];
}

const COLUMNS: readonly Column<PrunedObject>[] = [
  { title: 'STATUS', cell: (row) => row.status },
  { title: 'WHAT', cell: (row) => row.kind },
  { title: 'BYTES', align: 'right', cell: (row) => formatBytes(row.bytes) },
  { title: 'SINCE', cell: (row) => (row.at === undefined ? '' : formatTime(row.at)) },
  { title: 'KEY', cell: (row) => showPath(row.key) },
  { title: 'WHY', cell: (row) => row.reason ?? '' },
];

function summaryLine({ archive, dryRun, what, totals }: PruneReport): string {
  const noun = what === 'uploads' ? 'upload' : 'object';
  const count = dryRun ? totals.planned : totals.removed;
  const facts = [
    `${formatCounted(count, noun)}, ${formatBytes(totals.bytes)}`,
    ...(totals.temporaries === 0 ? [] : [formatCounted(totals.temporaries, 'unfinished file')]),
    ...(totals.kept === 0 ? [] : [`${formatCount(totals.kept)} kept`]),
    ...(totals.refused === 0 ? [] : [`${formatCount(totals.refused)} refused by the store`]),
  ].join(', ');
  return `${dryRun ? 'dry run, nothing was removed: would remove' : 'removed'} from ${showPath(archive)}: ${facts}`;
}
