/** Short form of scripts/campaigns/determinism.ts, on the generator's lake: the same input gives the same bytes. */
import { expect, test } from 'vitest';
import { compareWays } from '../../scripts/campaigns/determinism.js';

test.skipIf(process.platform === 'win32')('concurrency, order, place, zone and umask do not show', async () => {
  const { bundles, faults } = await compareWays({ by: 'layer' });
  expect(bundles).toBe(4);
  expect(faults).toEqual([]);
});
