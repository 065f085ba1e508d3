/**
 * Shows a results file as Markdown, or puts it into a document between its two marks:
 *
 *     npx tsx bench/report.ts FILE [--into docs/performance.md]
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { replaceResults } from './document.js';
import { readResults } from './results.js';
import { renderReport } from './table.js';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { into: { type: 'string' } } });
const [file] = positionals;
if (file === undefined || positionals.length !== 1) {
  throw new Error('usage: npx tsx bench/report.ts FILE [--into docs/performance.md]');
}
const report = renderReport(await readResults(file));
if (values.into === undefined) console.log(report);
else await writeFile(values.into, replaceResults(await readFile(values.into, 'utf8'), path.basename(file), report));
