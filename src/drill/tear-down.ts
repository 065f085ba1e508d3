/**
 * The end of a drill, however it went: its stores are discarded and its folder is removed, or both stay for a look. The
 * same is done for drills that were killed, from their journals.
 */
import path from 'node:path';
import type { DrillRecord } from '../schema/drill-record.js';
import type { DrillSettings } from './drill-settings.js';
import type { StepLog } from './drill-steps.js';
import type { DrillTools } from './drill-tools.js';
import type { MadePlaces } from './made-places.js';
import { removeScratch, type Scratch } from './scratch.js';
import type { StoreRun } from './store-steps.js';

/** Long enough for a server to drop a schema; a drill that was interrupted ends in that time too. */
export const TEAR_DOWN_MS = 60_000;

/** What is kept, or undefined; what cannot be removed is a reason in the log and tried again by the next drill. */
export async function tearDown(
  { keep }: DrillSettings,
  scratch: Scratch,
  stores: StoreRun | undefined,
  log: StepLog,
): Promise<DrillRecord['kept']> {
  const stays = keep === 'always' || (keep === 'on-failure' && log.outcome === 'fail');
  const tries: (() => Promise<void>)[] = [() => stores?.closeTables() ?? Promise.resolve()];
  for (const store of stores?.opened ?? []) {
    if (!stays) tries.push(() => store.discard());
    tries.push(() => store.close());
  }
  if (!stays) tries.push(() => removeScratch(scratch.folder));
  for (const attempt of tries) await attempt().catch((error: unknown) => log.addError(error));
  if (!stays) return undefined;
  return { scratch: scratch.folder, stores: (stores?.opened ?? []).map(({ place }) => place) };
}

/** Removes what a killed drill has left. Throws what keeps it from that: then its journal stays. */
export async function removeMade(made: MadePlaces, settings: DrillSettings, tools: DrillTools): Promise<void> {
  await removeScratch(made.scratch);
  for (const { into, marker, settings: store } of made.stores) {
    const scratchDir = path.dirname(made.scratch);
    const { environment, signal } = settings;
    // Opened under the same names, it takes over what stands there, and takes that away.
    const opened = await tools.openStore({
      into,
      marker,
      settings: store,
      environment,
      replace: true,
      scratchDir,
      signal,
    });
    try {
      await opened.discard();
    } finally {
      await opened.close();
    }
  }
}
