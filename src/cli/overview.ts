/** The help above the commands: what there is, how to begin. Written by hand, because loading a parser takes longer. */
import { COMMANDS } from './commands.js';
import { GLOBAL_OPTIONS } from './global-options.js';

const INTRODUCTION = `lakepack packs data-lake partitions into portable tar.zst bundles with checksums,
proves that they can be restored, and restores them.`;

const EXAMPLES: readonly (readonly [string, string])[] = [
  ['lakepack lake list ./lake', 'see what the lake holds'],
  ['lakepack export pack ./lake', 'pack what is new'],
  ['lakepack verify --archive ./lake', 'check every export'],
  ['lakepack drill run --quick --from ./lake', 'prove that it can be restored, and how fast'],
  ['lakepack import unpack --all --from ./lake --into ./restored', 'restore the newest of everything'],
];

const EXITS = `Exit codes:
  0 done · 1 unexpected · 2 usage or configuration · 3 findings · 4 not found ·
  5 key or permission · 6 remote unavailable · 7 inconclusive · 130 interrupted`;

/** Help for the whole program, or for one group of commands (`lakepack catalog`). */
export function overviewText(group: readonly string[]): string {
  const shown = COMMANDS.filter((entry) => group.every((word, index) => entry.path[index] === word));
  const commands = columns(shown.map((entry) => [`lakepack ${entry.path.join(' ')}`, entry.summary]));
  const title = ['lakepack', ...group, 'COMMAND'].join(' ');
  const examples = EXAMPLES.filter(([line]) => line.startsWith(['lakepack', ...group].join(' ')));
  return [
    `Usage: ${title} [options]`,
    ...(group.length === 0 ? [INTRODUCTION] : []),
    `Commands:\n${commands}`,
    `Options:\n${columns(optionRows())}`,
    ...(examples.length === 0 ? [] : [`Examples:\n${columns(examples)}`]),
    ...(group.length === 0 ? [EXITS] : []),
    `\`${['lakepack', ...group].join(' ')} COMMAND --help\` shows the options and examples of one command.\n`,
  ].join('\n\n');
}

function optionRows(): [string, string][] {
  return Object.entries(GLOBAL_OPTIONS).map(([name, spec]) => [
    [...(spec.aliases ?? []).map((alias) => `-${alias}`), `--${name}`].join(', '),
    spec.describe,
  ]);
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}
