/** The door for paths: every attack that was ever found keeps its line here. */
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_NAME_BYTES, MAX_PATH_BYTES } from '../../src/base/limits.js';
import { assertLakePath, comparePathBytes, lakePathFault, showPath, toDiskPath } from '../../src/base/paths.js';

describe('a lake path', () => {
  test.each([
    'a',
    'a/b/c.parquet',
    'silver/vulns/dt=2025-01-01/part-0.parquet',
    '.hidden/..twodots/...',
    'with space/tab\tand\nnewline',
    'back\\slash',
    'C',
    'a/C:/x',
    'percent%2e%2e/x',
    'e\u0301/\u00e9',
    '\u{1f600}',
    'x'.repeat(MAX_NAME_BYTES),
    '-rf',
    '*?',
  ])('%j is one', (lakePath) => expect(lakePathFault(lakePath)).toBeUndefined());

  test.each([
    ['', /empty/],
    ['/etc/passwd', /absolute/],
    ['//host/x', /absolute/],
    ['..', /"\.\."/],
    ['../x', /"\.\."/],
    ['a/../../x', /"\.\."/],
    ['a/..', /"\.\."/],
    ['.', /"\."/],
    ['a/./b', /"\."/],
    ['a//b', /empty segment/],
    ['a/', /empty segment/],
    ['a\0b', /NUL/],
    ['..\\x', /backslash/],
    ['a\\..\\..\\x', /backslash/],
    ['a/b\\..', /backslash/],
    ['\\\\host\\share', /UNC/],
    ['C:\\x', /drive/],
    ['c:/x', /drive/],
    ['C:', /drive/],
    ['C:../x', /drive/],
    ['a/\ud800', /Unicode/],
    ['\udc00', /Unicode/],
    ['\u00e9'.repeat(128), /name longer/],
    [`${'x'.repeat(250)}/`.repeat(16), /longer than 3840/],
  ])('%j is none', (lakePath, fault) => {
    expect(lakePathFault(lakePath)).toMatch(fault);
    expect(() => assertLakePath(lakePath, 'a test')).toThrow(expect.objectContaining({ code: 'PATH_UNSAFE' }));
  });

  test('may have as many bytes as the limit', () => {
    const longest = `${'x'.repeat(239)}/`.repeat(MAX_PATH_BYTES / 240).slice(0, -1);
    expect(lakePathFault(`${longest}x`)).toBeUndefined();
    expect(lakePathFault(`${longest}xx`)).toMatch(/longer/);
  });

  test('never leads out of its folder', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('.', '/', '\\', 'a', ':', 'C', '\0'), maxLength: 12 }), (text) => {
        fc.pre(lakePathFault(text) === undefined);
        const relative = path.posix.relative('/root', toDiskPath('/root', text));
        const onWindows = path.win32.join('C:\\root', ...text.split('/'));
        expect(relative.split('/')).not.toContain('..');
        expect(`${onWindows}\\`.startsWith('C:\\root\\')).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test('stands below a root on the disk', () => {
    expect(toDiskPath('/lake', 'a/b')).toBe(path.join('/lake', 'a', 'b'));
    expect(() => toDiskPath('/lake', '../b')).toThrow(expect.objectContaining({ code: 'PATH_UNSAFE' }));
  });
});

describe('the order of paths', () => {
  test('is that of their UTF-8 bytes', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 6 });
    const astral = fc.string({ unit: fc.constantFrom('a', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}') });
    fc.assert(
      fc.property(fc.oneof(text, astral), fc.oneof(text, astral), (a, b) => {
        expect(Math.sign(comparePathBytes(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
      { numRuns: 2_000 },
    );
  });

  test('knows that a surrogate pair stands above the end of the basic plane', () => {
    expect(comparePathBytes('\uffff', '\u{10000}')).toBeLessThan(0);
    expect(comparePathBytes('a.b', 'a/b')).toBeLessThan(0);
    expect(comparePathBytes('a0', 'a/b')).toBeGreaterThan(0);
    expect(comparePathBytes('same', 'same')).toBe(0);
  });
});

describe('a path in a message', () => {
  test('that is harmless is shown as it is', () => {
    expect(showPath('silver/größe/日本語/dt=2025-01-01')).toBe('silver/größe/日本語/dt=2025-01-01');
  });

  test.each([
    ['a\u001b[31mred', '"a\\u001b[31mred"'],
    ['a\nb', '"a\\nb"'],
    ['a"b', '"a\\"b"'],
    ['a\\b', '"a\\\\b"'],
    ['a\u202egpj.exe', '"a\\u202egpj.exe"'],
    ['a\u2066b', '"a\\u2066b"'],
    ['a\u009bb', '"a\\u009bb"'],
    ['a\u007fb', '"a\\u007fb"'],
    ['a\u2028b', '"a\\u2028b"'],
    ['a\u200fb', '"a\\u200fb"'],
  ])('%j cannot act on a terminal', (lakePath, shown) => expect(showPath(lakePath)).toBe(shown));
});
