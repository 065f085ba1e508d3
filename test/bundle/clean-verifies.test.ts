/**
 * Bundles of random trees raise no false alarm. LAKEPACK_CLEAN_VERIFIES sets how many are checked (a campaign runs
 * 10,000), LAKEPACK_CLEAN_SEED where they start.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { build, check } from './kit.js';
import { trees } from './trees.js';

const VERIFIES = Number(process.env['LAKEPACK_CLEAN_VERIFIES'] ?? 300);
const SEED = Number(process.env['LAKEPACK_CLEAN_SEED'] ?? 1);

test(
  `${VERIFIES} clean verifies find nothing`,
  async () => {
    let verifies = 0;
    await fc.assert(
      fc.asyncProperty(
        trees(),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 4 }),
        async (tree, level, n) => {
          const built = await build(tree, { level, number: n, concurrency: n });
          for (const depth of ['contents', 'stored'] as const) {
            for (const against of [built, undefined]) {
              expect((await check(built.bytes, against, { depth, concurrency: n })).findings).toEqual([]);
              verifies += 1;
            }
          }
        },
      ),
      { numRuns: Math.ceil(VERIFIES / 4), seed: SEED, endOnFailure: true },
    );
    expect(verifies).toBeGreaterThanOrEqual(VERIFIES);
  },
  10_000 + VERIFIES * 200,
);
