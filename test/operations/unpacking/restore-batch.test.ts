/** Entries as lines and back: nothing is lost, and what shares stored bytes stays together. */
import { expect, test } from 'vitest';
import {
  BatchWriter,
  readBatch,
  rowsOf,
  withRows,
  type FileBatch,
} from '../../../src/operations/unpacking/restore-batch.js';
import type { FileEntry } from '../../../src/schema/export-manifest.js';

function file(path: string, offset: number, bytes: number, more: Partial<FileEntry> = {}): FileEntry {
  const sha256 = 'ab'.repeat(32);
  return { path, bytes, sha256, mtime: 5, bundle: 1, offset, stored: { offset: 0, length: 100, skip: 0 }, ...more };
}

function linesOf(entries: readonly FileEntry[]): string[] {
  const lines: string[] = [];
  const writer = new BatchWriter((line) => lines.push(line));
  for (const entry of entries) writer.add(entry);
  writer.end();
  writer.end();
  return lines;
}

function batchesOf(entries: readonly FileEntry[]): FileBatch[] {
  return linesOf(entries).map((line) => readBatch(line) as FileBatch);
}

test('files of one range are one batch, and any other range, bundle or folder begins another', () => {
  const other = { offset: 100, length: 100, skip: 0 };
  const entries = [
    file('a', 512, 10),
    file('b', 1_024, 0),
    file('c', 1_536, 20, { executable: true, mtime: -7 }),
    file('d', 2_560, 5, { stored: other }),
    file('e', 512, 5, { bundle: 2, stored: other }),
    file('f', 1_024, 5, { bundle: 2, stored: { ...other, length: 300 } }),
    file('g', 2_048, 0, { type: 'directory', mtime: 9 }),
    file('h', 3_072, 5, { bundle: 2, stored: { ...other, length: 300 } }),
  ];
  const all = linesOf(entries).map(readBatch);
  expect(all.map((batch) => (batch.type === 'files' ? rowsOf(batch).map(([path]) => path) : batch.path))).toEqual([
    ['a', 'b', 'c'],
    ['d'],
    ['e'],
    ['f'],
    'g',
    ['h'],
  ]);
  expect(all[0]).toMatchObject({ bundle: 1, start: 512, end: 1_556, files: 3, bytes: 30 });
  expect(rowsOf(all[0] as FileBatch)[2]).toEqual(['c', 1_536, 20, 'ab'.repeat(32), -7, 1]);
  expect(all[2]).toMatchObject({ bundle: 2 });
  expect(all[4]).toEqual({ type: 'folder', path: 'g', mtime: 9 });
});

test('empty files have no place in the tar', () => {
  expect(batchesOf([file('a', 512, 0), file('b', 1_024, 0)])).toMatchObject([{ start: 0, end: 0, files: 2, bytes: 0 }]);
  expect(batchesOf([file('a', 512, 0), file('b', 1_024, 7)])).toMatchObject([{ start: 1_024, end: 1_031 }]);
});

test('names with anything in them come back, a line each', () => {
  const names = ['a b', 'files 1 2 3 4 5 [', 'line\nfeed', '"quoted"', '\u{1f600}/ä', 'x'.repeat(3_000)];
  const lines = linesOf(names.map((name, index) => file(name, 512 * (index + 1), 1)));
  expect(lines.join('')).not.toContain('\n');
  expect(lines.flatMap((line) => rowsOf(readBatch(line) as FileBatch).map(([path]) => path))).toEqual(names);
  const [folder = ''] = linesOf([file('files 1 2 3 4 5 [', 0, 0, { type: 'directory' })]);
  expect(readBatch(folder)).toMatchObject({ type: 'folder', path: 'files 1 2 3 4 5 [' });
});

test('a batch stays bounded, however much shares a range', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => file(`f${index}`, 512 * (index + 1), 0));
  expect(batchesOf(many).map(({ files }) => files)).toEqual([8_192, 1_808]);
  const long = Array.from({ length: 2_000 }, (_, index) => file(`${index}${'x'.repeat(3_000)}`, 512 * (index + 1), 1));
  expect(Math.max(...linesOf(long).map((line) => line.length))).toBeLessThan(3 * 1024 * 1024);
});

test('a part of a batch says what its files are', () => {
  const [batch] = batchesOf([file('a', 512, 10), file('b', 1_024, 0), file('c', 1_536, 20)]);
  const rows = rowsOf(batch!);
  expect(withRows(batch!, rows)).toEqual(batch);
  expect(withRows(batch!, rows.slice(1))).toMatchObject({ start: 1_536, end: 1_556, files: 2, bytes: 20, bundle: 1 });
  expect(withRows(batch!, rows.slice(1, 2))).toMatchObject({ start: 0, end: 0, files: 1, bytes: 0 });
});
