/** What a restore that was stopped leaves behind must neither show up later nor stand in its own way. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { encodeEntryHeader, END_OF_ARCHIVE, paddingBytes } from '../../src/codec/tar.js';
import { unpack, type UnpackOptions } from '../../src/index.js';
import { scratchFolder } from './material.js';

const good = path.resolve(import.meta.dirname, '../../fixtures/bundles/good/plain');

function tarOf(files: Readonly<Record<string, string | null>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const content = Buffer.from(text ?? '');
    const type = text === null ? 'directory' : 'file';
    const header = encodeEntryHeader({ path: name, type, bytes: content.length, mtime: 0, executable: false });
    return [header, content, Buffer.alloc(paddingBytes(content.length))];
  });
  return Buffer.concat([...blocks, END_OF_ARCHIVE]);
}

async function interruptedAt(phase: 'publish' | 'advance', options: UnpackOptions): Promise<void> {
  const stop = new AbortController();
  const interrupted = unpack({
    ...options,
    signal: stop.signal,
    onProgress: (event) => {
      if (event.type === phase || (event.type === 'phase' && event.phase === phase)) stop.abort();
    },
  });
  await expect(interrupted).rejects.toMatchObject({ code: 'INTERRUPTED' });
}

test('another archive under the same name does not bring back files of the first', async () => {
  const scratch = scratchFolder();
  const file = path.join(scratch, 'data.tar');
  const options = { bundleFiles: [file], into: path.join(scratch, 'restored'), foreign: true };
  fs.writeFileSync(file, tarOf({ 'old.txt': 'old', 'older.txt': 'older' }));
  await interruptedAt('advance', options);
  fs.writeFileSync(file, tarOf({ 'new.txt': 'new' }));
  await unpack(options);
  expect(fs.readdirSync(options.into)).toEqual(['new.txt']);
  expect(fs.readdirSync(scratch).sort()).toEqual(['data.tar', 'restored']);
});

test('a file that was read as foreign does not come back when it is read as a bundle', async () => {
  const scratch = scratchFolder();
  const [key = ''] = fs
    .readdirSync(good, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.tar.zst'));
  const options = { bundleFiles: [path.join(good, key)], into: path.join(scratch, 'restored') };
  await interruptedAt('advance', { ...options, foreign: true });
  await unpack(options);
  expect(fs.readdirSync(options.into)).toEqual(['silver']);
});

test('killed between two files of a folder that was there: the same command finishes', async () => {
  const scratch = scratchFolder();
  const into = path.join(scratch, 'lake');
  const folder = path.join(into, 'silver/matches/season=2024');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'of-the-user.txt'), 'mine');
  await interruptedAt('publish', { from: good, into });
  const [staged = ''] = fs.readdirSync(path.join(into, '.lakepack'));
  const source = path.join(into, '.lakepack', staged, 'silver/matches/season=2024');
  // What a publish does first, and all that one killed there has done.
  fs.linkSync(path.join(source, 'clubs.csv'), path.join(folder, 'clubs.csv'));
  const { totals } = await unpack({ from: good, into });
  expect(totals.kept).toBe(1);
  expect(fs.readdirSync(folder).sort()).toEqual(['clubs.csv', 'of-the-user.txt', 'part-0.json', 'remarks.txt']);
  expect(fs.existsSync(path.join(into, '.lakepack'))).toBe(false);
});

test('a folder of a foreign archive that a file stands in the way of is a conflict, before anything is written', async () => {
  const scratch = scratchFolder();
  const file = path.join(scratch, 'data.tar');
  const into = path.join(scratch, 'lake');
  fs.mkdirSync(path.join(into, 'bronze'), { recursive: true });
  fs.writeFileSync(path.join(into, 'bronze', 'z'), 'mine');
  fs.writeFileSync(file, tarOf({ 'bronze/a.txt': 'new', 'bronze/z': null }));
  const refused = unpack({ bundleFiles: [file], into, foreign: true });
  await expect(refused).rejects.toMatchObject({ code: 'TARGET_CONFLICT' });
  expect(fs.readdirSync(into)).toEqual(['bronze']);
  expect(fs.readdirSync(path.join(into, 'bronze'))).toEqual(['z']);
});
