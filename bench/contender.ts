/** What a tool must say about itself to take part in a benchmark. Says nothing about how it is measured. */

/** The works that tools are compared in. A new one gets a title in works.ts and an attempt from each contender that can do it. */
export type WorkName = 'pack' | 'verify' | 'unpack';

export interface Command {
  readonly argv: readonly [program: string, ...args: string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Where one attempt finds and leaves things. All paths are absolute. */
export interface Place {
  readonly lake: string;
  /** An empty folder for this attempt alone; it is removed afterwards. For the untimed preparation: the store itself. */
  readonly fresh: string;
  /** What this contender's own `pack` left behind in the preparation. */
  readonly store: string;
  /** What lakepack's `pack` left behind, for contenders that read our bundles. */
  readonly ourStore: string;
  /** How many cores the commands may use. */
  readonly cores: number;
}

export interface Attempt {
  /** Done before the clock runs: repositories are made here. */
  readonly before?: readonly Command[];
  readonly timed: Command;
  /** A file or folder whose bytes are what was stored. */
  readonly stored?: string;
  /** A folder that must then equal the lake. It is compared in the warm-up, outside of the timing. */
  readonly restored?: string;
}

export interface Contender {
  readonly name: string;
  /** What it does for each work, in the words of the report. */
  readonly does: Readonly<Partial<Record<WorkName, string>>>;
  /** Programs that must be on the PATH; without them the contender is left out, and the report says so. */
  readonly programs: readonly string[];
  readonly attempts: Readonly<Partial<Record<WorkName, (place: Place) => Attempt>>>;
}

/** A bash script with `$1`, `$2` … for its arguments, so that nothing needs quoting. Any failing part fails all of it. */
export function script(text: string, ...args: string[]): Command['argv'] {
  return ['bash', '-euo', 'pipefail', '-c', text, 'bash', ...args];
}
