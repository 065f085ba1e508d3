/** Which configuration gives a name on the command line its meaning, and how far it is trusted. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Arguments } from '../../src/cli/arguments.js';
import { archivePlace, remoteContext } from '../../src/cli/places.js';
import { CollectedStream, runCli } from './run-cli.js';

let cwd: string;

beforeEach(async () => {
  cwd = await mkdtemp(path.join(os.tmpdir(), 'lakepack-places-'));
  await mkdir(path.join(cwd, 'lake'));
});
afterEach(() => rm(cwd, { recursive: true }));

function contextWith(options: Readonly<Record<string, string>> = {}, env: Readonly<Record<string, string>> = {}) {
  const args = new Arguments([], new Map(Object.entries(options).map(([name, value]) => [name, [value]])), new Set());
  const [stdout, stderr] = [new CollectedStream(), new CollectedStream()];
  return { args, io: { stdout, stderr, env, cwd, signal: new AbortController().signal } };
}

async function write(file: string, remotes: object): Promise<void> {
  await writeFile(path.join(cwd, file), JSON.stringify({ remotes }));
}

async function folderOfNas(...given: Parameters<typeof contextWith>): Promise<string | undefined> {
  const { context } = await archivePlace('nas:', contextWith(...given), { lake: 'lake' });
  return context?.remotes.get('nas')?.path;
}

describe('a name', () => {
  test('is looked up in the lake, then in the working folder', async () => {
    expect(await folderOfNas()).toBeUndefined();
    await write('lakepack.config.json', { nas: { path: '/working' } });
    expect(await folderOfNas()).toBe('/working');
    await writeFile(path.join(cwd, 'lake/lakepack.config.json'), '{"licence": "MIT"}');
    expect(await folderOfNas()).toBe('/working');
    await write('lake/lakepack.config.json', { nas: { path: '/lake' } });
    expect(await folderOfNas()).toBe('/lake');
  });

  test('is looked up in the file that was given, and nowhere else', async () => {
    await write('lakepack.config.json', { nas: { path: '/working' } });
    await write('own.json', { nas: { path: '/own' } });
    await write('other.json', { other: { path: '/x' } });
    expect(await folderOfNas({ config: 'own.json' })).toBe('/own');
    expect(await folderOfNas({}, { LAKEPACK_CONFIG: path.join(cwd, 'own.json') })).toBe('/own');
    expect(await folderOfNas({ config: 'own.json' }, { LAKEPACK_CONFIG: 'other.json' })).toBe('/own');
    expect(await folderOfNas({ config: 'other.json' })).toBeUndefined();
    expect(await folderOfNas({}, { LAKEPACK_CONFIG: '' })).toBe('/working');
    await expect(folderOfNas({ config: 'absent.json' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('may be a command only in a file that was given', async () => {
    const remotes = { vault: { provider: 'aws', credentialProcess: 'vault read x' } };
    await write('lakepack.config.json', remotes);
    await expect(archivePlace('vault:', contextWith())).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    const { context } = await archivePlace('vault:', contextWith({ config: 'lakepack.config.json' }));
    expect(context?.remotes.get('vault')).toEqual(remotes.vault);
  });

  test('of a fallback is looked up too', async () => {
    await write('lakepack.config.json', { cdn: { url: 'https://x.org' } });
    const place = await archivePlace('x', contextWith(), { fallback: ['cdn:,/mnt/b', 'copy'] });
    expect(place.fallback).toEqual(['cdn:', '/mnt/b', path.join(cwd, 'copy')]);
    expect(place.context?.remotes.size).toBe(1);
  });
});

describe('a folder, a file: URL, an s3: location or an address', () => {
  test.each(['x', '/x', 'file:///x', 's3://bucket/x', 'https://x.org/y', 'C:\\x'])(
    '%s needs no configuration, so a broken one is no matter',
    async (word) => {
      await writeFile(path.join(cwd, 'lakepack.config.json'), '{ broken');
      expect((await archivePlace(word, contextWith())).context?.remotes.size).toBe(0);
      await expect(remoteContext(contextWith())).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    },
  );

  test('a folder is found from the working folder, the others are left alone', async () => {
    const locationOf = async (word: string): Promise<string> => (await archivePlace(word, contextWith())).location;
    expect(await locationOf('x')).toBe(path.join(cwd, 'x'));
    expect(await locationOf('s3://bucket/x')).toBe('s3://bucket/x');
  });

  test('comes with the environment', async () => {
    const { context } = await archivePlace('r2:x', contextWith({}, { R2_BUCKET: 'lake' }));
    expect(context?.environment).toEqual({ R2_BUCKET: 'lake' });
  });
});

describe('--config', () => {
  test('may stand before and after the command', async () => {
    await write('own.json', { nas: { path: '/own' } });
    const seen: unknown[] = [];
    const catalogList = async ({ archive }: { archive: unknown }) => {
      seen.push((archive as { context: { remotes: Map<string, unknown> } }).context.remotes.get('nas'));
      return { archive: 'nas:', exports: [] };
    };
    for (const line of [
      'catalog list --archive nas: --config own.json',
      '--config own.json catalog list --archive nas:',
      'catalog --config own.json list --archive nas:',
      '--config=own.json catalog list --archive nas:',
    ]) {
      expect(await runCli(line.split(' '), { catalogList }, { cwd })).toMatchObject({ code: 0, stderr: '' });
    }
    expect(seen).toEqual([{ path: '/own' }, { path: '/own' }, { path: '/own' }, { path: '/own' }]);
  });

  test('without its command is asked for the command', async () => {
    expect(await runCli(['--config', 'own.json', 'catalgo'], {}, { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('catalgo'),
    });
  });
});
