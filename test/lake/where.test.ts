/** What `--where` expressions mean, and what is said of wrong ones. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLakepackError, LakepackError } from '../../src/base/errors.js';
import { partitionOf } from '../../src/lake/partition-path.js';
import { fieldsOfWhere, matchesWhere } from '../../src/lake/where.js';
import { parseWhere } from '../../src/lake/where-parser.js';

const DT = partitionOf('silver/vulns/dt=2024-06-20/x');
const RUN = partitionOf('bronze/store/2025/03/14/run-20250314-060000/x');
const MATCH = partitionOf('silver/matches/competition=en.1/season=2018/x');
const COMPACT = partitionOf('gold/embeddings/partition=20240625/x');

describe('an expression', () => {
  test.each([
    ['dt >= 2024-06-01 and layer = silver', DT, true],
    ['dt >= 2024-06-21 and layer = silver', DT, false],
    ['dt >= 20240620', DT, true],
    ['dt = 20240620', DT, true],
    ['partition = 2024-06-25', COMPACT, true],
    ['date = 2024-06-25', COMPACT, true],
    ['date < 2024-06-25', DT, true],
    ['date >= 2024-06', DT, true],
    ['date = 2025-03-14', RUN, true],
    ['run = run-20250314-060000', RUN, true],
    ['run > run-20250101', RUN, true],
    ['dataset = store or dataset = vulns', RUN, true],
    ['dataset in (store, "x", \'y\')', RUN, true],
    ['dataset in (x)', RUN, false],
    ['season in (2018, 2019)', MATCH, true],
    ['season = 2018.0', MATCH, true],
    ['season > 999', MATCH, true],
    ['competition > 10', MATCH, true],
    ["competition like 'en.%'", MATCH, true],
    ['competition like e_.1', MATCH, true],
    ['competition like en', MATCH, false],
    ['competition like %%%.%1%', MATCH, true],
    ['path like silver/%', MATCH, true],
    ['not layer = bronze', MATCH, true],
    ['NOT (layer = bronze OR layer = silver)', MATCH, false],
    ['layer = bronze and dataset = x or season = 2018', MATCH, true],
    ['layer = bronze and (dataset = x or season = 2018)', MATCH, false],
    ['layer!=bronze', MATCH, true],
    ["layer = 'silver'", MATCH, true],
    ["competition = 'en''1'", MATCH, false],
    ['"season"=2018', MATCH, true],
  ])('%s', (text, facts, expected) => expect(matchesWhere(parseWhere(text), facts)).toBe(expected));

  test('with a field that is missing is false, whichever way it compares', () => {
    for (const text of ['dt = 1', 'dt != 1', 'dt < 1', 'dt in (1)', 'dt like %', 'constructor = x', 'run != x']) {
      expect(matchesWhere(parseWhere(text), MATCH), text).toBe(false);
      expect(matchesWhere(parseWhere(`not ${text}`), MATCH), text).toBe(true);
    }
  });

  test('compares whole numbers of any size', () => {
    const facts = partitionOf('a/b/id=9007199254740993/x');
    expect(matchesWhere(parseWhere('id > 9007199254740992'), facts)).toBe(true);
    expect(matchesWhere(parseWhere('id = 9007199254740992'), facts)).toBe(false);
  });

  test('names the fields it asks for', () => {
    expect(fieldsOfWhere(parseWhere('a = 1 and not (b in (2) or c like d)'))).toEqual(new Set(['a', 'b', 'c']));
  });

  test('like agrees with a regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '🎮'), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '%', '_'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(text, pattern, (value, wanted) => {
        const expected = new RegExp(`^${wanted.replaceAll('%', '.*').replaceAll('_', '.')}$`, 'u').test(value);
        const facts = { path: 'x', keys: { k: value } };
        expect(matchesWhere(parseWhere(`k like '${wanted}'`), facts)).toBe(expected);
      }),
    );
  });

  test('like takes no longer for a pattern made to take long', () => {
    const facts = { path: 'x', keys: { k: 'a'.repeat(20_000) } };
    const where = parseWhere(`k like '${'%a'.repeat(40)}%b'`);
    const started = performance.now();
    expect(matchesWhere(where, facts)).toBe(false);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('a wrong expression', () => {
  test.each([
    ['', 1, 'expected a field, got the end'],
    ['dt', 3, 'expected =, !=, <, <=, >, >=, in or like, got the end'],
    ['dt >= ', 7, 'expected a value, got the end'],
    ['dt >= 1 und layer = x', 9, 'expected "and", "or" or the end, got "und"'],
    ['(dt = 1', 8, 'expected ")", got the end'],
    ['dt = 1)', 7, 'expected "and", "or" or the end, got ")"'],
    ['dt in 1', 7, 'expected "(", got "1"'],
    ['dt in (1', 9, 'expected ")", got the end'],
    ["dt = 'x", 6, 'expected a closing quote'],
    ['dt ! 1', 4, 'expected a field, an operator or a value, got "!"'],
    ['and = 1', 1, 'expected a field, got "and"'],
    ['dt = = 1', 6, 'expected a value, got "="'],
  ])('%j: position %i', (text, position, words) => {
    const error = faultOf(text);
    expect(error.code).toBe('SELECTOR_INVALID');
    expect(error.message).toContain(`position ${position}: ${words}`);
    expect(error.hint).toBe(`${text}\n${' '.repeat(position - 1)}^`);
  });

  test('cannot act on a terminal, nor move the caret', () => {
    const { message, hint } = faultOf('a = \u001b[2J\u202e b\nc');
    for (const char of ['\u001b', '\u202e']) expect(message + (hint ?? '')).not.toContain(char);
    expect(hint?.split('\n')).toHaveLength(2);
  });

  test('may be too long or too deep', () => {
    expect(faultOf('a'.repeat(5_000)).code).toBe('SELECTOR_INVALID');
    expect(faultOf(`${'('.repeat(200)}a=1${')'.repeat(200)}`).code).toBe('SELECTOR_INVALID');
    expect(faultOf(`${'not '.repeat(900)}a=1`).code).toBe('SELECTOR_INVALID');
  });

  test('never raises anything but SELECTOR_INVALID', () => {
    const token = fc.constantFrom(
      'a',
      '=',
      '<=',
      '(',
      ')',
      ',',
      'in',
      'like',
      'and',
      'or',
      'not',
      "'x'",
      '"',
      "'",
      ' ',
      '!',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
        try {
          matchesWhere(parseWhere(tokens.join(' ')), DT);
        } catch (error) {
          expect(isLakepackError(error, 'SELECTOR_INVALID')).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

function faultOf(text: string): LakepackError {
  try {
    parseWhere(text);
  } catch (error) {
    if (error instanceof LakepackError) return error;
  }
  throw new Error(`no fault was found in ${text}`);
}
