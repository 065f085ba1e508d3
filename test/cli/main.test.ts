import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.js';
import { runCli } from './run-cli.js';

const NAMES = COMMANDS.map((entry) => entry.path.join(' '));

describe('version and help', () => {
  test('--version prints the version of the package and nothing else', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect((await runCli(['verify', '--version'])).stdout).toBe(`${version}\n`);
  });

  test('--help lists every command and every exit code', async () => {
    const { code, stdout } = await runCli(['--help']);
    expect(code).toBe(0);
    for (const name of NAMES) expect(stdout).toContain(`lakepack ${name} `);
    expect(stdout).toMatch(/0 done.*1 unexpected.*2 usage.*3 findings.*4 not found/);
    expect((await runCli(['help'])).stdout).toBe(stdout);
  });

  test('no command at all shows the help on stderr and is a usage error', async () => {
    const { code, stdout, stderr } = await runCli([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: lakepack COMMAND');
  });

  test('a group without a command lists the commands of the group', async () => {
    expect((await runCli(['catalog'])).code).toBe(2);
    const { code, stdout } = await runCli(['catalog', '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('lakepack catalog show');
    expect(stdout).not.toContain('lakepack verify');
  });

  test.each(COMMANDS)('$path: help has usage, every option and examples that name the command', async (entry) => {
    const { code, stdout } = await runCli([...entry.path, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: lakepack ${entry.path.join(' ')}`);
    const command = await entry.load();
    for (const option of Object.keys(command.options)) expect(stdout).toContain(`--${option}`);
    expect(command.examples.length).toBeGreaterThanOrEqual(2);
    for (const { line } of command.examples) {
      expect(line).toContain(`lakepack ${entry.path.join(' ')}`);
      expect(stdout).toContain(line);
    }
    expect((await runCli(['help', ...entry.path])).stdout).toBe(stdout);
  });

  test.each(COMMANDS)('$path: help fits a narrow terminal, but for the examples', async (entry) => {
    const { stdout } = await runCli([...entry.path, '-h'], {}, { columns: 72 });
    const [options = ''] = stdout.split('\nExamples:');
    expect(options.split('\n').filter((line) => line.length > 72)).toEqual([]);
  });
});

/** What was typed, and what the one line of hint must hold. */
const MISTAKES: readonly [string, RegExp][] = [
  ['vrify', /`lakepack verify`/],
  ['export pak ./lake', /`lakepack export pack`/],
  ['pack ./lake', /`lakepack export pack`/],
  ['restore', /`lakepack import unpack`/],
  ['snapshots', /`lakepack catalog list`/],
  ['export frobnicate', /lakepack export --help/],
  ['--quiet', /lakepack --help/],
  ['--archive a verify', /command comes first/],
  ['export pack ./lake --levl 3', /did you mean --level\?/],
  ['export pack ./lake --no-colour', /did you mean --no-color\?/],
  ['export pack ./lake -x', /--help/],
  ['export pack ./lake --by partitoin', /--by partition\?/],
  ['export pack ./lake --to', /--to=ARCHIVE/],
  ['export pack ./lake --to --dry-run', /--to=ARCHIVE/],
  ['export pack ./lake --to=', /--to=ARCHIVE/],
  ['export pack ./lake --note a --note b', /a, then b/],
  ['export pack ./lake --licence a --license b', /a, then b/],
  ['export pack ./lake --dry-run=yes', /--help/],
  ['export pack ./lake ./other', /--help/],
  ['export pack', /--help/],
  ['lake list', /--help/],
  ['verify', /its own archive/],
  ['verify silver/x ./one.tar.zst', /its own archive/],
  ['import unpack --all --from a', /--into/],
  ['import unpack --from a --into b', /--all/],
  ['import unpack --all --into b', /--from/],
  ['catalog list', /its own archive/],
  ['catalog list ./lake', /--archive/],
  ['catalog show --archive a', /catalog list/],
  ['completion tcsh', /did you mean/],
];

describe('what was mistyped', () => {
  test.each(MISTAKES)('%s: exit code 2, and a hint', async (line, hint) => {
    const { code, stdout, stderr } = await runCli(line.split(' '));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^lakepack: .+ \(USAGE\)\nhint: .+\n$/);
    expect(stderr).toMatch(hint);
  });

  test.each([
    ['--bundle-size', '4 parsecs'],
    ['--bundle-size', '0'],
    ['--level', 'high'],
    ['--concurrency', '1.5'],
  ])('export pack %s %s: exit code 2', async (flag, value) => {
    const { code, stderr } = await runCli(['export', 'pack', 'lake', flag, value]);
    expect(code).toBe(2);
    expect(stderr).toContain(`${flag}: not a`);
  });

  test.each(['5', '0%', '101%', 'five'])('verify --sample %s: exit code 2', async (value) => {
    expect((await runCli(['verify', '--archive', 'a', '--sample', value])).code).toBe(2);
  });

  test('an empty argument is not taken for a folder', async () => {
    const { code, stderr } = await runCli(['export', 'pack', '']);
    expect(code).toBe(2);
    expect(stderr).toContain('shell variable');
  });
});
