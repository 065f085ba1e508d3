/** What frames are made with: threads for the jobs, and the memory in which frames travel between them. */
import { hasThreadScript, openInlineRunner, openThreads, type JobRunner } from '../base/job-runner.js';
import { SlabPool } from '../base/slabs.js';
import { FRAME_MAX_STORED_BYTES } from './frame-reader.js';
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

/** Memory for `count` frames, stored or on the way to be: their number bounds what is under way. */
export function openFrameSlabs(count: number): SlabPool {
  return new SlabPool(FRAME_MAX_STORED_BYTES, count);
}
