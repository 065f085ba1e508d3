/** push, pull and migrate: flags to options, reports to words, and a journey through all three. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import * as api from '../../src/index.js';
import { makeFolder, packInto, placeWith, treeOf } from '../operations/lakes.js';
import { DAMAGE, EXPORT_ID, WARNING, transferReport } from './reports.js';
import { runCli } from './run-cli.js';

/** What the library was called with, less what every command gives. */
async function optionsOf(line: string, env: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const calls: Record<string, unknown>[] = [];
  const transfer = async (options: api.TransferOptions): Promise<api.TransferReport> => {
    const { signal, onProgress: _onProgress, ...rest } = options;
    expect(signal).toBeInstanceOf(AbortSignal);
    calls.push(rest);
    return transferReport();
  };
  const { stderr } = await runCli([...line.split(' '), '--json'], { transfer }, { env });
  expect(stderr).toBe('');
  return calls[0] ?? {};
}

const at = (location: string, more: object = {}): object => expect.objectContaining({ location, ...more }) as object;

async function words(line: string, change: Partial<api.TransferReport> = {}): Promise<string> {
  return (await runCli(line.split(' '), { transfer: async () => transferReport(change) })).stdout;
}

describe('options', () => {
  test('without flags every default is the operation’s own', async () => {
    expect(await optionsOf('export push lake --to r2:lake')).toEqual({ from: at('lake'), to: at('r2:lake') });
    expect(await optionsOf('import pull --from r2:lake --into out')).toEqual({ from: at('r2:lake'), to: at('out') });
    expect(await optionsOf('import pull --archive r2:lake --to out')).toEqual({ from: at('r2:lake'), to: at('out') });
    expect(await optionsOf('migrate r2:a b2:b')).toEqual({ from: at('r2:a'), to: at('b2:b'), wholeArchive: true });
  });

  test('every flag is translated', async () => {
    const flags =
      '--verify-push all --fallback r2:x,b2:y --fallback /z --concurrency 3 --bandwidth 50MB/s --dry-run --layer silver';
    const common = {
      ...{ proof: 'all', concurrency: 3, bandwidthBytesPerSecond: 50_000_000, dryRun: true },
      from: at('lake', { fallback: ['r2:x', 'b2:y', '/z'] }),
    };
    expect(await optionsOf(`export push lake silver/a/ ${EXPORT_ID} --to o ${flags} --history`)).toMatchObject({
      ...common,
      select: { exports: ['silver/a', EXPORT_ID], layers: ['silver'], history: true },
    });
    expect(await optionsOf(`import pull silver/a --from lake --into o ${flags}`)).toMatchObject({
      ...common,
      select: { exports: ['silver/a'], layers: ['silver'] },
    });
    expect(await optionsOf(`migrate lake o ${flags} --delete-source`)).toMatchObject({
      ...{ ...common, wholeArchive: true, deleteSource: true },
      select: { layers: ['silver'] },
    });
    expect(await optionsOf('migrate a b', { LAKEPACK_STATE_DIR: '/state' })).toMatchObject({ stateDir: '/state' });
  });

  test.each([
    ['export push', 'ARCHIVE: is missing'],
    ['export push lake', '--to: is missing'],
    ['import pull --into x', '--from: is missing'],
    ['import pull --from x', '--into: is missing'],
    ['migrate a', 'TO: is missing'],
    ['migrate a b c', 'one argument too many'],
    ['export push a --to b --bandwidth fast', '--bandwidth: not a size'],
    ['export push a --to b --verify-push al', 'did you mean --verify-push all?'],
  ])('%s: %s', async (line, message) => {
    const { code, stderr } = await runCli(line.split(' '));
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test('words of other tools are answered with ours', async () => {
    expect((await runCli(['sync'])).stderr).toContain('export push');
    expect((await runCli(['mirror'])).stderr).toContain('migrate');
    expect((await runCli(['pull'])).stderr).toContain('import pull');
  });
});

describe('words', () => {
  test('say what went, what it rests on, and what to do next', async () => {
    const text = await words('export push lake --to r2:lake', { cutOver: undefined as never });
    expect(text).toMatch(/^PARTITION +EXPORT +BUNDLES +BYTES +STATUS +PROOF\n/);
    expect(text).toContain("transferred  the store's SHA-256\n");
    expect(text).not.toContain('silver/old');
    expect(text).toContain(
      'transferred 1 export to r2:lake: 4 objects, 4.2 MiB of bundles, 1 there already, in 1.2 s\n',
    );
    expect(text).toContain('next: lakepack verify --archive r2:lake\n');
  });

  test('a run with nothing to do is one line', async () => {
    const totals = { ...transferReport().totals, transferred: 0, present: 2_000 };
    const text = await words('export push lake --to b', { exports: [], totals, cutOver: undefined as never });
    expect(text).toBe('nothing new to transfer: 2,000 there already, in 1.2 s\n');
  });

  test('a dry run tells objects, bytes and requests', async () => {
    const totals = { ...transferReport().totals, transferred: 0, planned: 1, requests: { write: 1_004, read: 9 } };
    const text = await words('export push lake --to r2:lake --dry-run', { dryRun: true, totals });
    expect(text).toContain(
      'dry run, nothing was written: would transfer 1 export to r2:lake: 4 objects, 4.2 MiB of bundles, ' +
        'about 1,004 requests that write or list (class A) and 9 that read (class B), 1 there already\n',
    );
    expect(text).not.toContain('next:');
  });

  test('what an interrupted run had sent, and what the store copied, is said', async () => {
    const [one] = transferReport().exports;
    const totals = { ...transferReport().totals, sentBytes: 0, resumedBytes: 2 * 1024 * 1024 };
    const text = await words('migrate a b', { exports: [{ ...one!, copied: true, sentBytes: 0 }], totals });
    expect(text).toContain('0 B sent by this run, 2.0 MiB taken over from an interrupted run');
    expect(text).toContain('copied by the store');
  });

  test('migrate compares both sides, and says how to empty the source', async () => {
    const text = await words('migrate lake r2:lake');
    expect(text).toMatch(/CUT-OVER +EXPORTS +SUCH AS\nin both, equal +2 /);
    expect(text).toContain('then lakepack migrate lake r2:lake --delete-source empties the source\n');
    const totals = { ...transferReport().totals, sourceDeleted: 2 };
    const after = await words('migrate lake r2:lake --delete-source', { totals });
    expect(after).toContain('deleted 2 exports from lake, each after its proof\n');
    expect(after).not.toContain('empties');
  });

  test('findings fail the command, warnings do not; --quiet says errors only', async () => {
    const run = (findings: readonly api.Finding[], ...flags: string[]) =>
      runCli(['export', 'push', 'a', '--to', 'b', ...flags], { transfer: async () => transferReport({ findings }) });
    expect((await run([WARNING])).code).toBe(0);
    const { code, stdout } = await run([DAMAGE, WARNING], '--quiet');
    expect(code).toBe(3);
    expect(stdout).toContain('BLOCK_HASH_WRONG');
    expect(stdout).not.toContain('SOURCE_SYMLINK');
    expect((await run([], '--quiet')).stdout).toBe('');
  });
});

test('push, pull and migrate work together on folders', async () => {
  const place = placeWith();
  await packInto(place, { to: place.lake });
  const folder = makeFolder();
  const env = { LAKEPACK_STATE_DIR: place.stateDir };
  const cli = async (...argv: string[]) => {
    const run = await runCli([...argv, '--quiet'], api, { env, cwd: folder });
    expect(run).toEqual({ code: 0, stdout: '', stderr: '' });
  };
  await cli('export', 'push', place.lake, '--to', 'pushed');
  await cli('import', 'pull', '--from', 'pushed', '--into', 'pulled');
  await cli('migrate', 'pulled', 'moved', '--delete-source', '--bandwidth', '1GB');
  const names = (name: string): string[] => [...treeOf(path.join(folder, name, 'manifests')).keys()];
  expect(names('moved')).toEqual(names('pushed'));
  expect(names('moved').filter((name) => name.endsWith('.export.json'))).toHaveLength(4);
  expect(names('pulled').filter((name) => name.endsWith('.json'))).toEqual([]);
});
