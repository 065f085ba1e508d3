/** What a results file becomes in the documents. Pure. */
import { describeChart, renderChart } from './chart.js';
import { replacePart } from './document.js';
import type { Results } from './results.js';
import { renderReport } from './table.js';

export interface PublishedFiles {
  /** docs/performance.md */
  readonly performance: string;
  /** README.md */
  readonly readme: string;
  /** docs/bench.svg */
  readonly chart: string;
}

/** @param file - the name of the results file, which both documents then name. */
export function publish(documents: Omit<PublishedFiles, 'chart'>, file: string, results: Results): PublishedFiles {
  const image = `[![${describeChart(results).replaceAll(/[[\]]/g, '')}](docs/bench.svg)](docs/performance.md)`;
  return {
    performance: replacePart(documents.performance, 'results', file, renderReport(results)),
    readme: replacePart(documents.readme, 'chart', file, image),
    chart: renderChart(results),
  };
}
