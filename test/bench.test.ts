/** The parts of bench/ that decide what a result says: statistics, order of turns, tables, options, the published document. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { replaceResults, shownResults } from '../bench/document.js';
import { parseGnuTime } from '../bench/measure.js';
import { describeCommand, parseOptions } from '../bench/options.js';
import { readResults, type Results, type Sample, type Series } from '../bench/results.js';
import { interleave } from '../bench/schedule.js';
import { median, ratioOf, spreadOf } from '../bench/statistics.js';
import { markdownTable, renderReport, renderTable } from '../bench/table.js';

const project = path.resolve(import.meta.dirname, '..');

describe('statistics', () => {
  test('the median is the middle value, whatever the order', () => expect(median([9, 1, 5])).toBe(5));
  test('the median of an even number is the mean of the middle two', () => expect(median([4, 1, 3, 100])).toBe(3.5));
  test('the median sorts numbers as numbers and leaves its argument alone', () => {
    const values = [10, 9, 100];
    expect(median(values)).toBe(10);
    expect(values).toEqual([10, 9, 100]);
  });
  test('nothing has no median', () => expect(() => median([])).toThrow(RangeError));
  test('a spread has median, least and most', () => expect(spreadOf([2, 8, 3])).toEqual({ median: 3, min: 2, max: 8 }));
  test('a spread with a missing value is no spread', () => expect(spreadOf([1, null, 3])).toBeNull());
  test('a spread of nothing is no spread', () => expect(spreadOf([])).toBeNull());
  test('a ratio is that of the medians', () => expect(ratioOf(spreadOf([1, 2, 9]), spreadOf([4, 4, 4]))).toBe(0.5));
  test('there is no ratio to zero or to nothing', () => {
    expect(ratioOf(spreadOf([1]), spreadOf([0]))).toBeNull();
    expect(ratioOf(null, spreadOf([1]))).toBeNull();
  });
});

describe('the order of turns', () => {
  test('is interleaved: everybody once before anybody twice', () =>
    expect(interleave(['A', 'B', 'C'], 2, 0).map(({ contender, round }) => `${contender}${round}`)).toEqual(
      'A1 B1 C1 A2 B2 C2'.split(' '),
    ));
  test('begins with the warm-up', () =>
    expect(interleave(['A', 'B'], 1, 1).map(({ contender, isWarmUp }) => `${contender} ${isWarmUp}`)).toEqual([
      'A true',
      'B true',
      'A false',
      'B false',
    ]));
});

describe('the report of GNU time', () => {
  test('is seconds, seconds, KiB', () =>
    expect(parseGnuTime('1.10 0.25 2048\n')).toEqual({ cpuSeconds: 1.35, peakRssBytes: 2 * 1024 * 1024 }));
  test('is refused when it is something else', () =>
    expect(() => parseGnuTime('Command terminated by signal 9\n')).toThrow(/unexpected report/));
});

describe('tables', () => {
  test('are padded Markdown, words left and numbers right', () =>
    expect(
      markdownTable([
        ['tool', 'wall'],
        ['a', '1.00 s'],
      ]),
    ).toBe('| tool |   wall |\n| ---- | -----: |\n| a    | 1.00 s |'));

  test('say how much of the time of another tool the subject takes', () => {
    const rows = renderTable([series('lakepack', [1, 2, 3]), series('tar | zstd', [4, 4, 5])], 'lakepack').split('\n');
    expect(rows[2]).toMatch(/^\| lakepack +\| 2\.00 s \| 1\.00–3\.00 \|.+\| +– \| +– \|$/);
    expect(rows[3]).toMatch(/^\| tar \\\| zstd +\| 4\.00 s \| 4\.00–5\.00 \|.+\| +0\.50 \| +0\.50 \|$/);
  });

  test('show a dash for what was not measured', () => {
    const unmeasured = { cpuSeconds: null, peakRssBytes: null, storedBytes: null };
    const cells = renderTable([series('lakepack', [1], unmeasured)], 'lakepack')
      .split('\n')[2]!
      .split(' | ');
    expect(cells.slice(3).map((cell) => cell.replaceAll(/[ |]/g, ''))).toEqual(['–', '–', '–', '–', '–', '–']);
  });

  test('stand below the machine, the versions, the command, the date and who was missing', () => {
    const report = renderReport(RESULTS);
    expect(report).toMatch(/^`npm run bench`, 2025-10-11\n/);
    for (const words of ['One CPU, 2 cores, 4 GiB', 'zstd 1.5.5', 'Missing here: borg', '24,922 files, 300.0 MB']) {
      expect(report).toContain(words);
    }
    expect(report).toContain('### Pack · lake-real\n\n| tool');
    expect(report).toContain('- **lakepack**: everything hashed');
  });
});

describe('options', () => {
  test('lakepack always takes part', () =>
    expect(parseOptions(['--tool', 'restic']).contenders.map(({ name }) => name)).toEqual(['lakepack', 'restic']));
  test('a tool can be left out', () =>
    expect(parseOptions(['--without', 'borg']).contenders.map(({ name }) => name)).not.toContain('borg'));
  test('five rounds are the least that is published', () => {
    expect(parseOptions([]).rounds).toBe(5);
    expect(() => parseOptions(['--rounds', '4'])).toThrow(/--local/);
    expect(parseOptions(['--rounds', '4', '--local']).rounds).toBe(4);
  });
  test.each([['--rounds', 'x'], ['--work', 'fly'], ['--tool', 'zip'], ['--data', 'none'], ['--speed']])(
    'refuses %s %s',
    (...args) => expect(() => parseOptions(args)).toThrow(),
  );
  test('the published command has no path of anybody', () =>
    expect(describeCommand(['--lake', '/mnt/me/lake', '--rounds=7', '--tool', 'tar | zstd', '--local'])).toBe(
      "npm run bench -- --lake DIR --rounds 7 --tool 'tar | zstd' --local",
    ));
});

describe('docs/performance.md', () => {
  const document = readFileSync(path.join(project, 'docs/performance.md'), 'utf8');

  test('shows what the results file that it names says', async () => {
    const { file, report } = shownResults(document);
    if (file === 'none') return;
    expect(existsSync(path.join(project, 'bench/results', file)), file).toBe(true);
    expect(report).toBe(renderReport(await readResults(path.join(project, 'bench/results', file))));
  });

  test('is changed between its marks only, and twice gives the same', () => {
    const once = replaceResults(document, 'x.json', '# table\n');
    expect(shownResults(once)).toEqual({ file: 'x.json', report: '# table\n' });
    expect(replaceResults(once, 'x.json', '# table\n')).toBe(once);
    expect(once.split('<!--')[0]).toBe(document.split('<!--')[0]);
    expect(() => replaceResults('no marks', 'x.json', '')).toThrow(/no marks/);
  });
});

function series(contender: string, seconds: readonly number[], change: Partial<Sample> = {}): Series {
  const samples = seconds.map((value, index) => ({
    round: index + 1,
    wallSeconds: value,
    cpuSeconds: value,
    peakRssBytes: 2 ** 20,
    storedBytes: 2 ** 20,
    ...change,
  }));
  return { dataSet: 'lake-real', work: 'pack', contender, samples };
}

const RESULTS: Results = {
  version: 1,
  date: '2025-10-11T08:00:00.000Z',
  command: 'npm run bench',
  rounds: 5,
  warmUpRounds: 1,
  machine: {
    cpu: 'One CPU',
    cores: 2,
    memoryBytes: 4 * 2 ** 30,
    system: 'Linux 6 x64',
    scratchFileSystem: 'tmpfs',
    loadAverage: 0.1,
  },
  versions: { lakepack: '0.1.0', zstd: '1.5.5' },
  dataSets: [{ name: 'lake-real', title: 'lake-real: real', files: 24_922, bytes: 300_000_000 }],
  works: [{ name: 'pack', title: 'Pack' }],
  contenders: [{ name: 'lakepack', does: { pack: 'everything hashed' } }],
  missing: [{ contender: 'borg', programs: ['borg'] }],
  notes: [],
  subject: 'lakepack',
  series: [series('lakepack', [1, 2, 3])],
};
