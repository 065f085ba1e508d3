/** The jobs on frames that may run on worker threads, by name. Each is a file of its own. */
import { hashRange } from './hash-range.js';
import { LAKE_PAYLOAD } from './lake-payload.js';
import { createPackJobs } from './pack-frame.js';

export const FRAME_JOBS = {
  hashRange,
  ...createPackJobs(LAKE_PAYLOAD),
} as const;

export type FrameJobs = typeof FRAME_JOBS;
