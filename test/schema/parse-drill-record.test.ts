/** Reading evidence: what a record must have, and how what is wrong is told. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DRILL_REASONS, DRILL_STEPS } from '../../src/schema/drill-record.js';
import { MAX_DRILL_RECORD_BYTES, readDrillRecord } from '../../src/schema/parse-drill-record.js';
import { drillRecord, failedRecord, inconclusiveRecord } from '../drill/drill-records.js';

const read = (value: unknown) => readDrillRecord(Buffer.from(JSON.stringify(value)), 'x.drill.json');

describe('readDrillRecord', () => {
  test.each([drillRecord(), failedRecord(), inconclusiveRecord()])(
    'takes a record of a $outcome as it is',
    (record) => {
      expect(read(record)).toEqual({ ok: true, record });
    },
  );

  test('keeps fields it does not know', () => {
    expect(read({ ...drillRecord(), mood: 'good' })).toMatchObject({ ok: true, record: { mood: 'good' } });
  });

  test.each<[string, object, RegExp]>([
    ['an outcome that there is none', { outcome: 'ok' }, /\/outcome: expected one of pass, fail, inconclusive/],
    ['an id that is none', { drillId: '2026' }, /\/drillId: expected a drill id/],
    ['a link without a hash', { previous: { drillId: drillRecord().drillId } }, /\/previous/],
    ['a negative time', { rtoMs: -1 }, /\/rtoMs: expected at least 0/],
    ['a newer version', { drillVersion: 2 }, /newer lakepack: expected at most version 1, got 2/],
  ])('refuses %s', (_, change, fault) => {
    expect(read({ ...drillRecord(), ...change })).toMatchObject({ ok: false, fault: expect.stringMatching(fault) });
  });

  test('lists every fault, and refuses what is no JSON or too large', () => {
    expect(read({ ...drillRecord(), outcome: 1, rtoMs: 'x' })).toMatchObject({
      fault: /* both */ expect.stringContaining('2 faults'),
    });
    expect(readDrillRecord(Buffer.from('{'), 'x')).toMatchObject({ ok: false });
    expect(readDrillRecord(Buffer.alloc(MAX_DRILL_RECORD_BYTES + 1, 0x20), 'x')).toMatchObject({ ok: false });
  });

  test('the schema knows the reasons and steps of the program', () => {
    const text = readFileSync(new URL('../../schemas/drill.v1.schema.json', import.meta.url), 'utf8');
    const schema = JSON.parse(text);
    expect(schema.properties.reasons.items.properties.code.enum).toEqual(Object.keys(DRILL_REASONS));
    expect(schema.$defs.stepName.enum).toEqual(DRILL_STEPS);
  });
});
