/**
 * The 146 archives of `hostile-tars`, each through the command line in one process of its own: with `--foreign`, without
 * it, and through `verify`. What is left to policy is in docs/decisions/0060-foreign-archives.md, which this test reads.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { tablesOf } from '../support/markdown.js';
import { hasMaterial, reasonWithout, scratchFolder, treeOf, unpackMaterial } from './material.js';
import type { Attempt, Tried } from './try-archives.js';

interface Case {
  readonly file: string;
  readonly cls: string;
  readonly verdict: 'accept' | 'reject' | 'policy';
  readonly reason: string;
  readonly sha256: string;
}

const project = path.resolve(import.meta.dirname, '../..');
const MAX_RSS_MIB = 512;
const MAX_ELAPSED_MS = 10_000;
const REFUSALS = ['TAR_INVALID', 'ZSTD_INVALID', 'PATH_UNSAFE', 'LIMIT_EXCEEDED'];

/** Files whose names in the archives would leave the target. */
const OUTSIDE = ['/tmp/evil', '/evil', '/tmp/outside'];

describe.skipIf(!hasMaterial('hostile-tars'))(`hostile tars${reasonWithout('hostile-tars')}`, () => {
  let archives = '';
  let scratch = '';
  let cases: readonly Case[] = [];
  let tried = new Map<string, Tried>();
  let maxRssMiB = 0;
  const before = new Map<string, readonly string[]>();
  const outsideBefore = OUTSIDE.filter((file) => fs.existsSync(file));
  const policies = policyTable();

  beforeAll(() => {
    archives = path.join(unpackMaterial('hostile-tars'), 'own-hostile');
    scratch = scratchFolder();
    cases = JSON.parse(fs.readFileSync(path.join(archives, 'expected.json'), 'utf8')) as Case[];
    for (const { file } of cases) before.set(file, makeCanaries(path.join(scratch, file)));
    const node = ['--import', 'tsx', path.join(import.meta.dirname, 'try-archives.ts'), archives, scratch];
    const child = spawnSync(process.execPath, node, {
      cwd: project,
      encoding: 'utf8',
      maxBuffer: 64 << 20,
      timeout: 60_000,
    });
    expect(child.stderr).toBe('');
    expect(child.status).toBe(0);
    const lines = child.stdout.trimEnd().split('\n');
    ({ maxRssMiB } = JSON.parse(lines.pop() ?? '') as { maxRssMiB: number });
    tried = new Map(lines.map((line) => JSON.parse(line) as Tried).map((one) => [one.file, one]));
  }, 90_000);

  function attemptsOf(file: string): Tried {
    return tried.get(file)!;
  }

  test('are the 146 that are known, and were all tried', () => {
    expect(cases).toHaveLength(146);
    expect([...tried.keys()].sort()).toEqual(cases.map(({ file }) => file).sort());
    for (const { file, sha256 } of cases) {
      expect(
        createHash('sha256')
          .update(fs.readFileSync(path.join(archives, file)))
          .digest('hex'),
        file,
      ).toBe(sha256);
    }
  });

  test('with --foreign: accepted or refused as they should be', () => {
    for (const { file, verdict, reason } of cases.filter((one) => one.verdict !== 'policy')) {
      const { code, stderr } = attemptsOf(file).foreign;
      expect({ file, reason, code, stderr }).toMatchObject({ code: verdict === 'accept' ? 0 : 3 });
    }
  });

  test('with --foreign: what is left to policy is done as decision 0060 says, and it says no more', () => {
    const outcomes = cases
      .filter((one) => one.verdict === 'policy')
      .map(({ file }) => [file, outcomeOf(attemptsOf(file).foreign)]);
    expect(Object.fromEntries(outcomes)).toEqual(policies);
  });

  test('a refusal says one of four codes and a reason, and no stack', () => {
    for (const { file } of cases) {
      const { foreign, plain } = attemptsOf(file);
      for (const { code, stderr } of [foreign, plain].filter((one) => one.code !== 0)) {
        expect(code, file).toBe(3);
        expect(stderr, file).toMatch(/^lakepack: .+ \([A-Z_]+\)$/m);
        expect(stderr, file).not.toMatch(/^\s+at /m);
      }
      if (foreign.code !== 0) expect(REFUSALS, file).toContain(outcomeOf(foreign).replace('refused ', ''));
    }
  });

  test('without --foreign: every one is refused, for it is no bundle', () => {
    const codes = [...REFUSALS, 'BUNDLE_INVALID', 'SEEK_TABLE_INVALID', 'HASH_MISMATCH'];
    for (const { file } of cases) {
      const { plain } = attemptsOf(file);
      expect(plain.code, file).toBe(3);
      expect(codes, file).toContain(outcomeOf(plain).replace('refused ', ''));
    }
  });

  test('verify has findings for every one', () => {
    for (const { file } of cases) {
      const { code, stdout, stderr } = attemptsOf(file).verified;
      expect(code, file).toBe(3);
      expect(stdout + stderr, file).toMatch(/SEEK_TABLE_INVALID/);
      expect(stdout + stderr, file).not.toMatch(/^\s+at /m);
    }
  });

  test('nothing of a name acts on the terminal', () => {
    const active = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;
    for (const { file, foreign, plain, verified } of tried.values()) {
      for (const { stdout, stderr } of [foreign, plain, verified]) {
        expect(
          `${stdout}${stderr}`.split('\n').filter((line) => active.test(line)),
          file,
        ).toEqual([]);
      }
    }
  });

  test('nothing is written outside of the target, and no half restore is left', () => {
    for (const { file } of cases) {
      const accepted = attemptsOf(file).foreign.code === 0;
      const folder = path.join(scratch, file);
      const target = path.join('foreign', 'target');
      const there = treeOf(folder).filter(
        (line) => !(accepted && (line.startsWith(`${target} `) || line.startsWith(`${target}/`))),
      );
      expect(there, file).toEqual(before.get(file));
    }
    expect(OUTSIDE.filter((one) => fs.existsSync(one))).toEqual(outsideBefore);
  });

  test('what is restored is files and folders, 0644 or 0755, whatever the archive said', () => {
    for (const { file } of cases.filter((one) => attemptsOf(one.file).foreign.code === 0)) {
      const target = path.join(scratch, file, 'foreign', 'target');
      for (const item of fs.readdirSync(target, { recursive: true, withFileTypes: true })) {
        expect(item.isFile() || item.isDirectory(), file).toBe(true);
        const mode = fs.lstatSync(path.join(item.parentPath, item.name)).mode & 0o7777;
        if (item.isFile()) expect([0o644, 0o755], file).toContain(mode);
      }
    }
  });

  test.skipIf(process.platform !== 'linux')('what is accepted is what GNU tar makes of it', () => {
    for (const { file } of cases.filter((one) => attemptsOf(one.file).foreign.code === 0)) {
      const folder = path.join(scratch, 'gnu', file);
      fs.mkdirSync(folder, { recursive: true });
      const { status } = spawnSync('tar', ['--no-same-owner', '-xf', path.join(archives, file), '-C', folder]);
      if (status !== 0) continue; // zstd frames that this tar or zstd does not take
      // GNU tar sets modes that keep all but root from looking.
      spawnSync('chmod', ['-R', 'u+rwX', folder]);
      expect(contentsOf(path.join(scratch, file, 'foreign', 'target')), file).toEqual(contentsOf(folder));
    }
  });

  test(`none takes ${MAX_ELAPSED_MS} ms, and all together stay below ${MAX_RSS_MIB} MiB`, () => {
    const times = [...tried.values()].flatMap(({ file, foreign, plain, verified }) =>
      [foreign, plain, verified].map(({ elapsedMs }) => ({ file, elapsedMs })),
    );
    expect(times.filter(({ elapsedMs }) => elapsedMs >= MAX_ELAPSED_MS)).toEqual([]);
    expect(maxRssMiB).toBeLessThan(MAX_RSS_MIB);
    console.log(
      `hostile tars: slowest ${Math.max(...times.map((one) => one.elapsedMs)).toFixed(0)} ms, peak ${maxRssMiB.toFixed(0)} MiB`,
    );
  });
});

/** Things beside and above the target that must stay as they are. */
function makeCanaries(folder: string): readonly string[] {
  for (const mode of ['foreign', 'plain']) {
    fs.mkdirSync(path.join(folder, mode, 'canary'), { recursive: true });
    fs.writeFileSync(path.join(folder, mode, 'canary', 'outside'), 'untouched\n');
  }
  for (const name of ['evil', 'outside', 'b']) fs.writeFileSync(path.join(folder, name), 'untouched\n');
  return treeOf(folder);
}

function outcomeOf({ code, stderr }: Attempt): string {
  if (code === 0) return 'accepted';
  return `refused ${/\(([A-Z_]+)\)$/m.exec(stderr)?.[1] ?? 'without a code'}`;
}

/** Path to content and time in whole seconds; folders without. */
function contentsOf(folder: string): Record<string, string> {
  const items = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    items.map((item) => {
      const full = path.join(item.parentPath, item.name);
      const facts = `${Math.floor(fs.lstatSync(full).mtimeMs / 1000)} ${item.isFile() ? fs.readFileSync(full, 'base64') : ''}`;
      return [path.relative(folder, full), item.isFile() ? facts : 'folder'];
    }),
  );
}

/** `file` → `accepted` or `refused CODE`, from the table of the decision. */
function policyTable(): Record<string, string> {
  const text = fs.readFileSync(path.join(project, 'docs/decisions/0060-foreign-archives.md'), 'utf8');
  const rows = tablesOf(text).flatMap((table) => table.rows);
  const plain = (cell: string | undefined): string => (cell ?? '').replaceAll('`', '').trim();
  return Object.fromEntries(rows.map(([file, outcome]) => [plain(file), plain(outcome)]));
}
