/**
 * Restores the planned exports into the staging folder, several at once: from a disk so many that small ones keep all
 * threads busy, from afar more, where each waits for the network most of its time. It answers for what that takes in
 * memory.
 */
import type { Archive } from '../../archive/archive.js';
import { ByteBudget } from '../../base/byte-budget.js';
import { MIB } from '../../base/limits.js';
import { mapOrStop } from '../map-settled.js';
import { isFar } from '../read-ahead.js';
import { restoreExport, type RestoreSettings } from './restore-export.js';
import type { RestoreJob } from './restore-plan.js';

/** Exports of a distant archive that are restored at once, where they are small. */
const EXPORTS_AT_ONCE = 16;
/** What they may hold together of stored bytes that are read and not given to a thread. */
const BUDGET_BYTES = 128 * MIB;
/** What one of them reads ahead at most. */
const AHEAD_BYTES = 32 * MIB;
/** The frame that one of them has read and waits with for a thread. */
const FRAME_BYTES = 4 * MIB;
/** With a fallback, bundles are read and compared by whole blocks, some of which the archive keeps. */
const KEPT_BLOCK_BYTES = 64 * MIB;

export type RestoreExportsSettings = Omit<RestoreSettings, 'aheadBytes'>;

/** Resolves with the number of files taken over from an interrupted run. Throws what the first failed export throws. */
export async function restoreExports(settings: RestoreExportsSettings, jobs: readonly RestoreJob[]): Promise<number> {
  const work = jobs.filter((job) => !job.isEmpty);
  const resumed = isFar(settings.archive) ? await fromAfar(settings, work) : await fromDisk(settings, work);
  return resumed.reduce((sum, count) => sum + count, 0);
}

async function fromDisk(settings: RestoreExportsSettings, jobs: readonly RestoreJob[]): Promise<number[]> {
  const how = { concurrency: 1 + settings.runner.threads, signal: settings.signal };
  return await mapOrStop(jobs, how, (job, signal) => restoreOne({ ...settings, signal, aheadBytes: undefined }, job));
}

async function fromAfar(settings: RestoreExportsSettings, jobs: readonly RestoreJob[]): Promise<number[]> {
  const budget = new ByteBudget(BUDGET_BYTES);
  const how = { concurrency: EXPORTS_AT_ONCE, signal: settings.signal };
  return await mapOrStop(jobs, how, async (job, signal) =>
    budget.run(costOf(settings.archive, job), signal, () =>
      restoreOne({ ...settings, signal, aheadBytes: AHEAD_BYTES }, job),
    ),
  );
}

async function restoreOne(settings: RestoreSettings, job: RestoreJob): Promise<number> {
  const resumed = await restoreExport(settings, job);
  settings.onProgress({ type: 'item', name: job.ref.path, status: 'restored' });
  return resumed;
}

/** Stored bytes that a restore of this export holds at most, about. */
function costOf({ fallbacks }: Archive, { manifest, bytes }: RestoreJob): number {
  const largest = manifest.bundles.reduce((most, bundle) => Math.max(most, bundle.storedBytes), 0);
  const held = fallbacks.length === 0 ? AHEAD_BYTES : AHEAD_BYTES + KEPT_BLOCK_BYTES;
  return Math.min(largest, held) + Math.min(bytes, FRAME_BYTES);
}
