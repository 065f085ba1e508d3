/** The short form of scripts/campaigns/kill-drill.ts: one kill of a drill, of a rebuild into a file, into a schema. */
import { expect, test } from 'vitest';
import { killDrill } from '../../scripts/campaigns/kill-drill.js';
import { postgresMissing } from '../servers/postgres.js';

test.skipIf(postgresMissing() !== undefined)(
  'drills and rebuilds that are killed leave nothing that the next one trips over, and nothing live is touched',
  async () => {
    const { killed, faults } = await killDrill({ rounds: 3, seed: 5 });
    expect(faults).toEqual([]);
    expect(killed.drill + killed.duckdb + killed.postgres).toBeGreaterThan(0);
  },
  120_000,
);
