import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import { comparePathBytes } from '../../src/base/paths.js';
import { exportIdOf, manifestKey, parseManifestKey, type ExportRef } from '../../src/archive/layout.js';
import {
  isNewer,
  newestOfEach,
  refOfWholeName,
  selectExports,
  type ExportConditions,
} from '../../src/archive/select-exports.js';

function ref(path: string, exportId: string): ExportRef {
  return parseManifestKey(manifestKey(path, exportId))!;
}

const ALL: readonly ExportRef[] = [
  ref('silver/vulns/dt=2025-10-01', '20251002T060000Z-aaaa0001'),
  ref('silver/vulns/dt=2025-10-01', '20251003T060000Z-aaaa0002'),
  ref('silver/vulns/dt=2025-10-02', '20251003T060000Z-aaaa0003'),
  ref('silver/vulns2/dt=2025-10-02', '20251003T060000Z-bbbb0001'),
  ref('gold/prices', '20251004T060000Z-cccc0001'),
  ref('gold/prices', '20251004T060000Z-cccc0002'),
  ref('runs/run-20251004-060000', '20251005T060000Z-dddd0001'),
];

function select(more: Partial<ExportConditions>, all = ALL): string[] {
  const conditions = { names: [], history: false, before: undefined, matches: () => true, ...more };
  return selectExports(all, conditions, 'here').map(({ exportId }) => exportId.slice(-8));
}

function codeOf(more: Partial<ExportConditions>, all = ALL): string {
  try {
    return select(more, all).join();
  } catch (error) {
    if (isLakepackError(error)) return error.code;
    throw error;
  }
}

describe('without names', () => {
  test('the newest of every partition path, by path and time', () => {
    expect(select({})).toEqual(['cccc0002', 'dddd0001', 'aaaa0002', 'aaaa0003', 'bbbb0001']);
  });

  test('the whole history, oldest first', () => {
    expect(select({ history: true })).toEqual([
      'cccc0001',
      'cccc0002',
      'dddd0001',
      'aaaa0001',
      'aaaa0002',
      'aaaa0003',
      'bbbb0001',
    ]);
  });

  test('what the facts of the path match', () => {
    expect(select({ matches: ({ dataset }) => dataset === 'vulns' })).toEqual(['aaaa0002', 'aaaa0003']);
    expect(codeOf({ matches: () => false })).toBe('NOT_FOUND');
  });

  test('an empty archive has nothing', () => {
    expect(codeOf({}, [])).toBe('NOT_FOUND');
    expect(codeOf({ history: true }, [])).toBe('NOT_FOUND');
  });
});

describe('by name', () => {
  test.each([
    ['a whole id', ['20251002T060000Z-aaaa0001'], ['aaaa0001']],
    ['an id that is not the newest', ['20251004T060000Z-cccc0001'], ['cccc0001']],
    ['a unique prefix', ['20251005'], ['dddd0001']],
    ['a partition path', ['silver/vulns/dt=2025-10-01'], ['aaaa0002']],
    ['a partition path with a slash', ['silver/vulns/dt=2025-10-01/'], ['aaaa0002']],
    ['a folder of partitions: the newest of each', ['silver/vulns'], ['aaaa0002', 'aaaa0003']],
    ['a layer', ['silver'], ['aaaa0002', 'aaaa0003', 'bbbb0001']],
    ['several, each once', ['gold', 'gold/prices', '20251004T060000Z-cccc0002', 'runs'], ['cccc0002', 'dddd0001']],
    ['an old and a new one of a path', ['20251004T060000Z-cccc0001', 'gold/prices'], ['cccc0001', 'cccc0002']],
  ])('%s', (_name, names, expected) => expect(select({ names })).toEqual(expected));

  test('as partition and id, also without a listing', () => {
    const name = 'silver/vulns/dt=2025-10-01/20251002T060000Z-aaaa0001';
    expect(select({ names: [name] })).toEqual(['aaaa0001']);
    expect(refOfWholeName(name)).toEqual(ALL[0]);
    for (const other of ['silver/vulns', '20251002T060000Z-aaaa0001', '../x/20251002T060000Z-aaaa0001', 'a/2025']) {
      expect(refOfWholeName(other)).toBeUndefined();
    }
  });

  test('with its history', () => {
    expect(select({ names: ['gold'], history: true })).toEqual(['cccc0001', 'cccc0002']);
    expect(select({ names: ['silver/vulns/dt=2025-10-01'], history: true })).toEqual(['aaaa0001', 'aaaa0002']);
  });

  test.each([
    ['a prefix that fits several', ['20251003'], 'SELECTOR_AMBIGUOUS'],
    ['a prefix that fits two of one second', ['20251004T060000Z-cccc'], 'SELECTOR_AMBIGUOUS'],
    ['a prefix of three characters', ['202'], 'NOT_FOUND'],
    ['nothing', [''], 'NOT_FOUND'],
    ['a slash', ['/'], 'NOT_FOUND'],
    ['half a folder name', ['silver/vul'], 'NOT_FOUND'],
    ['a glob', ['silver/*'], 'NOT_FOUND'],
    ['one that is there, one that is not', ['gold', 'bronze'], 'NOT_FOUND'],
    ['the end of an id', ['aaaa0001'], 'NOT_FOUND'],
  ])('%s', (_name, names, code) => expect(codeOf({ names })).toBe(code));

  test('an ambiguity names what it could be', () => {
    expect(() => select({ names: ['2025'] })).toThrow(/fits 7 exports: .*aaaa0001 \(silver\/vulns.*…$/);
  });

  test('a name that fits, and conditions that do not', () => {
    expect(codeOf({ names: ['gold'], matches: ({ layer }) => layer === 'silver' })).toBe('NOT_FOUND');
  });
});

describe('as of a moment', () => {
  test.each([
    ['2025-10-04T00:00:00Z', ['aaaa0002', 'aaaa0003', 'bbbb0001']],
    ['2025-10-03T06:00:00Z', ['aaaa0001']],
    ['2025-10-03T06:00:00.001Z', ['aaaa0002', 'aaaa0003', 'bbbb0001']],
  ])('%s: what came at or after it does not exist', (before, expected) => {
    expect(select({ before: new Date(before) })).toEqual(expected);
  });

  test('also for names', () => {
    const before = new Date('2025-10-03T00:00:00Z');
    expect(select({ names: ['silver/vulns'], before })).toEqual(['aaaa0001']);
    expect(codeOf({ names: ['gold'], before })).toBe('NOT_FOUND');
    expect(select({ names: ['2025'], before })).toEqual(['aaaa0001']);
    expect(codeOf({ before: new Date('2020-01-01T00:00:00Z') })).toBe('NOT_FOUND');
  });
});

describe('the newest', () => {
  const refs = fc.array(
    fc
      .tuple(fc.constantFrom('a', 'a/b', 'é', '\u{1f600}', '\ue000'), fc.nat({ max: 5 }), fc.nat({ max: 3 }))
      .map(([path, second, n]) =>
        ref(path, exportIdOf(new Date(1_760_000_000_000 + 1_000 * second), String(n).repeat(64))),
      ),
    { minLength: 1, maxLength: 20 },
  );

  test('is one of each path, and no other of that path is newer, in whatever order they come', () => {
    fc.assert(
      fc.property(refs, (all) => {
        const newest = newestOfEach(all);
        expect(new Set(newest.map(({ path }) => path)).size).toBe(newest.length);
        expect(newest.length).toBe(new Set(all.map(({ path }) => path)).size);
        for (const one of newest) {
          expect(all.some((other) => other.path === one.path && isNewer(other, one))).toBe(false);
        }
        const reversed = newestOfEach([...all].reverse()).map(({ manifestKey: key }) => key);
        expect(reversed.sort()).toEqual(newest.map(({ manifestKey: key }) => key).sort());
      }),
    );
  });

  test('and a selection is sorted by path bytes, then time, without doubles', () => {
    fc.assert(
      fc.property(refs, (all) => {
        const picked = selectExports(all, { names: [], history: true, before: undefined, matches: () => true }, 'here');
        for (let n = 1; n < picked.length; n += 1) {
          const [a, b] = [picked[n - 1]!, picked[n]!];
          const order = comparePathBytes(a.path, b.path);
          expect(order < 0 || (order === 0 && isNewer(b, a))).toBe(true);
        }
      }),
    );
  });
});
