/** docs/cli.md and the program name the same commands and options. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.js';
import type { OptionSpecs } from '../../src/cli/command.js';
import { GLOBAL_OPTIONS } from '../../src/cli/global-options.js';

const text = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');

/** The part of the document under a heading, up to the next of the same or a higher level. */
function section(heading: string): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (start === -1) throw new Error(`docs/cli.md: no heading "${heading}"`);
  const level = /^#+/.exec(lines[start] ?? '')?.[0].length ?? 1;
  const length = lines.slice(start + 1).findIndex((line) => (/^(#+) /.exec(line)?.[1]?.length ?? 99) <= level);
  return lines.slice(start, length === -1 ? undefined : start + 1 + length).join('\n');
}

/** Options in the first column of the tables of a part. */
function documented(part: string): string[] {
  const cells = part.split('\n').flatMap((line) => /^\| (`-[^|]*)\|/.exec(line)?.[1] ?? []);
  return cells.flatMap((cell) => [...cell.matchAll(/`(-{1,2}[a-z-]+)/g)].map(([, option]) => option ?? '')).sort();
}

function known(options: OptionSpecs): string[] {
  return Object.entries(options)
    .flatMap(([name, spec]) => [name, ...(spec.aliases ?? [])])
    .map((name) => (name.length === 1 ? `-${name}` : `--${name}`))
    .sort();
}

describe('docs/cli.md', () => {
  test.each(COMMANDS)('$path: has every option of the command, and no other', async (entry) => {
    const { options } = await entry.load();
    expect(documented(section(`lakepack ${entry.path.join(' ')}`))).toEqual(known(options));
  });

  test('has the options that every command has', () => {
    expect(documented(section('Options of every command'))).toEqual(known(GLOBAL_OPTIONS));
  });

  test('has every choice of every option', async () => {
    for (const entry of COMMANDS) {
      const part = section(`lakepack ${entry.path.join(' ')}`);
      const { options } = await entry.load();
      for (const choice of Object.values(options).flatMap((spec) => spec.choices ?? [])) {
        expect(part).toContain(`\`${choice}\``);
      }
    }
  });

  test('has a heading for no other command', () => {
    const headings = [...text.matchAll(/^#+ lakepack (.+)$/gm)].map(([, name]) => name);
    expect(headings.sort()).toEqual(COMMANDS.map((entry) => entry.path.join(' ')).sort());
  });
});
