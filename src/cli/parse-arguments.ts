/**
 * The one door to yargs, which parses what follows a command. What was mistyped is found before it parses, because
 * its own words for that name no flag that may have been meant.
 */
import yargs from 'yargs';
import { LakepackError } from '../base/errors.js';
import { showPath } from '../base/paths.js';
import { Arguments } from './arguments.js';
import type { Command, OptionSpec, OptionSpecs } from './command.js';
import { GLOBAL_OPTIONS } from './global-options.js';
import { closest } from './suggest.js';

const PARSER = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'greedy-arrays': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'strip-aliased': true,
};

/** The arguments of one command. Throws USAGE for what it does not know, what is missing and what is too much. */
export function parseArguments(path: readonly string[], command: Command, tokens: readonly string[]): Arguments {
  const specs = { ...command.options, ...GLOBAL_OPTIONS };
  const help = `\`lakepack ${path.join(' ')} --help\` shows what there is`;
  checkTokens(tokens, specs, help);
  const parsed: Record<string, unknown> = parserFor(specs, tokens).parseSync();
  const flags = new Set<string>();
  const values = new Map<string, readonly string[]>();
  for (const [name, spec] of Object.entries(specs)) {
    const value = parsed[name];
    if (spec.kind === 'flag' && value === true) flags.add(name);
    if (spec.kind !== 'flag' && value !== undefined) values.set(name, valuesOf(name, spec, value));
  }
  const words = (parsed['_'] as readonly unknown[]).map(String);
  checkWords(words, command, help);
  return new Arguments(words, values, flags);
}

function parserFor(specs: OptionSpecs, tokens: readonly string[]) {
  const parser = yargs([...tokens])
    .scriptName('lakepack')
    .locale('en')
    .help(false)
    .version(false)
    .exitProcess(false)
    .fail(false)
    .parserConfiguration(PARSER);
  for (const [name, spec] of Object.entries(specs)) {
    parser.option(name, {
      type: spec.kind === 'flag' ? 'boolean' : 'string',
      alias: spec.aliases ?? [],
      requiresArg: spec.kind !== 'flag',
    });
  }
  return parser;
}

function checkTokens(tokens: readonly string[], specs: OptionSpecs, help: string): void {
  for (const [index, token] of tokens.entries()) {
    if (token === '--') return;
    if (!/^-[^\d]/.test(token)) continue;
    const [spelling, inline] = splitOnce(token, '=');
    const spec = findSpec(spelling, specs);
    if (spec === undefined) throw unknownOption(spelling, specs, help);
    if (spec.kind === 'flag' && inline !== undefined) {
      throw new LakepackError('USAGE', `${spelling}: takes no value`, { hint: help });
    }
    if (spec.kind === 'flag') continue;
    const next = inline ?? tokens[index + 1];
    if (next === undefined || next === '' || (inline === undefined && next.startsWith('-'))) {
      throw new LakepackError('USAGE', `${spelling}: its value is missing`, {
        hint: `write ${spelling}=${spec.placeholder ?? 'VALUE'}; ${help}`,
      });
    }
  }
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function findSpec(spelling: string, specs: OptionSpecs): OptionSpec | undefined {
  const name = spelling.replace(/^--?/, '');
  const isLong = spelling.startsWith('--');
  return Object.entries(specs).find(([key, spec]) =>
    [key, ...(spec.aliases ?? [])].some((word) => word === name && isLong === word.length > 1),
  )?.[1];
}

function unknownOption(spelling: string, specs: OptionSpecs, help: string): LakepackError {
  const names = Object.entries(specs).flatMap(([name, spec]) => [name, ...(spec.aliases ?? [])]);
  const meant = closest(spelling.replace(/^-+/, ''), names);
  const dashes = meant?.length === 1 ? '-' : '--';
  return new LakepackError('USAGE', `${showPath(spelling)}: no such option`, {
    hint: meant === undefined ? help : `did you mean ${dashes}${meant}? ${help}`,
  });
}

function valuesOf(name: string, spec: OptionSpec, value: unknown): readonly string[] {
  const all = (Array.isArray(value) ? value : [value]).map(String);
  if (spec.kind === 'list' || all.length === 1) return all;
  throw new LakepackError('USAGE', `--${name}: given ${all.length} times: expected once`, {
    hint: `it was ${all.map(showPath).join(', then ')}`,
  });
}

function checkWords(words: readonly string[], command: Command, help: string): void {
  const single = command.words.filter(({ count }) => count === 'one');
  const most = single.length < command.words.length ? Number.POSITIVE_INFINITY : single.length;
  const missing = single[words.length];
  if (missing !== undefined) {
    throw new LakepackError('USAGE', `${missing.name}: is missing: ${missing.describe}`, { hint: help });
  }
  if (words.some((word) => word === '')) {
    throw new LakepackError('USAGE', 'an argument is empty', { hint: 'is a shell variable not set?' });
  }
  const extra = words[most];
  if (extra === undefined) return;
  throw new LakepackError('USAGE', `${showPath(extra)}: one argument too many`, { hint: help });
}
