/** What is thrown, as exit code and words. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES, LakepackError, type ErrorCode } from '../../src/base/errors.js';
import { FINDING_CODES } from '../../src/base/findings.js';
import { EXIT_CODES, exitCodeOf } from '../../src/cli/exit-code.js';
import { codesOf, tablesOf } from '../support/markdown.js';
import { DAMAGE, WARNING, lakeListing, packReport, unpackReport, verifyReport } from './reports.js';
import { runCli } from './run-cli.js';

async function failWith(error: unknown, flags: readonly string[] = [], signal?: AbortSignal) {
  const listLake = async (): Promise<never> => {
    throw error;
  };
  return runCli(['lake', 'list', 'lake', ...flags], { listLake }, signal === undefined ? {} : { signal });
}

describe('errors', () => {
  test.each(ERROR_CODES)('%s has its exit code and its words', async (code) => {
    const error = new LakepackError(code, 'lake: is odd: expected a, got b', { hint: 'do this' });
    expect(await failWith(error)).toEqual({
      ...{ code: exitCodeOf(code), stdout: '' },
      stderr: `lakepack: lake: is odd: expected a, got b (${code})\nhint: do this\n`,
    });
  });

  test.each<[ErrorCode, number]>([
    ['INTERNAL', 1],
    ['USAGE', 2],
    ['CONFIG_INVALID', 2],
    ['HASH_MISMATCH', 3],
    ['TARGET_CONFLICT', 3],
    ['NOT_FOUND', 4],
    ['PERMISSION_DENIED', 5],
    ['REMOTE_UNAVAILABLE', 6],
    ['INTERRUPTED', 130],
  ])('%s is exit code %i', (code, exitCode) => expect(exitCodeOf(code)).toBe(exitCode));

  test('what is no LakepackError is a fault of ours: exit code 1, no stack', async () => {
    const { code, stderr } = await failWith(new TypeError('x is not a function'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^lakepack: unexpected: x is not a function \(INTERNAL\)\nhint: .*--debug.*\n$/);
    expect((await failWith('a string')).stderr).toContain('a string');
  });

  test('stacks, and those of the causes, are shown with --debug only', async () => {
    const error = new LakepackError('DISK_FULL', 'out: no space', { cause: new Error('ENOSPC') });
    expect((await failWith(error)).stderr).not.toContain(' at ');
    const { stderr } = await failWith(error, ['--debug']);
    expect(stderr).toContain('errors.test.ts');
    expect(stderr).toMatch(/caused by: Error: ENOSPC\n +at /);
  });

  test('Ctrl-C before the work: exit code 130', async () => {
    const { code, stderr } = await failWith(new Error('never thrown'), [], AbortSignal.abort());
    expect(code).toBe(130);
    expect(stderr).toContain('(INTERRUPTED)');
  });

  test('Ctrl-C during the work: exit code 130, whatever the work ends with', async () => {
    const controller = new AbortController();
    const listLake = async (): Promise<never> => {
      controller.abort('SIGINT');
      throw new Error('This operation was aborted');
    };
    const { code, stderr } = await runCli(['lake', 'list', 'lake'], { listLake }, { signal: controller.signal });
    expect(code).toBe(130);
    expect(stderr).toMatch(/\(INTERRUPTED\)\nhint: run the same command again/);
  });

  test('text from data cannot act on the terminal', async () => {
    const { stderr } = await failWith(new LakepackError('NOT_FOUND', 'a\u001b[2Jb\nc\u202ed\u009be', { hint: 'x\ry' }));
    expect(stderr).toBe('lakepack: a\\u001b[2Jb\\u000ac\\u202ed\\u009be (NOT_FOUND)\nhint: x\\u000dy\n');
  });

  test('a standard output that cannot be written is told, and is no success', async () => {
    const { run } = await import('../../src/cli/main.js');
    const { CollectedStream } = await import('./run-cli.js');
    class FullDisk extends CollectedStream {
      override _write(_chunk: unknown, _encoding: string, done: (error?: Error) => void): void {
        done(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }));
      }
    }
    const stderr = new CollectedStream();
    const io = { stdout: new FullDisk(), stderr, env: {}, cwd: '.', signal: new AbortController().signal };
    expect(await run(['--version'], io)).toBe(1);
    expect(stderr.text).toContain('(DISK_FULL)');
  });

  test('a reader that went away ends the output quietly', async () => {
    const { run } = await import('../../src/cli/main.js');
    const { CollectedStream } = await import('./run-cli.js');
    class Head extends CollectedStream {
      override _write(_chunk: unknown, _encoding: string, done: (error?: Error) => void): void {
        done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      }
    }
    const stderr = new CollectedStream();
    const io = { stdout: new Head(), stderr, env: {}, cwd: '.', signal: new AbortController().signal };
    expect(await run(['--help'], io)).toBe(0);
    expect(stderr.text).toBe('');
  });
});

describe('findings', () => {
  test('an error is exit code 3 in every command, a warning is 0', async () => {
    const codes = async (finding: typeof DAMAGE): Promise<number[]> => {
      const library = {
        pack: async () => packReport({ findings: [finding] }),
        verify: async () => verifyReport([finding]),
        unpack: async () => unpackReport({ findings: [finding] }),
        listLake: async () => lakeListing({ findings: [finding] }),
      };
      const lines = ['export pack a', 'verify --archive a', 'import unpack --all --from a --into b', 'lake list a'];
      const runs = await Promise.all(lines.map((line) => runCli(line.split(' '), library)));
      return runs.map((one) => one.code);
    };
    expect(await codes(DAMAGE)).toEqual([3, 3, 3, 3]);
    expect(await codes(WARNING)).toEqual([0, 0, 0, 0]);
  });

  test('a failed export is exit code 3', async () => {
    const totals = { ...packReport().totals, failed: 1 };
    expect((await runCli(['export', 'pack', 'a'], { pack: async () => packReport({ totals }) })).code).toBe(3);
  });
});

describe('docs/errors.md', () => {
  const tables = tablesOf(readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8'));
  const tableWith = (code: string) => tables.find((table) => codesOf(table).includes(code));

  test('says the exit code of every error', () => {
    const rows = tableWith('USAGE')?.rows.map((row) => [row[0]?.replaceAll('`', ''), Number(row[1])]);
    expect(rows).toEqual(ERROR_CODES.map((code) => [code, exitCodeOf(code)]));
  });

  test('says the severity of every finding', () => {
    const rows = tableWith('BAG_INVALID')?.rows.map((row) => [row[0]?.replaceAll('`', ''), row[1]]);
    expect(rows).toEqual(Object.entries(FINDING_CODES));
  });

  test('has every exit code, and no cell of the three tables is empty', () => {
    expect(codesOf(tableWith('130') ?? tables[0]!).map(Number)).toEqual(Object.values(EXIT_CODES));
    expect(tables.flatMap((table) => table.rows).filter((row) => row.some((cell) => cell.trim() === ''))).toEqual([]);
  });
});
