/**
 * One restored file on a disk: written, with its time and mode, and made durable before it is closed. It knows the
 * staging folder as a place to write into; that the bytes are right is decided by who calls it.
 */
import { closeSync, fsyncSync, futimesSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { LakepackError } from '../base/errors.js';
import { showPath, toDiskPath } from '../base/paths.js';
import { fromSystemError } from '../base/system-errors.js';

/** A file of a restore and where its payload stands: short, since thousands of them go to a thread at once. */
export type FileRow = readonly [
  lakePath: string,
  /** Of its payload in the tar, in bytes. */
  offset: number,
  bytes: number,
  /** Lower-case hex. */
  sha256: string,
  /** Seconds since 1970. */
  mtime: number,
  isExecutable: 0 | 1,
];

export interface RestorePlace {
  /** Disk path of the staging folder. */
  readonly root: string;
  /**
   * True where an interrupted run may have left files. They are taken away, never written into: one that was published
   * by a link is a file of the target as well.
   */
  readonly isResumed: boolean;
}

/** Writes files below one folder, and makes the folders: each once, while files come sorted. */
export class FileWriter {
  readonly #place: RestorePlace;
  readonly #folders: string[] = [];

  constructor(place: RestorePlace) {
    this.#place = place;
  }

  /** Lake paths of the folders that files were written into; `.` is the root. */
  get folders(): readonly string[] {
    return this.#folders;
  }

  /** Writes a file in one go and syncs it. Throws DISK_FULL, PERMISSION_DENIED, PATH_UNSAFE …; what fails leaves none. */
  write([lakePath, , , , mtime, isExecutable]: FileRow, content: Buffer): void {
    const disk = this.prepare(lakePath);
    try {
      const fd = openSync(disk, 'w', modeOf(isExecutable === 1));
      try {
        for (let at = 0; at < content.length;) at += writeSync(fd, content, at);
        const time = diskTime(mtime);
        futimesSync(fd, time, time);
        // Before it is closed: a write that failed in the background is told to this descriptor only.
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      removeUnfinished(disk);
      throw fromSystemError(error, disk);
    }
  }

  /** Where a file is to be written: its folder is there, and nothing of an earlier run under its name. */
  prepare(lakePath: string): string {
    const disk = toDiskPath(this.#place.root, lakePath);
    const folder = path.posix.dirname(lakePath);
    if (folder !== this.#folders.at(-1)) this.#enter(folder, path.dirname(disk));
    if (this.#place.isResumed) rmSync(disk, { force: true });
    return disk;
  }

  #enter(folder: string, disk: string): void {
    try {
      mkdirSync(disk, { recursive: true });
    } catch (error) {
      throw fromSystemError(error, disk);
    }
    this.#folders.push(folder);
  }
}

export function modeOf(isExecutable: boolean): number {
  return isExecutable ? 0o755 : 0o644;
}

/** The last second that a Date can be, and the first one: what a manifest says beyond is set as the nearest there is. */
const MOST_SECONDS = 8_640_000_000_000;

/** A Date, because of a number below 0 Node makes the time of day: before 1970 only a Date is set as it is. */
export function diskTime(seconds: number): Date {
  return new Date(Math.min(Math.max(seconds, -MOST_SECONDS), MOST_SECONDS) * 1000);
}

/** After a failed sync the kernel may have the right bytes and the disk not: nobody shall find them right later. */
export function removeUnfinished(disk: string): void {
  try {
    rmSync(disk, { force: true });
  } catch {
    // The error that made it unfinished says more than this one.
  }
}

/** @param subject name of the bundle. */
export function wrongBytes(subject: string, lakePath: string, expected: string, found: string): LakepackError {
  return new LakepackError(
    'HASH_MISMATCH',
    `${subject}: ${showPath(lakePath)}: expected SHA-256 ${expected}, got ${found}`,
    {
      hint: 'the bundle is damaged: lakepack verify shows where; restore from another copy',
    },
  );
}
