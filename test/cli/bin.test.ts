/** The program as a process: signals, pipes, what it loads. */
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const program = ['--import', 'tsx', path.join(root, 'src/bin.ts')];

function runBin(args: readonly string[], nodeArgs: readonly string[] = []) {
  return spawnSync(process.execPath, [...nodeArgs, ...program, ...args], { cwd: root, encoding: 'utf8' });
}

describe('bin', () => {
  test('prints the version', () => {
    const { status, stdout, stderr } = runBin(['--version']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('exits with the code of a usage error', () => {
    const { status, stdout, stderr } = runBin(['verfy']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('did you mean `lakepack verify`?');
  });

  test.skipIf(process.platform === 'win32')('ends quietly when the reader goes away', () => {
    const line = `'${process.execPath}' ${program.map((word) => `'${word}'`).join(' ')} completion fish | head -n 1`;
    const { stdout, stderr } = spawnSync('sh', ['-c', line], { cwd: root, encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: '# fish completion for lakepack\n', stderr: '' });
  });

  test('help and version load neither the library nor a parser', () => {
    for (const args of [['--version'], ['--help'], ['export', 'pack', '--help'], ['vrify']]) {
      expect(heavy(loadedBy(args))).toEqual([]);
    }
  });

  test('a command loads the parser, and the library only when its arguments are right', () => {
    expect(heavy(loadedBy(['verify']))).toEqual(['yargs']);
    const loaded = heavy(loadedBy(['lake', 'list', 'no-such-lake']));
    expect(loaded).toContain('library');
    // An eighth of a second, for those who open tables.
    expect(loaded).not.toContain('@duckdb');
  });

  test.skipIf(process.platform === 'win32')('the first Ctrl-C stops cleanly, the second at once', async () => {
    expect(await interrupt('listens', 1)).toEqual({ code: 130, stderr: expect.stringContaining('(INTERRUPTED)') });
    expect(await interrupt('is deaf', 2)).toEqual({ code: 130, stderr: '' });
  });
});

/** Addresses of the modules that a command line loads. */
function loadedBy(args: readonly string[]): readonly string[] {
  const { stderr } = runBin(args, ['--import', hook('report-loads')]);
  const urls = stderr.split('\n').flatMap((line) => /^LOADED (.*)$/.exec(line)?.[1] ?? []);
  expect(urls.length).toBeGreaterThan(3);
  return urls;
}

function heavy(urls: readonly string[]): readonly string[] {
  const names = urls.flatMap((url) => {
    const library = /\/node_modules\/(yargs|ajv|cli-progress|@mongodb-js|@duckdb)\//.exec(url)?.[1];
    return library ?? (url.endsWith('/src/index.ts') ? 'library' : []);
  });
  return [...new Set(names)];
}

function hook(name: string): string {
  const address = pathToFileURL(path.join(import.meta.dirname, `${name}.mjs`)).href;
  return `data:text/javascript,import{register}from'node:module';register('${address}')`;
}

/** Sends Ctrl-C to a program at work, again and again until `times`. */
async function interrupt(library: 'listens' | 'is deaf', times: number) {
  const args = ['--import', hook('stuck-library'), ...program, 'lake', 'list', 'lake'];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, STUCK: library } });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  for (let i = 0; i < times; i++) {
    // The library says so on stdout when it begins, and again when it was told to stop.
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGINT');
  }
  const code = await new Promise((resolve) => child.on('exit', resolve));
  return { code, stderr };
}
