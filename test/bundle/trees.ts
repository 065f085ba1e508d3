/** fast-check arbitraries of payload trees: odd names, odd sizes, no path below another. */
import fc from 'fast-check';
import { comparePathBytes, lakePathFault } from '../../src/base/paths.js';
import { randomBytes, textBytes, type Tree } from './kit.js';

const ODD_NAMES = [
  'a',
  'A',
  'part-0.parquet',
  'dt=2025-10-11',
  '-rf',
  '--help',
  ' leading and trailing ',
  'new\nline',
  'carriage\rreturn',
  '100%',
  '%0A',
  '%25',
  'back\\slash',
  'back\\n',
  'tab\there',
  'quote"\'`$(x)',
  'é',
  'e\u0301',
  '日本語',
  '\u{1f600}',
  '\ufeffbom',
  '\ufffd',
  'x'.repeat(99),
  'x'.repeat(100),
  'x'.repeat(101),
  'y'.repeat(255),
  'é'.repeat(127),
  '*',
  '.hidden',
  '#!',
  'manifest-sha256.txt',
];

const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...ODD_NAMES) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }) },
);

const lakePath = fc
  .array(name, { minLength: 1, maxLength: 4 })
  .map((names) => names.join('/'))
  .filter((path) => lakePathFault(path) === undefined);

const content: fc.Arbitrary<Buffer | null> = fc.oneof(
  { weight: 3, arbitrary: fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 511, 512, 513, 1_024, 100_000).map((size) => textBytes(size)) },
  { weight: 2, arbitrary: fc.constantFrom(1, 511, 512, 513, 1_024, 100_000).map((size) => randomBytes(size)) },
  { weight: 1, arbitrary: fc.constant(null) },
);

/** A tree of up to `maxLength` files and empty directories. */
export function trees(maxLength = 12): fc.Arbitrary<Tree> {
  return fc.array(fc.tuple(lakePath, content), { maxLength }).map((items) => {
    const taken: string[] = [];
    const sorted = [...items].sort(([a], [b]) => comparePathBytes(a, b));
    const kept = sorted.filter(([path]) => {
      const free = !taken.some((other) => path === other || path.startsWith(`${other}/`));
      if (free) taken.push(path);
      return free;
    });
    return Object.fromEntries(kept);
  });
}
