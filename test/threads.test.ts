/**
 * The built command line, whose jobs run on worker threads; tests of the sources run them on the main thread. The same
 * bytes, the same findings and the same errors must come of both.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomBytes, sha256Of, textBytes } from './bundle/kit.js';
import { treeOf } from './operations/lakes.js';

const MIB = 1024 * 1024;
const BIN = path.resolve(import.meta.dirname, '../dist/bin.js');
const folder = mkdtempSync(path.join(os.tmpdir(), 'lakepack-threads-test-'));
const lake = path.join(folder, 'lake');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Enough that no command thinks threads not worth it: small files, text, noise, and files in several frames. */
beforeAll(() => {
  for (let n = 0; n < 700; n += 1) write(`bronze/a/f${n}.json.gz`, gzipSync(`{"n":${n}}\n`));
  write('silver/x/dt=2025-10-11/large.bin', randomBytes(13 * MIB));
  write('silver/x/dt=2025-10-11/text.csv', textBytes(9 * MIB));
  write('silver/x/dt=2025-10-11/empty', Buffer.alloc(0));
  write('silver/ü %\n/odd.txt', Buffer.from('odd\n'));
  mkdirSync(path.join(lake, 'silver/x/dt=2025-10-12/none'), { recursive: true });
});

function write(lakePath: string, content: Buffer): void {
  const disk = path.join(lake, lakePath);
  mkdirSync(path.dirname(disk), { recursive: true });
  writeFileSync(disk, content);
  utimesSync(disk, 1_760_162_400, 1_760_162_400);
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function lakepack(...args: string[]): Ended {
  const env = { ...process.env, LAKEPACK_STATE_DIR: path.join(folder, 'state') };
  return spawnSync(process.execPath, [BIN, ...args], { cwd: folder, env, encoding: 'utf8' });
}

function packed(name: string, concurrency: number): string {
  const archive = path.join(folder, name);
  const { status, stderr } = lakepack(
    'export',
    'pack',
    lake,
    '--by',
    'lake',
    '--to',
    archive,
    '--concurrency',
    `${concurrency}`,
  );
  expect(stderr).not.toContain('INTERNAL');
  expect(status).toBe(0);
  return archive;
}

function bundleOf(archive: string): string {
  const found = readdirSync(archive, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('.tar.zst'));
  if (found === undefined) throw new Error(`no bundle in ${archive}`);
  return path.join(archive, found);
}

describe('on threads', () => {
  let archive: string;
  beforeAll(() => {
    archive = packed('threads', 3);
  });

  test('a bundle has the bytes that one thread makes', () => {
    const alone = packed('alone', 1);
    expect(sha256Of(readFileSync(bundleOf(archive)))).toBe(sha256Of(readFileSync(bundleOf(alone))));
  });

  test('it is found sound, and every damaged byte is found', () => {
    expect(lakepack('verify', '--archive', archive, '--depth', 'contents', '--concurrency', '3').status).toBe(0);
    const damaged = path.join(folder, 'damaged');
    cpSync(archive, damaged, { recursive: true });
    const bundle = readFileSync(bundleOf(damaged));
    bundle[bundle.length >> 1]! ^= 1;
    writeFileSync(bundleOf(damaged), bundle);
    const { status, stdout } = lakepack(
      'verify',
      '--archive',
      damaged,
      '--depth',
      'contents',
      '--concurrency',
      '3',
      '--json',
    );
    expect(status).toBe(3);
    expect(stdout).toContain('BUNDLE_HASH_WRONG');
    const into = path.join(folder, 'from-damaged');
    const restored = lakepack('import', 'unpack', '--all', '--from', damaged, '--into', into, '--concurrency', '3');
    expect(restored.status).toBe(3);
    expect(restored.stderr).toMatch(/HASH_MISMATCH|ZSTD_INVALID/);
    expect(readdirSync(folder).filter((name) => name.includes('from-damaged'))).toEqual([]);
  });

  test('it is restored, byte for byte', () => {
    const into = path.join(folder, 'restored');
    const { status } = lakepack('import', 'unpack', '--all', '--from', archive, '--into', into, '--concurrency', '3');
    expect(status).toBe(0);
    expect(treeOf(into)).toEqual(treeOf(lake));
  });

  test('a file that cannot be read fails its export in the words of one thread', () => {
    const other = path.join(folder, 'other');
    cpSync(lake, other, { recursive: true });
    // The scan finds it; whoever opens it finds that a part of its path is no folder any more.
    const words = [1, 3].map((concurrency) => {
      const disk = path.join(other, 'silver/x/dt=2025-10-11/text.csv');
      const script = `
        const fs = require('node:fs');
        const lstat = fs.lstatSync;
        fs.lstatSync = (file, options) => {
          const stats = lstat(file, options);
          if (String(file).endsWith('text.csv')) fs.unlinkSync(file);
          return stats;
        };`;
      cpSync(path.join(lake, 'silver/x/dt=2025-10-11/text.csv'), disk, { preserveTimestamps: true });
      const preload = path.join(folder, 'preload.cjs');
      writeFileSync(preload, script);
      const args = ['export', 'pack', other, '--by', 'lake', '--to', path.join(folder, `fails-${concurrency}`)];
      const env = { ...process.env, LAKEPACK_STATE_DIR: path.join(folder, 'state') };
      const ended = spawnSync(
        process.execPath,
        ['--require', preload, BIN, ...args, '--concurrency', `${concurrency}`, '--json'],
        { cwd: folder, env, encoding: 'utf8' },
      );
      expect(ended.status).toBe(3);
      return /"message": ?"[^"]*text\.csv[^"]*"/.exec(ended.stdout)?.[0];
    });
    expect(words[0]).toContain('the file changed while it was packed');
    expect(words[1]).toBe(words[0]);
  });
});
