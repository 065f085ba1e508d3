/**
 * Writes the manifests of exports whose objects are in the target and proven. Many share one flush before (their
 * objects are durable before a manifest names them) and one after: what waits while a flush runs is the next group.
 */
import { ByteBudget } from '../../base/byte-budget.js';
import { interrupted, isLakepackError, LakepackError } from '../../base/errors.js';
import { MIB } from '../../base/limits.js';
import type { Remote } from '../../remote/remote.js';

export interface ManifestToCommit {
  readonly key: string;
  readonly bytes: Buffer;
  /** Hex. */
  readonly sha256: string;
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
    if (this.#signal.aborted) throw interrupted(this.#signal.reason);
    await this.#remote.flush();
    const results = await Promise.allSettled(group.map((one) => this.#put(one)));
    await this.#remote.flush();
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') group[index]?.done();
      else group[index]?.failed(result.reason);
    }
  }

  async #put(one: Waiting): Promise<void> {
    await this.#turns.run(1, this.#signal, async () => {
      if (await this.#putProven(one)) return;
      // Ours, and not what was sent: it may have been the way, so once more.
      if (await this.#putProven(one)) return;
      throw damaged(one.key);
    });
  }

  /**
   * True when the manifest is there as it was sent. One that this call has made and that reads otherwise is taken away
   * again: nobody else can have made it.
   */
  async #putProven({ key, bytes, sha256 }: Waiting): Promise<boolean> {
    const remote = this.#remote;
    const call = { signal: this.#signal };
    const isNew = await putNew(remote, key, bytes, sha256, call);
    if (isNew && !remote.isDistant) return true;
    // Read back: of what somebody else wrote nothing is known, and of what a store took nothing is believed.
    const found = await remote.read(key, bytes.length, call).catch(unlessOther);
    if (found?.equals(bytes) === true) return true;
    if (!isNew) throw differs(key);
    await remote.delete(key, call);
    return false;
  }
}

async function putNew(
  remote: Remote,
  key: string,
  bytes: Buffer,
  sha256: string,
  call: { readonly signal: AbortSignal },
): Promise<boolean> {
  try {
    await remote.put(key, bytes, { ...call, sha256 });
    return true;
  } catch (error) {
    if (!isLakepackError(error, 'OBJECT_EXISTS')) throw error;
    return false;
  }
}

/** Longer than ours, or gone again: in both cases not ours. */
function unlessOther(error: unknown): undefined {
  if (isLakepackError(error, 'LIMIT_EXCEEDED') || isLakepackError(error, 'NOT_FOUND')) return undefined;
  throw error;
}

function differs(key: string): LakepackError {
  return new LakepackError('OBJECT_EXISTS', `${key}: another export of this name was committed at the same time`, {
    hint: 'verify both archives; keep the export that is sound',
  });
}

function damaged(key: string): LakepackError {
  return new LakepackError('HASH_MISMATCH', `${key}: the target does not give back the manifest that was sent`, {
    hint: 'verify the target: the store or the way to it changes bytes',
  });
}
