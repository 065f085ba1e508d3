import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bagInfo,
  bagName,
  bundleNumberText,
  decodeBagPath,
  encodeBagPath,
  manifestLine,
  needsSha256sumEscape,
  sha256sumLine,
} from '../../src/bundle/bag.js';
import { lakePathFault } from '../../src/base/paths.js';
import { sha256SumLine } from '../../src/schema/content-digest.js';
import { sha256Of } from './kit.js';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.constantFrom('%', '\r', '\n', '2', '5', '0', 'A', 'D', 'a', '\\', '/')).map((chars) => chars.join('')),
);

describe('the name of a bag', () => {
  test('is the partition path with dots, and the number', () => {
    expect(bagName('silver/vulns/dt=2024-05-01', 1)).toBe('silver.vulns.dt=2024-05-01-00001');
    expect(bagName('lake', 123_456)).toBe('lake-123456');
    expect(bundleNumberText(7)).toBe('00007');
  });

  test('is always a single plain folder name that no program takes for an option', () => {
    fc.assert(
      fc.property(
        text.filter((path) => path !== ''),
        (path) => {
          const name = bagName(path, 1);
          expect(name).toMatch(/^[A-Za-z0-9_=+][A-Za-z0-9._=+-]*-00001$/);
          expect(name.length).toBeLessThan(100);
          expect(lakePathFault(name)).toBeUndefined();
        },
      ),
    );
  });

  test('keeps two paths apart whose characters were replaced', () => {
    const paths = [
      'a b',
      'a_b',
      'a%b',
      'a\nb',
      'a/b',
      'a.b',
      'a.b/c',
      'a/b.c',
      'a/b/c',
      'é',
      'è',
      '-a',
      '_a',
      '.a',
      'x'.repeat(73),
      'x'.repeat(74),
      'x'.repeat(72),
    ];
    expect(new Set(paths.map((path) => bagName(path, 1))).size).toBe(paths.length);
  });
});

describe('the lines', () => {
  test('a BagIt path comes back, and only CR, LF and percent are encoded', () => {
    fc.assert(
      fc.property(text, (path) => {
        const encoded = encodeBagPath(path);
        expect(decodeBagPath(encoded)).toBe(path);
        expect(encoded).not.toMatch(/[\r\n]|%(?!25|0A|0D)/);
        if (!/[%\r\n]/.test(path)) expect(encoded).toBe(path);
        expect(needsSha256sumEscape(path)).toBe(encoded !== path);
      }),
    );
  });

  test('lower-case digits are read as well (RFC 8493, 2.1.3)', () => {
    expect(decodeBagPath('a%0ab%0dc%25d%2F')).toBe('a\nb\rc%d%2F');
  });

  test('the line of sha256sum is the one of the content digest', () => {
    fc.assert(
      fc.property(text, (path) => {
        expect(`${sha256sumLine('x', path)}\n`).toBe(sha256SumLine(path, 'x'));
      }),
    );
    expect(manifestLine(sha256Of(''), 'data/a b')).toBe(`${sha256Of('')}  data/a b`);
  });
});

describe('bag-info.txt', () => {
  const facts = {
    source: { by: 'partition', path: 'silver/x' },
    provenance: { licence: 'CC0-1.0', note: 'one\r\n\n two\n' },
    bundleNumber: 3,
    payloadBytes: 10,
    payloadFiles: 2,
    newestMtime: 1_760_162_400,
  } as const;

  test('has one line for each fact', () => {
    expect(bagInfo(facts)).toBe(
      'Payload-Oxum: 10.2\nExternal-Identifier: silver/x\nBag-Count: 3 of ?\nBagging-Date: 2025-10-11\nExternal-Description: one two\nLicence: CC0-1.0\n',
    );
  });

  test.each([
    [-1, '1969-12-31'],
    [253_402_300_799, '9999-12-31'],
    [253_402_300_800, undefined],
    [-62_167_219_201, undefined],
    [8.64e12 + 1, undefined],
  ])('the date of %i is %s', (newestMtime, date) => {
    expect(/^Bagging-Date: (.*)$/m.exec(bagInfo({ ...facts, newestMtime }))?.[1]).toBe(date);
  });

  test('what nobody said is left out', () => {
    expect(bagInfo({ ...facts, provenance: {} })).not.toMatch(/Licence|Description/);
  });

  test('no text breaks a line', () => {
    fc.assert(
      fc.property(text, (note) => {
        const lines = bagInfo({ ...facts, provenance: { note, licence: note } }).split('\n');
        expect(lines.slice(0, -1).every((line) => /^[A-Z][A-Za-z-]+: /.test(line))).toBe(true);
        expect(lines).toHaveLength(7);
      }),
    );
  });
});
