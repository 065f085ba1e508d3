/** The whole options of a prune, and how one thing is removed. */
import { isLakepackError } from '../../base/errors.js';
import type { Remote } from '../../remote/remote.js';
import type { PrunedObject } from './contract.js';

export interface PruneSettings {
  readonly remote: Remote;
  readonly graceMs: number;
  readonly olderThanMs: number;
  readonly dryRun: boolean;
  readonly stateDir: string;
  /** The moment that ages are counted back from, milliseconds. */
  readonly now: number;
  readonly signal: AbortSignal;
}

/** Removes one thing, or plans it. That the store refuses is a result: a lock is there to be met. */
export async function removeOne(
  { dryRun }: PruneSettings,
  row: Omit<PrunedObject, 'status' | 'reason'>,
  work: () => Promise<void>,
): Promise<PrunedObject> {
  if (dryRun) return { ...row, status: 'planned' };
  try {
    await work();
    return { ...row, status: 'removed' };
  } catch (error) {
    if (!isLakepackError(error, 'PERMISSION_DENIED')) throw error;
    return { ...row, status: 'refused', reason: error.message };
  }
}
