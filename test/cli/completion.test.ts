import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.js';
import { runCli } from './run-cli.js';

const script = async (shell: string): Promise<string> => (await runCli(['completion', shell])).stdout;
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

/** What bash offers at the end of a line. */
async function offers(line: string): Promise<readonly string[]> {
  const words = line.split(' ');
  const call = `${await script('bash')}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _lakepack; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', call], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
}

describe.skipIf(!has('bash'))('in bash', () => {
  test.each([
    ['lakepack ', [...new Set(COMMANDS.map((entry) => entry.path[0] ?? ''))]],
    ['lakepack drill ', ['run', 'history', 'schedule']],
    ['lakepack ca', ['catalog']],
    ['lakepack catalog ', ['list', 'show', 'files']],
    ['lakepack --json export ', ['pack', 'push']],
    ['lakepack verify --sam', ['--sample', '--sample-seed']],
    ['lakepack verify silver/x --archive lake --dep', ['--depth']],
    ['lakepack export pack lake --by ', ['partition', 'run', 'dataset', 'layer', 'lake']],
    ['lakepack completion z', ['zsh']],
  ])('%s', async (line, expected) => expect(await offers(line)).toEqual(expected));
});

describe('the scripts', () => {
  test.each(['bash', 'zsh', 'fish'])('%s knows every flag of every command', async (shell) => {
    const text = await script(shell);
    const commands = await Promise.all(COMMANDS.map((entry) => entry.load()));
    for (const name of commands.flatMap((command) => Object.keys(command.options))) {
      expect(text).toContain(shell === 'fish' ? `-l ${name} ` : `--${name}`);
    }
  });

  test.skipIf(!has('zsh'))('zsh can read its own', async () => {
    expect(spawnSync('zsh', ['-n'], { input: await script('zsh') }).status).toBe(0);
  });

  test.skipIf(!has('fish'))('fish can read its own', async () => {
    expect(spawnSync('fish', ['--no-execute', '/dev/stdin'], { input: await script('fish') }).status).toBe(0);
  });
});
