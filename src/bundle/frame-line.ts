/**
 * Frames of one bundle on their way: begun in order, made on threads in any order, given out in order. It answers for
 * how many are under way, for the memory they are lent, and for a large file staying on the thread that has it open.
 */
import type { JobRunner, Lane } from '../base/job-runner.js';
import type { Slab, SlabPool } from '../base/slabs.js';
import { isEntryPiece, isPartOfFile, type FramePlan } from './frame-plan.js';
import type { EndedEntries, FrameContext, PackedFrame, PackJobs } from './pack-frame.js';

/** What bundles are made with; many may share it. */
export interface FrameWorks {
  readonly runner: JobRunner<PackJobs>;
  readonly slabs: SlabPool;
}

export interface FinishedFrame {
  readonly plan: FramePlan;
  /** Good until the next frame is asked for. */
  readonly stored: Buffer;
  readonly ended: EndedEntries;
}

interface FrameUnderWay {
  readonly plan: FramePlan;
  readonly slab: Slab;
  readonly packed: Promise<PackedFrame>;
}

/** A file in more than one frame. */
interface LargeFile {
  readonly number: number;
  readonly lane: Lane;
}

/** Large files of all bundles of this process: threads know them by their number. */
let largeFiles = 0;

export class FrameLine {
  readonly #works: FrameWorks;
  readonly #context: FrameContext;
  readonly #most: number;
  readonly #underWay: FrameUnderWay[] = [];
  /** The one that was planned last. */
  #large: LargeFile | undefined;

  /** @param most how many frames are under way at once, at least 1. */
  constructor(works: FrameWorks, context: FrameContext, most: number) {
    this.#works = works;
    this.#context = context;
    this.#most = most;
  }

  /** Begins a frame, and gives out those that must be done before. Throws what a job throws, at the frame's turn. */
  async *add(plan: FramePlan): AsyncGenerator<FinishedFrame> {
    // Who waits for memory while it has some itself might wait for ever.
    while (this.#underWay.length >= this.#most || (this.#underWay.length > 0 && !this.#works.slabs.hasIdle)) {
      yield* this.#next();
    }
    this.#begin(plan, await this.#works.slabs.take(), true);
  }

  /** Gives out all that were begun. */
  async *rest(): AsyncGenerator<FinishedFrame> {
    while (this.#underWay.length > 0) yield* this.#next();
  }

  /** Makes the content of a frame that is not to be stored yet. Called when all others were given out. */
  async fill(plan: FramePlan): Promise<{ readonly content: Buffer; readonly ended: EndedEntries }> {
    this.#begin(plan, await this.#works.slabs.take(), false);
    for await (const { stored, ended } of this.rest()) return { content: Buffer.from(stored), ended };
    throw new Error('a frame that was begun is given out');
  }

  /** Waits for what is under way and gives up the rest. Idempotent. */
  async close(): Promise<void> {
    for (let frame = this.#underWay.shift(); frame !== undefined; frame = this.#underWay.shift()) {
      await frame.packed.catch(() => undefined);
      this.#works.slabs.give(frame.slab);
    }
    const large = this.#large;
    this.#large = undefined;
    // Threads that have died keep no file open either.
    if (large !== undefined)
      await this.#works.runner.run('dropLargeFile', large.number, large.lane).catch(() => undefined);
  }

  #begin(plan: FramePlan, slab: Slab, encode: boolean): void {
    const large = this.#largeFileOf(plan);
    const input = { context: this.#context, plan, memory: slab.memory, encode, largeFile: large?.number };
    const packed = this.#works.runner.run('packFrame', input, large?.lane);
    // A job that fails while an earlier one is waited for must not count as unhandled; it throws at its turn.
    packed.catch(() => undefined);
    this.#underWay.push({ plan, slab, packed });
  }

  /** No frame has parts of two: a large file begins its own, and what follows its end there is small. */
  #largeFileOf(plan: FramePlan): LargeFile | undefined {
    const part = plan.pieces.find((piece) => isEntryPiece(piece) && isPartOfFile(piece));
    if (part === undefined || !isEntryPiece(part)) return undefined;
    if (part.from === 0) this.#large = { number: (largeFiles += 1), lane: {} };
    return this.#large;
  }

  async *#next(): AsyncGenerator<FinishedFrame> {
    const frame = this.#underWay[0];
    if (frame === undefined) return;
    const { storedBytes, ended } = await frame.packed;
    this.#underWay.shift();
    try {
      yield { plan: frame.plan, stored: frame.slab.bytes.subarray(0, storedBytes), ended };
    } finally {
      this.#works.slabs.give(frame.slab);
    }
  }
}
