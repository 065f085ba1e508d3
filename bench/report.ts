/**
 * Shows a results file as Markdown, or publishes it: the tables go into docs/performance.md, the chart into docs/bench.svg
 * and its place in README.md.
 *
 *     npx tsx bench/report.ts FILE [--publish]
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { publish, type PublishedFiles } from './publish.js';
import { readResults } from './results.js';
import { renderReport } from './table.js';

const PROJECT = path.resolve(import.meta.dirname, '..');
const FILES = { performance: 'docs/performance.md', readme: 'README.md', chart: 'docs/bench.svg' } as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { publish: { type: 'boolean', default: false } },
});
const [file] = positionals;
if (file === undefined || positionals.length !== 1) {
  throw new Error('usage: npx tsx bench/report.ts FILE [--publish]');
}
const results = await readResults(file);
if (values.publish) await publishInto(path.basename(file));
else console.log(renderReport(results));

async function publishInto(name: string): Promise<void> {
  const read = async (document: string) => readFile(path.join(PROJECT, document), 'utf8');
  const before = { performance: await read(FILES.performance), readme: await read(FILES.readme) };
  const after: PublishedFiles = publish(before, name, results);
  for (const part of ['performance', 'readme', 'chart'] as const) {
    await writeFile(path.join(PROJECT, FILES[part]), after[part]);
  }
}
