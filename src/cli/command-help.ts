/** Lays out the help of one command: usage, words, options by group, examples. Needs no parser. */
import type { Command, OptionSpec, OptionSpecs, WordSpec } from './command.js';
import { GLOBAL_OPTIONS } from './global-options.js';

const NARROWEST = 60;
const WIDEST = 110;

type Row = readonly [left: string, right: string];

export function helpText(path: readonly string[], command: Command, columns = 80): string {
  const width = Math.max(NARROWEST, Math.min(columns, WIDEST));
  const groups = groupsOf({ ...command.options, ...GLOBAL_OPTIONS });
  const rows = groups.flatMap(([, options]) => options);
  const words = command.words.map(({ name, describe }): Row => [name, describe]);
  const leftWidth = Math.max(...rows.map(([left]) => left.length), ...command.words.map(({ name }) => name.length));
  return [
    `Usage: ${['lakepack', ...path, ...command.words.map(wordUsage), '[options]'].join(' ')}`,
    wrap(command.describe, width).join('\n'),
    ...(words.length === 0 ? [] : [section('Arguments', words, leftWidth, width)]),
    ...groups.map(([group, options]) => section(group, options, leftWidth, width)),
    `Examples:\n${command.examples.map(({ line, why }) => `  # ${why}\n  ${line}`).join('\n\n')}\n`,
  ].join('\n\n');
}

function wordUsage({ name, count }: WordSpec): string {
  return count === 'one' ? name : `[${name}...]`;
}

function groupsOf(options: OptionSpecs): (readonly [string, readonly Row[]])[] {
  const groups = new Map<string, Row[]>();
  for (const [name, spec] of Object.entries(options)) {
    const rows = groups.get(spec.group) ?? [];
    groups.set(spec.group, rows);
    rows.push([optionUsage(name, spec), describe(spec)]);
  }
  return [...groups];
}

function optionUsage(name: string, { aliases = [], placeholder }: OptionSpec): string {
  const short = aliases.filter((alias) => alias.length === 1).map((alias) => `-${alias}, `);
  const long = aliases.filter((alias) => alias.length > 1).map((alias) => `, --${alias}`);
  const value = placeholder === undefined ? '' : ` ${placeholder}`;
  return `${short.join('') || '    '}--${name}${long.join('')}${value}`;
}

function describe({ describe, choices, kind }: OptionSpec): string {
  const offered = choices === undefined ? '' : ` [${choices.join(', ')}]`;
  return `${describe}${offered}${kind === 'list' ? ' (may be repeated)' : ''}`;
}

function section(title: string, rows: readonly Row[], leftWidth: number, width: number): string {
  const indent = ' '.repeat(leftWidth + 4);
  const lines = rows.flatMap(([left, right]) =>
    wrap(right, width - indent.length).map((text, index) =>
      index === 0 ? `  ${left.padEnd(leftWidth)}  ${text}` : `${indent}${text}`,
    ),
  );
  return [`${title}:`, ...lines].join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
