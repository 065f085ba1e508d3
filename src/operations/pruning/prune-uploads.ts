/**
 * Finds and gives up uploads in parts that nobody goes on with: those that this machine began and whose process is
 * gone, and old ones that only the store remembers. It answers for leaving alone what a live process here works on,
 * and what is not an upload of an archive.
 */
import { UploadJournal, type JournalledUpload } from '../../archive/upload-journal.js';
import { isLakepackError } from '../../base/errors.js';
import type { PartStore, Upload, UploadInfo } from '../../remote/remote.js';
import { mapSettled } from '../map-settled.js';
import type { PrunedObject } from './contract.js';
import { parseGarbageKey } from './export-objects.js';
import { removeOne, type PruneSettings } from './prune-settings.js';

const UPLOADS_AT_ONCE = 8;

interface FoundUpload extends UploadInfo {
  readonly isJournalled: boolean;
}

export async function pruneUploads(settings: PruneSettings): Promise<readonly PrunedObject[]> {
  const { parts } = settings.remote;
  if (parts === undefined) return [];
  const journal = await UploadJournal.open(settings.stateDir, settings.remote.identity);
  try {
    const found = await findUploads(parts, await journal.all(), settings);
    return await mapSettled(found, UPLOADS_AT_ONCE, (one) => pruneOne(one, parts, journal, settings));
  } finally {
    await journal.close();
  }
}

/** Those that the store lists, and those that only the journal knows: some stores list exact keys only. */
async function findUploads(
  parts: PartStore,
  journalled: readonly JournalledUpload[],
  { signal }: PruneSettings,
): Promise<readonly FoundUpload[]> {
  const own = new Set(journalled.map(nameOf));
  const found = new Map<string, FoundUpload>();
  for (const { key, id, begunAt } of journalled)
    found.set(nameOf({ key, id }), { key, id, begunAt, isJournalled: true });
  for (const prefix of ['exports/', 'manifests/', 'drills/']) {
    for await (const one of parts.listUploads(prefix, { signal })) {
      if (isArchiveKey(one.key)) found.set(nameOf(one), { ...one, isJournalled: own.has(nameOf(one)) });
    }
  }
  return [...found.values()];
}

function nameOf({ key, id }: Upload): string {
  return `${id} ${key}`;
}

/** A bucket may hold uploads of others beside those of the archive. */
function isArchiveKey(key: string): boolean {
  return (
    parseGarbageKey({ key, bytes: 0 }) !== undefined || /^drills\/.+\.json$|^manifests\/.+\.export\.json$/s.test(key)
  );
}

async function pruneOne(
  found: FoundUpload,
  parts: PartStore,
  journal: UploadJournal,
  settings: PruneSettings,
): Promise<PrunedObject> {
  const reason = await reasonToKeep(found, journal, settings);
  if (reason !== undefined) return { ...(await rowOf(found, parts, settings)), status: 'kept', reason };
  if (!found.isJournalled || settings.dryRun) return await giveUp(found, parts, settings);
  // Taken over as a run that goes on would: nobody else can, until it is given up.
  const record = await journal.claim(found.key);
  if (record === undefined) return { ...(await rowOf(found, parts, settings)), status: 'kept', reason: LIVE };
  try {
    const row = await giveUp({ key: record.key, id: record.id, begunAt: record.begunAt }, parts, settings);
    if (row.status === 'removed') await record.end();
    return row;
  } finally {
    await record.leave();
  }
}

async function giveUp(upload: UploadInfo, parts: PartStore, settings: PruneSettings): Promise<PrunedObject> {
  const row = await rowOf(upload, parts, settings);
  return await removeOne(settings, row, () => parts.abort(upload, { signal: settings.signal }));
}

const LIVE = 'a process on this machine works on it';

async function reasonToKeep(
  upload: FoundUpload,
  journal: UploadJournal,
  { now, olderThanMs }: PruneSettings,
): Promise<string | undefined> {
  if (await journal.isLive(upload)) return LIVE;
  if (upload.isJournalled || olderThanMs === 0) return undefined;
  if (upload.begunAt === undefined) return 'the store does not say when it was begun; --older-than 0 gives it up';
  const isYoung = now - upload.begunAt.getTime() < olderThanMs;
  return isYoung ? 'another machine may be working on it: it was begun a short time ago' : undefined;
}

async function rowOf(
  upload: UploadInfo,
  parts: PartStore,
  settings: PruneSettings,
): Promise<Omit<PrunedObject, 'status' | 'reason'>> {
  const { key, begunAt } = upload;
  const at = begunAt === undefined ? {} : { at: begunAt.toISOString() };
  return { kind: 'upload', key, bytes: await bytesOf(upload, parts, settings), ...at };
}

async function bytesOf(upload: Upload, parts: PartStore, { signal }: PruneSettings): Promise<number> {
  try {
    const stored = await parts.listParts(upload, { signal });
    return stored.reduce((sum, { bytes }) => sum + bytes, 0);
  } catch (error) {
    // Gone in the meantime: giving it up is no error then, and frees nothing.
    if (isLakepackError(error, 'NOT_FOUND')) return 0;
    throw error;
  }
}
