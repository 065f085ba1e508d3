/** What a thread of job-runner.test.ts runs. Plain JavaScript on the built program: a thread has no loader of TypeScript. */
import { LakepackError } from '../../dist/base/errors.js';
import { serveJobs } from '../../dist/base/job-runner.js';
import process from 'node:process';
import { threadId } from 'node:worker_threads';

let calls = 0;

serveJobs({
  echo: (input) => input,
  whoAmI: () => threadId,
  countCalls: () => (calls += 1),
  fill: ({ memory, value }) => void new Uint8Array(memory).fill(value),
  refuse() {
    const cause = Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' });
    throw new LakepackError('DISK_FULL', 'scratch: no room: expected some, got none', { hint: 'make room', cause });
  },
  die: () => process.exit(3),
  never: () => new Promise(() => undefined),
});
