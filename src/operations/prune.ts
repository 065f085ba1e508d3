/** Removes what nobody needs: objects without a manifest, and uploads that were abandoned. The work is in `pruning/`. */
import { sharedSignal } from '../base/shared-signal.js';
import { Archive, archiveAt, type ArchivePlace } from '../archive/archive.js';
import { userStateDir } from '../base/state-dir.js';
import { isFileRemote } from '../remote/file.js';
import type { PruneOptions, PrunedObject, PruneReport } from './pruning/contract.js';
import type { PruneSettings } from './pruning/prune-settings.js';

export type { PruneOptions, PrunedObject, PruneReport } from './pruning/contract.js';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Throws what opening, listing and removing throw, but for a removal that is refused: that is in the report. */
export async function prune(options: PruneOptions): Promise<PruneReport> {
  const { pruneObjects } = await import('./pruning/prune-objects.js');
  const { pruneUploads } = await import('./pruning/prune-uploads.js');
  const begun = performance.now();
  const { uploads = false, dryRun = false } = options;
  const archive = await openForPruning(options.archive);
  const settings: PruneSettings = {
    remote: archive.remote,
    graceMs: options.graceMs ?? 7 * DAY_MS,
    olderThanMs: options.olderThanMs ?? DAY_MS,
    dryRun,
    stateDir: options.stateDir ?? userStateDir(),
    now: Date.now(),
    signal: sharedSignal(options.signal ?? new AbortController().signal),
  };
  try {
    const rows = uploads ? await pruneUploads(settings) : await pruneObjects(settings);
    const temporaries = uploads && !dryRun ? await sweep(settings) : 0;
    const totals = { ...totalsOf(rows), temporaries };
    const elapsedMs = performance.now() - begun;
    return { archive: archive.url, dryRun, what: uploads ? 'uploads' : 'objects', rows, totals, elapsedMs };
  } finally {
    await archive.close();
  }
}

/** Opening for writing makes a folder that is not there: a mistyped path must be an error. */
async function openForPruning(place: ArchivePlace): Promise<Archive> {
  if (!(place instanceof Archive)) {
    const alone = { ...(typeof place === 'string' ? { location: place } : place), fallback: [] };
    await (await archiveAt(alone, { mode: 'read' })).close();
  }
  return await archiveAt(place, { mode: 'write' });
}

/** A put that was killed leaves a file beside its final name, which a folder can find by itself. */
async function sweep({ remote, signal }: PruneSettings): Promise<number> {
  if (!isFileRemote(remote)) return 0;
  let swept = 0;
  for (const prefix of ['exports/', 'manifests/', 'drills/']) swept += await remote.sweepTemporary(prefix, { signal });
  return swept;
}

function totalsOf(rows: readonly PrunedObject[]): Omit<PruneReport['totals'], 'temporaries'> {
  const count = (status: PrunedObject['status']): number => rows.filter((one) => one.status === status).length;
  const gone = rows.filter(({ status }) => status === 'removed' || status === 'planned');
  return {
    ...{ removed: count('removed'), planned: count('planned'), kept: count('kept'), refused: count('refused') },
    bytes: gone.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
