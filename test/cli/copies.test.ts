/** The flags for several archives, removal and fallback: to the library, and back to words. */
import { describe, expect, test } from 'vitest';
import type { PackOptions, UnpackOptions } from '../../src/index.js';
import { packReport, unpackReport } from './reports.js';
import { runCli, type CliRun } from './run-cli.js';

async function packWith(
  flags: string,
  change: Parameters<typeof packReport>[0] = {},
): Promise<[CliRun, PackOptions[]]> {
  const calls: PackOptions[] = [];
  const pack = async (options: PackOptions) => (calls.push(options), packReport(change));
  return [await runCli(['export', 'pack', 'lake', ...flags.split(' ')], { pack }), calls];
}

async function unpackWith(
  flags: string,
  change: Parameters<typeof unpackReport>[0] = {},
): Promise<[CliRun, UnpackOptions[]]> {
  const calls: UnpackOptions[] = [];
  const unpack = async (options: UnpackOptions) => (calls.push(options), unpackReport(change));
  return [await runCli(['import', 'unpack', ...flags.split(' ')], { unpack }), calls];
}

describe('export pack', () => {
  test('--to may be given more than once, with a proof, a removal and copies', async () => {
    const [, [options]] = await packWith('--to a --to r2:b --verify-push all --remove-source --copies 2');
    expect(options).toMatchObject({
      ...{ to: [{ location: 'a' }, { location: 'r2:b' }], proof: 'all', removeSource: true, copies: 2 },
    });
  });

  test('says what was copied where, and what was removed', async () => {
    const [one] = packReport().exports;
    const exports = [
      { ...one!, copies: [{ archive: 'lake' }, { archive: 'b' }], removed: { files: 120, bytes: 4_404_019 } },
    ];
    const totals = { ...packReport().totals, removedFiles: 120, removedBytes: 4_404_019 };
    const [{ stdout }] = await packWith('--to a --to b', { exports, totals, copiedTo: ['b'] });
    expect(stdout).toContain('copied to b: 1 export of this lake\n');
    expect(stdout).toContain('removed from lake: 120 files, 4.2 MiB, each compared with its export first\n');
  });

  test('says nothing of a removal that was not asked for', async () => {
    const [{ stdout }] = await packWith('--to a');
    expect(stdout).not.toMatch(/removed|copied/);
  });

  test('a choice that is none is refused', async () => {
    const [{ code, stderr }, calls] = await packWith('--verify-push maybe');
    expect([code, calls]).toEqual([2, []]);
    expect(stderr).toContain('auto, all, sample, none');
  });
});

describe('import unpack', () => {
  test('--fallback takes archives one by one or with commas', async () => {
    const [, [options]] = await unpackWith('--all --from r2:a --into out --fallback b,s3://c/d --fallback ./e');
    expect(options?.from).toMatchObject({ location: 'r2:a', fallback: ['b', 's3://c/d', './e'] });
  });

  test('without it the configuration decides', async () => {
    const [, [options]] = await unpackWith('--all --from r2:a --into out');
    expect(options?.from).not.toHaveProperty('fallback');
  });

  test('bundle files have no fallback', async () => {
    const [{ code }, calls] = await unpackWith('./x.tar.zst --into out --fallback b');
    expect([code, calls]).toEqual([2, []]);
  });

  test('says what was healed, from where', async () => {
    const healed = [
      { from: 'r2:a', by: 'b2:a', blocks: 3, objects: 1 },
      { from: 'r2:a', by: 'disk', blocks: 0, objects: 1 },
    ];
    const [{ stdout, code }] = await unpackWith('--all --from r2:a --into out', { healed });
    expect(stdout).toContain('healed 3 blocks and 1 object from b2:a: r2:a could not give them whole\n');
    expect(stdout).toContain('healed 1 object from disk: r2:a could not give it whole\n');
    expect(code).toBe(0);
  });
});
