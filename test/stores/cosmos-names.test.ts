import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  abandonedContainers,
  generationFor,
  itemId,
  propertyNames,
  propertyPath,
} from '../../src/stores/cosmos-names.js';

describe('an id', () => {
  test('tells keys apart and has only characters that every client sends unchanged', () => {
    const cells = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant(null)), {
      minLength: 2,
      maxLength: 2,
    });
    const property = fc.property(cells, cells, (one, other) => {
      expect(itemId(one)).toMatch(/^[A-Za-z0-9._~-]{1,1023}$/);
      expect(itemId(one) === itemId(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
    });
    fc.assert(property, { numRuns: 300 });
  });

  test.each([
    [['CVE-2024-1', '2024-05-01'], 'CVE-2024-1~_2024-05-01'],
    [['a/b'], 'a~2fb'],
    [['é'], '~c3~a9'],
    [['..'], '~2e~2e'],
    [[''], '~-'],
    [[null, 5], '~n~_5'],
    [['x'.repeat(1_024)], '~sha256-49abd65bbf7f7e40c7055093ed2e3fd75f2f602f2c5fcf955c213e3135eb03f7'],
  ])('of %j is legible', (cells, id) => {
    expect(itemId(cells)).toBe(id);
  });
});

test('properties are called as columns are, but for names that Cosmos has taken', () => {
  expect(propertyNames(['id', 'id_', '_ts', 'ttl', 'Id'])).toEqual(['id__', 'id_', '_ts_', 'ttl_', 'Id']);
  expect([propertyPath('dt'), propertyPath('a "b"')]).toEqual(['/dt', String.raw`/"a \"b\""`]);
});

test('only builds that nobody will finish are abandoned', () => {
  const now = { generation: 'mine', nowSeconds: 10 * 86_400 };
  const containers = [
    { id: 'vulns--mine', _ts: 10 * 86_400 },
    { id: 'vulns--old', _ts: 86_400 },
    { id: 'vulns--running', _ts: 9 * 86_400 },
    { id: 'vulns--live', _ts: 0 },
    { id: 'orders', _ts: 0 },
    { id: 'lakepack', _ts: 0 },
  ];
  expect(abandonedContainers(containers, new Set(['vulns--live']), now)).toEqual(['vulns--mine', 'vulns--old']);
  expect(generationFor('live', new Set(['vulns--live']))).toBe('live_2');
});
