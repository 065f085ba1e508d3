/** Which names other disks cannot hold, and which are one name there. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findTwins, portabilityFault } from '../../src/lake/names.js';

describe('no Windows or macOS disk holds', () => {
  test.each([
    'con',
    'CON.json',
    'aux.tar.gz',
    'nul',
    'com1',
    'LPT9.txt',
    'com¹.x',
    'con .txt',
    'CONIN$',
    'trailing.',
    'trailing ',
    'a:b',
    'a<b',
    'a>b',
    'a"b',
    'a|b',
    'a?b',
    'a*b',
    'back\\slash',
    'new\nline',
    'tab\t',
    '\u0001',
    '...',
    'x'.repeat(256),
  ])('%j', (name) => expect(portabilityFault(name)).toBeTypeOf('string'));
});

describe('every disk holds', () => {
  test.each([
    'part-0.parquet',
    'cve=CVE-2024-1.json.gz',
    'console.log',
    'com10',
    'icon',
    '.DS_Store',
    '..hidden',
    '-rf',
    ' leading',
    'Süper Lig',
    'emoji-🎮',
    '%2e%2e%2f',
    '$(id)',
    'a',
    'é'.repeat(127),
    'x'.repeat(255),
    'nul-1',
    'con_',
  ])('%j', (name) => expect(portabilityFault(name)).toBeUndefined());
});

describe('twins', () => {
  test('differ by case, by normalization, or by both', () => {
    const names = ['a', 'Case', 'b', 'case', 'CASE', 'café'.normalize('NFC'), 'CAFÉ'.normalize('NFD'), 'cafe'];
    expect(findTwins(names)).toEqual([
      ['Case', 'case', 'CASE'],
      ['café'.normalize('NFC'), 'CAFÉ'.normalize('NFD')],
    ]);
  });

  test('are found exactly where folded names repeat', () => {
    const name = fc.string({
      unit: fc.constantFrom('a', 'A', 'b', 'B', 'é', 'É', 'e\u0301'),
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 30 }), (names) => {
        const folded = new Map<string, string[]>();
        for (const one of names)
          folded.set(
            fold(one),
            names.filter((other) => fold(other) === fold(one)),
          );
        expect(findTwins(names)).toEqual([...folded.values()].filter((group) => group.length > 1));
      }),
    );
  });

  test('of a million names are looked for in a second or so', () => {
    const names = Array.from({ length: 1_000_000 }, (_, at) => `cve=CVE-2024-${at}.json.gz`);
    const started = performance.now();
    expect(findTwins([...names, 'CVE=cve-2024-7.json.gz'])).toEqual([
      ['cve=CVE-2024-7.json.gz', 'CVE=cve-2024-7.json.gz'],
    ]);
    expect(performance.now() - started).toBeLessThan(8_000);
  });
});

function fold(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
