/** `lakepack export pack`: flags to `PackOptions`, a `PackReport` to words. */
import { showPath } from '../../../base/paths.js';
import type { PackOptions, PackReport, PackedExport } from '../../../index.js';
import { given } from '../../arguments.js';
import type { Command, CommandContext } from '../../command.js';
import { exitForFindings } from '../../exit-code.js';
import { limitRows } from '../../limit-rows.js';
import { findingLines } from '../../print-findings.js';
import { shellWord } from '../../safe-text.js';
import { GROUPINGS, LAKE_SELECTOR_OPTIONS, archivePlace, lakeSelector, onDisk } from '../../selectors.js';
import { stateDirFrom } from '../../state-dir.js';
import { tableLines, type Column } from '../../table.js';
import { formatBytes, formatCount, formatCounted, formatDuration, formatShare } from '../../units.js';
import { parseSizeBytes, parseWhole } from '../../units.js';

const PROFILES = ['default', 'cdn'] as const;
const ON_CHANGE = ['fail', 'retry'] as const;
const UNSUPPORTED = ['default', 'refuse', 'skip'] as const;
const INSPECT = ['full', 'quick'] as const;

export const packCommand: Command = {
  describe:
    'Packs the partitions of a lake into tar.zst bundles with manifests and checksums. Without a selection: every ' +
    'partition whose content has no export yet. What did not change is skipped, so running it again does nothing.',
  words: [{ name: 'LAKE', describe: 'the folder of the lake', count: 'one' }],
  options: {
    ...LAKE_SELECTOR_OPTIONS,
    by: {
      kind: 'value',
      placeholder: 'WHAT',
      choices: GROUPINGS,
      describe: 'how much goes into one export (default: partition)',
      group: 'Pack',
    },
    to: {
      kind: 'value',
      placeholder: 'ARCHIVE',
      aliases: ['archive'],
      describe: 'where the exports go (default: the lake itself)',
      group: 'Pack',
    },
    level: { kind: 'value', placeholder: '1-19', describe: 'zstd level (default: 3)', group: 'Pack' },
    'bundle-size': {
      kind: 'value',
      placeholder: 'SIZE',
      describe: 'what one bundle may hold before compression, such as 500MB (default: 4GiB)',
      group: 'Pack',
    },
    profile: {
      kind: 'value',
      placeholder: 'NAME',
      choices: PROFILES,
      describe: 'cdn keeps every object at most 500 MB',
      group: 'Pack',
    },
    concurrency: {
      kind: 'value',
      placeholder: 'N',
      describe: 'exports and frames worked on at once (default: the number of cores)',
      group: 'Pack',
    },
    licence: {
      kind: 'value',
      placeholder: 'TEXT',
      aliases: ['license'],
      describe: 'licence of the data, kept in the manifest',
      group: 'Pack',
    },
    note: { kind: 'value', placeholder: 'TEXT', describe: 'a note, kept in the manifest', group: 'Pack' },
    'on-change': {
      kind: 'value',
      placeholder: 'WHAT',
      choices: ON_CHANGE,
      describe: 'when a file changes while it is packed (default: fail)',
      group: 'Pack',
    },
    unsupported: {
      kind: 'value',
      placeholder: 'WHAT',
      choices: UNSUPPORTED,
      describe: 'what to do with links, sockets, odd names: the written policy, refuse all, or skip all',
      group: 'Pack',
    },
    inspect: {
      kind: 'value',
      placeholder: 'HOW',
      choices: INSPECT,
      describe: 'how deep to look into files (default: full)',
      group: 'Pack',
    },
    'dry-run': { kind: 'flag', describe: 'say what would be packed and how large; write nothing', group: 'Pack' },
  },
  examples: [
    { line: 'lakepack export pack ./lake', why: 'pack everything that is new, into the lake itself' },
    { line: 'lakepack export pack ./lake --to /mnt/archive --dry-run', why: 'what would be packed, and how large' },
    {
      line: "lakepack export pack ./lake --to /mnt/archive --where 'dt >= 2025-01-01 and layer = silver'",
      why: 'some partitions only, into another folder',
    },
    { line: 'lakepack export pack ./lake --run run-20251011-01', why: 'one collection run as one export' },
    { line: 'lakepack export pack ./lake --by dataset --level 9', why: 'one export for each dataset, smaller' },
  ],
  async run(context) {
    const options = packOptions(context);
    const { pack } = await context.library();
    const report = await context.withProgress('pack', (onProgress) => pack({ ...options, onProgress }));
    await context.print('output-export-pack', report, () => packLines(report, context));
    const findings = [...report.findings, ...report.exports.flatMap((one) => one.findings)];
    return exitForFindings(findings, report.totals.failed > 0);
  },
};

function packOptions({ args, io }: CommandContext): PackOptions {
  const [lake = ''] = args.words;
  const to = args.text('to');
  return {
    lake: onDisk(lake, io.cwd),
    signal: io.signal,
    ...given({
      to: to === undefined ? undefined : archivePlace(to, io.cwd),
      select: lakeSelector(args),
      by: args.choice('by', GROUPINGS),
      level: args.read('level', parseWhole),
      bundleSizeBytes: args.read('bundle-size', parseSizeBytes),
      profile: args.choice('profile', PROFILES),
      concurrency: args.read('concurrency', parseWhole),
      licence: args.text('licence'),
      note: args.text('note'),
      onChange: args.choice('on-change', ON_CHANGE),
      unsupported: args.choice('unsupported', UNSUPPORTED),
      inspect: args.choice('inspect', INSPECT),
      dryRun: args.flag('dry-run'),
      stateDir: stateDirFrom(io),
    }),
  };
}

function packLines(report: PackReport, context: CommandContext): string[] {
  const view = context;
  const findings = [
    ...report.exports.flatMap((one) => findingLines(showPath(one.path) || 'lake', one.findings, view)),
    ...findingLines(showPath(report.lake), report.findings, view),
  ];
  if (context.quiet) return findings;
  const listed = report.exports.filter((one) => context.verbose || one.status !== 'unchanged');
  const { shown, rest } = limitRows(listed, context.verbose);
  const table = shown.length === 0 ? [] : tableLines(shown, COLUMNS(context), context.style);
  return [...table, ...rest, ...findings, ...summaryLines(report)];
}

function COLUMNS({ style }: CommandContext): Column<PackedExport>[] {
  return [
    { title: 'PARTITION', cell: (row) => showPath(row.path) },
    { title: 'FILES', align: 'right', cell: (row) => formatCount(row.files) },
    { title: 'BYTES', align: 'right', cell: (row) => formatBytes(row.bytes) },
    { title: 'STORED', align: 'right', cell: storedText },
    {
      title: 'STATUS',
      cell: (row) => row.status,
      paint: (row, text) => (row.status === 'failed' ? style.red(text) : text),
    },
    { title: 'EXPORT', cell: (row) => row.exportId ?? '' },
  ];
}

function storedText({ status, storedBytes }: PackedExport): string {
  if (status === 'failed' || (status === 'unchanged' && storedBytes === 0)) return '';
  return status === 'planned' ? `~${formatBytes(storedBytes)}` : formatBytes(storedBytes);
}

function summaryLines(report: PackReport): string[] {
  const { packed, planned, unchanged, failed, files, bytes, storedBytes } = report.totals;
  const ratio = bytes === 0 ? '' : ` (${formatShare(storedBytes, bytes)})`;
  const content = `${formatCounted(files, 'file')}, ${formatBytes(bytes)} → ${report.dryRun ? 'about ' : ''}${formatBytes(storedBytes)}${ratio}`;
  const others = [
    ...(unchanged === 0 ? [] : [`${formatCount(unchanged)} unchanged`]),
    ...(failed === 0 ? [] : [`${formatCount(failed)} failed`]),
  ];
  const took = `in ${formatDuration(report.elapsedMs)}`;
  const tail = [...others, took].join(', ');
  if (report.dryRun) {
    const plan = planned === 0 ? 'nothing to pack' : `would pack ${formatCounted(planned, 'export')}: ${content}`;
    return [`dry run, nothing was written: ${[plan, ...others].join(', ')}`];
  }
  if (packed === 0) return [`${failed === 0 ? 'nothing new to pack' : 'packed nothing'}: ${tail}`];
  const archive = shellWord(report.archive);
  return [
    `packed ${formatCounted(packed, 'export')}: ${content}, ${tail}`,
    `next: lakepack verify --archive ${archive}`,
  ];
}
