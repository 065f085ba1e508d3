/** What a remote can be used for, by what its probes saw. */
import { describe, expect, test } from 'vitest';
import {
  problemsOf,
  verdictOf,
  type ProbeNeed,
  type ProbeOutcome,
  type ProbeResult,
} from '../../src/remote/check-report.js';

function probe(id: string, neededFor: ProbeNeed, outcome: ProbeOutcome, more: Partial<ProbeResult> = {}): ProbeResult {
  return { id, tries: 'something', neededFor, outcome, ...more };
}

const REACHED = probe('name', 'everything', 'works');
const READS = probe('get', 'reading', 'works');
const WRITES = probe('put', 'writing', 'works');

describe('the verdict', () => {
  test.each<[string, readonly ProbeResult[]]>([
    ['writing', [REACHED, READS, WRITES]],
    ['writing', [REACHED, READS, WRITES, probe('copy', 'nothing', 'missing')]],
    ['writing', [REACHED, READS, WRITES, probe('big', 'writing', 'skipped')]],
    ['reading', [REACHED, READS, probe('put', 'writing', 'refused')]],
    ['reading', [REACHED, READS, WRITES, probe('big', 'writing', 'failed')]],
    ['reading', [REACHED, READS]],
    ['unusable', [REACHED, probe('get', 'reading', 'refused'), WRITES]],
    ['unusable', [probe('name', 'everything', 'failed'), probe('put', 'writing', 'skipped')]],
  ])('is %s', (verdict, probes) => expect(verdictOf(probes)).toBe(verdict));
});

describe('problems', () => {
  const refused = probe('put', 'writing', 'refused', {
    note: 'not allowed',
    code: 'PERMISSION_DENIED',
    fix: 'allow it',
  });

  test('are what stands in the way, with code and fix', () => {
    expect(problemsOf([READS, refused, probe('copy', 'nothing', 'missing')], false)).toEqual([
      { probe: 'put', severity: 'error', code: 'PERMISSION_DENIED', message: 'put: not allowed', hint: 'allow it' },
    ]);
  });

  test('do not include refused writes where it shall only be read', () => {
    expect(problemsOf([READS, refused], true)).toEqual([]);
  });

  test('include what a probe itself calls one, though nothing depends on it', () => {
    const clock = probe('clock', 'nothing', 'works', { note: 'six minutes off', problem: 'warning' });
    expect(problemsOf([clock], true)).toMatchObject([{ severity: 'warning', message: 'clock: six minutes off' }]);
  });
});
