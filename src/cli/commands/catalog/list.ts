/** `lakepack catalog list`: the exports of an archive, a row each. */
import { showPath } from '../../../base/paths.js';
import type { CatalogList, CatalogRow } from '../../../index.js';
import { given } from '../../arguments.js';
import type { Command, CommandContext } from '../../command.js';
import { EXIT_CODES } from '../../exit-code.js';
import { tableLines, type Column } from '../../table.js';
import { formatBytes, formatCount, formatCounted, formatTime } from '../../units.js';
import { CATALOG_OPTIONS, CATALOG_WORDS, catalogPlace } from './options.js';

export const catalogListCommand: Command = {
  describe: 'Lists the exports of an archive. Without a selection: the newest export of every partition.',
  words: CATALOG_WORDS,
  options: CATALOG_OPTIONS,
  examples: [
    { line: 'lakepack catalog list --archive ./lake', why: 'the newest export of every partition' },
    { line: 'lakepack catalog list --archive ./lake --history --dataset vulns', why: 'every export of one dataset' },
    {
      line: "lakepack catalog list --archive ./lake --json | jq -r '.exports[].exportId'",
      why: 'the ids, for a script',
    },
  ],
  async run(context) {
    const { archive, select } = await catalogPlace(context);
    const { catalogList } = await context.library();
    const list = await catalogList({ archive, signal: context.io.signal, ...given({ select }) });
    await context.print('output-catalog-list', list, () => listLines(list, context));
    return EXIT_CODES.done;
  },
};

function listLines(list: CatalogList, { style, quiet }: CommandContext): string[] {
  if (list.exports.length === 0) return quiet ? [] : [`no exports in ${showPath(list.archive)} match`];
  const table = tableLines(list.exports, columnsFor(list.exports), style);
  return quiet ? table : [...table, totalLine(list.exports)];
}

function columnsFor(rows: readonly CatalogRow[]): Column<CatalogRow>[] {
  const rowsColumn: Column<CatalogRow> = {
    title: 'ROWS',
    align: 'right',
    cell: (row) => (row.rows === undefined ? '' : formatCount(row.rows)),
  };
  return [
    { title: 'EXPORT', cell: (row) => showPath(row.exportId) },
    { title: 'CREATED', cell: (row) => formatTime(row.createdAt) },
    { title: 'FILES', align: 'right', cell: (row) => formatCount(row.files) },
    ...(rows.some((row) => row.rows !== undefined) ? [rowsColumn] : []),
    { title: 'BYTES', align: 'right', cell: (row) => formatBytes(row.bytes) },
    { title: 'STORED', align: 'right', cell: (row) => formatBytes(row.storedBytes) },
    { title: 'BUNDLES', align: 'right', cell: (row) => formatCount(row.bundles) },
    { title: 'PARTITION', cell: (row) => showPath(row.path) },
  ];
}

function totalLine(rows: readonly CatalogRow[]): string {
  const sum = (of: (row: CatalogRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const files = formatCounted(
    sum((row) => row.files),
    'file',
  );
  const bytes = formatBytes(sum((row) => row.bytes));
  return `${formatCounted(rows.length, 'export')}: ${files}, ${bytes}, stored in ${formatBytes(sum((row) => row.storedBytes))}`;
}
