/** Results as Markdown that can also be read in a terminal: what docs/performance.md shows. Pure. */
import type { Results, Sample, Series } from './results.js';
import { ratioOf, spreadOf, type Spread } from './statistics.js';

/** What nobody measured. */
const NONE = '–';

export function renderReport(results: Results): string {
  const tables = results.dataSets.flatMap((dataSet) =>
    results.works.flatMap((work) => {
      const series = results.series.filter((one) => one.work === work.name && one.dataSet === dataSet.name);
      if (series.length === 0) return [];
      return [
        `### ${work.title} · ${dataSet.name}`,
        renderTable(series, results.subject),
        renderLegend(results, series),
      ];
    }),
  );
  return [renderHead(results), ...tables].join('\n\n') + '\n';
}

/** The last two columns say how much of this tool's time and CPU the subject takes: 0.5 is half of it. */
export function renderTable(series: readonly Series[], subject: string): string {
  const ofSubject = series.find((one) => one.contender === subject);
  const header = ['tool', 'wall', 'min–max', 'CPU', 'min–max', 'peak RSS', 'stored'];
  const rows = series.map((one) => {
    const [wall, cpu] = [spread(one, 'wallSeconds'), spread(one, 'cpuSeconds')];
    const ratio = (own: Spread | null, field: keyof Sample) =>
      ofSubject === undefined || one === ofSubject ? NONE : ratioText(ratioOf(spread(ofSubject, field), own));
    return [
      one.contender.replaceAll('|', '\\|'),
      ...[wall, cpu].flatMap((value) => [seconds(value?.median), range(value)]),
      mebibytes(spread(one, 'peakRssBytes')?.max),
      mebibytes(spread(one, 'storedBytes')?.median),
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
      `- Data: ${title.startsWith(name) ? title : `${name}, ${title}`}; ${files.toLocaleString('en')} files, ${(bytes / 1e6).toFixed(1)} MB`,
  );
  return [
    `\`${results.command}\`, ${results.date.slice(0, 10)}`,
    '',
    `- Machine: ${machine.cpu}, ${machine.cores} cores, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB, ${machine.system}, scratch on ${machine.scratchFileSystem}, load before ${machine.loadAverage}`,
    `- Versions: ${versions.join(', ')}`,
    ...dataSets,
    `- Rounds: ${results.rounds} after ${results.warmUpRounds} to warm up, interleaved; medians (peak RSS: the highest, of the largest single process)`,
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
  return value === undefined ? NONE : `${value.toFixed(2)} s`;
}

function range(value: Spread | null): string {
  return value === null ? NONE : `${value.min.toFixed(2)}–${value.max.toFixed(2)}`;
}

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? NONE : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function ratioText(ratio: number | null): string {
  return ratio === null ? NONE : ratio.toFixed(2);
}
