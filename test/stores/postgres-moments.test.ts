import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseTimestamp } from '../../src/stores/postgres-moments.js';

const US_PER_MS = 1_000;

test('moments are read from the text that PostgreSQL writes, with as many decimals as there are', () => {
  const [first, last] = [Date.UTC(1700, 0, 1), Date.UTC(2250, 11, 31)];
  fc.assert(
    fc.property(fc.integer({ min: first, max: last }), fc.integer({ min: 0, max: 999 }), (milliseconds, extra) => {
      const iso = new Date(milliseconds).toISOString();
      const fraction = `${iso.slice(20, 23)}${String(extra).padStart(3, '0')}`.replace(/0+$/, '');
      const whole = `${iso.slice(0, 19).replace('T', ' ')}${fraction === '' ? '' : '.'}${fraction}`;
      expect(parseTimestamp(whole)).toBe(milliseconds * US_PER_MS + extra);
      expect(parseTimestamp(`${whole}+00`)).toBe(milliseconds * US_PER_MS + extra);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['0001-01-01 00:00:00', -62_135_596_800_000_000n],
  ['0044-03-15 00:00:00 BC', -63_517_824_000_000_000n],
  ['1969-12-31 23:59:59.999999', -1],
  ['infinity', 'infinity'],
  ['2024-05-01', undefined],
  ['2024-05-01 00:00', undefined],
  ['2024-05-01 00:00:00.', undefined],
  ['2024-05-01T00:00:00', undefined],
  ['2024/05/01 00:00:00', undefined],
  ['2024-05-0x 00:00:00', undefined],
  ['2024-05-01 00:00:00.12345x', undefined],
])('%s', (text, cell) => {
  expect(parseTimestamp(text)).toBe(cell);
});
