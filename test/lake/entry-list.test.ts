/** Lists of entries in memory and beyond it. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import { comparePathBytes } from '../../src/base/paths.js';
import type { SourceEntry } from '../../src/lake/contract.js';
import { openEntryStore, wholeSeconds } from '../../src/lake/entry-list.js';
import { entriesOf, makeFolder } from './tree.js';

function file(name: string, bytes = 1, mtimeNs = 0n): SourceEntry {
  return { path: name, type: 'file', bytes, mtimeNs, executable: false };
}

describe('a list', () => {
  test('gives back what was added, again and again, wherever it stands', async () => {
    const entry = fc.record({
      path: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }).filter((text) => !text.includes('\0')),
      type: fc.constantFrom('file', 'directory'),
      bytes: fc.nat(),
      mtimeNs: fc.bigInt(-(2n ** 62n), 2n ** 66n),
      executable: fc.boolean(),
    });
    const entries = fc
      .uniqueArray(entry, { maxLength: 40, selector: (one) => one.path })
      .map((all) => all.sort((a, b) => comparePathBytes(a.path, b.path)));
    const scratch = makeFolder();
    await fc.assert(
      fc.asyncProperty(entries, fc.integer({ min: 1, max: 50 }), async (all, maxInMemory) => {
        const store = openEntryStore(scratch, maxInMemory);
        const lists = [store.openList(), store.openList()] as const;
        all.forEach((one, at) => lists[at % 2 === 0 ? 0 : 1].add(one));
        for (const [parity, list] of lists.entries()) {
          const mine = all.filter((_, at) => at % 2 === parity);
          expect(await entriesOf(list)).toEqual(mine);
          expect(await entriesOf(list)).toEqual(mine);
          expect(list.files).toBe(mine.filter(({ type }) => type === 'file').length);
          expect(list.directories).toBe(mine.length - list.files);
          expect(list.bytes).toBe(mine.reduce((sum, { bytes }) => sum + bytes, 0));
        }
        store.dispose();
      }),
    );
    expect(fs.readdirSync(scratch)).toEqual([]);
  });

  test('of 60,000 entries holds 20,000 of them at most, and leaves nothing behind', async () => {
    const scratch = makeFolder();
    const store = openEntryStore(scratch);
    const list = store.openList();
    for (let at = 0; at < 60_000; at++) list.add(file(`f${String(at).padStart(6, '0')}`));
    const entries = await entriesOf(list);
    expect([entries.length, entries.at(-1)?.path]).toEqual([60_000, 'f059999']);
    expect(fs.readdirSync(scratch)).toEqual([]);
    store.dispose();
  });

  test('may be read while others are added to', async () => {
    const store = openEntryStore(makeFolder(), 3);
    const [one, other] = [store.openList(), store.openList()];
    ['a', 'b', 'c', 'd'].forEach((name) => one.add(file(name)));
    const read: string[] = [];
    for await (const entry of one) {
      read.push(entry.path);
      other.add(file(entry.path));
    }
    expect(read).toEqual(['a', 'b', 'c', 'd']);
    expect((await entriesOf(other)).length).toBe(4);
    store.dispose();
  });

  test('refuses an entry that is out of order or comes twice', () => {
    const list = openEntryStore(makeFolder()).openList();
    list.add(file('b'));
    for (const name of ['a', 'b']) {
      expect(() => list.add(file(name))).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
    }
  });

  test('that cannot be written says so', () => {
    const list = openEntryStore(path.join(makeFolder(), 'gone'), 1).openList();
    expect(() => list.add(file('a'))).toThrow(expect.toSatisfy((error) => isLakepackError(error, 'INTERNAL')));
  });
});

describe('the scan digest', () => {
  test('is the SHA-256 of path, type, size and mtime of each entry', () => {
    const list = openEntryStore(makeFolder()).openList();
    list.add({ path: 'empty', type: 'directory', bytes: 0, mtimeNs: -1n, executable: false });
    list.add({ path: 'é/a', type: 'file', bytes: 12, mtimeNs: 1_700_000_000_123_456_789n, executable: true });
    const text = 'empty\0directory\x000\0-1\né/a\0file\x0012\x001700000000123456789\n';
    expect(list.scanDigest).toBe(createHash('sha256').update(text).digest('hex'));
    expect(list.scanDigest).toBe(list.scanDigest);
  });
});

describe('mtimes', () => {
  test.each([
    [0n, 0],
    [1_999_999_999n, 1],
    [-1n, -1],
    [-1_000_000_000n, -1],
    [-1_000_000_001n, -2],
    [16_725_225_600_000_000_000n, 16_725_225_600],
  ])('of %s ns are %s whole seconds', (ns, seconds) => expect(wholeSeconds(ns)).toBe(seconds));

  test('of a list: the newest, in whole seconds, or none', () => {
    const store = openEntryStore(makeFolder());
    const list = store.openList();
    expect(list.newestMtime).toBeUndefined();
    list.add(file('a', 1, -5_500_000_000n));
    expect(list.newestMtime).toBe(-6);
    list.add(file('b', 1, 7_900_000_000n));
    list.add(file('c', 1, 3n));
    expect(list.newestMtime).toBe(7);
  });
});
