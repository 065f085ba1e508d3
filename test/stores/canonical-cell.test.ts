import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalCell, joinCells, keyTextOf, normalDecimal, splitCells } from '../../src/stores/canonical-cell.js';
import { canonicalJsonText } from '../../src/stores/canonical-json.js';
import type { Cell, LogicalType } from '../../src/stores/contract.js';
import { readableCell } from '../../src/stores/readable-cell.js';
import { everyType } from './support/every-type.js';

const DECIMAL: LogicalType = { kind: 'decimal', precision: 38, scale: 10 };
const NANO: LogicalType = { kind: 'timestamp', unit: 'ns', zone: false };
const TEXTS: LogicalType = { kind: 'map', key: { kind: 'text' }, value: { kind: 'integer', bits: 32, signed: true } };

const CASES: readonly (readonly [Cell, LogicalType, string])[] = [
  [null, { kind: 'text' }, 'n'],
  ['', { kind: 'text' }, 's:'],
  ['n', { kind: 'text' }, 's:n'],
  [-0, { kind: 'float', bits: 64 }, 'f:0'],
  [1e21, { kind: 'float', bits: 64 }, 'f:1e+21'],
  [Math.fround(0.1), { kind: 'float', bits: 32 }, 'r:0.10000000149011612'],
  [2n ** 63n - 1n, { kind: 'integer', bits: 64, signed: true }, 'i:9223372036854775807'],
  ['-001.500', DECIMAL, 'd:-1.5'],
  ['-0.00', DECIMAL, 'd:0'],
  ['.5', DECIMAL, 'd:0.5'],
  ['100', DECIMAL, 'd:100'],
  [-1, NANO, 'ts:-0.001'],
  [2_000, NANO, 'ts:2'],
  ['infinity', NANO, 'ts:infinity'],
  [[14, 3, 5_000_001], { kind: 'interval' }, 'v:14/3/5000001'],
  [[null, 'a"b'], { kind: 'list', of: { kind: 'text' } }, 'l:["n","s:a\\"b"]'],
  [
    [
      ['b', 1],
      ['a', null],
    ],
    TEXTS,
    'm:[["s:a","n"],["s:b","i:1"]]',
  ],
  ['{"b":1.0,"a":[]}', { kind: 'json' }, 'j:{"a":[],"b":1}'],
  [{ foreign: 'string', text: '5' }, DECIMAL, '!string:5'],
  ['5', { kind: 'integer', bits: 32, signed: true }, '!string:5'],
];

test.each(CASES.map(([cell, type, text]) => ({ cell, type, text })))('$type.kind: $text', ({ cell, type, text }) => {
  expect(canonicalCell(cell, type)).toBe(text);
});

test('the order of a struct’s fields does not count', () => {
  const [x, y] = [
    { name: 'x', type: { kind: 'text' } as const },
    { name: 'y', type: { kind: 'date' } as const },
  ];
  const [one, other] = [
    canonicalCell(['a', 1], { kind: 'struct', fields: [x, y] }),
    canonicalCell([1, 'a'], { kind: 'struct', fields: [y, x] }),
  ];
  expect(one).toBe('t:{"x":"s:a","y":"D:1"}');
  expect(other).toBe(one);
});

test('different values of every type have different texts', () => {
  const { spec, rows } = everyType([]);
  for (const [at, { name, type }] of spec.columns.entries()) {
    const values = rows.map((row) => row[at] ?? null).filter((cell) => cell !== null);
    const texts = values.map((cell) => canonicalCell(cell, type));
    expect(new Set(texts).size, name).toBe(values.length);
    for (const text of texts) expect(text.startsWith('!'), `${name}: ${text}`).toBe(false);
  }
});

test('no two lists of cells give one joined text', () => {
  const lists = [
    ['a', 'b'],
    ['a\u001fb'],
    ['a\\', 'b'],
    ['a\\fb'],
    ['a', '', 'b'],
    ['', ''],
    [''],
    ['\u001e'],
    ['\\r'],
  ];
  expect(new Set(lists.map(joinCells)).size).toBe(lists.length);
  for (const list of lists) expect(splitCells(joinCells(list))).toEqual(list);
});

test('a key text is that of the key columns in the order of the keys', () => {
  const { spec } = everyType([]);
  expect(keyTextOf({ ...spec, keys: ['a_text', 'id'] }, ['x', 1])).toBe('s:x\u001fi:1');
});

test('JSON that is none, or too deep, stays as it is', () => {
  const deep = '['.repeat(300) + ']'.repeat(300);
  expect(['{', deep, '1e400', '{"a":1,"a":2}', '"\\u00e9"'].map(canonicalJsonText)).toEqual([
    '!{',
    `!${deep}`,
    'Infinity',
    '{"a":2}',
    '"é"',
  ]);
});

test('people read dates as dates and see what is NULL and what is text', () => {
  const words = [
    readableCell(19_844, { kind: 'date' }),
    readableCell(1_714_521_600_123_456, { kind: 'timestamp', unit: 'us', zone: true }),
    readableCell(-1, NANO),
    readableCell(null, { kind: 'text' }),
    readableCell('NULL', { kind: 'text' }),
    readableCell('x'.repeat(100), { kind: 'text' }),
  ];
  expect(words.slice(0, 5)).toEqual([
    '2024-05-01',
    '2024-05-01T00:00:00.123456Z',
    '1969-12-31T23:59:59.999999999',
    'NULL',
    '"NULL"',
  ]);
  expect(words[5]).toHaveLength(80);
});

test('a decimal loses the zeros that say nothing, and what is no decimal stays as it is', () => {
  const usual = fc.stringMatching(/^-?[0-9]{1,6}(\.[0-9]{0,4}0{0,3})?$/);
  fc.assert(
    fc.property(fc.oneof(usual, fc.stringMatching(/^[-+.0-9e]{0,6}$/)), (text) => {
      const [, sign, whole = '', fraction = ''] = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?$/.exec(text) ?? [];
      const digits = `${whole || '0'}${fraction && '.'}${fraction}`;
      const plain = sign === '-' && digits !== '0' ? `-${digits}` : digits;
      expect(normalDecimal(text)).toBe(sign === undefined ? text : plain);
    }),
  );
});
