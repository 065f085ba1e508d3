/** `lakepack recipe init`: a recipe made by looking at a lake. */
import { LakepackError } from '../../../base/errors.js';
import { showPath } from '../../../base/paths.js';
import type { WriteRecipeReport } from '../../../index.js';
import { given } from '../../arguments.js';
import type { Command, CommandContext } from '../../command.js';
import { EXIT_CODES } from '../../exit-code.js';
import { STORE_ENGINES, type StoreEngine } from '../../../schema/store-engine.js';
import { safeJson, safeText, shellWord } from '../../safe-text.js';
import { onDisk } from '../../selectors.js';
import { tableLines, type Column } from '../../table.js';
import { formatCount, formatCounted, formatDuration } from '../../units.js';

export const recipeInitCommand: Command = {
  describe:
    'Looks at a lake and writes a recipe for it: which tables its files hold, of which types, with which keys and ' +
    'vectors, and in which stores. It is a beginning: look at it, and change what you know better.',
  words: [{ name: 'LAKE', describe: 'the folder of the lake', count: 'one' }],
  options: {
    out: {
      kind: 'value',
      placeholder: 'FILE',
      describe: 'where to write it (default: lakepack.recipe.json in the lake); -: to stdout',
      group: 'Recipe',
    },
    engines: {
      kind: 'list',
      placeholder: 'A,B',
      describe: `in which engines the tables shall stand: ${STORE_ENGINES.join(', ')} (default: duckdb)`,
      group: 'Recipe',
    },
    force: { kind: 'flag', describe: 'replace a recipe that is there', group: 'Recipe' },
  },
  examples: [
    { line: 'lakepack recipe init ./lake', why: 'writes ./lake/lakepack.recipe.json' },
    { line: 'lakepack recipe init ./lake --out=-', why: 'only shows it' },
  ],
  async run(context) {
    const { args, io } = context;
    const out = args.text('out');
    const { writeRecipe } = await context.library();
    const report = await context.withProgress('look', () =>
      writeRecipe({
        ...{ lake: onDisk(args.words[0] ?? '', io.cwd), signal: io.signal },
        ...given({
          out: out === '-' ? { kind: 'none' as const } : args.read('out', (text) => onDisk(text, io.cwd)),
          replace: args.flag('force'),
          engines: enginesOf(args.list('engines')),
        }),
      }),
    );
    await context.print('output-recipe-init', report, () => recipeLines(report, context));
    return EXIT_CODES.done;
  },
};

/** Throws USAGE for one that is not known. */
function enginesOf(words: readonly string[] | undefined): readonly StoreEngine[] | undefined {
  return words
    ?.flatMap((word) => word.split(','))
    .map((word) => {
      const engine = STORE_ENGINES.find((one) => one === word);
      if (engine !== undefined) return engine;
      throw new LakepackError(
        'USAGE',
        `--engines: not a choice: expected ${STORE_ENGINES.join(', ')}, got ${showPath(word)}`,
      );
    });
}

type Row = readonly [string, WriteRecipeReport['recipe']['tables'][string]];

const COLUMNS: readonly Column<Row>[] = [
  { title: 'TABLE', cell: ([name]) => showPath(name) },
  { title: 'COLUMNS', align: 'right', cell: ([, table]) => formatCount(Object.keys(table.columns).length) },
  { title: 'KEYS', cell: ([, { keys }]) => (keys ?? []).map(showPath).join(', ') || 'none' },
  {
    title: 'VECTOR',
    cell: ([, { vector }]) =>
      vector === undefined ? '' : `${showPath(vector.column)} × ${formatCount(vector.dimensions)}`,
  },
  { title: 'FROM', cell: ([, { from }]) => from.map(showPath).join(', ') },
];

function recipeLines(
  { recipe, notes, file, lake, elapsedMs }: WriteRecipeReport,
  { quiet, style }: CommandContext,
): string[] {
  if (file === undefined) return safeJson(recipe, 2).split('\n');
  if (quiet) return [];
  const tables = Object.entries(recipe.tables);
  const stores = Object.entries(recipe.stores).map(([name, { engine }]) => `${showPath(name)} (${engine})`);
  return [
    ...(tables.length === 0 ? [] : tableLines(tables, COLUMNS, style)),
    ...notes.map((note) => `note: ${safeText(note)}`),
    `wrote ${showPath(file)}: ${formatCounted(tables.length, 'table')}, stores ${stores.join(', ') || 'none'}, in ${formatDuration(elapsedMs)}`,
    `next: look at it, then lakepack export pack ${shellWord(lake)} --fingerprint`,
  ];
}
