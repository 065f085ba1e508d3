/** What the frames of a restore are worked on by: how many threads, how much memory, and when threads are not worth it. */
import type { SlabPool } from '../../base/slabs.js';
import { MIB } from '../../base/limits.js';
import { openFrameRunner, openFrameSlabs, type FrameRunner } from '../../bundle/frame-runner.js';
import { UnderWay } from './under-way.js';

/** More of them wait for each other in the file system, and each takes 30 MiB. */
const MAX_THREADS = 4;
/** What is restored in less time than threads take to start. */
const FEW_FILES = 500;
const FEW_BYTES = 8 * MIB;
const FOLDERS_AT_ONCE = 256;

/** Threads that start when it is known that they will be worth it. */
export class RestoreRunner {
  readonly #threads: number;
  #files = 0;
  #bytes = 0;
  #runner: FrameRunner | undefined;

  /** @param concurrency what the caller allows. */
  constructor(concurrency: number) {
    this.#threads = concurrency === 1 ? 0 : Math.min(concurrency, MAX_THREADS);
  }

  /** Says that so much more will be restored. They start in the background, while plans are made. */
  expect({ files, bytes }: { readonly files: number; readonly bytes: number }): void {
    this.#files += files;
    this.#bytes += bytes;
    if (this.#files > FEW_FILES || this.#bytes > FEW_BYTES) this.#runner ??= openFrameRunner(this.#threads, 'restore');
  }

  /** What there is by now; where that little is expected, the calling thread. */
  get(): FrameRunner {
    this.#runner ??= openFrameRunner(0, 'restore');
    return this.#runner;
  }

  async close(): Promise<void> {
    await this.#runner?.close();
  }
}

/** Memory for stored frames: for each thread one to work on and one that waits, and one that is being read. */
export function frameSlabs({ threads }: FrameRunner): SlabPool {
  return openFrameSlabs(2 * Math.max(1, threads) + 1);
}

/** Syncs folders by their disk paths. Throws the error of one that could not be synced. */
export async function syncAll(runner: FrameRunner, folders: readonly string[]): Promise<void> {
  const underWay = new UnderWay();
  for (let at = 0; at < folders.length; at += FOLDERS_AT_ONCE) {
    underWay.begin(runner.run('syncFolders', { folders: folders.slice(at, at + FOLDERS_AT_ONCE) }));
  }
  await underWay.end();
}
