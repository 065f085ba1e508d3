/** What every campaign needs: its arguments, a scratch folder, chance that can be had again, and a report. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../src/base/random.js';

export interface CampaignArguments {
  readonly rounds: number;
  readonly seed: number;
  /** A lake to use instead of the generator's. */
  readonly lake: string | undefined;
  readonly words: readonly string[];
}

export function campaignArguments(rounds: number): CampaignArguments {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rounds: { type: 'string' }, seed: { type: 'string' }, lake: { type: 'string' } },
  });
  return {
    rounds: Number(values.rounds ?? rounds),
    seed: Number(values.seed ?? 1),
    lake: values.lake,
    words: positionals,
  };
}

/** Runs with a folder of its own, which is removed afterwards. */
export async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'lakepack-campaign-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A generator for one round, so that a round can be had again without those before it. */
export function randomOfRound(seed: number, round: number): () => number {
  return seededRandom((Math.imul(seed, 0x9e3779b1) ^ Math.imul(round + 1, 0x85ebca6b)) >>> 0);
}

/** True for the file that was given to node. */
export function isMain(url: string): boolean {
  return process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(url);
}

/** For the impatient: which round is on, on one line. */
export function tellRound(round: number): void {
  if (process.stderr.isTTY || process.env['CAMPAIGN_VERBOSE'] !== undefined) process.stderr.write(`round ${round}\n`);
}

/** Ends a campaign's script: the report as JSON, and a code that says whether it holds. */
export function tell(report: object, faults: readonly string[]): void {
  console.log(JSON.stringify(report, null, 2));
  for (const fault of faults) console.error(`FAULT ${fault}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
