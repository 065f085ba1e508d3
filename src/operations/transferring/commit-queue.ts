/**
 * Writes the manifests of exports whose objects are in the target and proven. Many share one flush before (their
 * objects are durable before a manifest names them) and one after: what waits while a flush runs is the next group.
 */
import { putOnce } from '../../archive/put-once.js';
import { ByteBudget } from '../../base/byte-budget.js';
import { throwIfAborted } from '../../base/errors.js';
import { MIB } from '../../base/limits.js';
import type { Remote } from '../../remote/remote.js';

export interface ManifestToCommit {
  readonly key: string;
  readonly bytes: Buffer;
}

interface Waiting extends ManifestToCommit {
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Manifests that wait are held in memory. */
const WAITING_BYTES = 16 * MIB;
/** Most exports that share a flush: a folder syncs their files one by one. */
const GROUP = 256;

export class CommitQueue {
  readonly #remote: Remote;
  /** Manifests that are sent at once. */
  readonly #turns: ByteBudget;
  readonly #signal: AbortSignal;
  readonly #memory = new ByteBudget(WAITING_BYTES);
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(remote: Remote, concurrency: number, signal: AbortSignal) {
    this.#remote = remote;
    this.#turns = new ByteBudget(concurrency);
    this.#signal = signal;
  }

  /**
   * Resolves when the manifest is taken on, with a promise that resolves when it is there and durable. That one throws
   * OBJECT_EXISTS when another export of this name is there, HASH_MISMATCH when it is not there as it was sent.
   */
  async add(one: ManifestToCommit): Promise<{ readonly committed: Promise<void> }> {
    const release = await this.#memory.take(one.bytes.length, this.#signal);
    const committed = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ ...one, done: resolve, failed: reject });
    });
    committed.then(release, release);
    this.#running ??= this.#run();
    return { committed };
  }

  /** Resolves when nothing runs on. */
  async settle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Those that are ready in the same moment go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, GROUP);
      await this.#commit(group).catch((error: unknown) => {
        for (const one of group) one.failed(error);
      });
    }
    this.#running = undefined;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    throwIfAborted(this.#signal);
    await this.#remote.flush();
    const results = await Promise.allSettled(group.map((one) => this.#put(one)));
    await this.#remote.flush();
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') group[index]?.done();
      else group[index]?.failed(result.reason);
    }
  }

  async #put({ key, bytes }: Waiting): Promise<void> {
    const signal = this.#signal;
    await this.#turns.run(1, signal, () => putOnce(this.#remote, key, bytes, { signal }));
  }
}
