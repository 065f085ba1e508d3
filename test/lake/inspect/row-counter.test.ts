/** Rows of JSON lines and CSV. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countCsvRecords, countJsonLines, type RowCounter } from '../../../src/lake/inspect/row-counter.js';

function rowsOf(counter: RowCounter, text: string, chunkBytes = 3): number | undefined {
  const data = Buffer.from(text);
  for (let at = 0; at < data.length; at += chunkBytes) counter.update(data.subarray(at, at + chunkBytes));
  return counter.rows();
}

describe('JSON lines', () => {
  test.each([
    ['', 0],
    ['{}\n{}\n', 2],
    ['{}\n{}', 2],
    ['{}\r\n\r\n \t\r\n{}\r\n', 2],
    ['\n\n', 0],
    ['  {}', 1],
  ])('%j are %i rows', (text, rows) => expect(rowsOf(countJsonLines(), text)).toBe(rows));

  test('are as many for chunks of any size', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '\n', ' ', '\r', 'é') }),
        fc.integer({ min: 1, max: 9 }),
        (text, size) => {
          expect(rowsOf(countJsonLines(), text, size)).toBe(
            text.split('\n').filter((line) => /[^ \t\r]/.test(line)).length,
          );
        },
      ),
    );
  });
});

describe('CSV', () => {
  test.each([
    ['', 0],
    ['a,b\n', 0],
    ['a,b\n1,2\n3,4', 2],
    ['a,b\r\n1,2\r\n', 1],
    ['a,b\n"x\ny","z ""q"" \n"\n3,4\n', 2],
    ['a;b\n1;"x\n"\n', 1],
    ['a\tb\n1\t"x\n"\n', 1],
    ['size,name\n5" disk,x\n3"" tape,y\n', 2],
    ['a\n\n\n1\n\n', 1],
    ['a\n"open\n1\n', undefined],
    ['a\n""\n', 1],
  ])('%j has %s rows', (text, rows) => expect(rowsOf(countCsvRecords(), text)).toBe(rows));

  test('has as many rows as were written, for chunks of any size', () => {
    const field = fc
      .string({ unit: fc.constantFrom('a', '"', '\n', ',', '\r', ';'), minLength: 1 })
      .map((text) => `"${text.replaceAll('"', '""')}"`);
    const record = fc.array(field, { minLength: 1, maxLength: 4 }).map((fields) => fields.join(','));
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        (records, hasEnd, size) => {
          const text = records.join('\r\n') + (hasEnd ? '\r\n' : '');
          expect(rowsOf(countCsvRecords(), text, size)).toBe(records.length - 1);
        },
      ),
    );
  });
});
