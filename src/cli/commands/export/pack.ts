/** `lakepack export pack`: flags to `PackOptions`, a `PackReport` to words. */
import { LakepackError } from '../../../base/errors.js';
import { showPath } from '../../../base/paths.js';
import type { ArchiveLocation, PackOptions, PackReport, PackedExport } from '../../../index.js';
import { given } from '../../arguments.js';
import type { Command, CommandContext } from '../../command.js';
import { exitForFindings } from '../../exit-code.js';
import { limitRows } from '../../limit-rows.js';
import { archivePlace } from '../../places.js';
import { findingLines } from '../../print-findings.js';
import { shellWord } from '../../safe-text.js';
import { GROUPINGS, LAKE_SELECTOR_OPTIONS, lakeSelector, onDisk } from '../../selectors.js';
import { stateDirFrom } from '../../state-dir.js';
import { tableLines, type Column } from '../../table.js';
import { formatBytes, formatCount, formatCounted, formatDuration, formatShare } from '../../units.js';
import { parseSizeBytes, parseWhole } from '../../units.js';

const PROFILES = ['default', 'cdn'] as const;
const ON_CHANGE = ['fail', 'retry'] as const;
const UNSUPPORTED = ['default', 'refuse', 'skip'] as const;
const INSPECT = ['full', 'quick'] as const;
const PROOFS = ['auto', 'all', 'sample', 'none'] as const;

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
      kind: 'list',
      placeholder: 'ARCHIVE',
      aliases: ['archive'],
      describe: 'where the exports go; given again, they are copied there too (default: the lake itself)',
      group: 'Pack',
    },
    'verify-push': {
      kind: 'value',
      placeholder: 'HOW',
      choices: PROOFS,
      describe: 'how what went into a distant archive is proven before it counts (default: auto)',
      group: 'Pack',
    },
    'remove-source': {
      kind: 'flag',
      describe: 'delete the packed files from the lake, once their export was proven in the archives',
      group: 'Pack',
    },
    copies: {
      kind: 'value',
      placeholder: 'N',
      describe: 'with --remove-source: in how many archives an export must be proven (default: every --to)',
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
    fingerprint: {
      kind: 'flag',
      describe: "say in each manifest what the recipe's tables must contain of it, for drills to compare",
      group: 'Pack',
    },
    recipe: {
      kind: 'value',
      placeholder: 'FILE',
      describe: 'with --fingerprint: the recipe (default: lakepack.recipe.json of the lake)',
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
    {
      line: 'lakepack export pack ./lake --to r2:lake --to /mnt/archive --remove-source',
      why: 'move it out of the lake, proven in two archives',
    },
    { line: 'lakepack export pack ./lake --to r2:lake --fingerprint', why: 'so that a drill knows what to expect' },
  ],
  async run(context) {
    const options = await packOptions(context);
    const packed = await packerFor(context);
    const report = await context.withProgress('pack', (onProgress) => packed({ ...options, onProgress }));
    await context.print('output-export-pack', report, () => packLines(report, context));
    const findings = [...report.findings, ...report.exports.flatMap((one) => one.findings)];
    return exitForFindings(findings, report.totals.failed > 0);
  },
};

/** With `--fingerprint` the same work, with what its tables must contain. Throws USAGE, and as `readRecipe`. */
async function packerFor({
  args,
  io,
  library,
}: CommandContext): Promise<(options: PackOptions) => Promise<PackReport>> {
  const file = args.read('recipe', (text) => onDisk(text, io.cwd));
  const { pack, packWithFingerprints, readRecipe } = await library();
  if (args.flag('fingerprint') !== true) {
    if (file !== undefined) throw new LakepackError('USAGE', '--recipe: is about --fingerprint');
    return pack;
  }
  const recipe = file === undefined ? undefined : await readRecipe(file);
  return (options) => packWithFingerprints({ ...options, ...given({ recipe }) });
}

async function packOptions(context: CommandContext): Promise<PackOptions> {
  const { args, io } = context;
  const [lake = ''] = args.words;
  return {
    lake: onDisk(lake, io.cwd),
    signal: io.signal,
    ...given({
      to: await placesOf(context, lake),
      proof: args.choice('verify-push', PROOFS),
      removeSource: args.flag('remove-source'),
      copies: args.read('copies', parseWhole),
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

async function placesOf(context: CommandContext, lake: string): Promise<PackOptions['to']> {
  const places: ArchiveLocation[] = [];
  for (const word of context.args.list('to') ?? []) places.push(await archivePlace(word, context, { lake }));
  const [only] = places;
  return places.length > 1 ? places : only;
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
  const moved = [...copiedLines(report), ...removedLines(report)];
  if (packed === 0) return [`${failed === 0 ? 'nothing new to pack' : 'packed nothing'}: ${tail}`, ...moved];
  const archive = shellWord(report.archive);
  return [
    `packed ${formatCounted(packed, 'export')}: ${content}, ${tail}`,
    ...moved,
    `next: lakepack verify --archive ${archive}`,
  ];
}

function copiedLines({ copiedTo, exports }: PackReport): string[] {
  return copiedTo.map((archive) => {
    const there = exports.filter((one) => one.copies?.some((copy) => copy.archive === archive));
    return `copied to ${showPath(archive)}: ${formatCounted(there.length, 'export')} of this lake`;
  });
}

function removedLines({ lake, exports, totals }: PackReport): string[] {
  if (totals.removedFiles === 0 && !exports.some((one) => one.removed !== undefined)) return [];
  const what = `${formatCounted(totals.removedFiles, 'file')}, ${formatBytes(totals.removedBytes)}`;
  return [`removed from ${showPath(lake)}: ${what}, each compared with its export first`];
}
