/** Short form of scripts/campaigns/clean-verifies.ts: clean bundles raise no false alarm. */
import { expect, test } from 'vitest';
import { verifyCleanBundles } from '../../scripts/campaigns/clean-verifies.js';

test('random trees, packed and verified: no finding', async () => {
  expect(await verifyCleanBundles({ rounds: 40, seed: 11 })).toMatchObject({ verifies: 80, faults: [] });
});
