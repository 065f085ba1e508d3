import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import {
  RemovalJournal,
  refuseUnfinished,
  unfinishedRemovals,
} from '../../../src/operations/packing/removal-journal.js';
import { codeOf, makeFolder } from '../lakes.js';

const FIRST = { path: 'silver/a/dt=1', exportId: '20251011T080000Z-0a1b2c3d' };
const SECOND = { path: 'silver/a/dt=2', exportId: '20251011T080001Z-0a1b2c3d' };

let lake: string;
let own: string;
beforeEach(() => {
  lake = makeFolder();
  own = path.join(lake, '.lakepack');
});

test('what was begun and not done is found by the next run', async () => {
  const journal = new RemovalJournal(lake);
  await journal.begin(FIRST);
  await journal.done(FIRST);
  await journal.begin(SECOND);
  await journal.close();
  const { exports, files } = await unfinishedRemovals(lake);
  expect(exports).toEqual([SECOND]);
  expect(files).toHaveLength(1);
});

test('at its end nothing is left, neither its own nor what it has finished', async () => {
  const killed = new RemovalJournal(lake);
  await killed.begin(FIRST);
  await killed.close();
  const { files } = await unfinishedRemovals(lake);
  const journal = new RemovalJournal(lake);
  await journal.begin(FIRST);
  await journal.done(FIRST);
  await journal.end(files);
  expect(fs.existsSync(own)).toBe(false);
});

test('a journal that wrote nothing makes no folder', async () => {
  const journal = new RemovalJournal(lake);
  await journal.end([]);
  expect(fs.readdirSync(lake)).toEqual([]);
});

test('a torn line, and what is no export, are passed over', async () => {
  fs.mkdirSync(own);
  const lines = [
    { begin: FIRST.exportId, path: FIRST.path },
    { begin: '\u001b[31mnot an id', path: 'silver' },
    { begin: SECOND.exportId, path: '../../etc' },
    { done: 7 },
  ];
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  fs.writeFileSync(path.join(own, 'removal-0123456789abcdef.jsonl'), `${text}{"begin":"${SECOND.exportId}","pa`);
  fs.writeFileSync(path.join(own, 'removal-notes.jsonl'), text);
  expect((await unfinishedRemovals(lake)).exports).toEqual([FIRST]);
});

test('a link in place of our folder is refused', async () => {
  fs.symlinkSync(makeFolder(), own);
  expect(await codeOf(unfinishedRemovals(lake))).toBe('TARGET_CONFLICT');
});

test('the refusal names the partition and the way out', () => {
  const refuse = (): void => refuseUnfinished('./lake', { exports: [FIRST, SECOND], files: [] });
  expect(refuse).toThrow('silver/a/dt=1 and 1 more');
  expect(() => refuseUnfinished('./lake', { exports: [], files: [] })).not.toThrow();
});
