/** Plans: the worked examples are read, and every fault of a wrong one is told at once. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import { MAX_PLAN_BYTES, parseDrillPlan } from '../../src/drill/drill-plan.js';

const examples = path.resolve(import.meta.dirname, '../../manifests/plans');

test.each(fs.readdirSync(examples))('manifests/plans/%s is read', (name) => {
  expect(parseDrillPlan(fs.readFileSync(path.join(examples, name)), name).planVersion).toBe(1);
});

function faultsOf(value: unknown): string {
  try {
    parseDrillPlan(value, 'a.plan.json');
  } catch (error) {
    if (isLakepackError(error, 'PLAN_INVALID')) return error.message;
    throw error;
  }
  return '';
}

const LATEST = { planVersion: 1, pick: { how: 'latest' } };
const ASKED = { name: 'a', store: 's', sql: 'SELECT 1' };

describe('refused', () => {
  test.each([
    ['what is no plan', [], 'expected object'],
    ['another version', { ...LATEST, planVersion: 2 }, '/planVersion'],
    ['a mistyped field', { ...LATEST, asertions: [] }, 'a.plan.json'],
    ['random without a share', { planVersion: 1, pick: { how: 'random' } }, '/pick/share: is missing'],
    ['a share of nothing', { planVersion: 1, pick: { how: 'random', share: 0 } }, '/pick/share'],
    ['a share of what is not random', { planVersion: 1, pick: { how: 'latest', share: 0.5 } }, '/pick/share'],
    [
      'a condition that cannot be read',
      { planVersion: 1, pick: { how: 'latest', select: { where: 'dt >' } } },
      '/where',
    ],
    ['a date that is none', { planVersion: 1, pick: { how: 'quick', select: { asOf: 'soon' } } }, '/asOf'],
    ['an assertion that asserts nothing', { ...LATEST, assertions: [ASKED] }, '/assertions/0'],
    ['bounds that cross', { ...LATEST, assertions: [{ ...ASKED, atLeast: 2, atMost: 1 }] }, '/assertions/0/atMost'],
    ['a store that the plan leaves out', { ...LATEST, stores: ['t'], assertions: [{ ...ASKED, equals: 1 }] }, '/store'],
  ])('%s', (_name, value, said) => {
    expect(faultsOf(value)).toContain(said);
  });

  test('all faults at once', () => {
    const twice = [
      { ...ASKED, equals: 1, atLeast: 1 },
      { ...ASKED, equals: null },
    ];
    const message = faultsOf({ ...LATEST, assertions: twice });
    expect(message).toContain('has 2 faults');
    expect(message).toContain('/assertions/1/name');
  });

  test('what is too large, and what is no JSON', () => {
    expect(faultsOf(Buffer.alloc(MAX_PLAN_BYTES + 1, ' '))).toContain('too large');
    expect(faultsOf(Buffer.from('{'))).toContain('is not JSON');
    expect(faultsOf(Buffer.from([0x22, 0xff, 0x22]))).toContain('is not JSON');
  });
});
