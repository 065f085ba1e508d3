/** A `TransferReport` in words: what went, what was there, what failed, and for a migration how the two sides compare. */
import type { Finding } from '../base/findings.js';
import { showPath } from '../base/paths.js';
import type { CutOver, ExportNames, TransferReport, TransferredExport } from '../index.js';
import type { CommandContext } from './command.js';
import { limitRows } from './limit-rows.js';
import { findingLines } from './print-findings.js';
import { safeText, shellWord } from './safe-text.js';
import { tableLines, type Column } from './table.js';
import { formatBytes, formatCount, formatCounted, formatDuration } from './units.js';

/** Every finding of a report, for the exit code. */
export function transferFindings(report: TransferReport): readonly Finding[] {
  return [...report.findings, ...report.exports.flatMap((one) => one.findings)];
}

export function transferLines(report: TransferReport, context: CommandContext): string[] {
  const findings = [
    ...report.exports.flatMap((one) => findingLines(titleOf(one), one.findings, context)),
    ...findingLines(showPath(report.from), report.findings, context),
  ];
  if (context.quiet) return findings;
  const listed = report.exports.filter((one) => context.verbose || one.status !== 'present' || one.sourceDeleted);
  const { shown, rest } = limitRows(listed, context.verbose);
  const table = shown.length === 0 ? [] : tableLines(shown, COLUMNS(context), context.style);
  const cutOver = report.cutOver === undefined ? [] : cutOverLines(report.cutOver, report, context);
  return [...table, ...rest, ...findings, ...summaryLines(report), ...cutOver, ...nextLines(report)];
}

function titleOf({ path, exportId }: TransferredExport): string {
  return `${showPath(path) || 'lake'} ${exportId}`;
}

function COLUMNS({ style }: CommandContext): Column<TransferredExport>[] {
  return [
    { title: 'PARTITION', cell: (row) => showPath(row.path) },
    { title: 'EXPORT', cell: (row) => row.exportId },
    { title: 'BUNDLES', align: 'right', cell: (row) => formatCount(row.bundles) },
    { title: 'BYTES', align: 'right', cell: (row) => formatBytes(row.bytes) },
    {
      title: 'STATUS',
      cell: (row) => `${row.status}${row.sourceDeleted ? ', deleted at the source' : ''}`,
      paint: (row, text) => (row.status === 'failed' ? style.red(text) : text),
    },
    { title: 'PROOF', cell: proofText },
  ];
}

const PROOF_TEXTS: Readonly<Record<NonNullable<TransferredExport['proof']>, string>> = {
  'store-sha256': "the store's SHA-256",
  'read-back': 'read back',
  sample: 'a sample read back',
  size: 'its size only',
  'written-here': 'compared while written',
};

function proofText({ proof, copied }: TransferredExport): string {
  if (proof === undefined) return '';
  return `${PROOF_TEXTS[proof]}${copied ? ', copied by the store' : ''}`;
}

function summaryLines(report: TransferReport): string[] {
  const { transferred, planned, present, failed, objects, bytes } = report.totals;
  const content = `${formatCounted(objects, 'object')}, ${formatBytes(bytes)} of bundles`;
  const others = [
    ...(present === 0 ? [] : [`${formatCount(present)} there already`]),
    ...(failed === 0 ? [] : [`${formatCount(failed)} failed`]),
  ];
  const to = safeText(report.to);
  if (report.dryRun) {
    const plan =
      planned === 0
        ? 'nothing to transfer'
        : `would transfer ${formatCounted(planned, 'export')} to ${to}: ${content}${requestText(report)}`;
    return [`dry run, nothing was written: ${[plan, ...others].join(', ')}`];
  }
  const tail = [...others, `in ${formatDuration(report.elapsedMs)}`].join(', ');
  const deleted = deletedLines(report);
  if (transferred === 0) {
    return [`${failed === 0 ? 'nothing new to transfer' : 'transferred nothing'}: ${tail}`, ...deleted];
  }
  const sent = `transferred ${formatCounted(transferred, 'export')} to ${to}: ${content}${sentText(report)}, ${tail}`;
  return [sent, ...deleted];
}

/** Folders bill nothing. */
function requestText({ totals: { requests } }: TransferReport): string {
  if (requests.write + requests.read === 0) return '';
  const write = formatCounted(requests.write, 'request');
  return `, about ${write} that write or list (class A) and ${formatCount(requests.read)} that read (class B)`;
}

/** Only what differs from the obvious is worth words. */
function sentText({ totals: { sentBytes, resumedBytes, bytes }, exports }: TransferReport): string {
  const isCopied = exports.some((one) => one.copied);
  const isUnusual = isCopied || resumedBytes > 0 || sentBytes > bytes * 1.1 + 1024 * 1024;
  const sent = isUnusual ? `, ${formatBytes(sentBytes)} sent by this run` : '';
  return resumedBytes === 0 ? sent : `${sent}, ${formatBytes(resumedBytes)} taken over from an interrupted run`;
}

function deletedLines({ totals: { sourceDeleted }, from }: TransferReport): string[] {
  if (sourceDeleted === 0) return [];
  return [`deleted ${formatCounted(sourceDeleted, 'export')} from ${safeText(from)}, each after its proof`];
}

function cutOverLines(cutOver: CutOver, { from, to }: TransferReport, { style, verbose }: CommandContext): string[] {
  const rows: readonly (readonly [string, ExportNames])[] = [
    ['in both, equal', cutOver.equal],
    [`only in ${from}`, cutOver.onlyInSource],
    [`only in ${to}`, cutOver.onlyInTarget],
    ['in both, different', cutOver.different],
  ];
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { title: 'CUT-OVER', cell: ([title]) => title },
    { title: 'EXPORTS', align: 'right', cell: ([, { count }]) => formatCount(count) },
    { title: 'SUCH AS', cell: ([, names]) => exampleText(names, verbose) },
  ];
  return tableLines(rows, columns, style);
}

function exampleText({ count, names }: ExportNames, verbose: boolean): string {
  const shown = (verbose ? names : names.slice(0, 1)).map(showPath);
  return [...shown, ...(count > shown.length && shown.length > 0 ? ['…'] : [])].join(', ');
}

function nextLines({ dryRun, to, totals, cutOver, from }: TransferReport): string[] {
  if (dryRun || totals.transferred === 0) return [];
  const verify = `next: lakepack verify --archive ${shellWord(to)}`;
  const isMoved = cutOver?.onlyInSource.count === 0 && cutOver.different.count === 0 && cutOver.equal.count > 0;
  if (!isMoved || totals.sourceDeleted > 0) return [verify];
  return [`${verify}; then lakepack migrate ${shellWord(from)} ${shellWord(to)} --delete-source empties the source`];
}
