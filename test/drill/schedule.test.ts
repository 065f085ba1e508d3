import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { scheduleSnippets, type ScheduleEvery, type ScheduleOptions } from '../../src/drill/schedule.js';

const ODD = `it's 100% "$HOME" \\ ; rm`;

function snippets(more: Partial<ScheduleOptions> = {}): ReturnType<typeof scheduleSnippets> {
  return scheduleSnippets({
    command: ['lakepack', 'drill', 'run', '--oldest-unproven', '--from', 'r2:lake', '--max-bytes', '20GB'],
    at: '03:15',
    every: 'day',
    archive: 'r2:lake',
    ...more,
  });
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)!;
}

/** Keys and values of a unit; a line that is neither is a failure. */
function unitOf(text: string): Readonly<Record<string, string>> {
  const settings = text.split('\n').filter((line) => line !== '' && !/^(#|\[\w+\]$)/.test(line));
  return Object.fromEntries(settings.map((line) => /^(\w+)=(.*)$/.exec(line)!.slice(1) as [string, string]));
}

describe('the crontab', () => {
  test.each<[ScheduleEvery, string]>([
    ['day', '15 3 * * *'],
    ['week', '15 3 * * 0'],
    ['month', '15 3 1 * *'],
    ['quarter', '15 3 1 1,4,7,10 *'],
  ])('runs every %s', (every, fields) => {
    const line = lastLine(snippets({ every }).cron);
    expect(line.split(' ').slice(0, 5).join(' ')).toBe(fields);
    expect(line.endsWith('lakepack drill run --oldest-unproven --from r2:lake --max-bytes 20GB')).toBe(true);
  });

  test('gives a shell the words as they were, once cron has taken its own escapes away', () => {
    const line = lastLine(snippets({ command: ['printf', '%s|', ODD, '', 'ü'] }).cron);
    const command = line.split(' ').slice(5).join(' ').replaceAll('\\%', '%');
    expect(line.replaceAll('\\%', '')).not.toContain('%');
    expect(execFileSync('/bin/sh', ['-c', command], { env: { HOME: '/nowhere' } }).toString()).toBe(`${ODD}||ü|`);
  });
});

describe('the units of systemd', () => {
  test('run the command by a timer that makes up for a night that was slept through', () => {
    const { service, timer } = snippets({ every: 'quarter' }).systemd;
    expect(unitOf(service)).toMatchObject({
      Type: 'oneshot',
      ExecStart: '/usr/bin/env lakepack drill run --oldest-unproven --from r2:lake --max-bytes 20GB',
    });
    expect(unitOf(timer)).toMatchObject({
      OnCalendar: '*-01,04,07,10-01 03:15:00',
      RandomizedDelaySec: '15m',
      Persistent: 'true',
    });
  });

  test('have nothing in a word that systemd would replace', () => {
    const { ExecStart } = unitOf(snippets({ command: ['lakepack', ODD] }).systemd.service);
    expect(ExecStart).toBe(String.raw`/usr/bin/env lakepack "it's 100%% \"$$HOME\" \\ ; rm"`);
  });
});

describe('the workflow of GitHub Actions', () => {
  test('has secrets by name, runs the command and keeps the report of a failure too', () => {
    const { githubActions } = snippets({ envNames: ['COSMOS_KEY', 'R2_ACCOUNT_ID'], packages: ['@azure/cosmos@4'] });
    expect(githubActions).toContain(`    - cron: '15 3 * * *' # UTC\n`);
    expect(githubActions.match(/^ {6}\w+: \$\{\{ secrets\.\w+ \}\}$/gm)).toEqual(
      ['R2_ACCOUNT_ID', 'R2_ACCESS_KEY_ID', 'R2_SECRET_ACCESS_KEY', 'COSMOS_KEY'].map(
        (name) => `      ${name}: \${{ secrets.${name} }}`,
      ),
    );
    expect(githubActions).toMatch(/npm install --global lakepack@\d+\.\d+\.\d+\S* @azure\/cosmos@4\n/);
    expect(githubActions).toContain('--max-bytes 20GB --report drill-report\n');
    expect(githubActions).toContain('if: always()');
  });

  test('is indented in steps of two, without tabs, and every line is a key, an item, a comment or a command', () => {
    for (const line of snippets().githubActions.trimEnd().split('\n')) {
      expect(line).toMatch(/^(?: {2})*(?:#.*|(?:- )?[\w-]+:(?: .*)?|(?:npm|lakepack) .*)$/);
    }
  });

  test('uploads the folder that the command itself names', () => {
    const { githubActions } = snippets({ command: ['lakepack', 'drill', 'run', '--report', 'proof'] });
    expect(githubActions).toContain('lakepack drill run --report proof\n');
    expect(githubActions).toContain('path: "proof"\n');
  });
});

test.each([
  ['r2:lake', 'R2_SECRET_ACCESS_KEY'],
  ['b2:lake', 'B2_APP_KEY'],
  ['s3://lake/prefix', 'AWS_SECRET_ACCESS_KEY'],
  ['minio:lake', 'MINIO_ROOT_PASSWORD'],
])('the archive %s needs %s', (archive, name) => {
  const { cron, systemd, githubActions } = snippets({ archive });
  for (const text of [cron, systemd.service, githubActions]) expect(text).toContain(name);
});

test('an archive in a folder needs no secret, and the workflow has no empty list of them', () => {
  expect(snippets({ archive: '/mnt/disk' }).githubActions).not.toMatch(/secrets\.|env:/);
});

test.each<[string, Partial<ScheduleOptions>]>([
  ['an hour that is none', { at: '24:00' }],
  ['a line break in a word', { command: ['lakepack', 'a\nb'] }],
  ['an expression that GitHub would fill in', { command: ['lakepack', '${{ secrets.X }}'] }],
  ['a value where a name is due', { envNames: ['KEY=value'] }],
])('%s is refused', (_, more) => {
  expect(() => snippets(more)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
