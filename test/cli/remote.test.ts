/** The commands about remotes, and prune: flags in, words and exit codes out. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Library } from '../../src/cli/io.js';
import * as reports from './reports.js';
import { runCli } from './run-cli.js';

async function given(line: string, name: keyof Library, result: unknown) {
  let options: Record<string, unknown> = {};
  const library = {
    [name]: async (got: Record<string, unknown>) => {
      options = got;
      return result;
    },
  };
  return { ...(await runCli(line.split(' '), library)), options };
}

describe('remote check', () => {
  test('says what is wrong and how to mend it in the first lines, and the verdict in the last', async () => {
    const { code, stdout } = await given('remote check r2:lake', 'checkRemote', reports.remoteCheckReport());
    const lines = stdout.trimEnd().split('\n');
    expect(code).toBe(5);
    expect(lines.slice(0, 3)).toEqual([
      'problem: put: not allowed',
      '    fix: allow it',
      'warning: lifecycle: objects go',
    ]);
    expect(stdout).toMatch(/put +refused +an object can be written: not allowed +nothing; allow it/);
    expect(stdout).toContain('left behind: lake/lakepack-check-x/first (AccessDenied)');
    expect(lines.at(-1)).toBe('r2:lake: usable for reading only, with 1 problem (2 works, 1 refused; 900 ms)');
  });

  test('is content with warnings, and hands on what the remote is for', async () => {
    const fine = reports.remoteCheckReport({ ok: true, problems: [], leftBehind: [] });
    const { code, stdout, options } = await given('remote check r2:lake --read-only --quiet', 'checkRemote', fine);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(options).toMatchObject({ readOnly: true, remote: { location: 'r2:lake' } });
  });
});

describe('remote list', () => {
  test('names what is not set, and asks for nothing', async () => {
    const { stdout } = await runCli(['remote', 'list'], { listRemotes: () => reports.remoteListing() });
    expect(stdout).toMatch(
      /r2: .*Cloudflare R2 .*missing: R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY +R2_ACCESS_KEY_ID/,
    );
  });
});

describe('remote ls', () => {
  async function* listObjects() {
    yield* reports.listedObjects();
  }

  test('a line for each object, and a sum', async () => {
    const { stdout } = await runCli(['remote', 'ls', 'a'], { listObjects });
    expect(stdout).toContain('10 B  2025-10-11 08:00:00Z  exports/a\n');
    expect(stdout).toContain('"manifests/new\\nline"\n2 objects, 30 B\n');
  });

  test('takes one prefix', async () => {
    expect((await runCli(['remote', 'ls', 'a', 'b', 'c'], { listObjects })).code).toBe(2);
  });
});

describe('remote share', () => {
  test('prints a script that sh reads as it was meant', async () => {
    const { stdout, options } = await given('remote share r2:lake x --expires 7d', 'share', reports.shareReport());
    expect(options).toMatchObject({ expiresSeconds: 604_800, select: { exports: ['x'] } });
    expect(stdout).toContain('# these links hold until 2025-10-12 08:00:00Z\n');
    const said = 'curl() { printf "%s\\n" "$4"; }; sha256sum() { cat; }; set --\n';
    expect(execFileSync('sh', { input: said + stdout }).toString()).toBe(
      `https://x/it's?X=1\nhttps://x/sums?X=2\n${'ab'.repeat(32)}  a.json\n`,
    );
  });

  test.each(['remote share r2:lake', 'remote share r2:lake x --expires 5', 'remote share'])(
    '%s: a usage error',
    async (line) => expect((await runCli(line.split(' '))).code).toBe(2),
  );
});

describe('prune', () => {
  test('says what went, what stayed and why', async () => {
    const { code, stdout, options } = await given('prune a --grace 30d --dry-run', 'prune', reports.pruneReport());
    expect(code).toBe(0);
    expect(options).toMatchObject({ graceMs: 30 * 86_400_000, dryRun: true });
    expect(stdout).toMatch(/removed +bundle +10 B .*exports\/a/);
    expect(stdout).toMatch(/kept +index .*it is young/);
    expect(stdout).toContain('removed from r2:lake: 1 object, 10 B, 1 kept\n');
  });

  test('a removal that the store refused is exit code 5', async () => {
    const totals = { removed: 0, planned: 0, kept: 0, refused: 1, bytes: 0, temporaries: 0 };
    expect((await given('prune a', 'prune', reports.pruneReport({ totals }))).code).toBe(5);
  });

  test('hands on how old an upload must be', async () => {
    const { options } = await given('prune a --uploads --older-than 0', 'prune', reports.pruneReport());
    expect(options).toMatchObject({ uploads: true, olderThanMs: 0 });
  });

  test.each(['prune a --older-than 1h', 'prune a --uploads --grace 1h', 'prune a --grace soon', 'prune'])(
    '%s: a usage error',
    async (line) => expect((await runCli(line.split(' '))).code).toBe(2),
  );
});
