/** A results file as a picture: for each comparison that the bounds speak of, a bar of wall time for every tool. Pure. */
import { BOUNDS } from './bounds.js';
import type { Results, Series } from './results.js';
import { spreadOf } from './statistics.js';
import { groupsOf, secondsText, sizeText } from './table.js';

const WIDTH = 960;
const MARGIN = 20;
const GAP = 40;
const COLUMN = (WIDTH - 2 * MARGIN - GAP) / 2;
/** What names of tools and numbers take of a column; the bars have the rest. */
const NAME = 150;
const NUMBER = 58;
const BAR = 12;
const ROW = 18;
const HEADING = 26;
const PANEL_GAP = 14;
const FOOT = 30;

interface Bar {
  readonly name: string;
  readonly seconds: number;
  readonly isSubject: boolean;
}

interface Panel {
  readonly title: string;
  /** Files and bytes of the data. */
  readonly size: string;
  readonly bars: readonly Bar[];
}

/** An SVG that brings its own background, light or dark as the reader's system is. */
export function renderChart(results: Results): string {
  const panels = panelsOf(results);
  const columns = inTwoColumns(panels);
  const height = MARGIN + Math.max(...columns.map(heightOf)) + FOOT;
  const drawn = columns.flatMap((column, index) => {
    let y = MARGIN;
    return column.map((panel) => {
      const text = drawPanel(panel, MARGIN + index * (COLUMN + GAP), y);
      y += panelHeight(panel);
      return text;
    });
  });
  const { machine } = results;
  const foot = `Wall time, medians of ${results.rounds} rounds, shorter is better. ${machine.cpu}, ${machine.cores} cores, ${results.date.slice(0, 10)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escape(describeChart(results))}</title>`,
    STYLE,
    `<rect class="ground" width="${WIDTH}" height="${height}" rx="8"/>`,
    ...drawn,
    `<text class="foot" x="${MARGIN}" y="${height - 14}">${escape(foot)}</text>`,
    '</svg>\n',
  ].join('\n');
}

/** For those who do not see it. */
export function describeChart(results: Results): string {
  const lines = panelsOf(results).map(
    ({ title, bars }) => `${title}: ${bars.map(({ name, seconds }) => `${name} ${secondsText(seconds)} s`).join(', ')}`,
  );
  return `Wall times. ${lines.join('. ')}.`;
}

const STYLE = `<style>
  text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #24292f; }
  .head { font-weight: 600; }
  .foot { font-size: 11px; font-weight: 400; fill: #57606a; }
  .ground { fill: #ffffff; }
  .us { fill: #0969da; }
  .them { fill: #afb8c1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .foot { fill: #9198a1; }
    .ground { fill: #0d1117; }
    .us { fill: #4493f8; }
    .them { fill: #57606a; }
  }
</style>`;

function panelsOf(results: Results): Panel[] {
  const hasBound = ({ dataSet, work }: Series) =>
    BOUNDS.some((bound) => bound.dataSet === dataSet && bound.work === work && bound.against !== null);
  return groupsOf(results)
    .filter(({ series }) => series.length > 1 && series.every(hasBound) && series[0]!.cores === results.machine.cores)
    .map(({ title, series }) => ({
      title: title.replaceAll('`', ''),
      size: sizeOf(results, series[0]!.dataSet),
      bars: barsOf(series, results.subject),
    }));
}

function sizeOf(results: Results, name: string): string {
  const dataSet = results.dataSets.find((one) => one.name === name);
  return dataSet === undefined || dataSet.files === 0 ? '' : sizeText(dataSet);
}

function barsOf(series: readonly Series[], subject: string): Bar[] {
  return series.flatMap(({ contender, samples }) => {
    const wall = spreadOf(samples.map(({ wallSeconds }) => wallSeconds));
    return wall === null ? [] : [{ name: contender, seconds: wall.median, isSubject: contender === subject }];
  });
}

/** In order, split where the higher of the two is lowest. */
function inTwoColumns(panels: readonly Panel[]): [Panel[], Panel[]] {
  const splits = [...panels.keys(), panels.length].map((at): [Panel[], Panel[]] => [
    panels.slice(0, at),
    panels.slice(at),
  ]);
  const higher = (columns: readonly Panel[][]) => Math.max(...columns.map(heightOf));
  return splits.toSorted((a, b) => higher(a) - higher(b))[0]!;
}

function drawPanel({ title, size, bars }: Panel, x: number, y: number): string {
  const longest = Math.max(...bars.map(({ seconds }) => seconds));
  const lines = bars.map(({ name, seconds, isSubject }, index) => {
    const top = y + HEADING + index * ROW;
    const width = Math.max(1, ((COLUMN - NAME - NUMBER) * seconds) / longest);
    const kind = isSubject ? 'us' : 'them';
    return [
      `<text${isSubject ? ' class="head"' : ''} x="${x}" y="${top + BAR - 2}">${escape(name)}</text>`,
      `<rect class="${kind}" x="${x + NAME}" y="${top}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`,
      `<text x="${(x + NAME + width + 6).toFixed(1)}" y="${top + BAR - 2}">${secondsText(seconds)} s</text>`,
    ].join('');
  });
  const heading = `<text class="head" x="${x}" y="${y + 14}">${escape(title)}<tspan class="foot" dx="8">${escape(size)}</tspan></text>`;
  return [heading, ...lines].join('\n');
}

function heightOf(panels: readonly Panel[]): number {
  return panels.reduce((sum, panel) => sum + panelHeight(panel), 0);
}

function panelHeight({ bars }: Panel): number {
  return HEADING + bars.length * ROW + PANEL_GAP;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
