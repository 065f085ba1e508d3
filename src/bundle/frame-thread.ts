/** What a worker thread for jobs on frames runs. */
import { serveJobs } from '../base/job-runner.js';
import { FRAME_JOBS } from './frame-jobs.js';

serveJobs(FRAME_JOBS);
