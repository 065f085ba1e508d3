/** A line that is read by its pattern says what a parser of JSON and the schema say; any other line is left to them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPlainEntry } from '../../src/schema/entry-line.js';
import type { FileEntry } from '../../src/schema/export-manifest.js';
import { serializeFileEntry } from '../../src/schema/serialize-manifest.js';
import { schemaFaults } from '../../src/schema/validator.js';
import { sha256Hex } from './arbitraries.js';

const ENTRY: FileEntry = {
  path: 'silver/x/dt=2025-10-11/part-0.parquet',
  bytes: 700,
  sha256: sha256Hex('a'),
  mtime: 1_760_162_400,
  executable: true,
  bundle: 1,
  offset: 2_048,
  stored: { offset: 100, length: 900, skip: 2_048 },
  content: { format: 'parquet', compression: 'gzip', rows: 30, rowGroups: 1, columns: [{ name: 'id', type: 'INT64' }] },
};

/** Holds for every line: what is read is right in every way that a reader of the slow way would ask for. */
function expectTrue(line: string): boolean {
  const plain = readPlainEntry(line);
  if (plain === undefined) return false;
  expect(plain.entry).toEqual(JSON.parse(line));
  expect(schemaFaults('file-entry.v1', plain.entry)).toEqual([]);
  expect(serializeFileEntry(plain.entry)).toBe(line);
  const { bundle: _bundle, offset: _offset, stored: _stored, ...embedded } = plain.entry;
  expect(plain.embedded).toBe(serializeFileEntry(embedded));
  return true;
}

describe('an entry as a writer makes it', () => {
  test.each([
    ENTRY,
    { ...ENTRY, content: undefined },
    { ...ENTRY, executable: undefined, mtime: -5 },
    { ...ENTRY, content: { format: 'csv', rows: 0 } },
    { ...ENTRY, content: { format: 'other' } },
    { ...ENTRY, content: { format: 'parquet', columns: [] } },
  ] as FileEntry[])('is read: case %#', (entry) => {
    expect(expectTrue(serializeFileEntry(entry))).toBe(true);
    // Columns are known by now.
    expect(expectTrue(serializeFileEntry(entry))).toBe(true);
  });
});

describe('any other line', () => {
  const line = serializeFileEntry(ENTRY);
  test.each([
    ['"offset":2048', '"offset":2049'],
    ['"offset":2048', '"offset":0'],
    ['"length":900', '"length":0'],
    ['"skip":2048', '"skip":4194305'],
    ['"bundle":1', '"bundle":0'],
    ['"bundle":1', '"bundle":100000'],
    ['"bytes":700', '"bytes":0700'],
    ['"bytes":700', '"bytes":7e2'],
    ['"bytes":700', '"bytes":9007199254740993'],
    ['"mtime":1760162400', '"mtime":-0'],
    ['silver/', '../'],
    ['silver/', '/'],
    ['silver/', 'C:/'],
    ['silver/', '\\u0041/'],
    ['"executable":true', '"executable":false'],
    ['{"path"', ' {"path"'],
    ['"bytes":700,', ''],
    ['"bytes":700', '"bytes":700,"bytes":700'],
    ['"content":{', '"content":{"x":1,'],
    ['"name":"id"', '"name":1'],
    ['"name":"id"', '"x":"id"'],
    ['"name":"id",', ''],
    ['"name":"id"', '"name":"\\u0069d"'],
    ['[{"name"', '[ {"name"'],
    ['[{"name"', '[1,{"name"'],
    ['"columns":[', '"columns":[['],
  ])('is left to the parser: %s as %s', (from, to) => {
    const changed = line.replace(from, to);
    expect(changed).not.toBe(line);
    expect(readPlainEntry(changed)).toBeUndefined();
  });

  test('with any character put in, taken out or changed is read right or not at all', () => {
    const character = fc.oneof(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        '"',
        ',',
        ':',
        '\\',
        '0',
        '9',
        '-',
        '.',
        'e',
        ' ',
        '/',
        '\u0000',
        'é',
        '\ud800',
      ),
      fc.string({ minLength: 1, maxLength: 1 }),
    );
    fc.assert(
      fc.property(fc.nat(line.length - 1), fc.constantFrom(0, 1), character, (at, taken, put) => {
        const changed = line.slice(0, at) + put + line.slice(at + taken);
        let isJson = true;
        try {
          JSON.parse(changed);
        } catch {
          isJson = false;
        }
        if (!isJson) expect(readPlainEntry(changed)).toBeUndefined();
        else expectTrue(changed);
      }),
      { numRuns: 3_000 },
    );
  });
});
