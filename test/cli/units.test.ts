import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { safeJson, safeText, shellWord } from '../../src/cli/safe-text.js';
import { closest } from '../../src/cli/suggest.js';
import * as units from '../../src/cli/units.js';

describe('sizes', () => {
  test.each([
    ['1048576', 1_048_576],
    ['500MB', 500_000_000],
    ['4GiB', 4 * 2 ** 30],
    ['4g', 4 * 2 ** 30],
    ['1.5 KiB', 1536],
    ['10b', 10],
    ['2tb', 2e12],
  ])('%s is %i bytes', (text, bytes) => expect(units.parseSizeBytes(text, '--x')).toBe(bytes));

  test.each(['', '-1', '0', '1e3', '4 parsecs', 'GiB', '1,5GiB', '99999999TiB', '0x10'])('%j is none', (text) =>
    expect(() => units.parseSizeBytes(text, '--x')).toThrow(expect.objectContaining({ code: 'USAGE' })),
  );

  test.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [1024, '1.0 KiB'],
    [1_048_575, '1.0 MiB'],
    [4_404_019, '4.2 MiB'],
    [2 ** 30, '1.0 GiB'],
    [2 ** 60, '1024.0 PiB'],
  ])('%i bytes are %s', (bytes, text) => expect(units.formatBytes(bytes)).toBe(text));

  test('no size is shown as a thousand of a unit that has a larger one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1024, max: 2 ** 49 }), (bytes) => {
        const shown = Number.parseFloat(units.formatBytes(bytes));
        return shown >= 1 && shown < 1024;
      }),
    );
  });
});

describe('other numbers', () => {
  test('shares', () => {
    expect(units.parsePercent('5%', '--x')).toBe(0.05);
    expect(units.parsePercent('100 %', '--x')).toBe(1);
    expect(units.formatShare(1, 1000)).toBe('<1 %');
    expect(units.formatShare(26, 100)).toBe('26 %');
    expect(units.formatShare(0, 0)).toBe('0 %');
  });

  test.each([
    [80, '80 ms'],
    [1234, '1.2 s'],
    [59_999, '1 min 0 s'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
  ])('%i ms are %s', (ms, text) => expect(units.formatDuration(ms)).toBe(text));

  test('counts and times', () => {
    expect(units.formatCounted(1, 'file')).toBe('1 file');
    expect(units.formatCounted(24_922, 'file')).toBe('24,922 files');
    expect(units.formatTime('2025-10-11T08:00:05.123Z')).toBe('2025-10-11 08:00:05Z');
  });
});

describe('safe text', () => {
  test('JSON stays the same value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = safeJson({ text }, 2);
        expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Cs}]/u);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });

  test('keeps what is harmless', () => expect(safeText('naïve 日本 "quoted" 👩‍💻')).toBe('naïve 日本 "quoted" 👩‍💻'));

  test('escapes a lone surrogate', () => expect(safeText('a\ud800')).toBe('a\\ud800'));

  test('quotes words for a shell', () => {
    expect(shellWord('silver/vulns/dt=2025-10-11')).toBe('silver/vulns/dt=2025-10-11');
    expect(shellWord('a b')).toBe("'a b'");
    expect(shellWord('')).toBe("''");
    expect(shellWord('~x')).toBe("'~x'");
    expect(shellWord("a\n'b\\")).toBe(String.raw`$'a\u000a\'b\\'`);
  });
});

describe('did you mean', () => {
  test.each([
    ['levl', 'level'],
    ['levle', 'level'],
    ['LEVEL', 'level'],
    ['bundle', 'bundle-size'],
    ['xyz', undefined],
    ['', undefined],
  ])('%j: %j', (word, meant) => expect(closest(word, ['level', 'bundle-size', 'by'])).toBe(meant));
});
