/**
 * One whole journey through the command line, as a person makes it: a lake is packed, changed, packed again, proven,
 * restored as it was and as it is, damaged, and healed from the other copy. Every --json answer fits its schema.
 */
import fs from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { afterEach, expect, test, vi } from 'vitest';
import { makeLake } from '../fixtures/make-lake.js';
import { run } from '../src/cli/main.js';
import { CollectedStream } from './cli/run-cli.js';
import { differences, filesOf, makeFolder, treeOf, write } from './operations/lakes.js';

const folder = new URL('../schemas/', import.meta.url);
const schemas = fs
  .readdirSync(folder)
  .map((name) => JSON.parse(fs.readFileSync(new URL(name, folder), 'utf8')) as object);
const ajv = new Ajv2020({ strict: false, schemas });
addFormatsModule.default(ajv);

afterEach(() => void vi.useRealTimers());

/** A line of `catalog files` does not name its schema. */
const FILE_LINE = 'https://lakepack.dev/schemas/output-catalog-files.v1.schema.json';

const cwd = makeFolder();
const CSV = 'bronze/clubs_csv/season=2025-2026/clubs.csv';

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function lakepack(line: string): Promise<Answer> {
  const [stdout, stderr] = [new CollectedStream(), new CollectedStream()];
  const env = { LAKEPACK_STATE_DIR: path.join(cwd, 'state'), NO_COLOR: '1' };
  const code = await run(line.split(' '), { stdout, stderr, env, cwd, signal: new AbortController().signal });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** A command with --json: its answers, one a line where it prints lines; each must fit its schema. */
async function askAll(line: string, expectedCode: number): Promise<unknown[]> {
  const { code, stdout, stderr } = await lakepack(`${line} --json`);
  expect({ line, code, stderr }).toEqual({ line, code: expectedCode, stderr: '' });
  const isLines = line.startsWith('catalog files');
  const answers = (isLines ? stdout.trim().split('\n') : [stdout]).map(
    (text) => JSON.parse(text) as { schema?: string },
  );
  for (const answer of answers) {
    const validate = ajv.getSchema(answer.schema ?? FILE_LINE);
    expect(validate?.(answer) === true ? [] : (validate?.errors ?? `${answer.schema}: no such schema`)).toEqual([]);
  }
  return answers;
}

async function ask<T>(line: string, expectedCode = 0): Promise<T> {
  const [answer] = await askAll(line, expectedCode);
  return answer as T;
}

interface Packed {
  readonly totals: { readonly packed: number; readonly unchanged: number; readonly files: number };
  readonly exports: readonly { readonly path: string; readonly status: string; readonly exportId: string }[];
}
interface Verified {
  readonly ok: boolean;
  readonly totals: { readonly exports: number; readonly damaged: number };
  readonly exports: readonly {
    readonly findings: readonly { readonly code: string; readonly where: { path?: string } }[];
  }[];
}

function clock(time: string): void {
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(new Date(time));
}

test('from a lake to a proven, healed archive', async () => {
  const lake = path.join(cwd, 'lake');
  await makeLake(lake);
  const firstVersion = filesOf(lake);

  // What is there?
  const listed = await ask<{ partitions: { state: string }[] }>('lake list lake');
  expect(listed.partitions).toHaveLength(34);
  expect(listed.partitions.every(({ state }) => state === 'never')).toBe(true);

  // Pack it, look before.
  clock('2025-11-01T08:00:00Z');
  const planned = await ask<{ totals: { planned: number } }>('export pack lake --to archive --dry-run');
  expect(planned.totals.planned).toBe(34);
  expect(fs.existsSync(path.join(cwd, 'archive'))).toBe(false);
  const first = await ask<Packed>('export pack lake --to archive');
  expect(first.totals).toMatchObject({ packed: 34, files: 97 });

  // What is in the archive, and is it right?
  const catalog = await ask<{ exports: { files: number }[] }>('catalog list --archive archive');
  expect(catalog.exports.reduce((sum, { files }) => sum + files, 0)).toBe(97);
  await ask('catalog show --archive archive bronze/clubs_csv');
  expect(await askAll('catalog files --archive archive bronze/clubs_csv', 0)).toHaveLength(2);
  expect((await ask<Verified>('verify --archive archive')).ok).toBe(true);

  // A day later one file is another: that partition alone is packed.
  clock('2025-11-02T08:00:00Z');
  const season = [...firstVersion.keys()].find((name) => name.startsWith('bronze/clubs_csv/')) ?? CSV;
  write(lake, season, 'competition,club\nnew,New FC\n');
  const changed = await ask<{ partitions: { path: string; state: string }[] }>('lake list lake --archive archive');
  expect(changed.partitions.filter(({ state }) => state !== 'current').map((one) => one.path)).toEqual([
    path.dirname(season),
  ]);
  const second = await ask<Packed>('export pack lake --to archive');
  expect(second.totals).toMatchObject({ packed: 1, unchanged: 33 });
  expect((await ask<Verified>('verify --archive archive')).totals.exports).toBe(35);
  expect((await lakepack('export pack lake --to archive')).stdout).toContain('nothing new to pack');

  // Restored as it was, and as it is.
  await ask('import unpack --all --from archive --into then --as-of 2025-11-01');
  expect(differences(firstVersion, filesOf(path.join(cwd, 'then')))).toEqual([]);
  await ask('import unpack --all --from archive --into now');
  expect(differences(treeOf(lake), treeOf(path.join(cwd, 'now')))).toEqual([]);
  await ask('import unpack --all --from archive --into now');

  // Another copy; then the first one rots.
  fs.cpSync(path.join(cwd, 'archive'), path.join(cwd, 'copy'), { recursive: true, preserveTimestamps: true });
  const { exportId } = second.exports.find(({ status }) => status === 'packed')!;
  const bundle = path.join(cwd, 'archive/exports', path.dirname(season), exportId, `${exportId}-00001.tar.zst`);
  const bytes = fs.readFileSync(bundle);
  // Enough of it that the files themselves are hit, not only what is told of them.
  for (let byte = 50; byte < bytes.length - 200; byte += 20) bytes[byte]! ^= 1;
  fs.writeFileSync(bundle, bytes);
  const rotten = await ask<Verified>('verify --archive archive', 3);
  expect(rotten).toMatchObject({ ok: false, totals: { exports: 35, damaged: 1 } });
  expect(rotten.exports.flatMap(({ findings }) => findings.map(({ code }) => code))).toContain('BLOCK_HASH_WRONG');
  const refused = await lakepack(`import unpack ${path.dirname(season)} --from archive --into broken --json`);
  expect(refused.code).toBe(3);
  expect(fs.existsSync(path.join(cwd, 'broken'))).toBe(false);

  // Healed from the other copy, and the file restored.
  fs.copyFileSync(bundle.replace('/archive/', '/copy/'), bundle);
  expect((await ask<Verified>('verify --archive archive')).ok).toBe(true);
  await ask(`import unpack ${path.dirname(season)} --from archive --into healed`);
  expect(fs.readFileSync(path.join(cwd, 'healed', season), 'utf8')).toBe('competition,club\nnew,New FC\n');

  // A lone bundle needs neither archive nor manifest.
  await ask(`verify ${bundle}`);
  await ask(`import unpack ${bundle} --into alone`);
  expect([...filesOf(path.join(cwd, 'alone')).keys()]).toEqual([season]);
});
