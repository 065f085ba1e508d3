/**
 * The jobs on frames that may run on worker threads, by name. Each is a file of its own, loaded when a thread is first
 * asked for it: who restores does not wait for what packs.
 */
import { hashRange } from './hash-range.js';
import type { PackFrameInput, PackJobs } from './pack-frame.js';
import type { RESTORE_JOBS } from './restore-frame-jobs.js';
import type { proveFrame } from './prove-frame.js';

/** What a thread can be told to load before there is a job for it. */
export type JobKind = 'pack' | 'prove' | 'restore';

let packing: Promise<PackJobs> | undefined;

function packJobs(): Promise<PackJobs> {
  packing ??= (async () => {
    const [{ createPackJobs }, { LAKE_PAYLOAD }] = await Promise.all([
      import('./pack-frame.js'),
      import('./lake-payload.js'),
    ]);
    return createPackJobs(LAKE_PAYLOAD);
  })();
  return packing;
}

const restoreJobs = async (): Promise<typeof RESTORE_JOBS> => (await import('./restore-frame-jobs.js')).RESTORE_JOBS;
const proving = async (): Promise<typeof proveFrame> => (await import('./prove-frame.js')).proveFrame;

const LOADERS: Readonly<Record<JobKind, () => Promise<unknown>>> = {
  pack: packJobs,
  prove: proving,
  restore: restoreJobs,
};

type InputOf<Name extends keyof typeof RESTORE_JOBS> = Parameters<(typeof RESTORE_JOBS)[Name]>[0];

export const FRAME_JOBS = {
  hashRange,
  async load(kind: JobKind): Promise<void> {
    await LOADERS[kind]();
  },
  packFrame: async (input: PackFrameInput) => await (await packJobs()).packFrame(input),
  dropLargeFile: async (largeFile: number) => (await packJobs()).dropLargeFile(largeFile),
  proveFrame: async (input: Parameters<typeof proveFrame>[0]) => await (await proving())(input),
  restoreFrame: async (input: InputOf<'restoreFrame'>) => await (await restoreJobs()).restoreFrame(input),
  restorePiece: async (input: InputOf<'restorePiece'>) => await (await restoreJobs()).restorePiece(input),
  abandonFile: async (input: InputOf<'abandonFile'>) => await (await restoreJobs()).abandonFile(input),
  keepFiles: async (input: InputOf<'keepFiles'>) => (await restoreJobs()).keepFiles(input),
  syncFolders: async (input: InputOf<'syncFolders'>) => (await restoreJobs()).syncFolders(input),
} as const;

export type FrameJobs = typeof FRAME_JOBS;
