/**
 * Where files stand until all of them are known to be right: a folder on the same disk as the target. What is found in
 * it from an interrupted run is used again if its bytes are right; it is published by renames.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, openSync, closeSync, writeSync, futimesSync } from 'node:fs';
import { link, lstat, mkdir, open, readdir, rename, rm, rmdir, utimes } from 'node:fs/promises';
import path from 'node:path';
import { LakepackError, systemErrorCode } from '../../base/errors.js';
import { showPath, toDiskPath } from '../../base/paths.js';
import { fromSystemError, unlessAbsent } from '../../base/system-errors.js';
import { openDurability, syncFolder, type Durability } from '../../remote/file-flush.js';
import { OWN_FOLDER, type Target } from './target.js';

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

export class Staging {
  readonly folder: string;
  readonly #target: Target;
  readonly #durability: Durability;
  readonly #made = new Set<string>();
  readonly #directories: { disk: string; mtime: number }[] = [];

  /** True when an interrupted run may have left files in it. */
  readonly resumed: boolean;

  private constructor(target: Target, folder: string, resumed: boolean) {
    this.#target = target;
    this.folder = folder;
    this.resumed = resumed;
    this.#durability = openDurability(folder);
  }

  /**
   * Opens the staging folder of a selection. Those of other selections for the same target were left by interrupted
   * runs that were given up, and are removed.
   * @param selectionDigest the same for the same command, so that it finds its folder again.
   */
  static async open(target: Target, selectionDigest: string): Promise<Staging> {
    const { parent, prefix } = stagingPlace(target);
    const name = `${prefix}${selectionDigest.slice(0, 16)}`;
    try {
      await mkdir(parent, { recursive: true });
      for (const other of await readdir(parent)) {
        if (other.startsWith(prefix) && other !== name) await rm(path.join(parent, other), { recursive: true });
      }
      const folder = path.join(parent, name);
      const resumed = (await mkdir(folder, { recursive: true })) === undefined;
      return new Staging(target, folder, resumed);
    } catch (error) {
      throw fromSystemError(error, parent);
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

  /** Writes a small file in one go. */
  writeSmall(file: StagedFile, content: Buffer): void {
    const disk = this.#diskPath(file.path);
    try {
      const fd = openSync(disk, 'w', modeOf(file));
      try {
        for (let at = 0; at < content.length;) at += writeSync(fd, content, at);
        futimesSync(fd, file.mtime, file.mtime);
      } finally {
        closeSync(fd);
      }
      this.#durability.add(disk);
    } catch (error) {
      throw fromSystemError(error, disk);
    }
  }

  async openFile(file: StagedFile): Promise<StagedWrite> {
    const disk = this.#diskPath(file.path);
    try {
      const handle = await open(disk, 'w', modeOf(file));
      const close = async (): Promise<void> => await handle.close();
      return {
        data: async (bytes) => {
          for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten;
        },
        end: async () => {
          await handle.utimes(file.mtime, file.mtime);
          await close();
          this.#durability.add(disk);
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

  /** Keeps a file of an interrupted run whose bytes were found right. */
  async keep(file: StagedFile): Promise<void> {
    const disk = toDiskPath(this.folder, file.path);
    await utimes(disk, file.mtime, file.mtime);
    this.#durability.add(disk);
  }

  /** Makes everything durable, then gives it its final names. After this the staging folder is gone. */
  async publish(replace: boolean): Promise<void> {
    try {
      await this.#durability.flush();
      for (const { disk, mtime } of this.#directories) await utimes(disk, mtime, mtime);
      if (this.#target.kind === 'fresh') {
        await rename(this.folder, this.#target.folder);
      } else {
        await publishFolder(this.folder, this.#target.folder, '', replace);
        await this.discard();
      }
      await syncFolder(path.dirname(this.#target.folder));
    } catch (error) {
      throw fromSystemError(error, this.#target.folder);
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

function stagingPlace(target: Target): { parent: string; prefix: string } {
  if (target.kind !== 'fresh') return { parent: path.join(target.folder, OWN_FOLDER), prefix: 'unpack-' };
  return { parent: path.dirname(target.folder), prefix: `.${path.basename(target.folder)}.lakepack-` };
}

function modeOf(file: StagedFile): number {
  return file.executable ? 0o755 : 0o644;
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
    } else {
      throw appeared(itemPath);
    }
  }
  await syncFolder(to);
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
