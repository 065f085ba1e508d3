/**
 * Runs jobs on worker threads, or on the calling thread where threads are not worth their start. A job is a named
 * function of one argument that can be cloned (HTML, "structured clone"); buffers that both sides must see are shared.
 * It answers for where jobs run and for errors that come back as they were thrown; what jobs do is their own affair.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parentPort, Worker } from 'node:worker_threads';
import { LakepackError } from './errors.js';
import { fromWire, toWire, type WireError } from './error-wire.js';

/** Jobs by name. Each takes and gives what can be cloned; a job of one lane may keep state between its calls. */
export type JobTable<Jobs> = { readonly [Name in keyof Jobs]: (input: never) => unknown };

type InputOf<Job> = Job extends (input: infer Input) => unknown ? Input : never;
type OutputOf<Job> = Job extends (input: never) => infer Output ? Awaited<Output> : never;

export interface JobRunner<Jobs extends JobTable<Jobs>> {
  /** Threads that jobs run on; 0 when they run on the calling one. */
  readonly threads: number;
  /**
   * Begins the job at once on the thread with the least to do. Throws what the job throws, and INTERNAL when its
   * thread died. The caller bounds how many are under way.
   * @param lane jobs of one lane run on one thread, and begin in the order in which they were given.
   */
  run<Name extends keyof Jobs & string>(
    name: Name,
    input: InputOf<Jobs[Name]>,
    lane?: Lane,
  ): Promise<OutputOf<Jobs[Name]>>;
  /** Ends the threads, whatever they are doing: jobs under way fail with INTERNAL. Idempotent. */
  close(): Promise<void>;
}

/** Made by the caller, kept by the runner: the thread of the first job of a lane gets all of them. */
export interface Lane {
  thread?: number;
}

interface Request {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

type Reply = { readonly id: number; readonly output: unknown } | { readonly id: number; readonly error: WireError };

/** Runs jobs on the calling thread, each when the event loop gets to it. */
export function openInlineRunner<Jobs extends JobTable<Jobs>>(jobs: Jobs): JobRunner<Jobs> {
  return {
    threads: 0,
    async run(name, input) {
      // Not before the caller has gone on: a job is never done when `run` returns.
      await Promise.resolve();
      const job: (input: never) => unknown = jobs[name];
      return (await job(input as never)) as OutputOf<Jobs[typeof name]>;
    },
    close: async () => undefined,
  };
}

/** True where the compiled script of a thread is there. Under a loader of TypeScript it is not: jobs then run inline. */
export function hasThreadScript(script: URL): boolean {
  return existsSync(fileURLToPath(script));
}

/** Objects of one job live shortly: a larger nursery would only grow the process by three times that for each thread. */
const YOUNG_GENERATION_MIB = 8;

/**
 * Starts `threads` threads, at least 1, that run `script`, which calls {@link serveJobs}. They start in the background:
 * jobs may be given at once.
 */
export function openThreads<Jobs extends JobTable<Jobs>>(script: URL, threads: number): JobRunner<Jobs> {
  const all = Array.from({ length: Math.max(1, threads) }, () => new JobThread(script));
  function idlest(): number {
    let best = 0;
    all.forEach((thread, at) => {
      if (thread.load < (all[best]?.load ?? 0)) best = at;
    });
    return best;
  }
  return {
    threads: all.length,
    async run(name, input, lane = {}) {
      lane.thread ??= idlest();
      const thread = all[lane.thread];
      if (thread === undefined) throw new LakepackError('INTERNAL', `job ${name}: its lane belongs to other threads`);
      return (await thread.run(name, input)) as OutputOf<Jobs[typeof name]>;
    },
    close: async () => {
      await Promise.all(all.map((thread) => thread.close()));
    },
  };
}

interface Waiting {
  resolve(output: unknown): void;
  reject(error: unknown): void;
}

/** One thread and what it was asked for. */
class JobThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #died: LakepackError | undefined;

  constructor(script: URL) {
    this.#worker = new Worker(script, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB } });
    // The process may end while threads idle; while a job is under way it may not.
    this.#worker.unref();
    this.#worker.on('message', (reply: Reply) => this.#settle(reply));
    this.#worker.on('error', (cause) => this.#fail(cause));
    this.#worker.on('exit', (code) => this.#fail(`exit code ${code}`));
  }

  /** Jobs under way. */
  get load(): number {
    return this.#waiting.size;
  }

  run(name: string, input: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#died !== undefined) {
        reject(this.#died);
        return;
      }
      const request: Request = { id: (this.#lastId += 1), name, input };
      this.#worker.postMessage(request);
      if (this.#waiting.size === 0) this.#worker.ref();
      this.#waiting.set(request.id, { resolve, reject });
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
    this.#fail('it was closed');
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('error' in reply) waiting?.reject(fromWire(reply.error));
    else waiting?.resolve(reply.output);
  }

  #fail(cause: unknown): void {
    const got = cause instanceof Error ? cause.message : String(cause);
    this.#died ??= new LakepackError('INTERNAL', `worker thread: expected an answer, got its end: ${got}`, {
      cause,
      hint: 'run the same command again; with --concurrency 1 nothing runs on threads',
    });
    for (const { reject } of this.#waiting.values()) reject(this.#died);
    this.#waiting.clear();
  }
}

/** The other side: answers every request with the job of its name. Called once, by the script of a thread. */
export function serveJobs<Jobs extends JobTable<Jobs>>(jobs: Jobs): void {
  const table = new Map(Object.entries<Job>(jobs));
  const port = parentPort;
  if (port === null) throw new LakepackError('INTERNAL', 'serveJobs: expected a worker thread, got the main one');
  port.on('message', ({ id, name, input }: Request) => {
    // Jobs begin in order; one that waits lets the next begin.
    void answer(table.get(name), { id, name, input }).then((reply) => port.postMessage(reply));
  });
}

type Job = (input: never) => unknown;

async function answer(job: Job | undefined, { id, name, input }: Request): Promise<Reply> {
  try {
    if (job === undefined) throw new LakepackError('INTERNAL', `job ${name}: expected one of the table, got none`);
    return { id, output: await job(input as never) };
  } catch (error) {
    return { id, error: toWire(error) };
  }
}
