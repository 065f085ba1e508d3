/** The parts of bench/ that decide what a result says: statistics, order of turns, bounds, tables, options, the published documents. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { BOUNDS, judge } from '../bench/bounds.js';
import { describeChart, renderChart } from '../bench/chart.js';
import { renderProfile, selfTimesOf, type CpuProfile } from '../bench/cpu-profile.js';
import { DATA_SETS } from '../bench/data-sets.js';
import { replacePart, shownPart } from '../bench/document.js';
import { onCores, parseGnuTime } from '../bench/measure.js';
import { describeCommand, parseOptions, PROFILED } from '../bench/options.js';
import { publish } from '../bench/publish.js';
import { readResults, type Results, type Sample, type Series } from '../bench/results.js';
import { interleave, matchesOf } from '../bench/schedule.js';
import { median, ratioOf, spreadOf } from '../bench/statistics.js';
import { markdownTable, renderReport, renderTable } from '../bench/table.js';
import { CONTENDERS, SUBJECT, WORKS } from '../bench/works.js';

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

describe('what is measured', () => {
  const dataSetOf = (name: string) => DATA_SETS.filter((dataSet) => dataSet.name === name);
  const choose = (data: string, change: Partial<Parameters<typeof matchesOf>[0]> = {}) =>
    matchesOf(
      { dataSets: dataSetOf(data), works: undefined, contenders: CONTENDERS, cores: [2], isBounds: false, ...change },
      WORKS,
    );
  const words = (matches: ReturnType<typeof matchesOf>) =>
    matches.map(
      ({ work, cores, contenders }) => `${work.name} ${cores} ${contenders.map(({ name }) => name).join(', ')}`,
    );

  test('is on each data set what it is made for, by all who can', () =>
    expect(words(choose('partitions'))).toEqual([
      'pack-partitions 2 lakepack, shell loop',
      'push 2 lakepack, rclone copy, rclone copy, 16 transfers, aws s3 cp',
      'pull 2 lakepack, rclone copy, rclone copy, 16 transfers, aws s3 cp',
    ]));
  test('is on each number of cores', () =>
    expect(choose('none', { cores: [1, 2] }).map(({ work, cores }) => `${work.name} ${cores}`)).toEqual([
      'help 1',
      'version 1',
      'help 2',
      'version 2',
    ]));
  test('is for the bounds only what they speak of', () => {
    expect(words(choose('lake-real', { isBounds: true }))).toEqual([
      'pack 2 lakepack, tar | zstd, same work by hand, restic',
      'verify 2 lakepack, same work by hand',
      'unpack 2 lakepack, same work by hand, restic',
    ]);
    expect(words(choose('tiny-million', { isBounds: true }))).toEqual(['pack 2 lakepack']);
    expect(choose('one-file', { isBounds: true })).toEqual([]);
  });
});

describe('cores', () => {
  test('fewer than all are told to taskset', () => {
    const all = availableParallelism();
    const command = { argv: ['true'] as const, cwd: '/' };
    expect(onCores(command, all)).toBe(command);
    if (all === 1 || process.platform !== 'linux') return;
    const { argv, cwd } = onCores(command, all - 1);
    expect(argv.slice(0, 2)).toEqual(['taskset', '-c']);
    expect(argv[2]!.split(',')).toHaveLength(all - 1);
    expect([argv[3], cwd]).toEqual(['true', '/']);
  });
});

describe('the bounds', () => {
  const value = (results: Results, words: string) => {
    const row = judge(results).find((one) => one.words === words)!;
    return [row.value === null ? null : Math.round(row.value * 100) / 100, row.verdict];
  };
  const against = (contender: string, seconds: number, change: Partial<Series> = {}) => ({
    ...RESULTS,
    series: [series('lakepack', [1, 2, 3]), { ...series(contender, [seconds, seconds, 99]), ...change }],
  });
  const PACK = 'pack `lake-real --by lake`';

  test('are missed, kept, or as wished', () => {
    expect(value(against('tar | zstd', 1), PACK)).toEqual([2, 'missed']);
    expect(value(against('tar | zstd', 1.6), PACK)).toEqual([1.25, 'kept']);
    expect(value(against('tar | zstd', 2), PACK)).toEqual([1, 'wish']);
  });
  test('say nothing when one side is missing, or had other cores or data', () => {
    expect(value(RESULTS, PACK)).toEqual([null, 'not measured']);
    expect(value(against('tar | zstd', 1, { cores: 1 }), PACK)).toEqual([null, 'not measured']);
    expect(value(against('tar | zstd', 1, { dataSet: 'text' }), PACK)).toEqual([null, 'not measured']);
  });
  test('for memory take the highest of all rounds', () => {
    const [own] = RESULTS.series;
    const samples = own!.samples.map((sample, index) => ({ ...sample, peakRssBytes: (100 + index * 100) * 2 ** 20 }));
    const results = { ...RESULTS, series: [{ ...own!, samples }] };
    expect(value(results, 'peak RSS, pack `lake-real`')).toEqual([300, 'missed']);
  });
  test('for the start are milliseconds beyond bare Node', () => {
    const start = { dataSet: 'none', work: 'help' } as const;
    const both = [series('lakepack', [0.15]), series('node -e 0', [0.04])].map((one) => ({ ...one, ...start }));
    expect(value({ ...RESULTS, series: both }, '`lakepack --help`')).toEqual([110, 'kept']);
  });
  test('speak of data, works and tools that there are', () => {
    for (const { dataSet, work, against: tool } of BOUNDS) {
      expect(DATA_SETS.find(({ name }) => name === dataSet)?.works).toContain(work);
      expect(SUBJECT.attempts[work]).toBeDefined();
      if (tool !== null) expect(CONTENDERS.find(({ name }) => name === tool)?.attempts[work], tool).toBeDefined();
    }
  });
  test('stand in the report with bound, wish and verdict', () => {
    const report = renderReport(against('tar | zstd', 1.6));
    expect(report).toMatch(
      /\| pack `lake-real --by lake` +\| +`tar \\\| zstd` \| +1\.30 \| +1\.00 \| +1\.25 \| +kept \|/,
    );
    expect(renderReport({ ...RESULTS, series: [] })).not.toContain('### Bounds');
    expect(renderReport({ ...against('tar | zstd', 1), scale: 0.01 })).toContain('no verdict here counts');
  });
});

describe('the chart', () => {
  const results = { ...RESULTS, series: [series('lakepack', [1, 2, 3]), series('tar | zstd', [4, 4, 4])] };

  test('has a bar for every tool, as long as its time', () => {
    const widths = [...renderChart(results).matchAll(/<rect class="(us|them)".+? width="([\d.]+)"/g)];
    expect(widths.map(([, kind]) => kind)).toEqual(['us', 'them']);
    expect(Number(widths[0]![2]) / Number(widths[1]![2])).toBeCloseTo(0.5, 1);
  });
  test('can be read without seeing it, and on a dark ground', () => {
    expect(describeChart(results)).toBe('Wall times. Pack · lake-real: lakepack 2.00 s, tar | zstd 4.00 s.');
    expect(renderChart(results)).toContain('prefers-color-scheme: dark');
  });
  test('leaves out what was measured on fewer cores', () =>
    expect(renderChart({ ...results, series: results.series.map((one) => ({ ...one, cores: 1 })) })).not.toContain(
      '"us"',
    ));
  test('keeps names from becoming markup', () =>
    expect(renderChart({ ...results, machine: { ...results.machine, cpu: 'a<b>&c' } })).toContain('a&lt;b>&amp;c'));
});

describe('a profile', () => {
  const node = (id: number, functionName: string, url = '', children: number[] = []) => ({
    ...{ id, callFrame: { functionName, url }, children },
  });
  const profile: CpuProfile = {
    nodes: [
      node(1, '(root)', '', [2, 4, 5]),
      node(2, 'update', 'node:internal/crypto/hash', [3]),
      node(3, 'nativeUpdate'),
      node(4, '(idle)'),
      node(5, 'write', 'file:///somewhere/dist/bundle/write.js'),
    ],
    samples: [2, 3, 3, 4, 5],
    timeDeltas: [1000, 2000, 3000, 50_000, 4000],
  };
  const times = selfTimesOf([
    { isMain: true, profile },
    { isMain: false, profile },
  ]);

  test('counts a native function to the code that called it, and knows no path of the machine', () =>
    expect(times.find(({ functionName }) => functionName === 'nativeUpdate')).toEqual({
      ...{ group: 'hashing (node:crypto)', functionName: 'nativeUpdate', file: 'node:internal/crypto/hash' },
      ...{ mainMs: 5, workersMs: 5 },
    }));
  test('has shares of the CPU, waiting apart, and says what ran on other threads', () => {
    const report = renderProfile(times, 1, 0.04);
    expect(report).toMatch(/\| hashing \(node:crypto\) +\| +6 ms \| +6 ms \| +30 % \|/);
    expect(report).toMatch(/\| other threads: .+ 50 % \|/);
    expect(report).toMatch(/\| waiting +\| +50 ms \| +50 ms \| +– \|/);
    expect(report).toContain('`write` in `bundle/write.js`');
    expect(report).not.toContain('somewhere');
  });
  test('of a process without workers has no column for them', () =>
    expect(renderProfile(selfTimesOf([{ isMain: true, profile }]), 0, null)).not.toMatch(/workers?/));
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

  test('have requests in the place of stored bytes where a server was asked', () => {
    const rows = renderTable([{ ...series('lakepack', [1]), requests: 1234 }], 'lakepack').split('\n');
    expect(rows[0]).toContain('requests');
    expect(rows[0]).not.toContain('stored');
    expect(rows[2]).toContain('| ' + '1,234'.padStart('requests'.length) + ' |');
  });
  test('say on how many cores, where it was not all', () =>
    expect(renderReport({ ...RESULTS, series: [{ ...series('lakepack', [1]), cores: 1 }] })).toContain(
      '### Pack · lake-real · 1 of 2 cores',
    ));

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
    expect(parseOptions(['--bounds']).rounds).toBe(7);
    expect(() => parseOptions(['--rounds', '4'])).toThrow(/--local/);
    expect(parseOptions(['--rounds', '4', '--local']).rounds).toBe(4);
  });
  test('parts of data and other builds are not published', () => {
    expect(() => parseOptions(['--scale', '0.1'])).toThrow(/--local/);
    expect(() => parseOptions(['--bin', 'x.js'])).toThrow(/--local/);
    expect(parseOptions(['--scale', '0.1', '--local']).scale).toBe(0.1);
  });
  test('a stand-in for data is taken only where that cannot be had', () => {
    const names = parseOptions([]).dataSets.map(({ name }) => name);
    expect(names.filter((name) => name === 'lake-real' || name === 'generated')).toHaveLength(1);
  });
  test.each([
    ...[['--rounds', 'x'], ['--work', 'fly'], ['--tool', 'zip'], ['--data', 'none!'], ['--speed']],
    ...[
      ['--cores', '0'],
      ['--cores', '1,x'],
      ['--cores', '100000'],
      ['--scale', '0'],
      ['--profile', 'help'],
    ],
  ])('refuses %s %s', (...args) => expect(() => parseOptions([...args, '--local'])).toThrow());
  test('the published command has no path of anybody', () =>
    expect(describeCommand(['--lake', '/mnt/me/lake', '--cores=1,2', '--tool', 'tar | zstd', '--local'])).toBe(
      "npm run bench -- --lake DIR --cores 1,2 --tool 'tar | zstd' --local",
    ));
});

describe('docs/performance.md, README.md and the chart', () => {
  const read = (file: string) => readFileSync(path.join(project, file), 'utf8');
  const [performance, readme] = [read('docs/performance.md'), read('README.md')];

  test('show what the results file that they name says', async () => {
    const { source } = shownPart(performance, 'results');
    expect(shownPart(readme, 'chart').source).toBe(source);
    if (source === 'none') return;
    const file = path.join(project, 'bench/results', source);
    expect(existsSync(file), source).toBe(true);
    expect(publish({ performance, readme }, source, await readResults(file))).toEqual({
      ...{ performance, readme },
      chart: read('docs/bench.svg'),
    });
  });

  test('are changed between their marks only, and twice gives the same', () => {
    const once = publish({ performance, readme }, 'x.json', RESULTS);
    expect(shownPart(once.performance, 'results')).toEqual({ source: 'x.json', text: renderReport(RESULTS) });
    expect(shownPart(once.readme, 'chart').text).toContain('](docs/bench.svg)');
    expect(publish(once, 'x.json', RESULTS)).toEqual(once);
    expect(once.readme.split('<!-- chart')[0]).toBe(readme.split('<!-- chart')[0]);
    expect(() => replacePart('no marks', 'results', 'x.json', '')).toThrow(/no marks/);
  });

  test.each(PROFILED)('have a place for the profile of %s', (name) => {
    const changed = replacePart(performance, `profile ${name}`, '2025-10-11', 'where it goes');
    expect(shownPart(changed, `profile ${name}`)).toEqual({ source: '2025-10-11', text: 'where it goes\n' });
    expect(shownPart(changed, 'results')).toEqual(shownPart(performance, 'results'));
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
  return { dataSet: 'lake-real', work: 'pack', contender, cores: 2, requests: null, samples };
}

const RESULTS: Results = {
  version: 2,
  date: '2025-10-11T08:00:00.000Z',
  command: 'npm run bench',
  rounds: 5,
  warmUpRounds: 1,
  scale: 1,
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
