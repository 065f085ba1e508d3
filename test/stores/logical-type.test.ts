/** From the types of recipes to kinds of values and back. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import type { LogicalType } from '../../src/stores/contract.js';
import { duckDbTypeOf, logicalTypeOf } from '../../src/stores/logical-type.js';

const parsed = (sqlType: string): string => duckDbTypeOf(logicalTypeOf(sqlType, 'here'));

describe('logicalTypeOf', () => {
  test.each([
    ['text', 'VARCHAR'],
    ['varchar(20)', 'VARCHAR'],
    ['int8', 'BIGINT'],
    ['UBIGINT', 'UBIGINT'],
    ['numeric', 'DECIMAL(18,3)'],
    ['DECIMAL( 10 )', 'DECIMAL(10,0)'],
    ['double precision', 'DOUBLE'],
    ['real', 'FLOAT'],
    ['timestamp with time zone', 'TIMESTAMP WITH TIME ZONE'],
    ['timestamptz', 'TIMESTAMP WITH TIME ZONE'],
    ['TIMESTAMP_NS', 'TIMESTAMP_NS'],
    ['bytea', 'BLOB'],
    ['VARCHAR[][]', 'VARCHAR[][]'],
    ['FLOAT[384]', 'FLOAT[]'],
    ['struct(a int, "b ""c" map(varchar, date[]))[]', 'STRUCT("a" INTEGER, "b ""c" MAP(VARCHAR, DATE[]))[]'],
  ])('%s is %s', (sqlType, is) => {
    expect(parsed(sqlType)).toBe(is);
  });

  test.each([
    ...[
      '',
      ' ',
      'TEXTS',
      'UNION(a INTEGER)',
      "ENUM('a')",
      'BIT',
      'TIMETZ',
      'VARCHAR; DROP TABLE x',
      'VARCHAR[',
      'INTEGER INTEGER',
    ],
    ...['DECIMAL(39,0)', 'DECIMAL(4,5)', 'DECIMAL(0)', 'DECIMAL(a)', 'STRUCT()', 'STRUCT(a)', 'MAP(VARCHAR)', 'NULL'],
    ...['toString', 'constructor', '__proto__', `${'STRUCT(a '.repeat(40)}DATE${')'.repeat(40)}`],
    "VARCHAR) AS x, (SELECT content FROM read_text('/etc/passwd')",
  ])('refuses %s', (sqlType) => {
    expect(() => logicalTypeOf(sqlType, 'here')).toThrow(expect.objectContaining({ code: 'RECIPE_INVALID' }) as Error);
  });

  test('any text is a type or RECIPE_INVALID', () => {
    const words = fc.constantFrom('STRUCT', 'MAP', '(', ')', ',', '[', ']', 'DECIMAL', '3', 'a', '"q"', 'INTEGER', "'");
    const some = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 12 }).map((list) => list.join(' ')),
    );
    fc.assert(
      fc.property(some, (sqlType) => {
        try {
          logicalTypeOf(sqlType, 'here');
        } catch (error) {
          expect(isLakepackError(error, 'RECIPE_INVALID')).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('reads every type that it writes', () => {
    fc.assert(
      fc.property(logicalType, (type) => {
        expect(logicalTypeOf(duckDbTypeOf(type), 'here')).toEqual(type);
      }),
      { numRuns: 200 },
    );
  });
});

const { type: logicalType } = fc.letrec<{ type: LogicalType; fields: { name: string; type: LogicalType }[] }>(
  (tie) => ({
    type: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom<LogicalType>(
        ...(['boolean', 'text', 'bytes', 'date', 'time', 'interval', 'uuid', 'json'] as const).map((kind) => ({
          kind,
        })),
        ...([8, 16, 32, 64, 128] as const).flatMap((bits) =>
          [true, false].map((signed) => ({ kind: 'integer', bits, signed }) as const),
        ),
        ...([32, 64] as const).map((bits) => ({ kind: 'float', bits }) as const),
        { kind: 'decimal', precision: 38, scale: 38 },
        { kind: 'timestamp', unit: 'us', zone: true },
        { kind: 'timestamp', unit: 'us', zone: false },
        { kind: 'timestamp', unit: 'ns', zone: false },
      ),
      tie('type').map((of) => ({ kind: 'list', of }) as const),
      tie('fields').map((fields) => ({ kind: 'struct', fields }) as const),
      fc.tuple(tie('type'), tie('type')).map(([key, value]) => ({ kind: 'map', key, value }) as const),
    ),
    fields: fc.uniqueArray(fc.record({ name: fc.string({ minLength: 1 }), type: tie('type') }), {
      minLength: 1,
      maxLength: 3,
      selector: ({ name }) => name,
    }),
  }),
);
