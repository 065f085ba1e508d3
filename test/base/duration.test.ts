/** Points in time as people write them. */
import { describe, expect, test } from 'vitest';
import { endOfDay, parseAsOf, parseInstant } from '../../src/base/duration.js';

const now = new Date('2025-03-10T12:00:00.000Z');

describe('an instant', () => {
  test.each([
    ['2025-01-01', '2025-01-01T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['0050-06-01', '0050-06-01T00:00:00.000Z'],
    ['2025-01-01T08:30:15Z', '2025-01-01T08:30:15.000Z'],
    ['2025-01-01t08:30:15z', '2025-01-01T08:30:15.000Z'],
    ['2025-01-01 08:30:15Z', '2025-01-01T08:30:15.000Z'],
    ['2025-01-01T08:30:15.5Z', '2025-01-01T08:30:15.500Z'],
    ['2025-01-01T08:30:15.123999Z', '2025-01-01T08:30:15.123Z'],
    ['2025-01-01T08:30:15+02:00', '2025-01-01T06:30:15.000Z'],
    ['2025-01-01T22:30:15-05:30', '2025-01-02T04:00:15.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['30m', '2025-03-10T11:30:00.000Z'],
    ['36h', '2025-03-09T00:00:00.000Z'],
    ['7d', '2025-03-03T12:00:00.000Z'],
    ['2w', '2025-02-24T12:00:00.000Z'],
    ['0d', '2025-03-10T12:00:00.000Z'],
  ])('%s is %s', (text, instant) => expect(parseInstant(text, now).toISOString()).toBe(instant));

  test.each([
    '',
    'yesterday',
    '2025',
    '2025-1-1',
    '20250101',
    '2025-02-29',
    '2025-02-30',
    '2025-13-01',
    '2025-00-10',
    '2025-01-01T08:30:15',
    '2025-01-01T08:30Z',
    '2025-01-01T24:00:00Z',
    '2025-01-01T08:60:00Z',
    '2025-01-01T08:30:61Z',
    '2025-01-01T08:30:15+25:00',
    '2025-02-30T08:30:15Z',
    '7',
    'd',
    '-7d',
    '1.5d',
    '7 d',
    '7D',
    '7y',
    '999999999w',
    ' 7d',
    '7d\n',
    '2025-01-01\n',
  ])('%j is none', (text) => {
    expect(() => parseInstant(text, now)).toThrow(
      expect.objectContaining({ code: 'SELECTOR_INVALID', hint: expect.stringContaining('36h') }),
    );
  });

  test('without a time zone is told apart', () => {
    expect(() => parseInstant('2025-01-01T08:30:15', now)).toThrow(/time zone/);
  });
});

describe('a point to look back from', () => {
  test.each([
    ['2025-01-01', '2025-01-02T00:00:00.000Z'],
    ['2024-12-31', '2025-01-01T00:00:00.000Z'],
    ['2025-01-01T08:30:15Z', '2025-01-01T08:30:15.001Z'],
    ['1d', '2025-03-09T12:00:00.001Z'],
  ])('%s ends before %s', (text, end) => expect(parseAsOf(text, now).toISOString()).toBe(end));

  test('that is none is SELECTOR_INVALID', () => {
    expect(() => parseAsOf('soon', now)).toThrow(expect.objectContaining({ code: 'SELECTOR_INVALID' }));
  });
});

describe('the end of a day', () => {
  test.each([
    ['2025-01-01T00:00:00.000Z', '2025-01-02T00:00:00.000Z'],
    ['2025-01-01T23:59:59.999Z', '2025-01-02T00:00:00.000Z'],
    ['1969-12-31T12:00:00.000Z', '1970-01-01T00:00:00.000Z'],
  ])('of %s is %s', (instant, end) => expect(endOfDay(new Date(instant)).toISOString()).toBe(end));
});
