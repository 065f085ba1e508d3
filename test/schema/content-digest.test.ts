import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createContentDigest, sha256SumLine } from '../../src/schema/content-digest.js';
import { sha256Hex } from './arbitraries.js';

test('is the SHA-256 of the lines that sha256sum prints', () => {
  const digest = createContentDigest();
  const lines: string[] = [];
  for (let n = 0; n < 1000; n += 1) {
    digest.add(`bronze/é/${n}`, sha256Hex(String(n)));
    lines.push(`${sha256Hex(String(n))}  bronze/é/${n}\n`);
  }
  expect(digest.hex()).toBe(createHash('sha256').update(lines.join('')).digest('hex'));
});

test('of no file is the SHA-256 of nothing', () => {
  expect(createContentDigest().hex()).toBe(sha256Hex(''));
});

// Printed by GNU coreutils 9.1 for files of these names.
test.each([
  ['plain name', 'HEX  plain name\n'],
  ['a\nb', '\\HEX  a\\nb\n'],
  ['a\rb', '\\HEX  a\\rb\n'],
  ['a\\b', '\\HEX  a\\\\b\n'],
])('the line of %j', (name, line) => {
  expect(sha256SumLine(name, 'HEX')).toBe(line);
});

test('a name cannot pretend to be two files', () => {
  const one = createContentDigest();
  one.add(`a\n${sha256Hex('2')}  b`, sha256Hex('1'));
  const two = createContentDigest();
  two.add('a', sha256Hex('1'));
  two.add('b', sha256Hex('2'));
  expect(one.hex()).not.toBe(two.hex());
});
