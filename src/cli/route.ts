/** Decides from argv which command is meant, or that somebody wants help. Loads no command and no parser. */
import { LakepackError } from '../base/errors.js';
import { showPath } from '../base/paths.js';
import type { CommandEntry } from './command.js';
import { COMMANDS, OTHER_WORDS } from './commands.js';
import { GLOBAL_OPTIONS, hasFlag } from './global-options.js';
import { closest } from './suggest.js';

export type Route =
  | { readonly kind: 'version' }
  /** `asked` is false where a command was left out. */
  | { readonly kind: 'overview'; readonly group: readonly string[]; readonly asked: boolean }
  | { readonly kind: 'help'; readonly entry: CommandEntry }
  | { readonly kind: 'command'; readonly entry: CommandEntry; readonly rest: readonly string[] };

/** Throws USAGE for a command that does not exist. */
export function routeOf(argv: readonly string[]): Route {
  if (hasFlag(argv, 'version')) return { kind: 'version' };
  const helpWord = argv[0] === 'help';
  const tokens = helpWord ? argv.slice(1) : argv;
  const asked = helpWord || hasFlag(argv, 'help');
  const { path, rest } = splitCommand(tokens);
  const entry = COMMANDS.find((one) => one.path.join(' ') === path.join(' '));
  if (entry !== undefined) return asked ? { kind: 'help', entry } : { kind: 'command', entry, rest };
  const words = rest.filter((token, index) => !isGlobalFlag(token) && !takesValue(rest[index - 1]));
  const [early] = words;
  if (early?.startsWith('-') === true) throw flagBeforeCommand(path, early);
  const next = words.find((token) => !token.startsWith('-'));
  if (next === undefined && (asked || rest.length === 0)) return { kind: 'overview', group: path, asked };
  throw noSuchCommand(path, next);
}

/** Takes command words from the front; flags may stand between them. */
function splitCommand(tokens: readonly string[]): { path: readonly string[]; rest: readonly string[] } {
  const path: string[] = [];
  const rest: string[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token === '--' || isCommand(path)) return { path, rest: [...rest, ...tokens.slice(index)] };
    if (token.startsWith('-') || takesValue(tokens[index - 1])) rest.push(token);
    else if (isGroup([...path, token])) path.push(token);
    else return { path, rest: [...rest, ...tokens.slice(index)] };
  }
  return { path, rest };
}

function isCommand(path: readonly string[]): boolean {
  return COMMANDS.some((entry) => entry.path.join(' ') === path.join(' '));
}

function isGroup(path: readonly string[]): boolean {
  return COMMANDS.some((entry) => path.every((word, index) => entry.path[index] === word));
}

function isGlobalFlag(token: string): boolean {
  const [spelling = ''] = token.split('=');
  return Object.entries(GLOBAL_OPTIONS).some(
    ([name, { aliases = [] }]) => spelling === `--${name}` || aliases.some((alias) => spelling === `-${alias}`),
  );
}

/** True for an option of every command whose value is the next token. */
function takesValue(token: string | undefined): boolean {
  return Object.entries(GLOBAL_OPTIONS).some(([name, { kind }]) => kind === 'value' && token === `--${name}`);
}

function flagBeforeCommand(path: readonly string[], flag: string): LakepackError {
  const line = ['lakepack', ...path].join(' ');
  return new LakepackError('USAGE', `${showPath(flag)}: not an option of \`${line}\` without a command`, {
    hint: `the command comes first: ${line} COMMAND [options]; \`${line} --help\` lists the commands`,
  });
}

function noSuchCommand(path: readonly string[], word: string | undefined): LakepackError {
  const hint = `\`lakepack ${[...path, '--help'].join(' ')}\` lists the commands`;
  if (word === undefined) return new LakepackError('USAGE', 'the command is missing', { hint });
  const next = COMMANDS.filter((entry) => path.every((part, index) => entry.path[index] === part));
  const meant = meantBy(path, word, [...new Set(next.map((entry) => entry.path[path.length] ?? ''))]);
  return new LakepackError('USAGE', `${[...path, showPath(word)].join(' ')}: no such command`, {
    hint: meant === undefined ? hint : `did you mean \`lakepack ${meant}\`? ${hint}`,
  });
}

function meantBy(path: readonly string[], word: string, candidates: readonly string[]): string | undefined {
  const near = closest(word, candidates);
  if (near !== undefined) return [...path, near].join(' ');
  const other = Object.hasOwn(OTHER_WORDS, word) ? OTHER_WORDS[word] : undefined;
  if (other !== undefined) return other;
  const last = closest(word, Object.keys(OTHER_WORDS));
  return last === undefined ? undefined : OTHER_WORDS[last];
}
