/** Short forms of scripts/campaigns/kill-push.ts and transfer-faults.ts: a real S3 server, seeded kills and faults. */
import { describe, expect, test } from 'vitest';
import { killPush } from '../../scripts/campaigns/kill-push.js';
import { injectTransferFaults } from '../../scripts/campaigns/transfer-faults.js';
import { cephMissing } from '../servers/ceph.js';

describe.skipIf(cephMissing() !== undefined)('transfers with a real S3 server', () => {
  test('a push that is killed shows nothing half, and the same command goes on with its parts', async () => {
    expect(await killPush({ rounds: 2, seed: 20261121, mebibytes: 96 })).toMatchObject({ rounds: 2, faults: [] });
  });

  test('behind a proxy that fails and lies every run ends whole or with the name of its cause', async () => {
    const report = await injectTransferFaults({ rounds: 14, seed: 20261121 });
    expect(report).toMatchObject({ rounds: 14, canaries: { planted: 4, caught: 4 }, faults: [] });
    expect(report.faultsInjected).toBeGreaterThan(0);
  });
});
