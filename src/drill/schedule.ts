/**
 * Snippets that run a drill again and again: cron, systemd, GitHub Actions. It answers for quoting in each of the three
 * languages and for secrets being there by name only. It installs nothing.
 */
import { LakepackError } from '../base/errors.js';
import { toolVersion } from '../base/version.js';

export type ScheduleEvery = 'day' | 'week' | 'month' | 'quarter';

export interface ScheduleOptions {
  /** Words of the command, unquoted: `lakepack`, `drill`, `run`, `--from`, `r2:lake` … with budget and notification. */
  readonly command: readonly string[];
  /** Time of day, `03:15`: local for cron and systemd, UTC in GitHub Actions. */
  readonly at: string;
  /** `week`: on Sundays; `month`: on the first; `quarter`: on the first of January, April, July and October. */
  readonly every: ScheduleEvery;
  /** The archive, as on the command line: tells which secrets are needed. */
  readonly archive: string;
  /** Further environment variables that the drill needs: of its stores. Names only. */
  readonly envNames?: readonly string[];
  /** Optional packages that its stores need, as npm is told them: `@azure/cosmos@4`. */
  readonly packages?: readonly string[];
}

export interface ScheduleSnippets {
  /** Comment lines and one line of a crontab. */
  readonly cron: string;
  /** Two units of a user: `lakepack-drill.service`, `lakepack-drill.timer`. */
  readonly systemd: { readonly service: string; readonly timer: string };
  /** `.github/workflows/lakepack-drill.yml`. */
  readonly githubActions: string;
}

interface Moment {
  readonly hour: number;
  readonly minute: number;
}

const CRON_DAYS: Readonly<Record<ScheduleEvery, string>> = {
  day: '* * *',
  week: '* * 0',
  month: '1 * *',
  quarter: '1 1,4,7,10 *',
};
const CALENDAR_DAYS: Readonly<Record<ScheduleEvery, string>> = {
  day: '*-*-*',
  week: 'Sun *-*-*',
  month: '*-*-01',
  quarter: '*-01,04,07,10-01',
};
/** What the scheme of an archive takes from the environment (docs/remotes.md). */
const ARCHIVE_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  r2: ['R2_ACCOUNT_ID', 'R2_ACCESS_KEY_ID', 'R2_SECRET_ACCESS_KEY'],
  b2: ['B2_REGION', 'B2_KEY_ID', 'B2_APP_KEY'],
  s3: ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
  minio: ['MINIO_ENDPOINT', 'MINIO_ROOT_USER', 'MINIO_ROOT_PASSWORD'],
};
const ENVIRONMENT_FILE = '.config/lakepack/drill.env';
const REPORT_FOLDER = 'drill-report';
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;
/** Also what acts on a terminal or ends a line: no snippet can carry it safely. */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\p{Cs}\u2028\u2029]/u;

/** @throws USAGE: not a time of day, a word that no snippet can carry, not the name of a variable. */
export function scheduleSnippets(options: ScheduleOptions): ScheduleSnippets {
  const moment = momentOf(options.at);
  const envNames = [...new Set([...archiveVariables(options.archive), ...(options.envNames ?? [])])];
  [...options.command, ...(options.packages ?? [])].forEach(assertPrintable);
  envNames.forEach(assertVariable);
  return {
    cron: cronSnippet(options, moment, envNames),
    systemd: { service: systemdService(options, envNames), timer: systemdTimer(options, moment) },
    githubActions: actionsSnippet(options, moment, envNames),
  };
}

/** Names of the variables with which the archive is reached; none for a folder. */
export function archiveVariables(archive: string): readonly string[] {
  const scheme = /^([a-z\d]+):/i.exec(archive)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(ARCHIVE_VARIABLES, scheme) ? (ARCHIVE_VARIABLES[scheme] ?? []) : [];
}

function cronSnippet(
  { command, every }: ScheduleOptions,
  { hour, minute }: Moment,
  envNames: readonly string[],
): string {
  // In a crontab an unescaped % is a line break, also between quotes.
  const words = shellCommand(command).replaceAll('%', String.raw`\%`);
  const settings = `"$HOME/${ENVIRONMENT_FILE}"`;
  return lines([
    ...environmentNote(envNames, `~/${ENVIRONMENT_FILE}`),
    '# crontab -e; cron sends what it prints by mail, and exits other than 0 are failures or nobody could look',
    `${minute} ${hour} ${CRON_DAYS[every]} set -a; [ ! -f ${settings} ] || . ${settings}; set +a; ${words}`,
  ]);
}

function systemdService({ command }: ScheduleOptions, envNames: readonly string[]): string {
  return lines([
    '# ~/.config/systemd/user/lakepack-drill.service',
    ...environmentNote(envNames, `~/${ENVIRONMENT_FILE}`),
    '[Unit]',
    'Description=Restore drill of a lakepack archive',
    'Wants=network-online.target',
    'After=network-online.target',
    '',
    '[Service]',
    'Type=oneshot',
    `EnvironmentFile=-%h/${ENVIRONMENT_FILE}`,
    `ExecStart=/usr/bin/env ${command.map(systemdWord).join(' ')}`,
    'Nice=10',
    'NoNewPrivileges=true',
  ]);
}

function systemdTimer({ every }: ScheduleOptions, { hour, minute }: Moment): string {
  return lines([
    '# ~/.config/systemd/user/lakepack-drill.timer',
    '# systemctl --user enable --now lakepack-drill.timer && loginctl enable-linger',
    '[Unit]',
    'Description=When the restore drill runs',
    '',
    '[Timer]',
    `OnCalendar=${CALENDAR_DAYS[every]} ${twoDigits(hour)}:${twoDigits(minute)}:00`,
    'RandomizedDelaySec=15m',
    'Persistent=true',
    '',
    '[Install]',
    'WantedBy=timers.target',
  ]);
}

function actionsSnippet(options: ScheduleOptions, { hour, minute }: Moment, envNames: readonly string[]): string {
  const { command, every, packages = [] } = options;
  const report = reportFolder(command);
  const words = report === undefined ? [...command, '--report', REPORT_FOLDER] : command;
  const installed = [`lakepack@${toolVersion()}`, ...packages].map(shellWord).join(' ');
  const secrets = envNames.map((name) => `      ${name}: \${{ secrets.${name} }}`);
  return lines([
    '# .github/workflows/lakepack-drill.yml; secrets: Settings, Secrets and variables, Actions',
    'name: Restore drill',
    'on:',
    '  schedule:',
    `    - cron: '${minute} ${hour} ${CRON_DAYS[every]}' # UTC`,
    '  workflow_dispatch:',
    'permissions:',
    '  contents: read',
    'concurrency: lakepack-drill',
    'jobs:',
    '  drill:',
    '    runs-on: ubuntu-latest',
    '    timeout-minutes: 350',
    ...(secrets.length === 0 ? [] : ['    env:', ...secrets]),
    '    steps:',
    '      - uses: actions/checkout@v4',
    '      - uses: actions/setup-node@v4',
    '        with:',
    '          node-version: 20',
    '      - run: |',
    `          npm install --global ${installed}`,
    '      - run: |',
    `          ${shellCommand(words)}`,
    '      - uses: actions/upload-artifact@v4',
    '        if: always()',
    '        with:',
    `          name: ${REPORT_FOLDER}`,
    `          path: ${JSON.stringify(report ?? REPORT_FOLDER)}`,
    '          if-no-files-found: warn',
  ]);
}

function environmentNote(envNames: readonly string[], file: string): readonly string[] {
  if (envNames.length === 0) return [];
  return [`# ${file}, mode 600, one NAME=value a line: ${envNames.join(', ')}`];
}

function reportFolder(command: readonly string[]): string | undefined {
  const at = command.indexOf('--report');
  const joined = command.find((word) => word.startsWith('--report='));
  return at >= 0 ? command[at + 1] : joined?.slice('--report='.length);
}

function shellCommand(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** A word as a POSIX shell reads it. */
function shellWord(word: string): string {
  return PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** A word as ExecStart reads it: `$` and `%` would be replaced. */
function systemdWord(word: string): string {
  const literal = word.replaceAll('%', '%%').replaceAll('$', () => '$$');
  return PLAIN_WORD.test(word) ? literal : `"${literal.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function momentOf(at: string): Moment {
  const [, hour = '', minute = ''] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(at) ?? [];
  if (hour === '') throw usage(`${JSON.stringify(at)}: is not a time of day`, 'write it like 03:15');
  return { hour: Number(hour), minute: Number(minute) };
}

function assertPrintable(word: string): void {
  if (UNPRINTABLE.test(word)) {
    throw usage(`${JSON.stringify(word)}: has characters that no crontab or unit can hold`, 'put it into a plan file');
  }
  // GitHub fills such an expression in before the shell sees its quotes.
  if (word.includes('${{')) throw usage(`${JSON.stringify(word)}: has a GitHub expression`, 'put it into a plan file');
}

function assertVariable(name: string): void {
  if (!/^[A-Za-z_]\w*$/.test(name)) throw usage(`${JSON.stringify(name)}: is not the name of a variable`, 'NAME only');
}

function usage(message: string, hint: string): LakepackError {
  return new LakepackError('USAGE', message, { hint });
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
