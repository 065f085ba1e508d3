/** Results as Markdown that can also be read in a terminal: what docs/performance.md shows. Pure. */
import { judge, type Bound } from './bounds.js';
import type { LakeSize } from './data-sets.js';
import type { Results, Sample, Series } from './results.js';
import { ratioOf, spreadOf, type Spread } from './statistics.js';

/** What nobody measured. */
const NONE = '–';

export function renderReport(results: Results): string {
  const tables = groupsOf(results).map((group) =>
    [`### ${group.title}`, renderTable(group.series, results.subject), renderLegend(results, group.series)].join(
      '\n\n',
    ),
  );
  return [renderHead(results), ...renderBounds(results), ...tables].join('\n\n') + '\n';
}

/** Series that are compared with each other: of one work on one data set and one number of cores. */
export function groupsOf(results: Results): { readonly title: string; readonly series: readonly Series[] }[] {
  const keys = results.dataSets.flatMap((dataSet) =>
    results.works.flatMap((work) =>
      [...new Set(results.series.map(({ cores }) => cores))].map((cores) => ({ dataSet, work, cores })),
    ),
  );
  return keys.flatMap(({ dataSet, work, cores }) => {
    const series = results.series.filter(
      (one) => one.work === work.name && one.dataSet === dataSet.name && one.cores === cores,
    );
    const part = cores === results.machine.cores ? '' : ` · ${cores} of ${results.machine.cores} cores`;
    const data = dataSet.files === 0 ? '' : ` · ${dataSet.name}`;
    return series.length === 0 ? [] : [{ title: `${work.title}${data}${part}`, series }];
  });
}

/** Nothing where no bound was measured. */
function renderBounds(results: Results): string[] {
  const rows = judge(results);
  if (rows.every(({ verdict }) => verdict === 'not measured')) return [];
  const cells = rows.map((row) => [
    row.words,
    row.against === null ? NONE : `\`${row.against.replaceAll('|', '\\|')}\``,
    ...[row.bound, row.wish, row.value].map((value) => (value === null ? NONE : inItsUnit(row, value))),
    row.verdict,
  ]);
  const trial = results.scale === 1 ? [] : [`At a scale of ${results.scale}: no verdict here counts.`];
  const header = ['work', 'against', 'bound', 'wish', 'measured', 'verdict'];
  return ['### Bounds', ...trial, markdownTable([header, ...cells])];
}

function inItsUnit({ measure }: Bound, value: number): string {
  if (measure === 'peak') return `${value.toFixed(0)} MiB`;
  if (measure === 'extra') return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(0)} ms`;
  return value.toFixed(2);
}

/** The last two columns say how much of this tool's time and CPU the subject takes: 0.5 is half of it. */
export function renderTable(series: readonly Series[], subject: string): string {
  const ofSubject = series.find((one) => one.contender === subject);
  const isCounted = series.some(({ requests }) => requests !== null);
  const header = ['tool', 'wall', 'min–max', 'CPU', 'min–max', 'peak RSS', isCounted ? 'requests' : 'stored'];
  const rows = series.map((one) => {
    const [wall, cpu] = [spread(one, 'wallSeconds'), spread(one, 'cpuSeconds')];
    const ratio = (own: Spread | null, field: keyof Sample) =>
      ofSubject === undefined || one === ofSubject ? NONE : ratioText(ratioOf(spread(ofSubject, field), own));
    return [
      one.contender.replaceAll('|', '\\|'),
      ...[wall, cpu].flatMap((value) => [seconds(value?.median), range(value)]),
      mebibytes(spread(one, 'peakRssBytes')?.max),
      isCounted ? (one.requests?.toLocaleString('en') ?? NONE) : mebibytes(spread(one, 'storedBytes')?.median),
      ratio(wall, 'wallSeconds'),
      ratio(cpu, 'cpuSeconds'),
    ];
  });
  return markdownTable([[...header, `${subject} : tool, wall`, 'CPU'], ...rows]);
}

/** The first row is the header. The first column is words, the others are numbers. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))),
  );
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [lines[0]!, rule, ...lines.slice(1)].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function renderHead(results: Results): string {
  const { machine } = results;
  const versions = Object.entries(results.versions).map(([name, version]) => `${name} ${version}`);
  const dataSets = results.dataSets.map(
    ({ name, title, files, bytes }) =>
      `- Data: ${title.startsWith(name) ? title : `${name}, ${title}`}; ${sizeText({ files, bytes })}`,
  );
  return [
    `\`${results.command}\`, ${results.date.slice(0, 10)}`,
    '',
    `- Machine: ${machine.cpu}, ${machine.cores} cores, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB, ${machine.system}, scratch on ${machine.scratchFileSystem}, load before ${machine.loadAverage}`,
    `- Versions: ${versions.join(', ')}`,
    ...dataSets,
    `- Rounds: ${results.rounds} after ${results.warmUpRounds} to warm up, interleaved; medians, on all cores unless said otherwise (peak RSS: the highest, of the largest single process)`,
    ...results.missing.map((one) => `- Missing here: ${one.contender} (not on the PATH: ${one.programs.join(', ')})`),
    ...results.notes.map((note) => `- ${note}`),
  ].join('\n');
}

function renderLegend(results: Results, series: readonly Series[]): string {
  const lines = results.contenders.flatMap(({ name, does }) => {
    const mine = series.find((one) => one.contender === name);
    const text = mine && does[mine.work];
    return text === undefined ? [] : [`- **${name}**: ${text}`];
  });
  return lines.join('\n');
}

function spread(series: Series, field: keyof Sample): Spread | null {
  return spreadOf(series.samples.map((sample) => sample[field]));
}

function seconds(value: number | undefined): string {
  return value === undefined ? NONE : `${secondsText(value)} s`;
}

function range(value: Spread | null): string {
  return value === null ? NONE : `${secondsText(value.min)}–${secondsText(value.max)}`;
}

export function sizeText({ files, bytes }: LakeSize): string {
  return `${files.toLocaleString('en')} files, ${(bytes / 1e6).toFixed(1)} MB`;
}

/** To the hundredth, below a tenth of a second to the thousandth. */
export function secondsText(value: number): string {
  return value.toFixed(value < 0.1 ? 3 : 2);
}

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? NONE : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function ratioText(ratio: number | null): string {
  return ratio === null ? NONE : ratio.toFixed(2);
}
