/**
 * Opens the two archives of a transfer, and refuses pairs that cannot be: one archive twice, or one inside the other.
 * A dry run makes no folder.
 */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { Archive, archiveAt, openArchive, showPlace, type ArchivePlace } from '../../archive/archive.js';
import { isLakepackError, LakepackError } from '../../base/errors.js';
import { onDisk, unlessAbsent } from '../../base/system-errors.js';
import type { Remote } from '../../remote/remote.js';
import { folderAt } from '../../remote/resolve.js';
import { openBandwidth, throttle } from '../../remote/throttle.js';
import type { TransferSettings } from './transfer-settings.js';

export interface Sides {
  readonly from: Archive;
  /** Undefined in a dry run where there is none yet. */
  readonly to: Archive | undefined;
  /** The source as its store knows it: what a copy inside of one store is made from. */
  readonly copyFrom: Remote;
  close(): Promise<void>;
}

/** Throws USAGE, NOT_FOUND for a source that is not there, PERMISSION_DENIED, and as `openArchive`. */
export async function openSides(settings: TransferSettings): Promise<Sides> {
  const opened: Archive[] = [];
  try {
    const from = keep(opened, await archiveAt(settings.from, { mode: 'read' }));
    await assertApart(from, settings);
    const to = await openTarget(settings);
    if (to !== undefined) keep(opened, to);
    return { ...slowed(from, to, settings), copyFrom: from.remote, close: () => closeAll(opened) };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

/**
 * The source once more, open for writing, for deleting from it what was proven elsewhere. It makes nothing: that the
 * source is there is known.
 */
export async function openForDeleting(from: ArchivePlace, source: Archive): Promise<Archive> {
  if (from instanceof Archive) {
    if (!from.remote.writable) throw readsOnly(source);
    return await archiveAt(from, { mode: 'write' });
  }
  return await openArchive(from, { mode: 'write' });
}

function keep(opened: Archive[], archive: Archive): Archive {
  opened.push(archive);
  return archive;
}

async function closeAll(opened: readonly Archive[]): Promise<void> {
  for (const archive of opened) await archive.close();
}

async function openTarget({ to, dryRun }: TransferSettings): Promise<Archive | undefined> {
  if (!dryRun) return await archiveAt(to, { mode: 'write' });
  try {
    return await archiveAt(withoutFallback(to), { mode: 'read' });
  } catch (error) {
    if (isLakepackError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** What is in the target is asked of the target alone. */
function withoutFallback(place: ArchivePlace): ArchivePlace {
  if (place instanceof Archive) return new Archive(place.remote, { isBorrowed: true });
  return { ...(typeof place === 'string' ? { location: place } : place), fallback: [] };
}

/** Both directions share one bound. A wrapper hides a store from itself, so copies are made around it. */
function slowed(
  from: Archive,
  to: Archive | undefined,
  { bandwidthBytesPerSecond }: TransferSettings,
): Pick<Sides, 'from' | 'to'> {
  if (bandwidthBytesPerSecond === undefined) return { from, to };
  const bandwidth = openBandwidth(bandwidthBytesPerSecond);
  const slow = (archive: Archive): Archive =>
    new Archive(throttle(archive.remote, bandwidth), { isBorrowed: true, fallbacks: archive.fallbacks.map(slow) });
  return { from: slow(from), to: to === undefined ? undefined : slow(to) };
}

/** Before the target is opened for writing, since that makes its folder. */
async function assertApart(from: Archive, settings: TransferSettings): Promise<void> {
  const source = await nameOf(from.remote.identity);
  const target = await targetName(settings);
  const shown = showPlace(settings.to);
  if (target === source) {
    throw new LakepackError('USAGE', `${shown}: source and target are the same archive`, {
      hint: 'name another archive to transfer to',
    });
  }
  // What a whole bucket is called ends with the space before its prefix.
  if (target.startsWith(/[/\\ ]$/.test(source) ? source : `${source}${path.isAbsolute(source) ? path.sep : '/'}`)) {
    throw new LakepackError('USAGE', `${shown}: the target is inside the source, and would become a part of it`, {
      hint: 'choose a place outside of it',
    });
  }
}

/** Opening what is no folder makes nothing and asks nobody. */
async function targetName({ to }: TransferSettings): Promise<string> {
  if (to instanceof Archive) return await nameOf(to.remote.identity);
  const folder = folderAt(to);
  if (folder !== undefined) return await physicalPath(folder);
  const archive = await archiveAt(withoutFallback(to), { mode: 'read' });
  await archive.close();
  return archive.remote.identity;
}

async function nameOf(identity: string): Promise<string> {
  return path.isAbsolute(identity) ? await physicalPath(identity) : identity;
}

/** Absolute, the links of what is there resolved. */
async function physicalPath(folder: string): Promise<string> {
  const absolute = path.resolve(folder);
  const found = await onDisk(folder, () => unlessAbsent(() => realpath(absolute)));
  if (found !== undefined || absolute === path.dirname(absolute)) return found ?? absolute;
  return path.join(await physicalPath(path.dirname(absolute)), path.basename(absolute));
}

function readsOnly(source: Archive): LakepackError {
  return new LakepackError(
    'PERMISSION_DENIED',
    `${source.url}: is open for reading only: nothing can be deleted there`,
    {
      hint: 'leave out the deletion, or open the source for writing',
      retryable: false,
    },
  );
}
