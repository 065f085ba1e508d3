/** `lakepack rebuild`: flags to `RebuildOptions`, for real: the store stands where it was asked for. */
import { LakepackError } from '../../base/errors.js';
import { showPath } from '../../base/paths.js';
import type { RebuildOptions, RebuildReport } from '../../index.js';
import { given } from '../arguments.js';
import type { Command, CommandContext } from '../command.js';
import { EXIT_CODES } from '../exit-code.js';
import { archivePlace, archivePlaceIfGiven } from '../places.js';
import { requiredText } from '../required.js';
import { EXPORT_SELECTOR_OPTIONS, exportSelector, onDisk } from '../selectors.js';
import { tableLines, type Column } from '../table.js';
import { formatCount, formatCounted, formatDuration, parseWhole } from '../units.js';

/** Not a store of the recipe: a Parquet file with a row for each file of the archive. */
const CATALOG_STORE = 'parquet-catalog';

const { history: _history, ...NARROWING } = EXPORT_SELECTOR_OPTIONS;

export const rebuildCommand: Command = {
  describe:
    'Builds a store that the recipe describes from an archive, or from a lake that is there. It is built under another ' +
    'name, read back and compared, and only then put in its place. What stands there is refused unless told. The store ' +
    '`parquet-catalog` needs no recipe: one row for each file of the archive.',
  words: [],
  options: {
    store: {
      kind: 'value',
      placeholder: 'NAME',
      describe: "name in the recipe, or 'parquet-catalog'",
      group: 'Rebuild',
    },
    from: {
      kind: 'value',
      placeholder: 'ARCHIVE',
      aliases: ['archive'],
      describe: 'the archive to build from',
      group: 'Rebuild',
    },
    lake: {
      kind: 'value',
      placeholder: 'DIR',
      describe: 'a lake to build from, instead of an archive',
      group: 'Rebuild',
    },
    into: {
      kind: 'value',
      placeholder: 'TARGET',
      describe:
        'where it shall stand: a file (duckdb, parquet-catalog), a folder (lancedb), a schema (postgres), a database (cosmos)',
      group: 'Rebuild',
    },
    replace: {
      kind: 'flag',
      describe: 'replace what stands there, at one stroke where the store can',
      group: 'Rebuild',
    },
    'no-compare': { kind: 'flag', describe: 'do not read it back and compare', group: 'Rebuild' },
    recipe: {
      kind: 'value',
      placeholder: 'FILE',
      describe: 'the recipe (default: the one in the lake, or packed)',
      group: 'Rebuild',
    },
    scratch: {
      kind: 'value',
      placeholder: 'DIR',
      describe: 'where to work (default: the temporary folder)',
      group: 'Rebuild',
    },
    fallback: {
      kind: 'list',
      placeholder: 'A,B',
      describe: 'archives to take from what this one cannot give',
      group: 'Rebuild',
    },
    concurrency: { kind: 'value', placeholder: 'N', describe: 'how much is done at once', group: 'Rebuild' },
    ...NARROWING,
  },
  examples: [
    { line: 'lakepack rebuild --store warehouse --from r2:lake --into ./lake.duckdb', why: 'a database to look into' },
    {
      line: 'lakepack rebuild --store serving --from r2:lake --into reporting --replace',
      why: 'a schema, swapped in',
    },
    {
      line: 'lakepack rebuild --store parquet-catalog --from r2:lake --into ./files.parquet',
      why: 'what is where, as a table',
    },
  ],
  async run(context) {
    const report = requiredText(context, 'store') === CATALOG_STORE ? await catalog(context) : await store(context);
    await context.print('output-rebuild', report, () => rebuildLines(report, context));
    return EXIT_CODES.done;
  },
};

async function store(context: CommandContext): Promise<RebuildReport> {
  const { args, io } = context;
  const [from, lake] = [args.text('from'), args.text('lake')];
  if ((from === undefined) === (lake === undefined)) {
    throw new LakepackError('USAGE', 'expected --from ARCHIVE or --lake DIR, one of the two');
  }
  const library = await context.library();
  const fallback = args.list('fallback');
  const onDiskIfGiven = (name: string): string | undefined => args.read(name, (text) => onDisk(text, io.cwd));
  const recipe = onDiskIfGiven('recipe');
  const options: RebuildOptions = {
    store: requiredText(context, 'store'),
    into: requiredText(context, 'into'),
    environment: io.env,
    signal: io.signal,
    ...given({
      from: await archivePlaceIfGiven(from, context, given({ fallback })),
      lake: onDiskIfGiven('lake'),
      select: exportSelector(args, []),
      recipe: recipe === undefined ? undefined : await library.readRecipe(recipe),
      replace: args.flag('replace'),
      compare: args.flag('no-compare') === true ? false : undefined,
      scratch: onDiskIfGiven('scratch'),
      concurrency: args.read('concurrency', parseWhole),
    }),
  };
  return await context.withProgress('rebuild', (onProgress) => library.rebuild({ ...options, onProgress }));
}

async function catalog(context: CommandContext): Promise<RebuildReport> {
  const { args, io } = context;
  const library = await context.library();
  const begunMs = performance.now();
  const fallback = args.list('fallback');
  const into = onDisk(requiredText(context, 'into'), io.cwd);
  const from = await archivePlace(requiredText(context, 'from'), context, given({ fallback }));
  const { rows } = await context.withProgress('rebuild', (onProgress) =>
    library.writeCatalogOf({
      ...{ from, into, replace: args.flag('replace') === true, signal: io.signal, onProgress },
      ...given({ select: exportSelector(args, []) }),
    }),
  );
  const elapsedMs = performance.now() - begunMs;
  const tables = [{ name: 'files', rows, compared: 'no' as const }];
  return { store: CATALOG_STORE, engine: 'parquet', into, tables, steps: [{ name: 'write', elapsedMs }], elapsedMs };
}

type Row = RebuildReport['tables'][number];

const COMPARED: Readonly<Record<Row['compared'], string>> = {
  manifest: 'equal to what the exports say',
  files: 'equal to the files',
  no: 'not compared',
};

const COLUMNS: readonly Column<Row>[] = [
  { title: 'TABLE', cell: (row) => showPath(row.name) },
  { title: 'ROWS', align: 'right', cell: (row) => formatCount(row.rows) },
  { title: 'COMPARED', cell: (row) => COMPARED[row.compared] },
];

function rebuildLines(report: RebuildReport, { style, quiet }: CommandContext): string[] {
  if (quiet) return [];
  const steps = report.steps.map(({ name, elapsedMs }) => `${name} ${formatDuration(elapsedMs)}`).join(', ');
  const rows = report.tables.reduce((sum, table) => sum + table.rows, 0);
  return [
    ...tableLines(report.tables, COLUMNS, style),
    `steps: ${steps}`,
    `rebuilt ${showPath(report.store)} (${report.engine}) in ${showPath(report.into)}: ${formatCounted(report.tables.length, 'table')}, ${formatCounted(rows, 'row')}, in ${formatDuration(report.elapsedMs)}`,
  ];
}
