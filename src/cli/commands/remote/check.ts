/** `lakepack remote check`: what a remote can do of what lakepack depends on, and what to do where it cannot. */
import { showPath } from '../../../base/paths.js';
import type { CheckProblem, ProbeOutcome, ProbeResult, RemoteCheckReport } from '../../../index.js';
import { given } from '../../arguments.js';
import type { Command, CommandContext } from '../../command.js';
import { EXIT_CODES, exitCodeOf, type ExitCode } from '../../exit-code.js';
import { archivePlace } from '../../places.js';
import { safeText } from '../../safe-text.js';
import type { Style } from '../../style.js';
import { tableLines, type Column } from '../../table.js';
import { formatCount, formatCounted, formatDuration } from '../../units.js';

export const remoteCheckCommand: Command = {
  describe:
    'Tries some forty things that lakepack depends on, says what it does where one is missing, and what to do about the ' +
    'rest. Writes below a prefix of its own, about 5 MiB, and removes it again.',
  words: [{ name: 'REMOTE', describe: 'a named remote, s3://bucket/prefix, an address or a folder', count: 'one' }],
  options: {
    'read-only': { kind: 'flag', describe: 'the remote shall only be read: refused writes are right', group: 'Check' },
  },
  examples: [
    { line: 'lakepack remote check r2:', why: 'the bucket that the R2 variables name' },
    { line: 'lakepack remote check r2: --read-only', why: 'with a key that must not write' },
    {
      line: 'lakepack remote check minio:lake --json | jq -r \'.probes[] | select(.outcome != "works") | .id\'',
      why: 'what is not as on AWS, for a script',
    },
  ],
  async run(context) {
    const [word = ''] = context.args.words;
    const { location, context: names } = await archivePlace(word, context);
    const { checkRemote } = await context.library();
    const report = await checkRemote({
      remote: { location, ...given({ context: names }) },
      signal: context.io.signal,
      ...given({ readOnly: context.args.flag('read-only') }),
    });
    await context.print('output-remote-check', report, () => checkLines(report, context));
    return exitOf(report);
  },
};

function exitOf({ ok, problems }: RemoteCheckReport): ExitCode {
  if (ok) return EXIT_CODES.done;
  return exitCodeOf(problems.find(({ severity }) => severity === 'error')?.code ?? 'REMOTE_MISCONFIGURED');
}

/** Problems first, with what to do; then the table; the verdict last, where the eye is. */
export function checkLines(
  report: RemoteCheckReport,
  { style, quiet }: Pick<CommandContext, 'style' | 'quiet'>,
): string[] {
  const problems = report.problems.flatMap((one) => problemLines(one, style));
  const left = report.leftBehind.map((what) => `${style.yellow('left behind:')} ${safeText(what)}`);
  if (quiet) return [...problems, ...left];
  const table = tableLines(report.probes, COLUMNS, style);
  const spaced = problems.length === 0 ? [] : [...problems, ''];
  return [...spaced, ...table, '', ...left, verdictLine(report, style)];
}

function problemLines({ severity, message, hint }: CheckProblem, style: Style): string[] {
  const word = severity === 'error' ? style.red('problem:') : style.yellow('warning:');
  return [`${word} ${safeText(message)}`, ...(hint === undefined ? [] : [`    fix: ${safeText(hint)}`])];
}

const COLUMNS: readonly Column<ProbeResult>[] = [
  { title: 'PROBE', cell: (row) => row.id },
  { title: 'RESULT', cell: (row) => row.outcome },
  { title: 'WHAT WAS TRIED: WHAT WAS SEEN', cell: ({ tries, note }) => [tries, note].filter(Boolean).join(': ') },
  { title: 'INSTEAD; FIX', cell: ({ instead, fix }) => [instead, fix].filter(Boolean).join('; ') },
];

const VERDICTS = {
  writing: 'usable for writing and reading',
  reading: 'usable for reading only',
  unusable: 'not usable',
} as const;

function verdictLine(report: RemoteCheckReport, style: Style): string {
  const counts = new Map<ProbeOutcome, number>();
  for (const { outcome } of report.probes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const parts = [...counts].map(([outcome, count]) => `${formatCount(count)} ${outcome}`).join(', ');
  const errors = report.problems.filter(({ severity }) => severity === 'error').length;
  const but = errors === 0 || report.verdict === 'unusable' ? '' : `, with ${formatCounted(errors, 'problem')}`;
  const verdict = `${VERDICTS[report.verdict]}${but}`;
  const painted = report.ok ? style.green(verdict) : style.red(verdict);
  return `${showPath(report.remote)}: ${painted} (${parts}; ${formatDuration(report.elapsedMs)})`;
}
