/**
 * Where files stand until all of them are known to be right: a folder on the same disk as the target. What is found in
 * it from an interrupted run is used again if its bytes are right; it is published by renames.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { link, lstat, mkdir, open, readdir, rename, rm, rmdir, utimes } from 'node:fs/promises';
import path from 'node:path';
import { LakepackError, systemErrorCode } from '../../base/errors.js';
import { showPath, toDiskPath } from '../../base/paths.js';
import { fromSystemError, unlessAbsent } from '../../base/system-errors.js';
import { diskTime, modeOf } from '../../bundle/restore-frame-file.js';
import { openDurability, syncFolder, type Durability } from '../../remote/file-flush.js';
import { OWN_FOLDER, sha256OfFile, type Target } from './target.js';

export interface StagedFile {
  readonly path: string;
  readonly mtime: number;
  readonly executable: boolean;
}

/** A file that is being written into the staging folder. */
export interface StagedWrite {
  data(bytes: Buffer): Promise<void> | void;
  /** Closes it and sets its time and mode. */
  end(): Promise<void>;
  /** Closes and removes it. */
  abort(): Promise<void>;
}

interface StagingOptions {
  readonly resumed: boolean;
  readonly comparesFiles: boolean;
}

export class Staging {
  readonly folder: string;
  readonly #target: Target;
  readonly #durability: Durability;
  readonly #made = new Set<string>();
  /** Disk paths of the files that this run has put here or found right. */
  readonly #staged = new Set<string>();
  readonly #directories: { disk: string; mtime: number }[] = [];
  /** Lake paths of the folders that {@link addFolders} was told, and of all above them. */
  readonly #folders = new Set<string>();

  /** True when an interrupted run may have left files in it. */
  readonly resumed: boolean;
  /** True where it must be told each file: later ones are compared with them, or what others left is removed. */
  readonly remembersFiles: boolean;

  private constructor(target: Target, folder: string, { resumed, comparesFiles }: StagingOptions) {
    this.#target = target;
    this.folder = folder;
    this.resumed = resumed;
    this.remembersFiles = resumed || comparesFiles;
    this.#durability = openDurability(folder);
  }

  /**
   * Opens the staging folder of a selection. Those of other selections for the same target were left by interrupted
   * runs that were given up, and are removed.
   * @param selectionDigest the same for the same command, so that it finds its folder again.
   * @param comparesFiles whether `isStaged` will be asked.
   */
  static async open(target: Target, selectionDigest: string, comparesFiles: boolean): Promise<Staging> {
    const folder = stagingFolder(target, selectionDigest.slice(0, 16));
    try {
      await Staging.removeLeftovers(target, folder);
      await mkdir(path.dirname(folder), { recursive: true });
      const resumed = (await mkdir(folder, { recursive: true })) === undefined;
      if (resumed) await removeLinks(folder);
      return new Staging(target, folder, { resumed, comparesFiles });
    } catch (error) {
      throw fromSystemError(error, path.dirname(folder));
    }
  }

  /** Removes what interrupted runs staged for this target. @param except a staging folder that is gone on with. */
  static async removeLeftovers(target: Target, except?: string): Promise<void> {
    for (const [folder, prefix] of stagingPlaces(target)) {
      const stats = await unlessAbsent(() => lstat(folder));
      if (stats === undefined) continue;
      // Our own folder in a lake is made by us: a link there is not, and would lead us out of the target.
      if (!stats.isDirectory() && path.basename(folder) === OWN_FOLDER) throw notOurs(folder);
      for (const name of await readdir(folder)) {
        const left = path.join(folder, name);
        if (name.startsWith(prefix) && STAGING_ID.test(name.slice(prefix.length)) && left !== except) {
          await rm(left, { recursive: true });
        }
      }
      if (path.basename(folder) === OWN_FOLDER) await rmdir(folder).catch(ignoreNotEmpty);
    }
  }

  /** What stands in it of an interrupted run. */
  async stagedBytes(): Promise<number> {
    return this.resumed ? await bytesBelow(this.folder) : 0;
  }

  /** A staged file or folder; undefined when it is not there. */
  async facts(lakePath: string): Promise<{ disk: string; type: 'file' | 'directory'; bytes: number } | undefined> {
    const disk = toDiskPath(this.folder, lakePath);
    const stats = await unlessAbsent(() => lstat(disk));
    if (stats === undefined) return undefined;
    return { disk, type: stats.isDirectory() ? 'directory' : 'file', bytes: stats.isDirectory() ? 0 : stats.size };
  }

  /** True for a file that this run has staged, also where it was dropped since. */
  isStaged(lakePath: string): boolean {
    return this.#staged.has(toDiskPath(this.folder, lakePath));
  }

  /** Takes a staged file away: the target has it already. */
  async drop(lakePath: string): Promise<void> {
    const disk = toDiskPath(this.folder, lakePath);
    await rm(disk);
    this.#durability.remove(disk);
  }

  #settle(disk: string): void {
    this.#staged.add(disk);
    this.#durability.add(disk);
  }

  async openFile(file: StagedFile): Promise<StagedWrite> {
    const disk = this.#diskPath(file.path);
    try {
      const handle = await open(disk, 'w', modeOf(file.executable));
      const close = async (): Promise<void> => await handle.close();
      return {
        data: async (bytes) => {
          for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
        },
        end: async () => {
          const time = diskTime(file.mtime);
          await handle.utimes(time, time);
          await close();
          this.#settle(disk);
        },
        abort: async () => {
          await close();
          await rm(disk, { force: true });
        },
      };
    } catch (error) {
      throw fromSystemError(error, disk);
    }
  }

  makeDirectory(lakePath: string, mtime: number): void {
    const disk = toDiskPath(this.folder, lakePath);
    mkdirSync(disk, { recursive: true });
    this.#directories.push({ disk, mtime });
    this.addFolders([lakePath]);
  }

  #diskPath(lakePath: string): string {
    const disk = toDiskPath(this.folder, lakePath);
    const folder = path.dirname(disk);
    if (this.#made.has(folder)) return disk;
    try {
      mkdirSync(folder, { recursive: true });
    } catch (error) {
      throw fromSystemError(error, folder);
    }
    this.#made.add(folder);
    return disk;
  }

  /** Says that files were written into these folders, and synced. @param folders lake paths; `.` is the root. */
  addFolders(folders: readonly string[]): void {
    for (const folder of folders) {
      for (let above = folder; !this.#folders.has(above); above = path.posix.dirname(above)) this.#folders.add(above);
    }
  }

  /** Says that a file was written here, or found right, and synced. Needed where `remembersFiles`. */
  addFile(lakePath: string): void {
    this.#staged.add(toDiskPath(this.folder, lakePath));
  }

  /**
   * Makes everything durable, then gives it its final names. After this the staging folder is gone.
   * @param syncFolders syncs folders by their disk paths.
   */
  async publish(replace: boolean, syncFolders: (folders: readonly string[]) => Promise<void>): Promise<void> {
    try {
      if (this.resumed) await this.#prune(this.folder);
      await this.#durability.flush();
      await syncFolders([...this.#folders].map((folder) => path.join(this.folder, folder)));
      for (const { disk, mtime } of this.#directories) await utimes(disk, diskTime(mtime), diskTime(mtime));
      if (this.#target.kind === 'fresh') {
        await rename(this.folder, this.#target.folder);
      } else {
        await publishFolder(this.folder, this.#target.folder, '', replace);
        await this.discard();
      }
      await syncFolder(path.dirname(this.#target.folder));
    } catch (error) {
      // What a rename of a folder onto a file answers.
      if (systemErrorCode(error) === 'ENOTDIR') throw appeared(this.#target.folder);
      throw fromSystemError(error, this.#target.folder);
    }
  }

  /** Removes what an interrupted run left and this one did not stage: nobody has compared its bytes. */
  async #prune(folder: string): Promise<void> {
    for (const item of await readdir(folder, { withFileTypes: true })) {
      const disk = path.join(folder, item.name);
      if (!item.isDirectory()) {
        if (!this.#staged.has(disk)) await rm(disk);
        continue;
      }
      await this.#prune(disk);
      if (!this.#directories.some((one) => one.disk === disk)) await rmdir(disk).catch(ignoreNotEmpty);
    }
  }

  /** Removes the staging folder and all that is in it. */
  async discard(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    if (this.#target.kind === 'fresh') return;
    // Ours as well when nothing else is in it.
    await rmdir(path.dirname(this.folder)).catch(ignoreNotEmpty);
  }
}

const STAGING_ID = /^[0-9a-f]{16}$/;

/** The folders that hold staging folders of a target, each with what their names begin with: inside it, beside it. */
function stagingPlaces({ folder }: Target): [inside: readonly [string, string], beside: readonly [string, string]] {
  return [
    [path.join(folder, OWN_FOLDER), 'unpack-'],
    [path.dirname(folder), `.${path.basename(folder)}.lakepack-`],
  ];
}

/** A target that is not there yet appears by one rename of a folder beside it. */
function stagingFolder(target: Target, id: string): string {
  const [inside, beside] = stagingPlaces(target);
  const [parent, prefix] = target.kind === 'fresh' ? beside : inside;
  return path.join(parent, `${prefix}${id}`);
}

/** Files are written by name: a link that somebody put there would lead the bytes elsewhere. */
async function removeLinks(folder: string): Promise<void> {
  if (!(await lstat(folder)).isDirectory()) throw notOurs(folder);
  for (const item of await readdir(folder, { withFileTypes: true })) {
    const disk = path.join(folder, item.name);
    if (item.isDirectory()) await removeLinks(disk);
    else if (!item.isFile()) await rm(disk);
  }
}

function notOurs(folder: string): LakepackError {
  return new LakepackError('TARGET_CONFLICT', `${folder}: is not a folder of lakepack's own`, {
    hint: 'nothing was written; move away what stands there',
  });
}

/** Moves the content of a staged folder: a folder that is not there yet comes whole, by one rename. */
async function publishFolder(from: string, to: string, lakePath: string, replace: boolean): Promise<void> {
  for (const item of await readdir(from, { withFileTypes: true })) {
    const source = path.join(from, item.name);
    const destination = path.join(to, item.name);
    const itemPath = lakePath === '' ? item.name : `${lakePath}/${item.name}`;
    const there = await unlessAbsent(() => lstat(destination));
    if (item.isDirectory() && there?.isDirectory() === true) {
      await publishFolder(source, destination, itemPath, replace);
    } else if (there === undefined || (replace && there.isFile() && item.isFile())) {
      await publishOne(source, destination, itemPath, item.isDirectory() || replace);
    } else if (!item.isFile() || !there.isFile() || !(await isSameFile(source, destination))) {
      throw appeared(itemPath);
    }
  }
  await syncFolder(to);
}

/** True for what a run that was killed while it published has given its name already. */
async function isSameFile(source: string, destination: string): Promise<boolean> {
  const [a, b] = [await lstat(source), await lstat(destination)];
  if (a.size !== b.size) return false;
  return (a.dev === b.dev && a.ino === b.ino) || (await sha256OfFile(source)) === (await sha256OfFile(destination));
}

async function publishOne(source: string, destination: string, lakePath: string, mayRename: boolean): Promise<void> {
  if (mayRename) {
    await rename(source, destination);
    return;
  }
  try {
    // Unlike a rename, a link fails when something has appeared under the final name.
    await link(source, destination);
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') throw appeared(lakePath);
    // A disk without hard links: the check before this is all there is.
    await rename(source, destination);
  }
}

function appeared(lakePath: string): LakepackError {
  return new LakepackError('TARGET_CONFLICT', `${showPath(lakePath)}: something appeared there while it was restored`, {
    hint: 'run the same command again: what was restored so far is kept',
  });
}

function ignoreNotEmpty(error: unknown): void {
  const code = systemErrorCode(error);
  if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error;
}

async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0;
  for (const item of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (item.isFile()) bytes += (await lstat(path.join(item.parentPath, item.name))).size;
  }
  return bytes;
}

/** The same for the same restore: what it restores, in which order, and from where does not matter. */
export function selectionDigest(names: readonly string[], options: Readonly<Record<string, unknown>>): string {
  return createHash('sha256')
    .update(JSON.stringify([[...names].sort(), options]))
    .digest('hex');
}
