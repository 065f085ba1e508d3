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

/** The rules of the format, byte by byte, without a look ahead. */
function recordsByTheByte(text: string): number | undefined {
  let records = 0;
  let isQuoted = false;
  let isFieldStart = true;
  let isBlank = true;
  for (const char of text) {
    if (isQuoted) {
      isQuoted = char !== '"';
    } else if (char === '\n') {
      if (!isBlank) records += 1;
      isBlank = isFieldStart = true;
    } else if (char === '"' && isFieldStart) {
      isQuoted = true;
      isBlank = false;
    } else if (char !== '\r') {
      isFieldStart = [',', ';', '\t', '|'].includes(char);
      isBlank = false;
    }
  }
  if (isQuoted) return undefined;
  return Math.max(0, (isBlank ? records : records + 1) - 1);
}

describe('CSV', () => {
  test('has the rows that a reader byte by byte finds, whatever the text and the chunks', () => {
    const unit = fc.constantFrom('a', 'b', '"', '\n', ',', '\r', ';', '\t', '|', ' ');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 40 }), fc.integer({ min: 1, max: 50 }), (text, size) => {
        expect(rowsOf(countCsvRecords(), text, size)).toBe(recordsByTheByte(text));
      }),
      { numRuns: 3_000 },
    );
  });

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
