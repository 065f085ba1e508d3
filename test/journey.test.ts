/**
 * One lake from its first pack to its rescue from a second copy, through the command line alone: a person's lines and
 * a program's. Each step is said twice, once with --json, and every JSON is held against its published schema.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { makeLake } from '../fixtures/make-lake.js';
import * as library from '../src/index.js';
import { schemaFaults } from '../src/schema/validator.js';
import { runCli, type CliRun } from './cli/run-cli.js';
import { makeFolder } from './lake/tree.js';
import { differences, filesOf, treeOf } from './operations/lakes.js';

const CHANGED = 'silver/reviews/dt=2025-10-11';

const home = makeFolder();
const lake = path.join(home, 'lake');
const archive = path.join(home, 'archive');
const copy = path.join(home, 'second copy');

/** Runs one command line in the folder of the journey. */
async function say(...argv: readonly string[]): Promise<CliRun> {
  return await runCli(argv, library, { cwd: home, env: { LAKEPACK_STATE_DIR: path.join(home, 'state') } });
}

/** The same with --json; it must be valid, and nothing else on either stream. */
async function ask<T>(schema: string, code: number, ...argv: readonly string[]): Promise<T> {
  const result = await say(...argv, '--json');
  expect(result.stderr).toBe('');
  expect(result.code).toBe(code);
  const value = JSON.parse(result.stdout) as T;
  expect(schemaFaults(`output-${schema}.v1`, value)).toEqual([]);
  return value;
}

interface Exports<T> {
  readonly exports: readonly T[];
  readonly totals: Readonly<Record<string, number>>;
}
interface Row {
  readonly path: string;
  readonly status: string;
  readonly exportId: string;
  readonly findings: readonly { readonly code: string; readonly severity: string }[];
}

test('a lake is packed, changed, packed again, restored, damaged and rescued', async () => {
  await makeLake(lake);
  const first = treeOf(lake);

  // What is there?
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(new Date('2025-11-01T08:00:00Z'));
  const listing = await ask<{ partitions: { state: string }[] }>('lake-list', 0, 'lake', 'list', lake, '--to', archive);
  const count = listing.partitions.length;
  expect(count).toBeGreaterThan(10);
  expect(listing.partitions.every(({ state }) => state === 'never')).toBe(true);
  expect((await say('lake', 'list', 'lake', '--to', 'archive')).stdout).toContain(CHANGED);

  // Pack, and pack again.
  const plan = await ask<Exports<Row>>('export-pack', 0, 'export', 'pack', lake, '--to', archive, '--dry-run');
  expect(plan.totals).toMatchObject({ planned: count, packed: 0 });
  expect(fs.existsSync(archive)).toBe(false);
  const packed = await ask<Exports<Row>>('export-pack', 0, 'export', 'pack', lake, '--to', archive);
  expect(packed.totals).toMatchObject({ packed: count, failed: 0, files: filesOf(lake).size });
  const again = await ask<Exports<Row>>('export-pack', 0, 'export', 'pack', lake, '--to', archive);
  expect(again.totals).toMatchObject({ packed: 0, unchanged: count });
  expect(await say('export', 'pack', 'lake', '--to', 'archive')).toMatchObject({ code: 0 });
  expect(treeOf(lake)).toEqual(first);

  // Look at it.
  const list = await ask<Exports<Row>>('catalog-list', 0, 'catalog', 'list', '--archive', archive);
  expect(list.exports.map((one) => one.exportId)).toEqual(packed.exports.map((one) => one.exportId));
  const show = await ask<Exports<Row>>('catalog-show', 0, 'catalog', 'show', CHANGED, '--archive', archive);
  expect(show.exports).toHaveLength(1);
  const files = await say('catalog', 'files', '--all', '--archive', 'archive', '--json');
  const lines = files.stdout.trimEnd().split('\n');
  expect(lines.flatMap((line) => schemaFaults('output-catalog-files.v1', JSON.parse(line)))).toEqual([]);
  expect(lines.length).toBeGreaterThanOrEqual(filesOf(lake).size);
  for (const command of ['list', 'show', 'files'])
    expect(await say('catalog', command, CHANGED, '--archive', 'archive')).toMatchObject({ code: 0, stderr: '' });

  // Is it sound?
  for (const depth of ['manifest', 'stored', 'contents'])
    expect(await ask('verify', 0, 'verify', '--archive', archive, '--depth', depth)).toMatchObject({ ok: true, depth });
  expect((await say('verify', '--archive', 'archive')).stdout).toContain('all sound');

  // One file changes.
  const name = [...filesOf(lake).keys()].find((one) => one.startsWith(`${CHANGED}/`)) ?? '';
  fs.appendFileSync(path.join(lake, name), 'one more line\n');
  vi.setSystemTime(new Date('2025-11-02T08:00:00Z'));
  const changed = await ask<Exports<Row>>('export-pack', 0, 'export', 'pack', lake, '--to', archive);
  expect(changed.totals).toMatchObject({ packed: 1, unchanged: count - 1 });
  const newest = changed.exports.find(({ status }) => status === 'packed')!;
  expect(newest.path).toBe(CHANGED);
  expect(await ask('verify', 0, 'verify', '--archive', archive)).toMatchObject({ totals: { exports: count + 1 } });

  // Then and now.
  const then = ['import', 'unpack', '--from', archive, '--as-of', '2025-11-01', '--into', path.join(home, 'then')];
  await ask('import-unpack', 0, ...then);
  expect(differences(first, treeOf(path.join(home, 'then')))).toEqual([]);
  const now = ['import', 'unpack', '--all', '--from', archive, '--into', path.join(home, 'now')];
  expect(await ask('import-unpack', 0, ...now, '--dry-run')).toMatchObject({ dryRun: true });
  expect((await say(...now)).stdout).toContain('every byte was compared');
  expect(differences(treeOf(lake), treeOf(path.join(home, 'now')))).toEqual([]);
  const kept = await ask<Exports<Row>>('import-unpack', 0, ...now);
  expect(kept.totals).toMatchObject({ files: 0, kept: filesOf(lake).size });

  // A bundle is damaged; there is a second copy.
  fs.cpSync(archive, copy, { recursive: true });
  const folder = path.join(archive, 'exports', CHANGED, newest.exportId);
  const bundle = path.join(folder, fs.readdirSync(folder).find((one) => one.endsWith('.tar.zst')) ?? '');
  const bytes = fs.readFileSync(bundle);
  const { offset, length } = await placeOfPayload(newest.exportId);
  bytes[offset + (length >> 1)]! ^= 0x20;
  fs.writeFileSync(bundle, bytes);
  const verdict = await ask<Exports<Row>>('verify', 3, 'verify', '--archive', archive);
  expect(verdict.totals).toMatchObject({ damaged: 1, exports: count + 1 });
  expect(verdict.exports.flatMap((one) => one.findings.map(({ code }) => code))).toContain('BUNDLE_HASH_WRONG');
  expect(await say('verify', bundle)).toMatchObject({ code: 3 });
  const words = await say('verify', '--archive', 'archive');
  expect(words.code).toBe(3);
  expect(words.stdout).toContain(CHANGED);

  // From the damaged one nothing comes, from the copy everything.
  const rescue = (from: string): string[] => ['import', 'unpack', '--all', '--from', from, '--into', 'rescued'];
  const refused = await say(...rescue('archive'), '--json');
  expect(refused).toMatchObject({ code: 3, stdout: '' });
  expect(schemaFaults('output-error.v1', JSON.parse(refused.stderr))).toEqual([]);
  expect(fs.readdirSync(home).filter((one) => one.includes('rescued'))).toEqual([]);
  expect(await ask('verify', 0, 'verify', '--archive', copy)).toMatchObject({ ok: true });
  await ask('import-unpack', 0, ...rescue(copy));
  expect(differences(treeOf(lake), treeOf(path.join(home, 'rescued')))).toEqual([]);
  vi.useRealTimers();
});

/** Where the last file of an export stands in the stored bytes of its bundle: what is damaged there, a restore reads. */
async function placeOfPayload(exportId: string): Promise<{ readonly offset: number; readonly length: number }> {
  const { stdout } = await say('catalog', 'files', exportId, '--archive', 'archive', '--json');
  const last = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as library.CatalogFile;
  return last.stored;
}
