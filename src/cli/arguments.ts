/** The parsed words and flags of one command, read by name and kind. */
import { LakepackError } from '../base/errors.js';
import { showPath } from '../base/paths.js';
import { closest } from './suggest.js';

export class Arguments {
  readonly words: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;
  readonly #flags: ReadonlySet<string>;

  constructor(words: readonly string[], values: ReadonlyMap<string, readonly string[]>, flags: ReadonlySet<string>) {
    this.words = words;
    this.#values = values;
    this.#flags = flags;
  }

  /** `true` or absent, so that a default stays the operation's own. */
  flag(name: string): true | undefined {
    return this.#flags.has(name) ? true : undefined;
  }

  text(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  list(name: string): readonly string[] | undefined {
    return this.#values.get(name);
  }

  /** The value as `parse` reads it. */
  read<T>(name: string, parse: (text: string, subject: string) => T): T | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : parse(text, `--${name}`);
  }

  /** One of a few words. Throws USAGE. */
  choice<const T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    const meant = closest(text, choices);
    throw new LakepackError('USAGE', `--${name}: not a choice: expected ${choices.join(', ')}, got ${showPath(text)}`, {
      ...(meant === undefined ? {} : { hint: `did you mean --${name} ${meant}?` }),
    });
  }
}

/** The entries of an object that are defined: options that were not given stay absent. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
