import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalCell } from '../../src/stores/canonical-cell.js';
import type { Cell, LogicalType } from '../../src/stores/contract.js';
import { dateText, daysOf, timestampOf, timestampText } from '../../src/stores/cosmos-time.js';
import { fromJson, toJson } from '../../src/stores/cosmos-values.js';

const INT64 = { kind: 'integer', bits: 64, signed: true } as const;
const DECIMAL = { kind: 'decimal', precision: 38, scale: 10 } as const;
const DOUBLE = { kind: 'float', bits: 64 } as const;
const JSON_TEXT = { kind: 'json' } as const;
const MICROS = { kind: 'timestamp', unit: 'us', zone: true } as const;
const NANOS = { kind: 'timestamp', unit: 'ns', zone: false } as const;

/** Values of a type, as rows have them. */
function cellsOf(type: LogicalType): fc.Arbitrary<Cell> {
  const integers = fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
  switch (type.kind) {
    case 'integer':
      return fc.oneof(integers, fc.integer());
    case 'decimal':
      return fc.tuple(integers, fc.nat(99_999)).map(([whole, part]) => `${whole}.${String(part).padStart(5, '0')}`);
    case 'float':
      return fc.double();
    case 'text':
      return fc.oneof(fc.string(), fc.constantFrom('\u{1F600}', 'e\u0301', '\0', '\ufeff'));
    case 'bytes':
      return fc.uint8Array();
    case 'date':
      return fc.integer({ min: -1_000_000, max: 100_000_000 });
    case 'time':
      return fc.integer({ min: 0, max: 86_400_000_000 });
    case 'timestamp':
      return fc.oneof(integers, fc.constant('infinity'), fc.constant('-infinity'));
    case 'interval':
      return fc.tuple(fc.integer(), fc.integer(), integers);
    case 'json':
      return fc.json();
    case 'uuid':
      return fc.uuid();
    case 'boolean':
      return fc.boolean();
    case 'vector':
      return fc.array(fc.float(), { minLength: 3, maxLength: 3 }).map((numbers) => Float32Array.from(numbers));
    case 'list':
      return fc.array(fc.option(cellsOf(type.of)), { maxLength: 4 });
    case 'struct':
      return fc.tuple(...type.fields.map((field) => fc.option(cellsOf(field.type))));
    case 'map':
      return fc.array(fc.tuple<Cell[]>(cellsOf(type.key), fc.option(cellsOf(type.value))), { maxLength: 4 });
  }
}

const TYPES: readonly LogicalType[] = [
  { kind: 'boolean' },
  INT64,
  DECIMAL,
  DOUBLE,
  { kind: 'text' },
  { kind: 'bytes' },
  { kind: 'date' },
  { kind: 'time' },
  MICROS,
  NANOS,
  { kind: 'interval' },
  JSON_TEXT,
  { kind: 'uuid' },
  { kind: 'vector', dimensions: 3 },
  { kind: 'list', of: { kind: 'list', of: INT64 } },
  { kind: 'map', key: { kind: 'text' }, value: DECIMAL },
  {
    kind: 'struct',
    fields: [
      { name: 'when', type: NANOS },
      { name: '__proto__', type: { kind: 'text' } },
    ],
  },
];

describe('a value', () => {
  test.each(TYPES.map((type) => [type.kind, type] as const))('of %s comes back through JSON as it was', (_, type) => {
    const property = fc.property(cellsOf(type), (cell) => {
      const stored: unknown = JSON.parse(JSON.stringify(toJson(cell, type)));
      expect(canonicalCell(fromJson(stored, type), type)).toBe(canonicalCell(cell, type));
    });
    fc.assert(property, { numRuns: 100 });
  });

  test.each([
    ['a safe integer is a number', 9007199254740991, INT64, 9007199254740991],
    ['a large one is text', 9007199254740993n, INT64, '9007199254740993'],
    ['a decimal that a double prints alike is a number', '-1.50', DECIMAL, -1.5],
    ['another is text, without zeros that say nothing', '0.12345678901234567890', DECIMAL, '0.1234567890123456789'],
    ['a float that JSON has no word for is text', -Infinity, DOUBLE, '-Infinity'],
    ['a time is text whose order is time order', 1, MICROS, '1970-01-01T00:00:00.000001Z'],
    ['nanoseconds are kept', -1n, NANOS, '1969-12-31T23:59:59.999999999'],
    ['a document is one', '{"a":[1]}', JSON_TEXT, { a: [1] }],
    [
      'a document with digits that a double loses is text',
      '{"a":12345678901234567890}',
      JSON_TEXT,
      '{"a":12345678901234567890}',
    ],
    ['the document null is not NULL', 'null', JSON_TEXT, 'null'],
    ['NULL is null', null, JSON_TEXT, null],
    [
      'a vector has the shortest digits',
      Float32Array.of(0.1, 1 / 3),
      { kind: 'vector', dimensions: 2 },
      [0.1, 0.33333334],
    ],
  ] as const)('is stored legibly: %s', (_, cell, type, stored) => {
    expect(toJson(cell, type)).toEqual(stored);
  });

  test.each([
    ['text in place of a number', '5', INT64],
    ['a fraction in place of an integer', 5.5, INT64],
    ['text in place of a decimal that would be a number', '1.5', DECIMAL],
    ['a decimal with a zero too many', '0.12345678901234567890', DECIMAL],
    ['a number in place of text', 5, { kind: 'text' }],
    ['a number in place of a flag', 1, { kind: 'boolean' }],
    ['a day that no month has', '2023-02-29', { kind: 'date' }],
    ['a time without its zone', '1970-01-01T00:00:00.000001', MICROS],
    ['a time cut short', '1970-01-01T00:00:00Z', MICROS],
    ['the text of a document', '{"a":[1]}', JSON_TEXT],
    ['text that is no document', '{', JSON_TEXT],
    ['base64 of another alphabet', '_-8=', { kind: 'bytes' }],
    ['one wrong element', [1, '2'], { kind: 'list', of: INT64 }],
    ['a field too many', { a: 1, b: 2 }, { kind: 'struct', fields: [{ name: 'a', type: INT64 }] }],
    ['a field missing', {}, { kind: 'struct', fields: [{ name: 'a', type: INT64 }] }],
    ['an element of a vector as text', [1, '2'], { kind: 'vector', dimensions: 2 }],
    ['nothing at all', undefined, { kind: 'text' }],
  ] as const)('is foreign when it is %s', (_, stored, type) => {
    expect(fromJson(stored, type)).toMatchObject({ foreign: expect.any(String) });
  });
});

test.each([
  [0, '1970-01-01'],
  [19_782, '2024-02-29'],
  [-719_528, '0000-01-01'],
  [-719_529, '-000001-12-31'],
  [2_932_897, '+010000-01-01'],
])('%i days since the epoch are %s', (days, text) => {
  expect([dateText(days), daysOf(text)]).toEqual([text, days]);
});

test('dates agree with those of the language where it has them', () => {
  const property = fc.property(fc.date({ min: new Date(-9e12), max: new Date(9e12), noInvalidDate: true }), (date) => {
    const text = date.toISOString().replace('Z', '000Z');
    expect(timestampText(date.getTime() * 1_000, 'us', true)).toBe(text);
    expect(timestampOf(text, 'us', true)).toBe(date.getTime() * 1_000 + 0);
  });
  fc.assert(property, { numRuns: 200 });
});
