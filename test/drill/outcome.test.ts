/** What errors and findings mean to a drill: each its own code, and nothing that is not understood is a pass. */
import { describe, expect, test } from 'vitest';
import { ERROR_CODES, LakepackError } from '../../src/base/errors.js';
import { finding, FINDING_CODES, type FindingCode } from '../../src/base/findings.js';
import { outcomeOf, reasonOfError, reasonOfFinding, worstOf } from '../../src/drill/outcome.js';
import { DRILL_STEPS } from '../../src/schema/drill-record.js';

test('fail beats inconclusive, and both beat pass', () => {
  expect(outcomeOf([])).toBe('pass');
  expect(outcomeOf([{ code: 'DISK_FULL' }])).toBe('inconclusive');
  expect(outcomeOf([{ code: 'DISK_FULL' }, { code: 'ROWS_DIFFER' }])).toBe('fail');
  expect(worstOf(['pass', 'inconclusive'])).toBe('inconclusive');
});

test('no error, in no step, is a pass', () => {
  for (const step of DRILL_STEPS) {
    for (const code of ERROR_CODES) {
      expect(outcomeOf([reasonOfError(new LakepackError(code, 'x: y'), step)])).not.toBe('pass');
    }
    expect(reasonOfError('thrown text', step)).toMatchObject({ code: 'INTERNAL', message: 'thrown text' });
  }
});

test('expired credentials are told apart from refused ones, by the words of the store', () => {
  const code = (message: string, cause?: Error): string =>
    reasonOfError(new LakepackError('CREDENTIALS_INVALID', message, { cause }), 'pick').code;
  expect(code('s3: the key has expired, or its session token is not valid (ExpiredToken)')).toBe('CREDENTIALS_EXPIRED');
  expect(code('s3: the key has expired, or its session token is not valid (InvalidToken)')).toBe('CREDENTIALS_REFUSED');
  expect(code('s3: the clocks differ', new Error('RequestExpired: …'))).toBe('CREDENTIALS_EXPIRED');
});

describe('findings', () => {
  const code = (name: FindingCode, message = 'x', more = {}): string | undefined =>
    reasonOfFinding(finding(name, message, {}, more), 'verify')?.code;

  test('every error of a verify is a failure', () => {
    const errors = Object.entries(FINDING_CODES).filter(([, severity]) => severity === 'error');
    for (const [name] of errors) {
      const reason = reasonOfFinding(finding(name as FindingCode, 'x', {}), 'verify');
      expect(outcomeOf(reason === undefined ? [] : [reason])).toBe('fail');
    }
  });

  test('a bundle that is short is truncated, one that is long is damaged', () => {
    expect(code('BUNDLE_SIZE_WRONG', 'x', { expected: '10', found: '9' })).toBe('BUNDLE_TRUNCATED');
    expect(code('BUNDLE_SIZE_WRONG', 'x', { expected: '10', found: '11' })).toBe('BUNDLE_DAMAGED');
  });

  test('a transfer that failed is what its cause was', () => {
    expect(code('TRANSFER_FAILED', 'exports/a/b: is not there (NOT_FOUND)')).toBe('BUNDLE_MISSING');
    expect(code('TRANSFER_FAILED', 'manifests/a/b: is not there (NOT_FOUND)')).toBe('MANIFEST_MISSING');
    expect(code('TRANSFER_FAILED', 'a: (MANIFEST_INVALID)')).toBe('MANIFEST_DAMAGED');
  });

  test('a warning is no reason; the bundle is named where only the words name it', () => {
    expect(code('HEALED')).toBeUndefined();
    const named = reasonOfFinding(finding('BUNDLE_MISSING', 'exports/a/b/c-00001.tar.zst: is not there', {}), 'pull');
    expect(named?.where).toBe('c-00001.tar.zst');
  });
});
