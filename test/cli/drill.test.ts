/** Drills, status, rebuilds and recipes on the command line: flags to options, outcomes to exit codes, words. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeDrillReports } from '../../src/drill/write-reports.js';
import { LakepackError } from '../../src/base/errors.js';
import { scheduleSnippets } from '../../src/drill/schedule.js';
import type { DrillOptions, RebuildOptions } from '../../src/index.js';
import { failedRecord, inconclusiveRecord } from '../drill/drill-records.js';
import { makeFolder } from '../lake/tree.js';
import * as drills from './drill-reports.js';
import { packReport, WARNING } from './reports.js';
import { runCli, type CliSettings } from './run-cli.js';

const words = (line: string): string[] => line.split(' ');

async function drillWith(line: string, report = drills.drillReport(), settings: CliSettings = {}) {
  const calls: DrillOptions[] = [];
  const notified: unknown[] = [];
  const drill = async (options: DrillOptions) => (calls.push(options), report);
  const notify = async (options: object) => (notified.push(options), []);
  const run = await runCli(words(line), { ...drills.DRILL_LIBRARY, drill, notify }, settings);
  return { ...run, options: calls[0], notified };
}

describe('drill run', () => {
  test.each([
    ['--quick', { how: 'quick' }],
    ['--all --dataset vulns', { how: 'latest', select: { datasets: ['vulns'] } }],
    ['--random 5% --seed 7', { how: 'random', share: 0.05, seed: 7 }],
    ['--oldest-unproven', { how: 'oldest-unproven' }],
    [
      '--export 20251011T08 --as-of 2025-10-12',
      { how: 'latest', select: { exports: ['20251011T08'], asOf: '2025-10-12' } },
    ],
  ])('%s picks', async (flags, pick) => {
    const { options, code } = await drillWith(`drill run ${flags} --from a`);
    expect(options?.plan).toEqual({ planVersion: 1, pick });
    expect(code).toBe(0);
  });

  test('with a budget alone takes what was not proven for longest', async () => {
    const { options } = await drillWith('drill run --max-minutes 45 --from a');
    expect(options?.plan).toMatchObject({ pick: { how: 'oldest-unproven' }, budget: { maxMinutes: 45 } });
  });

  test('translates every other flag', async () => {
    const { options } = await drillWith(
      'drill run --all --from a --scratch /s --keep always --same-as b --evidence none --max-bytes 2GiB --max-minutes 5 --stores x,y --concurrency 3',
      undefined,
      { env: { PGHOST: 'h' } },
    );
    expect(options).toMatchObject({
      ...{ scratch: '/s', keep: 'always', evidence: { kind: 'none' }, concurrency: 3, environment: { PGHOST: 'h' } },
      sameAs: { location: 'b' },
      plan: { budget: { maxBytes: 2 * 1024 ** 3, maxMinutes: 5 }, stores: ['x', 'y'] },
    });
    expect((await drillWith('drill run --all --from a --stores none')).options?.plan.stores).toEqual([]);
  });

  test('a plan file says what to take, and the budget of the command line counts', async () => {
    const plan = { planVersion: 1, pick: { how: 'quick' }, budget: { maxMinutes: 9, maxBytes: 1 } } as const;
    const calls: DrillOptions[] = [];
    const library = {
      ...drills.DRILL_LIBRARY,
      readDrillPlan: async (file: string) => (expect(file).toBe('p.json'), plan),
      drill: async (options: DrillOptions) => (calls.push(options), drills.drillReport()),
    };
    await runCli(words('drill run p.json --from a --max-minutes 5'), library);
    expect(calls[0]?.plan).toEqual({ ...plan, budget: { maxMinutes: 5, maxBytes: 1 } });
  });

  test.each([
    ['drill run --from a', 'what to drill is not said'],
    ['drill run --quick', '--from: is missing'],
    ['drill run --quick --all --from a', 'got several'],
    ['drill run p.json --quick --from a', 'the plan says what to take'],
    ['drill run --all --seed 1 --from a', '--seed: is about --random'],
    ['drill schedule --from a', 'what to drill is not said'],
    ['status', '--from: is missing'],
    ['rebuild --store x --into y', '--from ARCHIVE or --lake DIR'],
    ['export pack a --recipe r', '--recipe: is about --fingerprint'],
  ])('%s is refused', async (line, message) => {
    const { code, stderr } = await runCli(words(line));
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  test.each([
    [drills.drillReport(), 0, 'pass: the restore worked (s3://lake-backups/prod'],
    [drills.drillReport({ record: failedRecord() }), 3, 'fail: the restore does not give'],
    [drills.drillReport({ record: inconclusiveRecord() }), 7, 'inconclusive: the drill could not be finished'],
  ])('exit code and last line tell the outcome', async (report, code, verdict) => {
    const run = await drillWith('drill run --quick --from a', report);
    expect(run.code).toBe(code);
    expect(run.stdout.trimEnd().split('\n').at(-1)).toContain(verdict);
  });

  test('a warning beside it changes no outcome', async () => {
    const run = await drillWith('drill run --quick --from a', drills.drillReport({ findings: [WARNING] }));
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('SOURCE_SYMLINK');
  });

  test('one that was interrupted ends as every command that was', async () => {
    const signal = AbortSignal.abort();
    const { code, stderr } = await drillWith('drill run --quick --from a', undefined, { signal });
    expect([code, stderr]).toEqual([130, expect.stringContaining('INTERRUPTED')]);
  });

  test('shows steps, tables, what differs and what to do; --quiet only what is wrong', async () => {
    const report = drills.drillReport({ record: failedRecord() });
    const { stdout } = await drillWith('drill run --quick --from a', report);
    expect(stdout).toMatch(/^STEP +TIME +WORKED ON +OUTCOME\n/);
    expect(stdout).toMatch(/vulns +tables +245,890 +L0! L1! L2! L3 +the exports +fail\n/);
    expect(stdout).toContain('L2 VALUES_DIFFER score at cve_id=CVE-2024-1, dt=2026-11-20: expected 9.8, found 8.9\n');
    expect(stdout).toContain('… and 12 more\n');
    expect(stdout).toContain('assertion no vulnerability without a score: fail: expected 0, found 3\n');
    expect(stdout).toContain('proven: 2 of 3 exports, 360 files, 12.6 MiB\n');
    const quiet = (await drillWith('drill run --quick --from a --quiet', report)).stdout;
    expect(quiet).toMatch(/^compare: /);
    expect((await drillWith('drill run --quick --from a --quiet')).stdout).toBe('');
  });

  test('somebody is told only where that was asked for', async () => {
    expect((await drillWith('drill run --quick --from a')).notified).toEqual([]);
    const { notified } = await drillWith('drill run --quick --from a --webhook https://x.test --on-failure cmd');
    expect(notified).toMatchObject([{ webhook: 'https://x.test', onFailure: 'cmd' }]);
  });

  test('evidence that no archive took is kept in the working folder, unless none was wanted', async () => {
    const { evidenceKey: _key, ...report } = drills.drillReport();
    const cwd = makeFolder();
    const library = { ...drills.DRILL_LIBRARY, writeDrillReports, drill: async () => report };
    const { stdout } = await runCli(words('drill run --quick --from a'), library, { cwd });
    const name = `${report.record.drillId}.drill.json`;
    expect(fs.readdirSync(cwd)).toEqual([name]);
    expect(stdout).toContain(`wrote ${path.join(cwd, name)}\nevidence: in no archive\n`);
    await runCli(words('drill run --quick --from a --evidence none'), library, { cwd: makeFolder() });
  });

  test('a report that cannot be written does not hide the result', async () => {
    const failing = async (): Promise<never> => {
      throw new LakepackError('DISK_FULL', 'x: no space is left on the disk');
    };
    const library = { ...drills.DRILL_LIBRARY, writeDrillReports: failing, drill: async () => drills.drillReport() };
    const { code, stdout, stderr } = await runCli(words('drill run --quick --from a --html x'), library);
    expect(code).toBe(1);
    expect(stdout).toContain('pass: the restore worked');
    expect(stderr).toContain('DISK_FULL');
  });
});

describe('the other commands', () => {
  test('drill history lists the newest first, and a broken chain is exit code 3', async () => {
    const { code, stdout } = await runCli(words('drill history --from a'), {
      drillHistory: async () => drills.drillHistory(),
    });
    expect(code).toBe(0);
    expect(stdout.indexOf('20261121T')).toBeLessThan(stdout.indexOf('20261120T'));
    expect(stdout).toContain('2 drills: 1 pass, 1 fail, 0 inconclusive; the chain of evidence is whole\n');
    const broken = { code: 'EVIDENCE_BROKEN', severity: 'error', message: 'the record is missing', where: {} } as const;
    const drillHistory = async () => drills.drillHistory({ findings: [broken] });
    const run = await runCli(words('drill history --from a'), { drillHistory });
    expect(run.code).toBe(3);
    expect(run.stdout).toContain('the chain of evidence is broken');
  });

  test('drill schedule passes on what drill run takes, quoted', async () => {
    const line = [
      'drill',
      'schedule',
      '--oldest-unproven',
      '--max-minutes',
      '30',
      '--from',
      'r2:my lake',
      '--for',
      'cron',
    ];
    const { stdout, code } = await runCli(line, { scheduleSnippets });
    expect(code).toBe(0);
    expect(stdout).toContain(`lakepack drill run --from 'r2:my lake' --oldest-unproven --max-minutes 30\n`);
    expect(stdout).toMatch(/^15 3 \* \* \* /m);
    expect(stdout).not.toContain('OnCalendar');
    const all = await runCli(words('drill schedule --quick --from r2:lake --every week --env PGPASSWORD'), {
      scheduleSnippets,
    });
    for (const part of ['OnCalendar=Sun', 'secrets.PGPASSWORD', 'secrets.R2_SECRET_ACCESS_KEY'])
      expect(all.stdout).toContain(part);
  });

  test('status puts what is wanting first, and cron hears of it', async () => {
    const status = async () => drills.statusReport();
    const { code, stdout } = await runCli(words('status --from a --from b --max-age 30d'), { status });
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /silver\/late .* 31 days +1 .*too long ago\n.*an older export was proven\n.*never exported\n.*silver\/good/s,
    );
    expect(stdout).toContain(
      '4 partitions in a, b: 2 proven, 1 of them too long ago, 1 never proven, 1 never exported: not ok',
    );
    expect((await runCli(words('status --from a --quiet'), { status })).stdout).not.toContain('silver/good');
    const fine = async () => drills.statusReport({ ok: true, partitions: [] });
    expect((await runCli(words('status --from a'), { status: fine })).code).toBe(0);
  });

  test('rebuild translates its flags, and the catalog goes its own way', async () => {
    const calls: RebuildOptions[] = [];
    const rebuild = async (options: RebuildOptions) => (calls.push(options), drills.rebuildReport());
    const line = 'rebuild --store postgres --from a --into reporting --replace --no-compare --dataset vulns';
    const { stdout } = await runCli(words(line), { rebuild });
    expect(calls[0]).toMatchObject({ store: 'postgres', into: 'reporting', replace: true, compare: false });
    expect(calls[0]).toMatchObject({ from: { location: 'a' }, select: { datasets: ['vulns'] } });
    expect(stdout).toContain('rebuilt postgres (postgres) in reporting: 2 tables, 245,903 rows, in 1 min 1 s\n');
    const writeCatalogOf = async () => ({ exports: 2, rows: 1_200 });
    const catalog = await runCli(words('rebuild --store parquet-catalog --from a --into x.parquet'), {
      writeCatalogOf,
    });
    expect(catalog.stdout).toContain('1 table, 1,200 rows');
  });

  test('recipe init says what to look at and what comes next, and --out=- prints the recipe alone', async () => {
    const calls: object[] = [];
    const writeRecipe = async (options: object) => (calls.push(options), drills.recipeReport());
    const { stdout } = await runCli(words('recipe init lake --force'), { writeRecipe });
    expect(calls[0]).toMatchObject({ lake: 'lake', replace: true });
    expect(stdout).toMatch(/vulns +2 +id +silver\/vulns\/\*\*\nnote: covid: no key was found\nwrote /);
    expect(stdout).toContain("next: look at it, then lakepack export pack 'my lake' --fingerprint\n");
    const { file: _file, ...shown } = drills.recipeReport();
    const printed = await runCli(words('recipe init lake --out=-'), { writeRecipe: async () => shown });
    expect(JSON.parse(printed.stdout)).toEqual(shown.recipe);
  });

  test('export pack --fingerprint is the same pack with more said', async () => {
    const calls: object[] = [];
    const packWithFingerprints = async (options: object) => (calls.push(options), packReport());
    await runCli(words('export pack lake --fingerprint --level 9'), { packWithFingerprints });
    expect(calls[0]).toMatchObject({ lake: 'lake', level: 9 });
    expect(calls[0]).not.toHaveProperty('recipe');
  });
});

describe('hostile names in drills', () => {
  const name = 'owned\u001b]0;x\u0007\n\u009b2J\u202e';
  const record = failedRecord({
    archive: name,
    reasons: [{ code: 'ROWS_DIFFER', step: 'compare', message: name, where: name, hint: name }],
    kept: { scratch: name, stores: [name] },
  });
  const status = drills.statusReport({ archives: [name], partitions: [{ path: name, copies: 0, ok: false }] });
  const library = {
    ...drills.DRILL_LIBRARY,
    drill: async () => drills.drillReport({ record, evidenceKey: name, evidenceIn: name }),
    drillHistory: async () =>
      drills.drillHistory({ archive: name, drills: [{ ...drills.drillHistory().drills[0]!, stores: [name] }] }),
    status: async () => status,
    rebuild: async () => ({ ...drills.rebuildReport(), into: name }),
    writeRecipe: async () => drills.recipeReport({ notes: [name], file: name }),
  };

  test.each([
    'drill run --all --from a',
    'drill history --from a',
    'status --from a',
    'rebuild --store s --from a --into b',
    'recipe init a',
  ])('%s: nothing that acts on a terminal reaches stdout', async (line) => {
    for (const flags of [[], ['--json']]) {
      const { stdout } = await runCli([...words(line), ...flags], library);
      expect(stdout).toContain('owned');
      expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
    }
  });
});
