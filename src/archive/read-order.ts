/**
 * Which archive a read is answered by: the first that gives what is right, and what had to be taken from another than
 * the first. It knows no manifests and no bundles: its callers say what is read, and throw when it is wrong.
 */
import { isLakepackError, LakepackError, tellsDamage, tellsStoreTrouble, type ErrorCode } from '../base/errors.js';
import type { Remote } from '../remote/remote.js';
import type { Healed } from './contract.js';

/** Said of the whole store, not of one object: asking it again for every block would cost its whole patience each time. */
const IS_DOWN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'REMOTE_UNAVAILABLE',
  'REMOTE_MISCONFIGURED',
  'CREDENTIALS_INVALID',
]);

/** "This copy cannot give it": another may. Everything else stops the read, INTERRUPTED first of all. */
export function mayBeElsewhere(error: unknown): error is LakepackError {
  return tellsDamage(error) || tellsStoreTrouble(error) || isLakepackError(error, 'ARCHIVE_UNSUPPORTED');
}

export interface ReadSubject {
  readonly key: string;
  readonly block?: number;
}

export class ReadOrder {
  /** The archive itself, then its fallbacks. */
  readonly remotes: readonly [Remote, ...Remote[]];
  readonly #down = new Map<Remote, LakepackError>();
  readonly #told = new Set<string>();
  #healed: Healed[] = [];

  constructor(remote: Remote, fallbacks: readonly Remote[]) {
    this.remotes = [remote, ...fallbacks];
  }

  get hasFallbacks(): boolean {
    return this.remotes.length > 1;
  }

  /**
   * What the first remote gives for which `read` does not throw. When all fail: the error of the archive itself, with
   * a hint that says what the others said.
   */
  async first<T>(subject: ReadSubject, read: (remote: Remote) => Promise<T>): Promise<T> {
    const [primary] = this.remotes;
    if (!this.hasFallbacks) return await read(primary);
    const failures = new Map<Remote, LakepackError>();
    for (const remote of this.#inOrder()) {
      try {
        const value = await read(remote);
        if (remote !== primary) this.#heal(subject, remote, failures.get(primary) ?? this.#down.get(primary));
        return value;
      } catch (error) {
        if (!mayBeElsewhere(error)) throw error;
        failures.set(remote, error);
        if (IS_DOWN.has(error.code)) this.#down.set(remote, error);
      }
    }
    throw allFailed(primary, failures);
  }

  /** What was healed since this was asked last. */
  takeHealed(): readonly Healed[] {
    const healed = this.#healed;
    this.#healed = [];
    return healed;
  }

  /** Those that are down come last: they are asked again when nobody else has it. */
  #inOrder(): Remote[] {
    const isDown = (remote: Remote): boolean => this.#down.has(remote);
    return [...this.remotes.filter((one) => !isDown(one)), ...this.remotes.filter(isDown)];
  }

  /** A block that is read twice was healed once. */
  #heal({ key, block }: ReadSubject, by: Remote, reason: LakepackError | undefined): void {
    const name = `${key}\n${block ?? ''}`;
    if (this.#told.has(name)) return;
    this.#told.add(name);
    const where = { key, ...(block !== undefined && { block }) };
    this.#healed.push({ ...where, from: this.remotes[0].url, by: by.url, reason: reason?.message ?? 'not readable' });
  }
}

function allFailed(primary: Remote, failures: ReadonlyMap<Remote, LakepackError>): LakepackError {
  const first = failures.get(primary);
  if (first === undefined) return new LakepackError('INTERNAL', `${primary.url}: it was not asked`);
  const others = [...failures].flatMap(([{ url }, { message }]) => (url === primary.url ? [] : [`${url}: ${message}`]));
  return new LakepackError(first.code, first.message, {
    cause: first,
    hint: `the fallbacks could not give it either: ${others.join('; ')}`,
    ...(first.retryable !== undefined && { retryable: first.retryable }),
  });
}
