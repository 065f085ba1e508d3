/** What a tool must say about itself to take part in a benchmark. Says nothing about how it is measured. */

/** The works that tools are compared in. A new one gets an entry in works.ts and an attempt from each contender that can do it. */
export type WorkName = 'pack' | 'pack-partitions' | 'verify' | 'unpack' | 'push' | 'pull' | 'help' | 'version';

export interface Command {
  readonly argv: readonly [program: string, ...args: string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** An S3 server, and where in it this attempt finds and leaves things: bucket and prefix, `bucket/prefix`. */
export interface ServerPlace {
  readonly endpoint: string;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Holds what lakepack's archive holds. */
  readonly stored: string;
  /** Empty, for this attempt alone. */
  readonly fresh: string;
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
  /** The words that start the built lakepack. */
  readonly lakepack: Command['argv'];
  /** How many cores the commands may use. */
  readonly cores: number;
  /** Only for works that need one (works.ts). */
  readonly server?: ServerPlace;
}

export interface Attempt {
  /** Done before the clock runs: repositories are made here. */
  readonly before?: readonly Command[];
  readonly timed: Command;
  /** The timed command does the work so many times over, and what is reported is a part of it. Default 1. */
  readonly times?: number;
  /** A file or folder whose bytes are what was stored. */
  readonly stored?: string;
  /** A folder that must then equal the original. It is compared in the warm-up, outside of the timing. */
  readonly restored?: string;
  /** Default: the lake. */
  readonly original?: string;
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

/** Throws where a work that needs no server asks for one. */
export function serverOf(place: Place): ServerPlace {
  if (place.server === undefined) throw new Error('this work was given no server');
  return place.server;
}

/** A program whose start-up is measured is started so often in one sample: once takes less than other noise. */
export const STARTS = 10;

export function startedOften(...argv: Command['argv']): Attempt {
  return {
    timed: { argv: script(`for ((i = 0; i < ${STARTS}; i++)); do "$@" >/dev/null; done`, ...argv) },
    times: STARTS,
  };
}
