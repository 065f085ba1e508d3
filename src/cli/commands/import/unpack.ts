/** `lakepack import unpack`: flags to `UnpackOptions`, an `UnpackReport` to words. */
import { LakepackError } from '../../../base/errors.js';
import { showPath } from '../../../base/paths.js';
import type { HealedSum, UnpackOptions, UnpackReport, UnpackedExport } from '../../../index.js';
import { given } from '../../arguments.js';
import type { Command, CommandContext } from '../../command.js';
import { exitForFindings } from '../../exit-code.js';
import { limitRows } from '../../limit-rows.js';
import { archivePlaceIfGiven } from '../../places.js';
import { findingLines } from '../../print-findings.js';
import { EXPORT_SELECTOR_OPTIONS, exportSelector, onDisk, splitWords } from '../../selectors.js';
import { tableLines, type Column } from '../../table.js';
import { formatBytes, formatCount, formatCounted, formatDuration, parseWhole } from '../../units.js';

export const unpackCommand: Command = {
  describe:
    'Restores exports, or lone bundle files, into a folder. Every byte is compared with its SHA-256 before a file gets ' +
    'its final name. Nothing that exists is overwritten unless told; an interrupted command goes on when repeated.',
  words: [
    {
      name: 'EXPORT',
      describe: 'an export id, the beginning of one, a partition path (its newest export), or a .tar.zst file',
      count: 'any',
    },
  ],
  options: {
    from: {
      kind: 'value',
      placeholder: 'ARCHIVE',
      aliases: ['archive'],
      describe: 'where the exports are: a folder or remote',
      group: 'Restore',
    },
    into: {
      kind: 'value',
      placeholder: 'DIR',
      describe: 'where to restore to: new, empty, or a lake',
      group: 'Restore',
    },
    fallback: {
      kind: 'list',
      placeholder: 'A,B',
      describe: 'archives to take from, in order, what the first cannot give whole',
      group: 'Restore',
    },
    path: { kind: 'list', placeholder: 'GLOB', describe: 'only lake paths that match (*, **, ?)', group: 'Restore' },
    replace: { kind: 'flag', describe: 'overwrite files that differ', group: 'Restore' },
    merge: { kind: 'flag', describe: 'accept a folder that has other content', group: 'Restore' },
    foreign: { kind: 'flag', describe: 'accept tar files that lakepack did not make', group: 'Restore' },
    concurrency: {
      kind: 'value',
      placeholder: 'N',
      describe: 'how much is restored at once (default: the number of cores)',
      group: 'Restore',
    },
    'dry-run': { kind: 'flag', describe: 'check conflicts and space; write nothing', group: 'Restore' },
    ...EXPORT_SELECTOR_OPTIONS,
  },
  examples: [
    { line: 'lakepack import unpack --all --from ./lake --into ./restored', why: 'the newest export of everything' },
    {
      line: 'lakepack import unpack silver/vulns/dt=2025-10-11 --from /mnt/archive --into ./restored',
      why: 'the newest export of one partition',
    },
    {
      line: "lakepack import unpack --all --from /mnt/archive --into ./restored --path '**/*.parquet' --as-of 2025-10-01",
      why: 'Parquet files only, as they were on a day',
    },
    {
      line: 'lakepack import unpack ./20251011T080000Z-0a1b2c3d-00001.tar.zst --into ./restored',
      why: 'one bundle file, without its archive',
    },
    {
      line: 'lakepack import unpack --all --from r2:lake --fallback b2:lake,/mnt/archive --into ./restored',
      why: 'from a store, and what is damaged there from other copies',
    },
    { line: 'lakepack import unpack --all --from ./lake --into ./restored --dry-run', why: 'look before you leap' },
  ],
  async run(context) {
    const options = await unpackOptions(context);
    const { unpack } = await context.library();
    const report = await context.withProgress('unpack', (onProgress) => unpack({ ...options, onProgress }));
    await context.print('output-import-unpack', report, () => unpackLines(report, options, context));
    return exitForFindings(report.findings);
  },
};

async function unpackOptions(context: CommandContext): Promise<UnpackOptions> {
  const { args, io } = context;
  const { exports, bundleFiles } = splitWords(args.words, io.cwd);
  const from = args.text('from');
  const into = args.text('into');
  const select = exportSelector(args, exports);
  if (into === undefined) throw missing('--into: is missing: where to restore to?', 'for example --into ./restored');
  if (select === undefined && bundleFiles === undefined) {
    throw missing('what to restore is missing', 'name an export or a partition path, or say --all');
  }
  if (from === undefined && args.list('fallback') !== undefined) {
    throw missing('--fallback: says where else to look, but --from is missing', 'bundle files have no fallback');
  }
  if (select !== undefined && from === undefined) {
    throw missing('--from: is missing: where are the exports?', 'a lake is its own archive: --from ./lake');
  }
  return {
    into: onDisk(into, io.cwd),
    signal: io.signal,
    ...given({
      from: await archivePlaceIfGiven(from, context, given({ fallback: args.list('fallback') })),
      select,
      bundleFiles,
      paths: args.list('path'),
      replace: args.flag('replace'),
      merge: args.flag('merge'),
      foreign: args.flag('foreign'),
      dryRun: args.flag('dry-run'),
      concurrency: args.read('concurrency', parseWhole),
    }),
  };
}

function missing(message: string, hint: string): LakepackError {
  return new LakepackError('USAGE', message, { hint });
}

function unpackLines(report: UnpackReport, options: UnpackOptions, context: CommandContext): string[] {
  const findings = findingLines(showPath(report.into), report.findings, context);
  if (context.quiet) return findings;
  const { shown, rest } = limitRows(report.exports, context.verbose);
  const table = shown.length === 0 ? [] : tableLines(shown, COLUMNS, context.style);
  return [
    ...table,
    ...rest,
    ...findings,
    ...report.healed.map(healedLine),
    summaryLine(report, showPath(options.into)),
  ];
}

function healedLine({ from, by, blocks, objects }: HealedSum): string {
  const what = [
    ...(blocks === 0 ? [] : [formatCounted(blocks, 'block')]),
    ...(objects === 0 ? [] : [formatCounted(objects, 'object')]),
  ].join(' and ');
  return `healed ${what} from ${showPath(by)}: ${showPath(from)} could not give ${blocks + objects === 1 ? 'it' : 'them'} whole`;
}

const COLUMNS: readonly Column<UnpackedExport>[] = [
  { title: 'PARTITION', cell: (row) => showPath(row.path) },
  { title: 'EXPORT', cell: (row) => showPath(row.name) },
  { title: 'FILES', align: 'right', cell: (row) => formatCount(row.files) },
  { title: 'BYTES', align: 'right', cell: (row) => formatBytes(row.bytes) },
  { title: 'KEPT', align: 'right', cell: (row) => formatCount(row.kept) },
  { title: 'REPLACED', align: 'right', cell: (row) => formatCount(row.replaced) },
];

function summaryLine(report: UnpackReport, into: string): string {
  const { exports, files, bytes, kept, replaced, resumed } = report.totals;
  const facts = [
    `${formatCounted(files, 'file')}, ${formatBytes(bytes)}`,
    ...(kept === 0 ? [] : [`${formatCount(kept)} there already and equal`]),
    ...(replaced === 0 ? [] : [`${formatCount(replaced)} replaced`]),
    ...(resumed === 0 ? [] : [`${formatCount(resumed)} taken over from an interrupted run`]),
  ].join(', ');
  if (report.dryRun) {
    return `dry run, nothing was written: would restore ${formatCounted(exports, 'export')} into ${into}: ${facts}`;
  }
  const took = `in ${formatDuration(report.elapsedMs)}`;
  return `restored ${formatCounted(exports, 'export')} into ${into}: ${facts}, ${took}; every byte was compared`;
}
