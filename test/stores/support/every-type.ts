/** One table with a column of every logical type, and rows with the values at which stores go wrong. */
import type { Cell, LogicalType, TableColumn, TableSpec } from '../../../src/stores/contract.js';
import { column } from './table-rows.js';

interface TypeCase {
  readonly column: TableColumn;
  readonly values: readonly Cell[];
}

const TEXT: LogicalType = { kind: 'text' };
const INTEGER: LogicalType = { kind: 'integer', bits: 32, signed: true };
const BIGINT: LogicalType = { kind: 'integer', bits: 64, signed: true };
const DOUBLE: LogicalType = { kind: 'float', bits: 64 };
const MINUTE_US = 60_000_000;
const FIRST_US = -1_577_923_200_000_000; // 1920-01-01T00:00:00Z

function typeCase(name: string, type: LogicalType, sqlType: string, values: readonly Cell[]): TypeCase {
  return { column: column(name, type, sqlType), values };
}

export const TYPE_CASES: readonly TypeCase[] = [
  typeCase('a_boolean', { kind: 'boolean' }, 'BOOLEAN', [true, false]),
  typeCase('a_tinyint', { kind: 'integer', bits: 8, signed: true }, 'TINYINT', [-128, 127, 0]),
  typeCase('a_smallint', { kind: 'integer', bits: 16, signed: true }, 'SMALLINT', [-32_768, 32_767]),
  typeCase('an_integer', INTEGER, 'INTEGER', [-2_147_483_648, 2_147_483_647]),
  typeCase('a_bigint', BIGINT, 'BIGINT', [-(2n ** 63n), 2n ** 63n - 1n, 9_007_199_254_740_993n, 7]),
  typeCase('a_ubigint', { kind: 'integer', bits: 64, signed: false }, 'UBIGINT', [0, 2n ** 64n - 1n]),
  typeCase('a_hugeint', { kind: 'integer', bits: 128, signed: true }, 'HUGEINT', [-(2n ** 126n), 2n ** 127n - 1n, 1]),
  typeCase('a_price', { kind: 'decimal', precision: 10, scale: 2 }, 'DECIMAL(10,2)', ['-1.50', '0.00', '99999999.99']),
  typeCase('a_decimal', { kind: 'decimal', precision: 38, scale: 10 }, 'DECIMAL(38,10)', [
    '1234567890123456789012345678.0123456789',
    '-0.0000000001',
  ]),
  typeCase('a_float', { kind: 'float', bits: 32 }, 'FLOAT', [
    Math.fround(0.1),
    -0,
    NaN,
    Infinity,
    -Infinity,
    2 ** -149,
  ]),
  typeCase('a_double', DOUBLE, 'DOUBLE', [0.1, -0, NaN, Infinity, -Infinity, 5e-324, 1.7976931348623157e308, 1e21]),
  typeCase('a_text', TEXT, 'VARCHAR', [
    '',
    'NULL',
    '\\N',
    '\\.',
    'n',
    'é / e\u0301 / \u{1F600}',
    'line\nbreak\r\n\ttab',
    'a "quote", a comma',
    "it's",
    '\u001f\u001e\\',
    ' spaces ',
    'x'.repeat(3_000),
  ]),
  typeCase('some_bytes', { kind: 'bytes' }, 'BLOB', [
    new Uint8Array(0),
    new Uint8Array([0, 255, 10, 34, 92]),
    new Uint8Array(Buffer.from('text')),
  ]),
  typeCase('a_date', { kind: 'date' }, 'DATE', [0, -1, 19_844, -141_428, 2_932_896]),
  typeCase('a_time', { kind: 'time' }, 'TIME', [0, 86_399_999_999, 61 * MINUTE_US + 1]),
  typeCase('a_timestamp', { kind: 'timestamp', unit: 'us', zone: false }, 'TIMESTAMP', [
    0,
    -1,
    1_714_521_600_123_456,
    FIRST_US,
    253_402_300_799_999_999n,
  ]),
  typeCase('an_instant', { kind: 'timestamp', unit: 'us', zone: true }, 'TIMESTAMP WITH TIME ZONE', [
    0,
    1_714_521_600_123_456,
    FIRST_US,
  ]),
  typeCase('a_nanosecond', { kind: 'timestamp', unit: 'ns', zone: false }, 'TIMESTAMP_NS', [
    1_714_521_600_123_456_789n,
    -1,
    2_000,
  ]),
  typeCase('an_interval', { kind: 'interval' }, 'INTERVAL', [
    [14, 3, 5_000_001],
    [0, -1, 0],
    [-1, 0, 1],
  ]),
  typeCase('a_uuid', { kind: 'uuid' }, 'UUID', [
    '00000000-0000-0000-0000-000000000000',
    'f47ac10b-58cc-4372-a567-0e02b2c3d479',
  ]),
  typeCase('a_json', { kind: 'json' }, 'JSON', [
    '{"b": [1, 2.50, "\\u00e9"], "a": null}',
    '[]',
    '"text"',
    'null',
    '{"":""}',
  ]),
  typeCase('a_list', { kind: 'list', of: INTEGER }, 'INTEGER[]', [[], [1, null, -3], [null]]),
  typeCase('texts', { kind: 'list', of: TEXT }, 'VARCHAR[]', [['', null, 'null', 'a,b', '{"x"}'], []]),
  typeCase('lists', { kind: 'list', of: { kind: 'list', of: BIGINT } }, 'BIGINT[][]', [[[], [2n ** 62n], null], [[1]]]),
  typeCase('doubles', { kind: 'list', of: DOUBLE }, 'DOUBLE[]', [[NaN, Infinity, -0, 0.1, null]]),
  typeCase(
    'a_struct',
    {
      kind: 'struct',
      fields: [
        { name: 'z', type: TEXT },
        { name: 'a', type: BIGINT },
        { name: 'day', type: { kind: 'date' } },
      ],
    },
    'STRUCT(z VARCHAR, a BIGINT, "day" DATE)',
    [
      ['', 9_007_199_254_740_993n, 1],
      [null, null, null],
    ],
  ),
  typeCase('a_map', { kind: 'map', key: TEXT, value: INTEGER }, 'MAP(VARCHAR, INTEGER)', [
    [
      ['b', 1],
      ['a', null],
    ],
    [],
  ]),
];

/** The table of those columns that are not refused: row n has the n-th value of each column, then NULLs. */
export function everyType(refused: readonly string[]): { readonly spec: TableSpec; readonly rows: readonly Cell[][] } {
  const cases = TYPE_CASES.filter((one) => !refused.includes(one.column.name));
  const key = column('id', { kind: 'integer', bits: 32, signed: true }, 'INTEGER');
  const count = Math.max(...cases.map(({ values }) => values.length)) + 1;
  const rows = Array.from({ length: count }, (_, row) => [row, ...cases.map(({ values }) => values[row] ?? null)]);
  const columns = [key, ...cases.map((one) => one.column)];
  return { spec: { name: 'every_type', columns, keys: ['id'], vector: undefined, indexes: [] }, rows };
}
