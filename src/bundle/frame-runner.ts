/** What frames are made with: threads for the jobs, and the memory in which frames travel between them. */
import { hasThreadScript, openInlineRunner, openThreads, type JobRunner } from '../base/job-runner.js';
import { FRAME_MAX_TAR_BYTES } from '../base/limits.js';
import { SlabPool } from '../base/slabs.js';
import { rawFrameBytes } from '../codec/zstd-frame.js';
import { FRAME_JOBS, type FrameJobs, type JobKind } from './frame-jobs.js';

export type FrameRunner = JobRunner<FrameJobs>;

const SCRIPT = new URL('./frame-thread.js', import.meta.url);

/**
 * @param threads with 0 the calling thread does all by itself.
 * @param kind what the threads load in the background, before there is a job for them.
 */
export function openFrameRunner(threads: number, kind: JobKind): FrameRunner {
  if (threads === 0 || !hasThreadScript(SCRIPT)) return openInlineRunner(FRAME_JOBS);
  const runner = openThreads<FrameJobs>(SCRIPT, threads);
  for (let thread = 0; thread < threads; thread += 1) {
    // What cannot be loaded is told by the first job that needs it.
    runner.run('load', kind, { thread }).catch(() => undefined);
  }
  return runner;
}

/** The largest stored frame that a bundle can have. */
export const STORED_FRAME_BYTES = rawFrameBytes(FRAME_MAX_TAR_BYTES);

/** Beside one for each thread: two that the pool compresses, and one that the writer has in hand. */
const MORE_SLABS = 3;

/** @param threads how many frames are worked at. */
export function openFrameSlabs(threads: number): SlabPool {
  return new SlabPool(STORED_FRAME_BYTES, MORE_SLABS + threads);
}
