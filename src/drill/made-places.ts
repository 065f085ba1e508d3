/**
 * The journal of what a drill makes: its scratch folder and the places of its stores, written down before they are
 * made. A drill that ends takes its own away; the next one takes away what a killed one has left, once that process
 * is gone.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { isLakepackError } from '../base/errors.js';
import { acquireLock, type ProcessLock } from '../base/process-lock.js';
import { onDisk, unlessAbsent } from '../base/system-errors.js';
import type { RecipeStore } from '../schema/recipe.js';

/** A store outside the scratch folder. */
export interface MadeStore {
  readonly into: string;
  readonly marker: string;
  readonly settings: RecipeStore;
}

export interface MadePlaces {
  readonly drillId: string;
  readonly scratch: string;
  readonly stores: readonly MadeStore[];
}

const FOLDER = 'drills';
const SUFFIX = '.made.json';
const DRILL_ID = /^\d{8}T\d{6}Z-[0-9a-f]{8}$/;

export class PlacesJournal {
  readonly #file: string;
  readonly #lock: ProcessLock;
  #made: MadePlaces;

  private constructor(file: string, lock: ProcessLock, made: MadePlaces) {
    this.#file = file;
    this.#lock = lock;
    this.#made = made;
  }

  /** Begins the journal of a drill that is about to make `scratch`. Throws DISK_FULL, PERMISSION_DENIED. */
  static async begin(stateDir: string, drillId: string, scratch: string): Promise<PlacesJournal> {
    const lock = await acquireLock(lockName(drillId), `${drillId}: another process runs this drill`);
    const journal = new PlacesJournal(fileOf(stateDir, drillId), lock, { drillId, scratch, stores: [] });
    try {
      await journal.#write();
    } catch (error) {
      await lock.release();
      throw error;
    }
    return journal;
  }

  /** Returns when it is on the disk: only then the store may be made. */
  async add(store: MadeStore): Promise<void> {
    this.#made = { ...this.#made, stores: [...this.#made.stores, store] };
    await this.#write();
  }

  /** `isClean`: nothing is left, or it stays on purpose. Else the next drill tries again. */
  async end(isClean: boolean): Promise<void> {
    if (isClean) await onDisk(this.#file, () => rm(this.#file, { force: true }));
    await this.#lock.release();
  }

  async #write(): Promise<void> {
    await onDisk(this.#file, async () => {
      await mkdir(path.dirname(this.#file), { recursive: true });
      const temporary = `${this.#file}.new`;
      const handle = await open(temporary, 'w', 0o600);
      try {
        await handle.writeFile(`${JSON.stringify(this.#made)}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.#file);
    });
  }
}

/**
 * What drills have left that were killed. `remove` takes it away; where it throws, the journal stays for another time
 * and `failed` is told.
 */
export async function removeLeftovers(
  stateDir: string,
  remove: (made: MadePlaces) => Promise<void>,
  failed: (drillId: string, error: unknown) => void,
): Promise<void> {
  const folder = path.join(stateDir, FOLDER);
  const names = (await onDisk(folder, () => unlessAbsent(() => readdir(folder)))) ?? [];
  for (const name of names.filter((one) => one.endsWith(SUFFIX))) {
    const drillId = name.slice(0, -SUFFIX.length);
    const lock = DRILL_ID.test(drillId) ? await lockOfDead(drillId) : undefined;
    if (lock === undefined) continue;
    try {
      const made = await readMade(path.join(folder, name));
      if (made !== undefined) await remove(made);
      await onDisk(folder, () => rm(path.join(folder, name), { force: true }));
    } catch (error) {
      failed(drillId, error);
    } finally {
      await lock.release();
    }
  }
}

/** Undefined while its process lives. */
async function lockOfDead(drillId: string): Promise<ProcessLock | undefined> {
  try {
    return await acquireLock(lockName(drillId), `${drillId}: is running`);
  } catch (error) {
    if (isLakepackError(error, 'OBJECT_EXISTS')) return undefined;
    throw error;
  }
}

/** Undefined for a journal that was finished meanwhile, or is none: written whole before anything was made. */
async function readMade(file: string): Promise<MadePlaces | undefined> {
  const text = await onDisk(file, () => unlessAbsent(() => readFile(file, 'utf8')));
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as MadePlaces;
  } catch {
    // The rename came after the sync, so this is none of ours; what it speaks of cannot be known.
    return undefined;
  }
}

function fileOf(stateDir: string, drillId: string): string {
  return path.join(stateDir, FOLDER, `${drillId}${SUFFIX}`);
}

function lockName(drillId: string): string {
  return `drill\n${drillId}`;
}
