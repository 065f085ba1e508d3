/**
 * The folder of a LanceDB database on its way: built as `<into>.lakepack-<marker>` beside its target, then renamed.
 * A folder cannot be exchanged for another at one stroke here: replacing one, the old is moved aside (`….old`), the new
 * moved in, the old removed. A run that dies between the two leaves the old one aside, and the next opening puts it back.
 */
import { mkdir, readdir, realpath, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { isLakepackError, LakepackError } from '../base/errors.js';
import { acquireLock, type ProcessLock } from '../base/process-lock.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';

const BUILD_INFIX = '.lakepack-';
const ASIDE_SUFFIX = '.old';

export class BuildFolder {
  readonly target: string;
  readonly path: string;
  readonly #replace: boolean;
  readonly #lock: ProcessLock;
  #state: 'building' | 'published' | 'gone' = 'building';
  #isLocked = true;

  /** Throws TARGET_NOT_EMPTY, OBJECT_EXISTS (the same marker is in use), what the disk throws. */
  static async open(into: string, marker: string, replace: boolean): Promise<BuildFolder> {
    const resolved = path.resolve(into);
    const target = (await unlessAbsent(() => realpath(resolved))) ?? resolved;
    await onDisk(into, () => mkdir(path.dirname(target), { recursive: true }));
    await sweep(target);
    await assertFree(target, replace);
    const folder = `${target}${BUILD_INFIX}${marker}`;
    const lock = await lockOf(folder);
    try {
      await onDisk(folder, () => mkdir(folder));
      return new BuildFolder({ target, folder, replace, lock });
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private constructor(made: { target: string; folder: string; replace: boolean; lock: ProcessLock }) {
    this.target = made.target;
    this.path = made.folder;
    this.#replace = made.replace;
    this.#lock = made.lock;
  }

  /** Where the database is now. */
  get place(): string {
    return this.#state === 'published' ? this.target : this.path;
  }

  /** Throws TARGET_NOT_EMPTY when something came to stand there meanwhile. */
  async publish(): Promise<void> {
    if (this.#state !== 'building') return;
    await assertFree(this.target, this.#replace);
    await onDisk(this.target, () => this.#swap());
    this.#state = 'published';
  }

  async discard(): Promise<void> {
    if (this.#state !== 'building') return;
    await onDisk(this.path, () => rm(this.path, { recursive: true, force: true }));
    this.#state = 'gone';
  }

  async release(): Promise<void> {
    if (!this.#isLocked) return;
    this.#isLocked = false;
    await this.#lock.release();
  }

  async #swap(): Promise<void> {
    if (!this.#replace || !(await isThere(this.target))) {
      // Over an empty folder this is one stroke; over one that is not, the system refuses.
      await rename(this.path, this.target);
      return;
    }
    const aside = `${this.path}${ASIDE_SUFFIX}`;
    await rename(this.target, aside);
    try {
      await rename(this.path, this.target);
    } catch (error) {
      await rename(aside, this.target);
      throw error;
    }
    await rm(aside, { recursive: true, force: true });
  }
}

/** Removes what dead runs with this target left, and puts back what one of them had moved aside. */
async function sweep(target: string): Promise<void> {
  const folder = path.dirname(target);
  const prefix = `${path.basename(target)}${BUILD_INFIX}`;
  for (const name of (await onDisk(folder, () => readdir(folder))).sort()) {
    if (name.startsWith(prefix)) await onDisk(folder, () => sweepOne(path.join(folder, name), target));
  }
}

async function sweepOne(leftover: string, target: string): Promise<void> {
  const isAside = leftover.endsWith(ASIDE_SUFFIX);
  const lock = await lockUnlessBusy(isAside ? leftover.slice(0, -ASIDE_SUFFIX.length) : leftover);
  if (lock === undefined) return;
  try {
    if (isAside && !(await isThere(target))) await rename(leftover, target);
    else await rm(leftover, { recursive: true, force: true });
  } finally {
    await lock.release();
  }
}

async function lockUnlessBusy(folder: string): Promise<ProcessLock | undefined> {
  try {
    return await lockOf(folder);
  } catch (error) {
    if (isLakepackError(error, 'OBJECT_EXISTS')) return undefined;
    throw error;
  }
}

async function lockOf(folder: string): Promise<ProcessLock> {
  return await acquireLock(`derived store ${folder}`, `${folder}: another process builds there`);
}

/** Only a LanceDB database is ever replaced: `replace` must not cost somebody another folder. */
async function assertFree(target: string, replace: boolean): Promise<void> {
  const names = await onDisk(target, () => namesIn(target));
  if (names.length === 0) return;
  if (!replace) {
    throw new LakepackError('TARGET_NOT_EMPTY', `${target}: something stands there: expected an empty folder or none`, {
      hint: 'choose another target, or say that it may be replaced (--replace)',
    });
  }
  // Some versions keep a list of their own beside the tables.
  const stranger = names.find((name) => !name.endsWith('.lance') && name !== '__manifest');
  if (stranger === undefined) return;
  throw new LakepackError(
    'TARGET_NOT_EMPTY',
    `${target}: is not a LanceDB folder: it has ${JSON.stringify(stranger)}`,
    {
      hint: 'only a LanceDB folder is replaced; choose another target',
    },
  );
}

/** What is in a folder; of a file, its own name. */
async function namesIn(target: string): Promise<readonly string[]> {
  try {
    return await readdir(target);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return [path.basename(target)];
    if ((await unlessAbsent(() => realpath(target))) === undefined) return [];
    throw error;
  }
}

async function isThere(target: string): Promise<boolean> {
  return (await unlessAbsent(() => realpath(target))) !== undefined;
}
