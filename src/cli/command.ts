/** What a command is: its flags and words, its help, and the one function that runs it. Types only. */
import type { ProgressListener } from '../base/progress.js';
import type { Arguments } from './arguments.js';
import type { ExitCode } from './exit-code.js';
import type { CliIo, Library } from './io.js';
import type { TextOutput } from './output.js';
import type { Style } from './style.js';

export interface OptionSpec {
  /** `flag`: on or off. `value`: one value. `list`: may be given more than once. */
  readonly kind: 'flag' | 'value' | 'list';
  readonly describe: string;
  /** What stands for the value in help: `DIR`, `SIZE`. */
  readonly placeholder?: string;
  readonly aliases?: readonly string[];
  readonly choices?: readonly string[];
  /** The heading in help under which it stands. */
  readonly group: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export interface WordSpec {
  /** As in the usage line: `LAKE`, `EXPORT`. */
  readonly name: string;
  readonly describe: string;
  readonly count: 'one' | 'any';
}

export interface Example {
  readonly line: string;
  readonly why: string;
}

export interface Command {
  readonly describe: string;
  readonly words: readonly WordSpec[];
  readonly options: OptionSpecs;
  readonly examples: readonly Example[];
  run(context: CommandContext): Promise<ExitCode>;
}

/** A command in the list of commands; its module is loaded when it is used. */
export interface CommandEntry {
  /** The words of the command line, which are also the path below `commands/`. */
  readonly path: readonly string[];
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** What a command works with. Lines are for people, `json` for programs; `print` chooses. */
export interface CommandContext {
  readonly args: Arguments;
  /** All commands, for the one that writes completion scripts. */
  readonly commands: readonly CommandEntry[];
  readonly io: CliIo;
  readonly library: () => Promise<Library>;
  readonly out: TextOutput;
  readonly style: Style;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Runs long work with its progress shown on stderr, and takes the display away before it returns. */
  withProgress<T>(verb: string, work: (onProgress: ProgressListener) => Promise<T>): Promise<T>;
  /** Prints one result: as JSON with its schema's address, or as the lines. */
  print(schema: string, result: object, lines: () => readonly string[]): Promise<void>;
}
