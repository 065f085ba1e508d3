/** `lakepack verify`: flags to `VerifyOptions`, a `VerifyReport` to words. */
import { LakepackError } from '../../base/errors.js';
import { showPath } from '../../base/paths.js';
import type { VerifiedExport, VerifyOptions, VerifyReport } from '../../index.js';
import { given } from '../arguments.js';
import type { Command, CommandContext } from '../command.js';
import { exitForFindings } from '../exit-code.js';
import { archivePlaceIfGiven } from '../places.js';
import { findingLines } from '../print-findings.js';
import { EXPORT_SELECTOR_OPTIONS, exportSelector, splitWords } from '../selectors.js';
import { formatBytes, formatCount, formatCounted, formatDuration, parsePercent, parseWhole } from '../units.js';

const DEPTHS = ['manifest', 'stored', 'contents'] as const;

export const verifyCommand: Command = {
  describe:
    'Checks exports of an archive, or lone bundle files, and reports every fault it finds: what, where, expected, ' +
    'found, and what to do. Without a selection: every export of the archive. Writes nothing.',
  words: [
    {
      name: 'EXPORT',
      describe: 'an export id, the beginning of one, a partition path (its newest export), or a .tar.zst file',
      count: 'any',
    },
  ],
  options: {
    archive: {
      kind: 'value',
      placeholder: 'ARCHIVE',
      aliases: ['from'],
      describe: 'where the exports are: a folder or remote',
      group: 'Verify',
    },
    depth: {
      kind: 'value',
      placeholder: 'HOW',
      choices: DEPTHS,
      describe: 'the manifest, every stored byte too, or every file too (default: contents)',
      group: 'Verify',
    },
    sample: { kind: 'value', placeholder: '5%', describe: 'check only this share, chosen at random', group: 'Verify' },
    'sample-seed': { kind: 'value', placeholder: 'N', describe: 'choose the same sample again', group: 'Verify' },
    concurrency: {
      kind: 'value',
      placeholder: 'N',
      describe: 'how much is checked at once (default: the number of cores)',
      group: 'Verify',
    },
    ...EXPORT_SELECTOR_OPTIONS,
  },
  examples: [
    { line: 'lakepack verify --archive ./lake', why: 'check every byte of every export' },
    { line: 'lakepack verify --archive /mnt/archive --depth manifest', why: 'quick: is everything there?' },
    { line: 'lakepack verify --archive /mnt/archive --sample 5%', why: 'a random twentieth, for every night' },
    { line: 'lakepack verify silver/vulns/dt=2025-10-11 --archive ./lake', why: 'the newest export of one partition' },
    { line: 'lakepack verify ./20251011T080000Z-0a1b2c3d-00001.tar.zst', why: 'one bundle file, without its manifest' },
  ],
  async run(context) {
    const options = await verifyOptions(context);
    const { verify } = await context.library();
    const report = await context.withProgress('verify', (onProgress) => verify({ ...options, onProgress }));
    await context.print('output-verify', report, () => verifyLines(report, context));
    return exitForFindings(
      report.exports.flatMap((one) => one.findings),
      !report.ok,
    );
  },
};

async function verifyOptions(context: CommandContext): Promise<VerifyOptions> {
  const { args, io } = context;
  const { exports, bundleFiles } = splitWords(args.words, io.cwd);
  const archive = args.text('archive');
  if (archive === undefined && (bundleFiles === undefined || exports.length > 0)) {
    throw new LakepackError('USAGE', '--archive: is missing: where are the exports?', {
      hint: 'a lake is its own archive: --archive ./lake; or name .tar.zst files',
    });
  }
  return {
    signal: io.signal,
    ...given({
      archive: await archivePlaceIfGiven(archive, context),
      select: exportSelector(args, exports),
      bundleFiles,
      depth: args.choice('depth', DEPTHS),
      sample: args.read('sample', parsePercent),
      sampleSeed: args.read('sample-seed', parseWhole),
      concurrency: args.read('concurrency', parseWhole),
    }),
  };
}

function verifyLines(report: VerifyReport, context: CommandContext): string[] {
  const findings = report.exports.flatMap((one) => findingLines(titleOf(one), one.findings, context));
  if (context.quiet) return findings;
  const sound = context.verbose ? report.exports.filter((one) => one.ok && one.findings.length === 0) : [];
  return [...sound.map((one) => soundLine(one, context)), ...findings, ...summaryLines(report, context)];
}

function titleOf({ name, path }: VerifiedExport): string {
  return path === '' || path === name ? showPath(name) : `${showPath(path)} ${showPath(name)}`;
}

function soundLine(one: VerifiedExport, { style }: CommandContext): string {
  const facts = `${formatCounted(one.bundles, 'bundle')}, ${formatCounted(one.files, 'file')}`;
  return `${style.green('ok')} ${titleOf(one)}: ${facts}`;
}

function summaryLines(report: VerifyReport, { style }: CommandContext): string[] {
  const { exports, damaged, findings, files, storedBytesRead, contentBytesRead } = report.totals;
  const read =
    `${formatCounted(files, 'file')}, read ${formatBytes(storedBytesRead)} stored` +
    (contentBytesRead === 0 ? '' : ` and ${formatBytes(contentBytesRead)} of contents`);
  const sample = sampleText(report);
  const work = `${report.depth} of ${formatCounted(exports, 'export')}${sample}: ${read}, in ${formatDuration(report.elapsedMs)}`;
  if (exports === 0) return ['nothing to verify: no export matches'];
  const verdict = report.ok
    ? style.green(`all sound${findings === 0 ? '' : `, ${formatCounted(findings, 'warning')}`}`)
    : style.red(
        `${formatCount(damaged)} of ${formatCounted(exports, 'export')} damaged, ${formatCounted(findings, 'finding')}`,
      );
  return [`verified ${work}`, verdict];
}

function sampleText({ sample, sampleSeed }: VerifyReport): string {
  if (sample >= 1) return '';
  const seed = sampleSeed === undefined ? '' : `, --sample-seed ${sampleSeed} repeats it`;
  return ` (a sample of ${Number((sample * 100).toPrecision(3))} %${seed})`;
}
