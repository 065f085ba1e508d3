/** `lakepack catalog show`: what exports say about themselves, less their files. */
import { showPath } from '../../../base/paths.js';
import type { BundleFacts, ExportHead } from '../../../index.js';
import type { Command, CommandContext } from '../../command.js';
import { EXIT_CODES } from '../../exit-code.js';
import { safeText } from '../../safe-text.js';
import { tableLines, type Column } from '../../table.js';
import { formatBytes, formatCount, formatTime } from '../../units.js';
import { CATALOG_OPTIONS, CATALOG_WORDS, catalogSelection } from './options.js';

export const catalogShowCommand: Command = {
  describe: 'Shows the manifests of exports: source, provenance, totals, bundles. `catalog files` lists the files.',
  words: CATALOG_WORDS,
  options: CATALOG_OPTIONS,
  examples: [
    {
      line: 'lakepack catalog show silver/vulns/dt=2025-10-11 --archive ./lake',
      why: 'the newest export of a partition',
    },
    { line: 'lakepack catalog show 20251011T08 --archive ./lake', why: 'by the beginning of its id' },
    { line: 'lakepack catalog show --all --archive ./lake --json', why: 'every manifest, for a script' },
  ],
  async run(context) {
    const { archive, select } = await catalogSelection(context);
    const { catalogShow } = await context.library();
    const heads = await catalogShow({ archive, select, signal: context.io.signal });
    await context.print('output-catalog-show', { archive: archive.location, exports: heads }, () =>
      heads.flatMap((head, index) => [...(index === 0 ? [] : ['']), ...headLines(head, context)]),
    );
    return EXIT_CODES.done;
  },
};

function headLines(head: ExportHead, { style }: CommandContext): string[] {
  const facts = factsOf(head).filter((fact): fact is [string, string] => fact[1] !== undefined && fact[1] !== '');
  const width = Math.max(...facts.map(([label]) => label.length));
  return [
    style.bold(`${showPath(head.source.path)} ${showPath(head.exportId)}`),
    ...facts.map(([label, value]) => `  ${style.dim(label.padEnd(width))}  ${safeText(value)}`),
    ...tableLines(head.bundles, BUNDLE_COLUMNS, style).map((line) => `  ${line}`),
  ];
}

function factsOf({ source, tool, totals, provenance, ...head }: ExportHead): (readonly [string, string | undefined])[] {
  const keys = Object.entries(source.keys ?? {}).map(([key, value]) => `${key}=${value}`);
  return [
    ['created', formatTime(head.createdAt)],
    ['by', `${[tool.name, tool.version ?? ''].join(' ').trim()}, zstd ${tool.zstdVersion} level ${tool.level}`],
    ['export of', `one ${source.by}`],
    ['layer', source.layer],
    ['dataset', source.dataset],
    ['keys', keys.join(', ')],
    ['run', source.runId],
    ['licence', provenance.licence],
    ['note', provenance.note],
    ['files', `${formatCount(totals.files)}, and ${formatCount(totals.directories)} empty directories`],
    ['rows', totals.rows === undefined ? undefined : formatCount(totals.rows)],
    ['bytes', `${formatBytes(totals.bytes)}, stored in ${formatBytes(totals.storedBytes)}`],
    ['content', `sha256:${head.contentDigest}`],
    ['parent', head.parent],
    ['expires', head.expiresAt],
    ['manifest', head.manifestKey],
  ];
}

const BUNDLE_COLUMNS: readonly Column<BundleFacts>[] = [
  { title: 'BUNDLE', cell: (row) => showPath(row.name) },
  { title: 'STORED', align: 'right', cell: (row) => formatBytes(row.storedBytes) },
  { title: 'FRAMES', align: 'right', cell: (row) => formatCount(row.frames) },
  { title: 'FILES', align: 'right', cell: (row) => formatCount(row.payload.files) },
  { title: 'SHA-256', cell: (row) => row.sha256 },
];
