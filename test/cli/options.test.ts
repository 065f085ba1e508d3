/** Flags to options: what the library is called with. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Library } from '../../src/cli/main.js';
import {
  catalogFile,
  catalogListing,
  exportHead,
  lakeListing,
  packReport,
  unpackReport,
  verifyReport,
} from './reports.js';
import { runCli, type CliSettings } from './run-cli.js';

/** Runs a command line and returns the options that the library was called with, less the signal and the listener. */
async function optionsOf(argv: readonly string[], settings?: CliSettings): Promise<Record<string, unknown>> {
  const calls: Record<string, unknown>[] = [];
  const take = (options: object): void => {
    const given = { ...(options as Record<string, unknown>) };
    expect(given.signal).toBeInstanceOf(AbortSignal);
    delete given.signal;
    delete given.onProgress;
    calls.push(given);
  };
  const library: Partial<Library> = {
    pack: async (options) => (take(options), packReport()),
    verify: async (options) => (take(options), verifyReport()),
    unpack: async (options) => (take(options), unpackReport()),
    catalogList: async (options) => (take(options), catalogListing()),
    catalogShow: async (options) => (take(options), [exportHead()]),
    listLake: async (options) => (take(options), lakeListing()),
    async *catalogFiles(options) {
      take(options);
      yield catalogFile();
    },
  };
  const { stderr } = await runCli([...argv, '--json'], library, settings);
  expect(stderr).toBe('');
  expect(calls).toHaveLength(1);
  return calls[0] ?? {};
}

const words = (line: string): string[] => line.split(' ');

/** A word for an archive, where neither environment nor configuration say anything. */
const place = (location: string): object => ({ location, context: { environment: {}, remotes: new Map() } });

describe('export pack', () => {
  test('without flags leaves every default to the operation', async () => {
    expect(await optionsOf(words('export pack lake'))).toEqual({ lake: 'lake' });
  });

  test('translates every flag', async () => {
    const argv = [
      ...words('export pack lake --to r2:archive --by dataset --level 9 --bundle-size 500MB --profile cdn'),
      ...words('--concurrency 2 --licence CC0-1.0 --on-change retry --unsupported skip --inspect quick --dry-run'),
      ...words('--partition silver/a/ --partition silver/b --dataset vulns --layer silver --run run-1 --since 7d'),
      ...['--note', 'two words', '--where', 'dt >= 2025-01-01'],
    ];
    expect(await optionsOf(argv)).toEqual({
      ...{
        lake: 'lake',
        to: place('r2:archive'),
        by: 'dataset',
        level: 9,
        bundleSizeBytes: 500_000_000,
        profile: 'cdn',
      },
      ...{ concurrency: 2, licence: 'CC0-1.0', note: 'two words', onChange: 'retry', unsupported: 'skip' },
      ...{ inspect: 'quick', dryRun: true },
      select: {
        ...{ partitions: ['silver/a', 'silver/b'], datasets: ['vulns'], layers: ['silver'], run: 'run-1' },
        ...{ where: 'dt >= 2025-01-01', since: '7d' },
      },
    });
  });

  test('knows the other spellings', async () => {
    expect(await optionsOf(words('export pack lake --license MIT --archive a'))).toMatchObject({
      licence: 'MIT',
      to: place('a'),
    });
    expect(await optionsOf(words('export pack lake --level=0'))).toMatchObject({ level: 0 });
    expect(await optionsOf(words('--json export --quiet pack lake'))).toEqual({ lake: 'lake' });
    expect(await optionsOf(words('export pack lake --note=--odd'))).toMatchObject({ note: '--odd' });
  });

  test('takes numbers and dates as they were typed', async () => {
    expect(await optionsOf(words('export pack 007 --dataset 1e3 --run 0x10'))).toEqual({
      lake: '007',
      select: { datasets: ['1e3'], run: '0x10' },
    });
  });

  test('takes the state folder from the environment', async () => {
    const of = async (env: Record<string, string>) => (await optionsOf(words('export pack lake'), { env })).stateDir;
    expect(await of({ LAKEPACK_STATE_DIR: '/state' })).toBe('/state');
    expect(await of({ XDG_STATE_HOME: '/xdg' })).toBe(path.join('/xdg', 'lakepack'));
    expect(await of({})).toBeUndefined();
  });

  test('finds relative paths from the folder it was called in, and leaves remotes alone', async () => {
    const cwd = path.resolve('/somewhere');
    const options = await optionsOf(words('export pack lake --to s3://bucket/lake'), { cwd });
    expect(options).toEqual({ lake: path.join(cwd, 'lake'), to: place('s3://bucket/lake') });
  });

  test('takes words after -- as they are', async () => {
    const { code, stdout } = await runCli(['export', 'pack', '--json', '--', '--odd lake'], {
      pack: async ({ lake }) => packReport({ lake }),
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ lake: '--odd lake' });
  });
});

const SELECTORS = words(
  '--layer silver --dataset vulns --run run-1 --run run-2 --where dt=1 --as-of 2025-10-01 --history --all',
);
const SELECTED = {
  ...{ layers: ['silver'], datasets: ['vulns'], runs: ['run-1', 'run-2'], where: 'dt=1', asOf: '2025-10-01' },
  ...{ history: true, all: true },
};

describe('verify', () => {
  test('without a selector checks everything', async () => {
    expect(await optionsOf(words('verify --archive lake'))).toEqual({ archive: place('lake') });
  });

  test('translates every flag', async () => {
    const argv = words('verify --archive lake --depth stored --sample 5% --sample-seed 7 --concurrency 3');
    expect(await optionsOf([...argv, ...SELECTORS])).toEqual({
      ...{ archive: place('lake'), depth: 'stored', sample: 0.05, sampleSeed: 7, concurrency: 3, select: SELECTED },
    });
  });

  test('tells bundle files from exports by their form', async () => {
    expect(await optionsOf(words('verify silver/x 20251011T08 ./a b.tar.zst c.tar --from lake'))).toEqual({
      ...{
        archive: place('lake'),
        select: { exports: ['silver/x', '20251011T08'] },
        bundleFiles: ['./a', 'b.tar.zst', 'c.tar'],
      },
    });
    expect(await optionsOf(words('verify dir/b.tar.zst'))).toEqual({ bundleFiles: ['dir/b.tar.zst'] });
  });
});

describe('import unpack', () => {
  test('translates every flag', async () => {
    const argv = words('import unpack silver/x --from lake --into out --path **/*.parquet --path a?b --concurrency 1');
    expect(await optionsOf([...argv, ...words('--replace --merge --foreign --dry-run'), ...SELECTORS])).toEqual({
      ...{ from: place('lake'), into: 'out', paths: ['**/*.parquet', 'a?b'], concurrency: 1 },
      ...{ replace: true, merge: true, foreign: true, dryRun: true, select: { exports: ['silver/x'], ...SELECTED } },
    });
  });

  test('needs no archive for bundle files', async () => {
    expect(await optionsOf(words('import unpack b.tar.zst --into out'))).toEqual({
      into: 'out',
      bundleFiles: ['b.tar.zst'],
    });
  });
});

describe('catalog and lake', () => {
  test('list, show and files take the same selectors', async () => {
    expect(await optionsOf(words('catalog list --archive lake'))).toEqual({ archive: place('lake') });
    for (const verb of ['list', 'show', 'files']) {
      const options = await optionsOf(['catalog', verb, 'silver/x/', '--from', 'r2:x', ...SELECTORS]);
      expect(options).toEqual({ archive: place('r2:x'), select: { exports: ['silver/x'], ...SELECTED } });
    }
  });

  test('lake list translates every flag', async () => {
    expect(await optionsOf(words('lake list lake'))).toEqual({ lake: 'lake' });
    const argv = words(
      'lake list lake --archive a --by run --partition p --layer l --dataset d --run r --where w --since 1d',
    );
    expect(await optionsOf(argv)).toEqual({
      ...{ lake: 'lake', archive: place('a'), by: 'run' },
      select: { partitions: ['p'], layers: ['l'], datasets: ['d'], run: 'r', where: 'w', since: '1d' },
    });
  });
});
