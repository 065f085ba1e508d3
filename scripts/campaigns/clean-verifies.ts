/**
 * Packs many tiny random trees into bundles and verifies each, in process: a clean bundle must never raise a finding.
 *
 *     npx tsx scripts/campaigns/clean-verifies.ts [--rounds 10000] [--seed 1]
 */
import { createHash } from 'node:crypto';
import { build, check } from '../../test/bundle/kit.js';
import { trees } from '../../test/bundle/trees.js';
import fc from 'fast-check';
import { campaignArguments, isMain, tell } from './campaign.js';

export interface CleanReport {
  readonly rounds: number;
  /** Each bundle is verified with its sidecar, and by itself. */
  readonly verifies: number;
  readonly entries: number;
  readonly storedBytes: number;
  /** SHA-256 over all bundles: the same seed gives the same bytes. */
  readonly sha256: string;
  readonly faults: readonly string[];
}

export async function verifyCleanBundles({ rounds, seed }: { rounds: number; seed: number }): Promise<CleanReport> {
  const faults: string[] = [];
  const hash = createHash('sha256');
  let entries = 0;
  let storedBytes = 0;
  const settings = fc.tuple(trees(8), fc.integer({ min: 1, max: 19 }), fc.integer({ min: 1, max: 4 }));
  for (const [tree, level, concurrency] of fc.sample(settings, { seed, numRuns: rounds })) {
    const built = await build(tree, { level: Math.min(level, 6), concurrency });
    hash.update(built.bytes);
    entries += Object.keys(tree).length;
    storedBytes += built.bytes.length;
    for (const against of [built, undefined]) {
      const { findings } = await check(built.bytes, against, { concurrency });
      for (const one of findings) faults.push(`${one.code}: ${one.message}: in ${JSON.stringify(Object.keys(tree))}`);
    }
  }
  return { rounds, verifies: 2 * rounds, entries, storedBytes, sha256: hash.digest('hex'), faults };
}

if (isMain(import.meta.url)) {
  const { rounds, seed } = campaignArguments(10_000);
  const report = await verifyCleanBundles({ rounds, seed });
  tell(report, report.faults);
}
