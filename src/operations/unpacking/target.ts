/**
 * The folder that is restored into: what is there already, whether it may be written to, and whether a file there is
 * the one to be restored. It writes nothing.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { lstat, readdir, realpath, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { LakepackError } from '../../base/errors.js';
import { showPath } from '../../base/paths.js';
import { fromSystemError, unlessAbsent } from '../../base/system-errors.js';

/** Our own folder in a lake; never data. */
export const OWN_FOLDER = '.lakepack';
/** A fresh file system has this; it is no content. */
const NOT_CONTENT = new Set([OWN_FOLDER, 'lost+found']);
const LAKE_FOLDERS = ['bronze', 'silver', 'gold', 'manifests', 'exports'];

export type TargetKind =
  /** Nothing there, or an empty folder that can be replaced by a rename. */
  | 'fresh'
  /** An empty folder that must stay itself: a mount point, or one whose parent cannot be written. */
  | 'empty'
  | 'lake'
  | 'other';

export interface Target {
  /** Absolute, links resolved as far as it exists. */
  readonly folder: string;
  readonly kind: TargetKind;
  /** Names in its top folder, our own left out. */
  readonly names: readonly string[];
}

/** Throws TARGET_CONFLICT when it is not a folder, PERMISSION_DENIED when it cannot be read. */
export async function inspectTarget(into: string): Promise<Target> {
  const absolute = path.resolve(into);
  try {
    const stats = await unlessAbsent(() => stat(absolute));
    if (stats === undefined) return { folder: absolute, kind: 'fresh', names: [] };
    if (!stats.isDirectory()) throw new LakepackError('TARGET_CONFLICT', `${into}: is not a folder`);
    const folder = await realpath(absolute);
    const all = await readdir(folder);
    const names = all.filter((name) => !NOT_CONTENT.has(name));
    if (names.length > 0) return { folder, kind: isLake(names) ? 'lake' : 'other', names };
    const parent = await stat(path.dirname(folder));
    const replaceable = all.length === 0 && parent.dev === stats.dev && folder === absolute;
    return { folder, kind: replaceable ? 'fresh' : 'empty', names };
  } catch (error) {
    throw fromSystemError(error, into);
  }
}

function isLake(names: readonly string[]): boolean {
  return names.some((name) => LAKE_FOLDERS.includes(name));
}

/** Throws TARGET_NOT_EMPTY when the folder holds something that is no lake and none of what is restored. */
export function assertRestorable(target: Target, restoredTopNames: ReadonlySet<string>, merge: boolean): void {
  if (target.kind !== 'other' || merge || target.names.some((name) => restoredTopNames.has(name))) return;
  const some = target.names.slice(0, 3).map(showPath).join(', ');
  throw new LakepackError(
    'TARGET_NOT_EMPTY',
    `${target.folder}: holds other content: expected an empty folder or a lake, got ${some}`,
    {
      hint: 'give another folder with --into, or add --merge to restore beside what is there',
    },
  );
}

export interface WantedFile {
  readonly path: string;
  readonly type?: 'directory';
  readonly bytes: number;
  readonly sha256?: string;
}

/** `blocked`: a link, a folder or a file stands where the other is meant: never replaced, never written through. */
export type Presence = 'absent' | 'equal' | 'different' | 'blocked';

/** Compares files of a folder with what they should be. One object per run: it remembers the folders it has seen. */
export class PresenceCheck {
  readonly #root: string;
  /** Folders that are known to be there, and real. */
  readonly #folders = new Set<string>(['.']);
  readonly #absentFolders = new Set<string>();
  readonly #isEmpty: boolean;

  /** @param isEmpty whether there is nothing in the folder at all: then nobody needs to look. */
  constructor(root: string, isEmpty = false) {
    this.#root = root;
    this.#isEmpty = isEmpty;
  }

  /** As `of`, where it can be told without looking at the disk; else undefined. */
  known(lakePath: string): Presence | undefined {
    return this.#isEmpty || this.#absentFolders.has(path.posix.dirname(lakePath)) ? 'absent' : undefined;
  }

  async of(wanted: WantedFile): Promise<Presence> {
    const folder = await this.#folder(path.posix.dirname(wanted.path));
    if (folder !== 'equal') return folder;
    const disk = path.join(this.#root, wanted.path);
    const stats = await unlessAbsent(() => lstat(disk));
    if (stats === undefined) return 'absent';
    if (wanted.type === 'directory') return stats.isDirectory() ? 'equal' : 'blocked';
    if (!stats.isFile()) return 'blocked';
    if (stats.size !== wanted.bytes) return 'different';
    return (await sha256OfFile(disk)) === wanted.sha256 ? 'equal' : 'different';
  }

  async #folder(folder: string): Promise<Presence> {
    if (this.#folders.has(folder)) return 'equal';
    if (this.#absentFolders.has(folder)) return 'absent';
    const above = await this.#folder(path.posix.dirname(folder));
    if (above !== 'equal') return above;
    const stats = await unlessAbsent(() => lstat(path.join(this.#root, folder)));
    if (stats === undefined) {
      this.#absentFolders.add(folder);
      return 'absent';
    }
    if (!stats.isDirectory()) return 'blocked';
    this.#folders.add(folder);
    return 'equal';
  }
}

/** Files up to this size are read in one go: a stream costs each of 100,000 tiny files ten times as much. */
const SMALL_BYTES = 1024 * 1024;

export async function sha256OfFile(disk: string): Promise<string> {
  const hash = createHash('sha256');
  if (statSync(disk).size <= SMALL_BYTES) return hash.update(readFileSync(disk)).digest('hex');
  for await (const chunk of createReadStream(disk, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Throws DISK_FULL when the disk under `folder` has less room than is needed. */
export async function assertSpace(folder: string, neededBytes: number): Promise<void> {
  let existing = folder;
  while ((await unlessAbsent(() => stat(existing))) === undefined) existing = path.dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  const free = bavail * bsize;
  if (free >= neededBytes) return;
  throw new LakepackError('DISK_FULL', `${folder}: not enough room: expected ${neededBytes} bytes free, got ${free}`, {
    hint: 'nothing was written; free some space, restore less with --path, or give another folder',
  });
}
