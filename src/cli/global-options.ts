/** The flags every command has, and how they are read before any parser is loaded. */
import type { OptionSpecs } from './command.js';

export const GLOBAL_OPTIONS: OptionSpecs = {
  json: { kind: 'flag', describe: 'print the result as JSON on stdout', group: 'Everywhere' },
  quiet: { kind: 'flag', aliases: ['q'], describe: 'print only errors and what was asked for', group: 'Everywhere' },
  verbose: { kind: 'flag', aliases: ['v'], describe: 'leave nothing out of lists', group: 'Everywhere' },
  debug: { kind: 'flag', describe: 'as --verbose, with stack traces', group: 'Everywhere' },
  config: {
    kind: 'value',
    placeholder: 'FILE',
    describe: 'the configuration with the named remotes (default: LAKEPACK_CONFIG)',
    group: 'Everywhere',
  },
  'no-color': { kind: 'flag', describe: 'no colours', group: 'Everywhere' },
  help: { kind: 'flag', aliases: ['h'], describe: 'show this help', group: 'Everywhere' },
  version: { kind: 'flag', describe: 'show the version', group: 'Everywhere' },
};

/** True when the flag stands among the arguments, before a lone `--`. */
export function hasFlag(argv: readonly string[], name: string): boolean {
  const end = argv.indexOf('--');
  const flags = end === -1 ? argv : argv.slice(0, end);
  const spellings = [`--${name}`, ...(GLOBAL_OPTIONS[name]?.aliases ?? []).map((alias) => `-${alias}`)];
  return flags.some((flag) => spellings.includes(flag));
}
