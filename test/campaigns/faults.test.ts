/** Short form of scripts/campaigns/faults.ts: an archive that fails, lies and hangs by a seed. */
import { expect, test } from 'vitest';
import { injectFaults } from '../../scripts/campaigns/faults.js';
import { smallLake } from './small-lake.js';

test('whatever an archive does, nothing half is visible and nothing wrong is restored', async () => {
  const report = await injectFaults({ rounds: 24, seed: 5, lake: smallLake() });
  expect(report.faults).toEqual([]);
  expect(report.faultsInjected).toBeGreaterThan(5);
});
