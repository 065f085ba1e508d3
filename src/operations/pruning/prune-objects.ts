/**
 * Finds and removes the objects of exports that have no manifest. It answers for never touching one that a manifest
 * names, also when that manifest appears while it looks, and for sparing what an unfinished run here goes on with.
 */
import { manifestKey, parseManifestKey } from '../../archive/layout.js';
import { parseGarbageKey, type ExportObject } from './export-objects.js';
import type { PrunedObject } from './contract.js';
import { removeOne, type PruneSettings } from './prune-settings.js';
import { sparedExports } from './spared-exports.js';
import { mapSettled } from '../map-settled.js';

const EXPORTS_AT_ONCE = 8;

/** An export of which objects were found, and no manifest. */
interface Orphan {
  readonly manifestKey: string;
  readonly exportId: string;
  readonly createdAt: Date;
  readonly objects: ExportObject[];
}

export async function pruneObjects(settings: PruneSettings): Promise<readonly PrunedObject[]> {
  const orphans = await findOrphans(settings);
  if (orphans.length === 0) return [];
  const spared = await sparedExports(settings.stateDir, settings.remote.identity);
  const rows = await mapSettled(orphans, EXPORTS_AT_ONCE, async (orphan) => {
    const reason = await reasonToKeep(orphan, spared, settings);
    if (reason === undefined) return await removeAll(orphan, settings);
    return orphan.objects.map((one) => ({ ...rowOf(one), status: 'kept' as const, reason }));
  });
  return rows.flat();
}

/**
 * Manifests are listed before, so that the objects of whole exports need not be kept in memory, and again after: an
 * export that was committed in between is no orphan.
 */
async function findOrphans(settings: PruneSettings): Promise<readonly Orphan[]> {
  const before = await listManifests(settings);
  const orphans = new Map<string, Orphan>();
  for (const prefix of ['exports/', 'manifests/']) {
    for await (const info of settings.remote.list(prefix, { withTimes: true, signal: settings.signal })) {
      const object = parseGarbageKey(info);
      if (object === undefined) continue;
      const { path, exportId, createdAt } = object;
      const manifest = manifestKey(path, exportId);
      if (before.has(manifest)) continue;
      const orphan = orphans.get(manifest) ?? { manifestKey: manifest, exportId, createdAt, objects: [] };
      orphan.objects.push(object);
      orphans.set(manifest, orphan);
    }
  }
  if (orphans.size === 0) return [];
  const after = await listManifests(settings);
  return [...orphans.values()].filter((one) => !after.has(one.manifestKey));
}

async function listManifests({ remote, signal }: PruneSettings): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  for await (const { key } of remote.list('manifests/', { signal })) {
    if (parseManifestKey(key) !== undefined) keys.add(key);
  }
  return keys;
}

async function reasonToKeep(
  orphan: Orphan,
  spared: ReadonlySet<string>,
  { now, graceMs, remote, signal }: PruneSettings,
): Promise<string | undefined> {
  if (spared.has(orphan.exportId)) return 'an unfinished run on this machine goes on with it';
  // The id is as old as the export; a transfer of an old one stores its objects today.
  const times = [orphan.createdAt, ...orphan.objects.flatMap(({ storedAt }) => storedAt ?? [])];
  const newest = Math.max(...times.map((time) => time.getTime()));
  if (now - newest < graceMs) return 'it is younger than the grace period';
  const committed = await remote.head(orphan.manifestKey, { signal });
  return committed === undefined ? undefined : 'it has a manifest now';
}

async function removeAll({ objects }: Orphan, settings: PruneSettings): Promise<readonly PrunedObject[]> {
  const rows: PrunedObject[] = [];
  for (const one of objects) {
    rows.push(
      await removeOne(settings, rowOf(one), () => settings.remote.delete(one.key, { signal: settings.signal })),
    );
  }
  return rows;
}

function rowOf({ kind, key, bytes, storedAt }: ExportObject): Omit<PrunedObject, 'status' | 'reason'> {
  return { kind, key, bytes, ...(storedAt !== undefined && { at: storedAt.toISOString() }) };
}
