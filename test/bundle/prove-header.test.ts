/** The header that a proof compares is the one that a writer makes, to the byte. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeaderMaker } from '../../src/bundle/prove-header.js';
import { encodeEntryHeader } from '../../src/codec/tar.js';

const name = fc.oneof(
  fc.stringMatching(/^[ -.0-~]{1,120}$/),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((text) => !/[/\0]/.test(text)),
  fc.constantFrom('x'.repeat(99), 'x'.repeat(100), 'x'.repeat(101), 'y'.repeat(155), 'y'.repeat(156)),
);
const number = fc.oneof(
  fc.nat(),
  fc.constantFrom(0, 7, 8, 511, 512, 8 ** 7, 8 ** 11 - 1, 8 ** 11, 2 ** 40),
  fc.maxSafeNat(),
);

test('is the same for any entry, whatever was made before it', () => {
  const headers = new HeaderMaker();
  const entry = fc.record({
    path: fc.array(name, { minLength: 1, maxLength: 5 }).map((names) => names.join('/')),
    type: fc.constantFrom('file' as const, 'directory' as const),
    bytes: number,
    mtime: fc.oneof(number, fc.integer({ min: -1_000_000, max: -1 })),
    executable: fc.boolean(),
  });
  fc.assert(
    fc.property(entry, (one) => {
      const whole = one.type === 'directory' ? { ...one, bytes: 0 } : one;
      expect(headers.make(whole).toString('latin1')).toBe(encodeEntryHeader(whole).toString('latin1'));
    }),
    { numRuns: 3_000 },
  );
});
