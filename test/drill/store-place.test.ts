/** Where a drill's stores stand: never under a name that a live store could have, and no secret in a name. */
import { expect, test } from 'vitest';
import { isLakepackError } from '../../src/base/errors.js';
import { scratchOf } from '../../src/drill/scratch.js';
import { storePlace, type StorePlace } from '../../src/drill/store-place.js';
import type { StoreEngine } from '../../src/schema/store-engine.js';

function place(engine: StoreEngine, environment: Readonly<Record<string, string>> = {}): StorePlace {
  const drillId = '20261121T145836Z-1a2b3c4d';
  const scratch = scratchOf('/work', drillId);
  return storePlace({ drillId, scratch, name: 'live', index: 3, settings: { engine }, environment });
}

test('embedded engines work in the scratch folder', () => {
  for (const engine of ['duckdb', 'lancedb'] as const) {
    expect(place(engine)).toMatchObject({ isOutside: false, marker: expect.stringMatching(/^[a-z0-9_]{1,40}$/) });
    expect(place(engine).into).toMatch(/^\/work\/lakepack-drill-20261121T145836Z-1a2b3c4d\/stores\/live\./);
  }
});

test('servers get a name of the drill, not the name of the store', () => {
  const schema = 'lakepack_drill_20261121t145836z_1a2b3c4d_3';
  expect(place('postgres', { PGHOST: 'db' })).toMatchObject({ into: schema, isOutside: true });
  const cosmos = { COSMOS_ENDPOINT: 'https://x', COSMOS_KEY: 'k' };
  expect(place('cosmos', cosmos)).toMatchObject({ into: schema, isOutside: true });
});

test('an address with a password gives the password to the environment, and keeps it out of the name', () => {
  const found = place('postgres', { LAKEPACK_DRILL_POSTGRES: 'postgres://me:s%20cret@db:5433/drills?sslmode=require' });
  expect(found.into).toBe(
    'postgres://me@db:5433/drills?sslmode=require&schema=lakepack_drill_20261121t145836z_1a2b3c4d_3',
  );
  expect(found.environment['PGPASSWORD']).toBe('s cret');
});

test.each([
  ['postgres', {}],
  ['postgres', { LAKEPACK_DRILL_POSTGRES: 'mysql://secret@x' }],
  ['cosmos', { COSMOS_ENDPOINT: 'https://x' }],
] as const)('%s without a server is said, with no secret in the words', (engine, environment) => {
  try {
    place(engine, environment);
    expect.unreachable();
  } catch (error) {
    expect(isLakepackError(error, 'STORE_UNAVAILABLE')).toBe(true);
    expect(String(error)).not.toContain('secret');
  }
});
